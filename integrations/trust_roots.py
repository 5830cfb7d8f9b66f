"""The roots of trust: certifi's public ones, and those an operator adds for one processor."""

import logging
import warnings
from functools import cache

import certifi
from cryptography import x509

logger = logging.getLogger(__name__)

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"


def pem_blocks(pem: bytes) -> list[bytes]:
    """The certificate blocks of a PEM text, in order; what stands between them is dropped."""
    return [_BEGIN + part.partition(_END)[0] + _END + b"\n" for part in pem.split(_BEGIN)[1:] if _END in part]


@cache
def public_roots() -> tuple[x509.Certificate, ...]:
    """certifi's roots, parsed once a process. One that does not parse is skipped and logged, not fatal.

    One by one, because the bundle holds a root with a negative serial number: cryptography warns of it
    today and will raise tomorrow, and loading all at once would then trust nobody.
    """
    with open(certifi.where(), "rb") as bundle:
        return _parse(bundle.read(), "the public roots")


@cache
def extra_roots(pem: str) -> tuple[x509.Certificate, ...]:
    """The roots an operator gave as PEM, parsed once; one that does not parse is skipped and logged."""
    return _parse(pem.encode("ascii", "ignore"), "the extra roots of a processor")


def _parse(pem: bytes, source: str) -> tuple[x509.Certificate, ...]:
    roots = []
    for number, block in enumerate(pem_blocks(pem), start=1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                roots.append(x509.load_pem_x509_certificate(block))
        except ValueError:
            logger.warning("Certificate %d of %s does not parse and is not trusted.", number, source)
    return tuple(roots)
