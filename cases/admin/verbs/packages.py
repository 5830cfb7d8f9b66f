"""Verbs of a result package: look inside, download it whole or in part, fetch it again."""

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.actor import Actor
from cases.admin.sections import package_chart
from cases.admin.verb import ConfirmForm
from cases.admin.verbs.forms import ReasonForm
from cases.admin.verbs.verb import CaseVerb
from cases.models import ResultPackage
from cases.services.results import fetching as result_fetching
from cases.services.results import packages
from dsrportal.crypto import Unreadable
from integrations.types import PackageSummary

ENDINGS: Final = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/zip": "zip",
    "application/gzip": "gz",
    "text/csv": "csv",
    "text/plain": "txt",
}


class RedactForm(ReasonForm):
    reasons = packages.REDACTION_REASONS

    members = forms.MultipleChoiceField(
        label=gettext_lazy("Files"), required=False, widget=forms.CheckboxSelectMultiple
    )
    names = forms.MultipleChoiceField(
        label=gettext_lazy("Fields"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, summary: PackageSummary | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = summary or PackageSummary()
        for name, choices in (
            ("members", [member.name for member in held.members]),
            ("names", held.leave_out),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = [(choice, choice) for choice in choices]
        self.order_fields(["members", "names", "reason", "text"])

    @property
    def has_choices(self) -> bool:
        return bool(self["members"].subwidgets or self["names"].subwidgets)

    @property
    def groups(self) -> list[tuple[str, Any, list[Any]]]:
        """Each field with those inside it, as boxes to tick; None where it cannot be left out as a whole."""
        groups: dict[str, tuple[Any, list[Any]]] = {}
        for box in self["names"].subwidgets:
            name = str(box.data["value"])
            top = name.partition(".")[0]
            whole, inside = groups.get(top, (None, []))
            groups[top] = (box, inside) if top == name else (whole, [*inside, box])
        return [(top, whole, inside) for top, (whole, inside) in groups.items()]


def _contents(package: ResultPackage) -> dict[str, Any]:
    """What there is to choose from; nothing where the package cannot be read any more, which the service says."""
    try:
        return {"summary": packages.summary_of(package)}
    except Unreadable:
        return {"summary": None}


def _page(package: ResultPackage, actor: Actor) -> dict[str, Any]:
    name = package.processor_request.processor.name
    return {"doubt": packages.why_sealed(package.doubt, name=name) if package.doubt else ""}


def _looked(
    request: HttpRequest, context: dict[str, Any], package: ResultPackage, summary: PackageSummary
) -> HttpResponseBase:
    """What it holds, on this one page; the admin's pages are kept in no cache."""
    shown = {
        **context,
        "title": _("Contents of the package"),
        "summary": summary,
        "no_profile": bool(summary.members) and not summary.has_profile and not summary.empty,
        "chart": package_chart.chart(summary.events),
        "events": package_chart.table(summary.events),
        "may_download": request.user.has_perm("cases.download_package"),
    }
    return TemplateResponse(request, "portal/verbs/package_contents.html", shown)


def _whole(
    request: HttpRequest, context: dict[str, Any], package: ResultPackage, chunks: Iterator[bytes]
) -> HttpResponseBase:
    response = _attached(package, chunks, "")
    response["Content-Length"] = str(package.size_bytes)
    return response


def _redacted(
    request: HttpRequest, context: dict[str, Any], package: ResultPackage, chunks: Iterator[bytes]
) -> HttpResponseBase:
    return _attached(package, chunks, "-redacted")


def _attached(package: ResultPackage, chunks: Iterator[bytes], more: str) -> StreamingHttpResponse:
    """As an attachment of no type a browser would open."""
    response = StreamingHttpResponse(chunks, content_type="application/octet-stream")
    ending = ENDINGS.get(package.content_type.partition(";")[0].strip().lower(), "bin")
    request = package.processor_request
    name = f"{request.case.reference}-{slugify(request.processor.name) or 'processor'}{more}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


PACKAGE_VERBS: Final[tuple[CaseVerb[ResultPackage], ...]] = (
    CaseVerb(
        "look",
        gettext_lazy("View package contents"),
        "eye",
        "cases.download_package",
        lead=gettext_lazy(
            "Shows once what the package contains: the profile, the identifiers, the events by month "
            "and the files. Your access is recorded in the audit trail."
        ),
        form=ConfirmForm,
        button=gettext_lazy("View contents"),
        page=_page,
        template="portal/verbs/package.html",
        on=ResultPackage,
        call=lambda package, actor, _said: packages.view_summary(package, actor=actor),
        answer=_looked,
    ),
    CaseVerb(
        "download",
        gettext_lazy("Download result"),
        "download",
        "cases.download_package",
        lead=gettext_lazy(
            "The file contains the data subject's data unencrypted. Keep it only as long as you need "
            "it. The download is recorded in the audit trail."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Download"),
        page=_page,
        template="portal/verbs/package.html",
        on=ResultPackage,
        call=lambda package, actor, _said: packages.download(package, actor=actor),
        answer=_whole,
    ),
    CaseVerb(
        "redact",
        gettext_lazy("Download redacted copy"),
        "download",
        "cases.download_package",
        lead=gettext_lazy(
            "Select what must not be disclosed. The stored package stays unchanged. Your copy does not "
            "contain what you select. What was removed, and why, is recorded in a note on the case."
        ),
        form=RedactForm,
        asks=_contents,
        button=gettext_lazy("Download redacted copy"),
        page=_page,
        template="portal/verbs/package_redact.html",
        on=ResultPackage,
        call=lambda package, actor, said: packages.redacted(
            package,
            actor=actor,
            members=said["members"],
            fields=said["names"],
            reason=said["reason"],
            text=said["text"],
        ),
        answer=_redacted,
    ),
    CaseVerb(
        "refetch",
        gettext_lazy("Fetch result again"),
        "case-working",
        "cases.refresh_case",
        lead=gettext_lazy(
            "The stored result is deleted and requested again. This only works while the processor "
            "still has it."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Fetch again"),
        danger=True,
        page=_page,
        template="portal/verbs/package.html",
        on=ResultPackage,
        call=lambda package, actor, _said: result_fetching.refetch(package, actor=actor),
        told=lambda _package, _nothing: _("The result is being fetched again. Reload the case in a moment."),
    ),
)
