"""A callback's bytes to a verdict: domain, certificate, signature, and only then what it says."""

from collections.abc import Mapping
from datetime import datetime

from dsrportal.sentence import Sentence
from dsrportal.strict_json import Malformed, read_object
from integrations.account import Account
from integrations.errors import NotVerified
from integrations.opendsr import signing_keys
from integrations.opendsr.certificates import SigningKey
from integrations.opendsr.reports import report_of
from integrations.opendsr.signatures import verify
from integrations.opendsr.signing_keys import Fetch
from integrations.types import CallbackContent, VerifiedCallback

DOMAIN_HEADER = "x-opendsr-processor-domain"
SIGNATURE_HEADER = "x-opendsr-signature"


def verify_callback(
    processor: Account, headers: Mapping[str, str], body: bytes, *, fetch: Fetch, at: datetime
) -> VerifiedCallback:
    """What a signed callback says. Header names in lower case; `fetch` gives the certificate served now.

    Raises NotVerified (reasons: `no_domain`, `wrong_domain`, `no_signature`, and those of `signatures` and
    `certificates`) and CertificateUnavailable.
    """
    domain = headers.get(DOMAIN_HEADER, "").strip()
    if not domain:
        raise NotVerified("no_domain", Sentence("The callback names no processor domain."))
    if domain.lower() != processor.domain:
        raise NotVerified("wrong_domain", Sentence("The callback names another processor's domain."))
    signature = headers.get(SIGNATURE_HEADER, "")
    if not signature.strip():
        raise NotVerified("no_signature", Sentence("The callback is not signed."))
    key = _signer(processor, body, signature, fetch, at)
    said = read_callback(body)
    return VerifiedCallback(
        report=said.report,
        callback_url=said.callback_url,
        problem=said.problem,
        certificate_pem=key.pem,
        certificate_sha256=key.sha256,
    )


def _signer(processor: Account, body: bytes, signature: str, fetch: Fetch, at: datetime) -> SigningKey:
    key = signing_keys.current(processor, fetch, at=at)
    try:
        verify(key.public_key, body, signature)
    except NotVerified as error:
        # A header that is no signature at all is no sign of a new key.
        if error.reason != "signature_wrong":
            raise
        newer = signing_keys.newer(processor, fetch, than=key, at=at)
        if newer is None:
            raise
        verify(newer.public_key, body, signature)
        return newer
    return key


def read_callback(body: bytes) -> CallbackContent:
    """mParticle's real callbacks lack the documented api_version and have status_callback_url besides."""
    callback_url = ""
    try:
        document = read_object(body)
        named = document.get("status_callback_url")
        if isinstance(named, str):
            callback_url = named[:2000]
        return CallbackContent(report=report_of(document), callback_url=callback_url)
    except Malformed as error:
        return CallbackContent(report=None, callback_url=callback_url, problem=error.problem)
