"""Changes of configuration that an event holds, field by field, for its page."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from cases.models import AuditEvent
from cases.models.audit import fields as audit_fields


@dataclass(frozen=True, slots=True)
class Difference:
    """One field; `told` is False where its values are nobody's business, and only that it changed is known."""

    field: str
    before: str
    after: str
    told: bool = True


def of_event(event: AuditEvent) -> list[Difference]:
    """Fields with what they were and are; what was added to a list and taken from it; nothing for other events."""
    details = event.details
    changes = details.get("changes")
    found = [_difference(*each) for each in sorted(changes.items())] if isinstance(changes, dict) else []
    if changes is None and isinstance(details.get("fields"), list):
        # Of a version that did not keep the values.
        found = [_difference(str(name), None) for name in details["fields"]]
    for name in _listed(details, "added"):
        found.append(Difference(name, "", _("added")))
    for name in _listed(details, "removed"):
        found.append(Difference(name, _("removed"), ""))
    return found


def _difference(name: str, values: Any) -> Difference:
    words = audit_fields.in_words(name)
    if not isinstance(values, list) or len(values) != 2:
        return Difference(words, "", "", told=False)
    return Difference(words, _in_words(values[0]), _in_words(values[1]))


def _in_words(value: Any) -> str:
    if value is None or value in ("", []):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _listed(details: dict[str, Any], name: str) -> list[str]:
    found = details.get(name)
    return [str(each) for each in found] if isinstance(found, list) else []
