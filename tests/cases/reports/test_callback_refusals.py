"""Every way in which a callback can be wrong, over real HTTP: what it is answered with, and that it changes nothing."""

import base64
import secrets
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512, HashAlgorithm

from cases.models import ProcessorRequest
from cases.views import CALLBACK_LIMIT_BYTES
from tests.authority import rsa_key
from tests.cases.vendor import DOMAIN, Answered, Gate, exchange, refusals, signature, snapshot

DOMAIN_HEADER = "X-OpenDSR-Processor-Domain"
SIGNATURE_HEADER = "X-OpenDSR-Signature"


@pytest.fixture(scope="module")
def request_(gate: Gate) -> ProcessorRequest:
    """A queued request, which any of these bodies would complete if it were believed."""
    return gate.request()


def _signed(
    algorithm: HashAlgorithm, *, pss: bool = False, key: RSAPrivateKey | None = None
) -> Callable[[Gate, bytes], Answered]:
    def send(gate: Gate, body: bytes) -> Answered:
        padding = PSS(MGF1(algorithm), PSS.DIGEST_LENGTH) if pss else PKCS1v15()
        raw = (key or rsa_key()).sign(body, padding, algorithm)
        return gate.post(body, sign=lambda _: base64.b64encode(raw).decode())

    return send


def _header(text: str | None) -> Callable[[Gate, bytes], Answered]:
    return lambda gate, body: gate.post(body, sign=lambda _: text)


def _recoded(change: Callable[[str], str]) -> Callable[[Gate, bytes], Answered]:
    return lambda gate, body: gate.post(body, sign=lambda it: change(signature(it, gate.vendor.leaf)))


def _tampered(change: Callable[[bytes], bytes]) -> Callable[[Gate, bytes], Answered]:
    """Other bytes than were signed."""

    def send(gate: Gate, body: bytes) -> Answered:
        signed = signature(body, gate.vendor.leaf)
        return gate.post(change(body), sign=lambda _: signed)

    return send


def _domain(name: str | None) -> Callable[[Gate, bytes], Answered]:
    return lambda gate, body: gate.post(body, headers={DOMAIN_HEADER: name})


def _at(token: str) -> Callable[[Gate, bytes], Answered]:
    return lambda gate, body: gate.post(body, path=f"/opendsr/callbacks/{token}")


def _method(name: str) -> Callable[[Gate, bytes], Answered]:
    return lambda gate, body: gate.post(body, method=name)


def _large(*, chunked: bool, times: int = 1) -> Callable[[Gate, bytes], Answered]:
    return lambda gate, body: gate.post(
        body + b" " * (times * CALLBACK_LIMIT_BYTES + 1 - len(body)), chunked=chunked
    )


def _framed(*lines: str, body: bytes = b"") -> Callable[[Gate, bytes], Answered]:
    """HTTP that no client library sends. Unsigned, unless a server takes the body for less than it is."""

    def send(gate: Gate, whole: bytes) -> Answered:
        head = [
            f"POST {gate.processor.callback_path} HTTP/1.1",
            f"Host: 127.0.0.1:{gate.portal.port}",
            f"{DOMAIN_HEADER}: {DOMAIN}",
            f"{SIGNATURE_HEADER}: {signature(whole, gate.vendor.leaf)}",
            *lines,
        ]
        raw = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + (body or whole)
        return Answered(exchange(gate.portal, raw))

    return send


REFUSALS: dict[str, tuple[int, str, Callable[[Gate, bytes], Answered]]] = {
    # An address that is nobody's. What cannot be a token is no address of ours at all, and says no more than that.
    "unknown token": (401, "unknown_token", _at(secrets.token_urlsafe(32))),
    "token in other letters": (
        401,
        "unknown_token",
        lambda gate, body: gate.post(
            body,
            path=gate.processor.callback_path.swapcase().replace(
                "/OPENDSR/CALLBACKS/", "/opendsr/callbacks/"
            ),
        ),
    ),
    "token cut by one": (
        401,
        "unknown_token",
        lambda gate, body: gate.post(body, path=gate.processor.callback_path.rstrip("/")[:-1]),
    ),
    "token too short": (401, "unknown_token", _at("abc")),
    "token too long": (401, "unknown_token", _at("a" * 65)),
    "no token": (404, "", _at("")),
    "path traversal": (404, "", _at("../../admin/")),
    "encoded path traversal": (404, "", _at("%2e%2e%2f%2e%2e%2fadmin")),
    "NUL in the token": (404, "", _at("a" * 30 + "%00")),
    "two slashes at the end": (
        404,
        "",
        lambda gate, body: gate.post(body, path=gate.processor.callback_path.rstrip("/") + "//"),
    ),
    # Not signed, or not so that it can be read.
    "no signature": (401, "no_signature", _header(None)),
    "empty signature": (401, "no_signature", _header("")),
    "blank signature": (401, "no_signature", _header("   ")),
    "signature is not ASCII": (401, "no_signature", _header("é" * 344)),  # granian hands on nothing of it
    "The signature is not valid base64": (401, "signature_unreadable", _header("?" * 344)),
    "signature has no padding": (401, "signature_unreadable", _recoded(lambda text: text.rstrip("="))),
    "signature is base64 for URLs": (
        401,
        "signature_unreadable",
        _recoded(lambda text: "-_" + text[2:]),
    ),
    "signature is absurdly long": (401, "signature_unreadable", _header("A" * 60_000)),
    # Read, but by nobody we know over these bytes.
    "signature is cut": (
        401,
        "signature_wrong",
        _recoded(lambda text: base64.b64encode(base64.b64decode(text)[:-1]).decode()),
    ),
    "signature is one byte longer": (
        401,
        "signature_wrong",
        _recoded(lambda text: base64.b64encode(b"\0" + base64.b64decode(text)).decode()),
    ),
    "signature is hex": (401, "signature_wrong", _recoded(lambda text: base64.b64decode(text).hex())),
    "signature twice": (
        401,
        "signature_wrong",
        _recoded(lambda text: base64.b64encode(base64.b64decode(text) * 2).decode()),
    ),
    "signed by another key": (401, "signature_wrong", _signed(SHA256(), key=rsa_key(2048, 1))),
    "signed with PSS": (401, "signature_wrong", _signed(SHA256(), pss=True)),
    "signed over SHA-1": (401, "signature_wrong", _signed(SHA1())),
    "signed over SHA-512": (401, "signature_wrong", _signed(SHA512())),
    "one byte changed": (
        401,
        "signature_wrong",
        _tampered(lambda it: it.replace(b"completed", b"complated")),
    ),
    "newline at the end": (401, "signature_wrong", _tampered(lambda it: it + b"\n")),
    "a blank more": (401, "signature_wrong", _tampered(lambda it: it.replace(b": ", b":  ", 1))),
    "cut by one byte": (401, "signature_wrong", _tampered(lambda it: it[:-1])),
    "nothing left of it": (401, "signature_wrong", _tampered(lambda _: b"")),
    # Another domain than this processor's. A trailing dot is another name to whoever compares certificates.
    "no domain": (401, "no_domain", _domain(None)),
    "empty domain": (401, "no_domain", _domain("")),
    "foreign domain": (401, "wrong_domain", _domain("opendsr.example.com")),
    "look-alike domain": (401, "wrong_domain", _domain("opendsr.mpartic1e.com")),
    "domain below ours": (401, "wrong_domain", _domain(f"evil.{DOMAIN}")),
    "ours below another": (401, "wrong_domain", _domain(f"{DOMAIN}.evil.example")),
    "domain with a dot at the end": (401, "wrong_domain", _domain(f"{DOMAIN}.")),
    "two domains": (401, "wrong_domain", _domain(f"{DOMAIN}, evil.example")),
    "domain as an address": (401, "wrong_domain", _domain(f"https://{DOMAIN}")),
    # Too much of it.
    "a byte too large": (413, "", _large(chunked=False)),
    "a byte too large, chunked": (413, "", _large(chunked=True)),
    "far too large, chunked": (413, "", _large(chunked=True, times=80)),
    "headers of a megabyte": (
        431,
        "",
        lambda gate, body: gate.post(body, headers={"X-Long": "a" * 1_000_000}),
    ),
    "three hundred headers": (
        431,
        "",
        lambda gate, body: gate.post(body, headers={f"X-{number}": "a" for number in range(300)}),
    ),
    # Not the one verb.
    "GET": (405, "", _method("GET")),
    "HEAD": (405, "", _method("HEAD")),
    "OPTIONS": (405, "", _method("OPTIONS")),
    "PUT": (405, "", _method("PUT")),
    "PATCH": (405, "", _method("PATCH")),
    "DELETE": (405, "", _method("DELETE")),
    # Not HTTP as it is written down.
    "length is a word": (400, "", _framed("Content-Length: many")),
    "length below nought": (400, "", _framed("Content-Length: -1")),
    "length is a superscript": (400, "", _framed("Content-Length: ²")),
    "length of five thousand digits": (400, "", _framed("Content-Length: " + "9" * 5000)),
    "two lengths": (400, "", _framed("Content-Length: 5", "Content-Length: 6")),
    "length shorter than the body": (401, "signature_wrong", _framed("Content-Length: 5")),
    "no length at all": (401, "signature_wrong", _framed()),
    "chunks that are none": (
        401,
        "signature_wrong",
        _framed("Transfer-Encoding: chunked", body=b"zz\r\n\r\n"),
    ),
    "foreign host": (400, "", lambda gate, body: gate.post(body, headers={"Host": "evil.example"})),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_not_proven_is_refused_and_changes_nothing(
    gate: Gate, request_: ProcessorRequest, name: str
) -> None:
    status, reason, send = REFUSALS[name]
    before = snapshot()
    answer = send(gate, gate.body(request_))
    assert answer.status == status
    assert "location" not in answer.headers
    assert snapshot() == before
    assert refusals() == ({reason: 1} if reason else {})


def test_the_body_of_an_answer_says_nothing(gate: Gate, request_: ProcessorRequest) -> None:
    body = gate.body(request_)
    for answer in (
        gate.post(body, path="/opendsr/callbacks/" + "a" * 43),
        gate.post(body, sign=lambda _: None),
    ):
        assert (answer.status, answer.body) == (401, b"")
    assert gate.post(body, method="GET").headers["allow"] == "POST"


def test_no_refusal_was_an_error_of_ours_and_no_log_line_holds_a_token(gate: Gate) -> None:
    gate.post(b"{}", sign=lambda _: None)
    log = gate.portal.log("web")
    assert "Traceback" not in log
    assert ": 500" not in log
    assert gate.processor.callback_token not in log
