"""Reads forwarding extensions from an answer, in every shape they have been seen in.

The v3 page calls it a collection of {domain, name, status, status_message} and shows only null; older
guides nest it under the vendor's domain as `distribution_status`; others key it by the partner's domain.
"""

from collections.abc import Iterator
from typing import Any

from integrations.opendsr.vocabulary import PARTNER_STATUSES
from integrations.types import PartnerReport, PartnerStatus

_NESTED = "distribution_status"


def partners_of(extensions: object) -> tuple[PartnerReport, ...] | None:
    """One report per (domain, name), the last word winning. None where nothing was said of partners.

    What is not a partner's entry is passed over: it is an extension we do not know.
    """
    entries = list(_entries(extensions))
    if not entries and not _says_none(extensions):
        return None
    reports = [report for domain, entry in entries if (report := _report(domain, entry))]
    return tuple({(report.domain, report.name): report for report in reports}.values())


def _entries(extensions: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """(domain it stands under, entry)."""
    if isinstance(extensions, list):
        yield from (("", entry) for entry in extensions if isinstance(entry, dict))
        return
    if not isinstance(extensions, dict):
        return
    for domain, value in extensions.items():
        if isinstance(value, list):
            yield from ((domain, entry) for entry in value if isinstance(entry, dict))
        elif isinstance(value, dict) and isinstance(value.get(_NESTED), list):
            yield from (("", entry) for entry in value[_NESTED] if isinstance(entry, dict))
        elif isinstance(value, dict) and "status" in value:
            yield domain, value


def _says_none(extensions: object) -> bool:
    """An empty list says that there are no partners; an empty or unknown object says nothing."""
    if isinstance(extensions, dict):
        return any(isinstance(value, dict) and value.get(_NESTED) == [] for value in extensions.values())
    return extensions == []


def _report(domain: str, entry: dict[str, Any]) -> PartnerReport | None:
    domain = _text(entry.get("domain"), 253) or domain[:253]
    name = _text(entry.get("name"), 200)
    raw_status = _text(entry.get("status"), 64)
    if not (domain or name) or not raw_status:
        return None
    return PartnerReport(
        domain=domain,
        name=name,
        status=PARTNER_STATUSES.get(raw_status.strip().lower(), PartnerStatus.UNRECOGNISED),
        raw_status=raw_status,
        message=_text(entry.get("status_message"), 1000),
    )


def _text(value: object, limit: int) -> str:
    return value[:limit] if isinstance(value, str) else ""
