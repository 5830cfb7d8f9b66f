"""Two cases that look like one request: told on the case's page, laid side by side, and decided by a person."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import F, OuterRef, Q
from django.db.models.functions import JSONObject
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.sections import person
from cases.admin.verbs.forms import NoteForm
from cases.admin.verbs.page import seen, shown_version
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import Case, Clock, ClockKind, Note, PossibleDuplicate, ProcessorRequest, SubjectIdentity
from cases.services import versions as case_versions
from cases.services.closing import duplicates as duplicate_closing
from cases.services.planning import change_plan, suggestions
from cases.services.refusal import Refused

PERMISSION: Final = "cases.close_case"
COMMON, HERE = "common", "here"


# --- on the page of a case


@dataclass(frozen=True, slots=True)
class Other:
    """As much of another case as its line on this one's page says."""

    pk: int
    reference: str
    status: str
    received_at: datetime
    closed_at: datetime | None

    @classmethod
    def read(cls, row: dict[str, Any]) -> "Other":
        closed_at = datetime.fromisoformat(row["closed_at"]) if row["closed_at"] else None
        received_at = datetime.fromisoformat(row["received_at"])
        return cls(row["pk"], row["reference"], row["status"], received_at, closed_at)

    def get_status_display(self) -> str:
        return str(CaseStatus(self.status).label)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another case, and what comparing them would propose to close."""

    other: Other
    closes: Other
    keeps: Other
    dismissed_by: str = ""


@dataclass(frozen=True, slots=True)
class Duplicates:
    suggested: list[Suggestion]
    dismissed: list[Suggestion]
    # What was closed as a duplicate of the case.
    taken: list[Other]

    @property
    def settled(self) -> int:
        return len(self.dismissed) + len(self.taken)


def _told(prefix: str = "") -> JSONObject:
    names = ("pk", "reference", "status", "received_at", "closed_at")
    return JSONObject(**{name: F(f"{prefix}{name}") for name in names})


_PAIRS: Final = (
    PossibleDuplicate.objects.filter(Q(first=OuterRef("pk")) | Q(second=OuterRef("pk")))
    .order_by("pk")
    .values(
        told=JSONObject(
            first=_told("first__"),
            second=_told("second__"),
            dismissed_by=F("dismissed_by__username"),
        )
    )
)
_TAKEN: Final = Case.objects.filter(duplicate_of=OuterRef("pk")).order_by("received_at").values(told=_told())
# Fetched with the case itself, so that its page asks nothing more.
WITH_CASE: Final = {"pairs": ArraySubquery(_PAIRS), "taken": ArraySubquery(_TAKEN)}


def of_case(case: Any) -> Duplicates:
    """Of a case that was fetched WITH_CASE."""
    found = [_suggestion(pair, case) for pair in case.pairs if case.status != CaseStatus.CLOSED]
    open_ones = [each for each in found if each.other.status != CaseStatus.CLOSED]
    return Duplicates(
        suggested=[each for each in open_ones if not each.dismissed_by],
        dismissed=[each for each in open_ones if each.dismissed_by],
        taken=[Other.read(row) for row in case.taken],
    )


def _suggestion(pair: dict[str, Any], case: Case) -> Suggestion:
    """The later of the two is proposed to be closed: the earlier receipt governs the clock anyway."""
    both = [Other.read(pair["first"]), Other.read(pair["second"])]
    keeps, closes = sorted(both, key=lambda each: (each.received_at, each.pk))
    other = both[1] if both[0].pk == case.pk else both[0]
    return Suggestion(other, closes, keeps, dismissed_by=pair["dismissed_by"] or "")


# --- side by side


@dataclass(frozen=True, slots=True)
class IdentityMark:
    kind: str
    value: str
    new_value: str
    # COMMON or HERE
    where: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Side:
    case: Case
    clock: Clock
    days_words: str
    tone: str
    requests: list[ProcessorRequest]
    identities: list[IdentityMark]
    notes: int


class DuplicateForm(NoteForm):
    """Ticked identities of the case that is closed are looked for by the other as well."""

    add = forms.MultipleChoiceField(
        label=gettext_lazy("Also search for the data subject by"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "The selected identifiers are added to the case that continues. It is planned again, and if "
            "it was approved it must be approved again."
        ),
    )
    field_order = ("add", "text")

    def __init__(self, *args: Any, missing: list[SubjectIdentity], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not missing:
            del self.fields["add"]
            return
        field = self.fields["add"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(str(row.pk), _in_words(row)) for row in missing]
        field.initial = [str(row.pk) for row in missing if row.verified_at is not None]


def _in_words(row: SubjectIdentity) -> str:
    words = f"{row.get_type_display()} {person.masked(row)}"
    return words if row.verified_at else f"{words} ({_('not verified')})"


@sensitive_post_parameters()
def compare(request: HttpRequest, context: dict[str, Any], case_id: int, other_id: int) -> HttpResponse:
    """GET shows both and changes nothing; POST closes the first as a duplicate of the second, or says why not."""
    if not request.user.has_perm("cases.view_case"):
        raise PermissionDenied
    may = request.user.has_perm(PERMISSION)
    if request.method == "POST" and not may:
        raise PermissionDenied
    versions = {name: shown_version(request, key, field=name) for name, key in _shown(case_id, other_id)}
    case, kept, pair = _pair(case_id, other_id)
    why_not = duplicate_closing.why_not(case, kept)
    sent = "" if why_not else change_plan.may_change(kept)
    missing = duplicate_closing.missing_in(kept, case)
    asks = {"missing": [] if why_not or sent else missing}
    form = DuplicateForm(request.POST if request.method == "POST" else None, **asks)
    if request.method == "POST" and form.is_valid():
        try:
            duplicate_closing.close(
                case,
                kept=kept,
                actor=replace(actor_of(request), seen=seen(case, versions["version"])),
                seen_of_kept=seen(kept, versions["kept_version"]),
                add=[UUID(key) for key in form.cleaned_data.get("add", [])],
                text=form.cleaned_data["text"],
            )
        except Refused as refused:
            form.refuse(refused.sentences)
            if isinstance(refused, case_versions.Conflict):
                versions = {name: case_versions.version(key) for name, key in _shown(case_id, other_id)}
        else:
            messages.success(
                request,
                _("%(closed)s was closed as a duplicate of this case.") % {"closed": case.reference},
            )
            return HttpResponseRedirect(reverse("admin:cases_case_change", args=[kept.pk]))
    page = {
        **context,
        "title": _("Possible duplicate"),
        "case": case,
        "kept": kept,
        "pair": pair,
        "sides": [_side(case, kept), _side(kept, case)],
        "form": form,
        "versions": [(name, version) for name, version in versions.items() if version is not None],
        "may": may,
        "why_not": why_not,
        # Of what only the closed case knows nothing can be added any more.
        "lost": len(missing) if sent else 0,
        "earlier": case if case.received_at < kept.received_at else None,
        "voids": bool(missing) and not sent and kept.approved_at is not None,
    }
    return TemplateResponse(request, "portal/case/duplicate.html", page)


def _shown(case_id: int, other_id: int) -> tuple[tuple[str, int], tuple[str, int]]:
    """The form's fields that carry how much of each case it was shown with."""
    return ("version", case_id), ("kept_version", other_id)


def decide(request: HttpRequest, case_id: int, other_id: int, verb: str) -> HttpResponse:
    """Say that two are no duplicates, or take that back."""
    if not request.user.has_perms(["cases.view_case", PERMISSION]):
        raise PermissionDenied
    if verb not in {"dismiss", "suggest"}:
        raise Http404
    case, other, _pair_of_both = _pair(case_id, other_id)
    service = suggestions.dismiss if verb == "dismiss" else suggestions.suggest_again
    try:
        service(case, other, actor=actor_of(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        words = (
            _("%(other)s is no longer suggested as a duplicate.")
            if verb == "dismiss"
            else _("%(other)s is suggested as a duplicate again.")
        )
        messages.success(request, words % {"other": other.reference})
    return HttpResponseRedirect(reverse("admin:cases_case_change", args=[case.pk]))


def _pair(case_id: int, other_id: int) -> tuple[Case, Case, PossibleDuplicate]:
    """Two cases that were found to be alike. Any other two are not compared: it would tell what they share."""
    first, second = sorted((case_id, other_id))
    people = ("opened_by", "intake_source", "verified_by", "approved_by", "assignee")
    pair = (
        PossibleDuplicate.objects.filter(first=first, second=second)
        .select_related(*(f"{side}__{name}" for side in ("first", "second") for name in people))
        .first()
    )
    if pair is None:
        raise Http404
    return (pair.first, pair.second, pair) if case_id == pair.first_id else (pair.second, pair.first, pair)


def _side(case: Case, other: Case) -> Side:
    clock = case.clocks.get(kind=ClockKind.RESPONSE)
    days = None if case.status == CaseStatus.CLOSED else widgets.days_left(clock.due_at)
    dropped = {"status": RequestStatus.CANCELLED, "queued_at__isnull": True}
    requests = ProcessorRequest.objects.filter(case=case, replaced_by__isnull=True).exclude(**dropped)
    return Side(
        case=case,
        clock=clock,
        days_words="" if days is None else widgets.days_in_words(days),
        tone="quiet" if days is None else widgets.due_tone(days),
        requests=list(requests.select_related("processor").order_by("position")),
        identities=_marked(case, other),
        notes=Note.objects.filter(case=case).count(),
    )


def _marked(case: Case, other: Case) -> list[IdentityMark]:
    """Masked, those in common first. What is common is told by the index: nothing of the other is opened for it."""
    theirs = set(
        SubjectIdentity.objects.filter(subject=other.subject_id).values_list("blind_index", flat=True)
    )
    rows = SubjectIdentity.objects.filter(subject=case.subject_id).select_related(
        "subject__data_key", "correction"
    )
    lines = [
        IdentityMark(
            kind=row.get_type_display(),
            value=person.masked(row),
            new_value=person.masked(row.correction, "new_value") if hasattr(row, "correction") else "",
            where=COMMON if row.blind_index in theirs else HERE,
            verified=row.verified_at is not None,
        )
        for row in rows
    ]
    return sorted(lines, key=lambda line: line.where != COMMON)
