"""The one way out, against a server that says exactly what it is told to."""

import logging
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from integrations import http, ratelimit
from integrations.errors import (
    NotSent,
    Rejected,
    UnexpectedAnswer,
    Unreachable,
)
from integrations.http import Timeouts
from integrations.models import Processor
from tests.authority import Authority
from tests.integrations.odd_server import OddServer, answer, hang_up, only

SECRET = "Basic c2VjcmV0"


def get(processor: Processor, odd: OddServer, **options: Any) -> http.Answer:
    return http.call(processor, "GET", f"{odd.url}/v3/thing?who=ada", template="/thing", **options)


def post(processor: Processor, odd: OddServer, **options: Any) -> http.Answer:
    headers = {"Authorization": SECRET}
    return http.call(
        processor,
        "POST",
        f"{odd.url}/v3/thing?who=ada",
        template="/thing",
        body=b'{"email":"ada@example.com"}',
        headers=headers,
        **options,
    )


@pytest.mark.parametrize("status", [200, 201, 202, 204, 400, 401, 404, 409, 410])
def test_an_answer_is_given_to_the_caller(odd_processor: Processor, odd: OddServer, status: int) -> None:
    body = b"" if status == 204 else b"{}"
    odd.replies.append(answer(status, body, {"X-Some-Header": "One"}))
    given = get(odd_processor, odd)
    assert (given.status, given.body, given.headers["x-some-header"]) == (status, body, "One")


def test_a_chunked_answer_is_put_together(odd_processor: Processor, odd: OddServer) -> None:
    odd.replies.append(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n3\r\n123\r\n0\r\n\r\n"
    )
    assert get(odd_processor, odd).body == b"{}123"


def test_connections_are_kept(odd_processor: Processor, odd: OddServer) -> None:
    before = odd.connections
    odd.replies.extend([answer(200, b"{}"), answer(404, b"no"), answer(500, b"oh"), answer(200)])
    get(odd_processor, odd)
    get(odd_processor, odd)
    with pytest.raises(UnexpectedAnswer):
        get(odd_processor, odd)
    get(odd_processor, odd)
    assert odd.connections == before + 1


def test_threads_do_not_share_connections(odd_processor: Processor, odd: OddServer) -> None:
    before = odd.connections
    odd.replies.extend([answer(200)] * 2)
    get(odd_processor, odd)
    thread = threading.Thread(target=get, args=(odd_processor, odd))
    thread.start()
    thread.join()
    assert odd.connections == before + 2


def test_nothing_of_the_environment_but_a_proxy_is_sent_or_trusted(
    odd_processor: Processor, odd: OddServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login someone password something\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    odd.replies.extend([answer(200, b"", {"Set-Cookie": "a=b; Path=/"}), answer(200)])
    get(odd_processor, odd)
    get(odd_processor, odd)
    for request in odd.requests:
        head = request.lower()
        assert b"authorization" not in head
        assert b"cookie" not in head


# What was not sent.


def test_a_refused_connection_is_not_sent(odd_processor: Processor) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotSent, match="refused the connection"):
        http.call(odd_processor, "POST", f"https://127.0.0.1:{port}/", template="/", body=b"x")


def test_a_name_that_does_not_resolve_is_not_sent(odd_processor: Processor) -> None:
    with pytest.raises(NotSent, match="cannot be resolved"):
        http.call(odd_processor, "POST", "https://nothing.invalid/", template="/", body=b"x")


def test_a_certificate_that_is_not_trusted_is_not_sent(odd_processor: Processor, odd: OddServer) -> None:
    odd_processor.extra_tls_roots = ""
    with pytest.raises(NotSent, match=r"No TLS connection to localhost \(.*issuer"):
        post(odd_processor, odd)
    odd_processor.extra_tls_roots = Authority().root_pem
    with pytest.raises(NotSent, match="No TLS"):
        post(odd_processor, odd)
    assert odd.requests == []


def test_a_certificate_for_another_name_is_not_sent(odd_processor: Processor, odd: OddServer) -> None:
    address = odd.url.replace("localhost", "127.0.0.2")
    with pytest.raises(NotSent):
        http.call(odd_processor, "POST", address, template="/", body=b"x")
    assert odd.requests == []


def test_a_root_that_does_not_parse_does_not_break_the_others(
    odd_processor: Processor, odd: OddServer
) -> None:
    junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    odd_processor.extra_tls_roots = junk + odd.authority.root_pem
    odd.replies.append(answer(200))
    assert get(odd_processor, odd).status == 200


def test_a_peer_that_speaks_no_tls_is_not_sent(odd_processor: Processor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            connection.sendall(b"220 mail.example.com ready\r\n")
            connection.close()

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(NotSent):
            http.call(
                odd_processor,
                "POST",
                f"https://127.0.0.1:{listener.getsockname()[1]}/",
                template="/",
                body=b"x",
            )
        thread.join()


def test_a_handshake_that_never_ends_is_not_sent_within_the_time(odd_processor: Processor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        with pytest.raises(NotSent):
            http.call(
                odd_processor,
                "POST",
                f"https://127.0.0.1:{listener.getsockname()[1]}/",
                template="/",
                body=b"x",
                timeouts=Timeouts(connect=0.3, read=5),
            )
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "address", ["http://localhost/", "ftp://localhost/", "localhost/x", "", "https:///x"]
)
def test_nothing_leaves_without_tls(odd_processor: Processor, address: str) -> None:
    with pytest.raises(Rejected):
        http.call(odd_processor, "GET", address, template="/")


def test_a_proxy_of_the_environment_is_used_and_its_failure_is_not_sent(
    odd_processor: Processor, odd: OddServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def refuse() -> None:
            connection, _ = proxy.accept()
            asked.append(connection.recv(4096))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass@127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(NotSent):
            post(odd_processor, odd)
        thread.join()
    assert asked[0].startswith(b"CONNECT localhost:")
    assert b"proxy-authorization: Basic dXNlcjpwYXNz" in asked[0].replace(b"Proxy-Auth", b"proxy-auth")
    assert SECRET.encode() not in asked[0]
    monkeypatch.setenv("NO_PROXY", "localhost")
    odd.replies.append(answer(200))
    assert post(odd_processor, odd).status == 200


# What may have been worked.


def reset(connection: ssl.SSLSocket) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return False


@pytest.mark.parametrize("fault", [hang_up, reset])
def test_a_connection_that_breaks_before_the_answer_is_unreachable(
    odd_processor: Processor, odd: OddServer, fault: Any
) -> None:
    odd.replies.append(fault)
    with pytest.raises(Unreachable) as failure:
        post(odd_processor, odd)
    assert not failure.value.outcome_known
    assert len(odd.requests) == 1  # and it was not tried again


def test_a_kept_connection_that_breaks_is_unreachable_and_not_tried_again(
    odd_processor: Processor, odd: OddServer
) -> None:
    odd.replies.extend([answer(200), hang_up])
    get(odd_processor, odd)
    with pytest.raises(Unreachable):
        post(odd_processor, odd)
    assert len(odd.requests) == 2
    odd.replies.append(answer(200))
    assert get(odd_processor, odd).status == 200


def test_an_answer_that_does_not_come_in_time_is_unreachable(
    odd_processor: Processor, odd: OddServer
) -> None:
    odd.replies.append(only(b"", after_seconds=1))
    with pytest.raises(Unreachable, match="in time"):
        post(odd_processor, odd, timeouts=Timeouts(read=0.2))


def test_an_answer_that_drips_is_cut_off(odd_processor: Processor, odd: OddServer) -> None:
    def drip(connection: ssl.SSLSocket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(50):
            connection.sendall(b"x")
            time.sleep(0.05)
        return False

    odd.replies.append(drip)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="longer than"):
        get(odd_processor, odd, timeouts=Timeouts(total=0.4))
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (answer(500, b"<html>oh</html>"), 500),
        (answer(502, b"<html>oh</html>"), 502),
        (answer(503), 503),
        (answer(504, b"x" * 500_000), 504),
        (answer(301, b"", {"Location": "https://example.com/"}), 301),
        (answer(302, b"", {"Location": "/v3/other"}), 302),
        (answer(307, b"", {"Location": "/v3/other"}), 307),
        (answer(304), 304),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{", 200),
        (answer(200, b"not gzip at all", {"Content-Encoding": "gzip"}), 200),
    ],
)
def test_an_answer_that_is_none_is_unexpected(
    odd_processor: Processor, odd: OddServer, raw: bytes, status: int
) -> None:
    odd.replies.append(only(raw))
    with pytest.raises(UnexpectedAnswer) as failure:
        post(odd_processor, odd)
    assert failure.value.http_status == status
    assert len(odd.requests) == 1
    assert "oh" not in str(failure.value)


def test_the_size_of_an_unexpected_answer_is_kept(odd_processor: Processor, odd: OddServer) -> None:
    odd.replies.append(answer(500, b"x" * 123))
    with pytest.raises(UnexpectedAnswer) as failure:
        get(odd_processor, odd)
    assert failure.value.size == 123


@pytest.mark.parametrize("length", [True, False])
def test_an_answer_that_is_too_large_is_unexpected_since_it_was_worked(
    odd_processor: Processor, odd: OddServer, length: bool
) -> None:
    raw = answer(200, b"x" * 2000)
    if not length:
        raw = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 2000
    odd.replies.append(only(raw))
    with pytest.raises(UnexpectedAnswer, match="more than 1000 bytes"):
        post(odd_processor, odd, limit_bytes=1000)


def test_something_that_is_not_http_is_unreachable(odd_processor: Processor, odd: OddServer) -> None:
    odd.replies.append(only(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))
    with pytest.raises(Unreachable):
        post(odd_processor, odd)


# What is written down.


def test_what_is_logged_is_method_host_template_status_and_time(
    odd_processor: Processor, odd: OddServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    odd.replies.extend([answer(201, b'{"encoded_request":"YWRh"}'), hang_up])
    post(odd_processor, odd)
    with pytest.raises(Unreachable) as failure:
        post(odd_processor, odd)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("POST localhost/thing 201 ")
    assert lines[1].startswith("POST localhost/thing unreachable ")
    seen = " ".join(lines) + repr(failure.value) + repr(failure.value.__context__)
    for secret in ("ada", "YWRh", "who=", SECRET):
        assert secret not in seen
    assert failure.value.__context__ is None


@pytest.fixture
def forked_pid() -> Iterator[list[int]]:
    pids: list[int] = []
    yield pids
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 has doubts
def test_a_forked_worker_opens_connections_of_its_own(
    odd_processor: Processor, odd: OddServer, forked_pid: list[int]
) -> None:
    odd.replies.extend([answer(200, b"parent"), answer(200, b"child"), answer(200, b"parent")])
    before = odd.connections
    assert get(odd_processor, odd).body == b"parent"
    pid = os.fork()
    if pid == 0:
        ok = False
        try:
            ok = get(odd_processor, odd).body == b"child"
        finally:
            os._exit(0 if ok else 1)
    forked_pid.append(pid)
    while len(odd.requests) < 2:
        time.sleep(0.01)
    time.sleep(0.05)
    assert get(odd_processor, odd).body == b"parent"
    assert odd.connections == before + 2
    ratelimit.take(odd_processor)
