"""Slots of an audit event's sentence, shown in the reader's language.

Events keep codes, so that their canonical form is the same for everybody; older ones may keep an English label.
"""

from datetime import date
from typing import Any, Final

from django.db.models import TextChoices
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, gettext_noop

from cases.lifecycle import Answer, CaseStatus, Outcome, RequestStatus
from cases.models.attention import AttentionKind
from cases.models.audit import fields
from cases.models.bulk import BulkVerb
from cases.models.case import VerificationMethod
from cases.models.profile_search import Finding
from cases.models.result import PackageState
from dsrportal.sentence import within
from integrations.types import PartnerStatus, Regulation, RequestType

# Inside a sentence.
_VOCABULARIES: Final[dict[str, tuple[type[TextChoices], ...]]] = {
    "from": (CaseStatus, RequestStatus, PartnerStatus),
    "to": (CaseStatus, RequestStatus, PartnerStatus),
    "answer": (Answer,),
    "kind": (AttentionKind,),
    "state": (PackageState,),
    "type": (RequestType,),
    "finding": (Finding,),
    "verb": (BulkVerb,),
}
# At the end of one, as they are.
_LABELS: Final[dict[str, type[TextChoices]]] = {"method": VerificationMethod, "outcome": Outcome}
_DATES: Final = frozenset({"due_on", "due_before", "started_on", "until"})
# Words that belong to no vocabulary, by their slot.
_WORDS: Final[dict[str, frozenset[str]]] = {
    "resolution": frozenset(
        {
            gettext_noop("answered"),
            gettext_noop("attested"),
            gettext_noop("by hand"),
            gettext_noop("cancelled"),
            gettext_noop("changed"),
            gettext_noop("decided"),
            gettext_noop("ended"),
            gettext_noop("other closed"),
            gettext_noop("refetched"),
            gettext_noop("released"),
            gettext_noop("rescheduled"),
            gettext_noop("resumed"),
            gettext_noop("retried"),
            gettext_noop("sent again"),
        }
    ),
    "doubt": frozenset(
        {
            gettext_noop("foreign identity"),
            gettext_noop("not zip"),
            gettext_noop("bomb"),
            gettext_noop("bad names"),
            gettext_noop("unreadable"),
            gettext_noop("too large"),
        }
    ),
    "what": frozenset({gettext_noop("the plan"), gettext_noop("the identities")}),
    "result": frozenset({gettext_noop("works"), gettext_noop("does not work")}),
    "account": frozenset({gettext_noop("nobody")}),
    "until": frozenset({gettext_noop("now")}),
    "stop": frozenset({gettext_noop("not allowed"), gettext_noop("unreadable"), gettext_noop("failing")}),
    "listed": frozenset(
        {
            gettext_noop("attention"),
            gettext_noop("callbacks"),
            gettext_noop("cases"),
            gettext_noop("processors"),
            gettext_noop("tasks"),
            gettext_noop("users"),
        }
    ),
}


def in_words(slot: str, value: Any) -> Any:
    """What a person reads; lists as enumerations, names and numbers as they are."""
    if isinstance(value, list):
        named = fields.in_words if slot == "fields" else str
        return ", ".join(map(named, value)) or gettext("none")
    if isinstance(value, int) and not isinstance(value, bool):
        return number_format(value, force_grouping=True)
    if not isinstance(value, str):
        return value
    if slot == "regulation":
        return _label(Regulation, value) or value.upper()
    if slot in _DATES:
        return _day(value)
    if slot in _LABELS:
        return _label(_LABELS[slot], value) or gettext(value)
    for vocabulary in _VOCABULARIES.get(slot, ()):
        if label := _label(vocabulary, value):
            return within(label)
    word = value.replace("_", " ")
    if word in _WORDS.get(slot, ()):
        return gettext(word)
    return word if slot in _WORDS.keys() - {"account", "until"} | _VOCABULARIES.keys() else value


def _label(vocabulary: type[TextChoices], value: str) -> str:
    """Empty for a word that is none of it. Not by `values`, which makes a list of all labels each time."""
    try:
        return str(vocabulary(value).label)
    except ValueError:
        return ""


def _day(text: str) -> str:
    try:
        return date_format(date.fromisoformat(text), "DATE_FORMAT")
    except ValueError:
        return gettext(text) if text in _WORDS["until"] else text
