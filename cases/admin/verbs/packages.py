"""Verbs of a result package: look inside, download it whole or in part, fetch it again."""

from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.actor import Actor
from cases.admin.sections import package_chart
from cases.admin.verbs import package_forms
from cases.admin.verbs.forms import ConfirmForm
from cases.admin.verbs.verb import Verb, on_a_part
from cases.models import Case, ResultPackage
from cases.services.results import fetching as result_fetching
from cases.services.results import packages
from integrations.types import PackageSummary

ENDINGS: Final = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/zip": "zip",
    "application/gzip": "gz",
    "text/csv": "csv",
    "text/plain": "txt",
}


def _page(case: Case, actor: Actor, package: ResultPackage) -> dict[str, Any]:
    name = package.processor_request.processor.name
    return {"doubt": packages.why_sealed(package.doubt, name=name) if package.doubt else ""}


def _looked(
    request: HttpRequest, context: dict[str, Any], case: Case, result: tuple[ResultPackage, PackageSummary]
) -> HttpResponseBase:
    """What it holds, on this one page; the admin's pages are kept in no cache."""
    package, summary = result
    shown = {
        **context,
        "title": _("What the package holds"),
        "case": case,
        "part": package,
        "summary": summary,
        "no_profile": bool(summary.members) and not summary.has_profile and not summary.empty,
        "chart": package_chart.chart(summary.events),
        "events": package_chart.table(summary.events),
        "may_download": request.user.has_perm("cases.download_package"),
    }
    return TemplateResponse(request, "portal/verbs/package_contents.html", shown)


def _whole(
    request: HttpRequest, context: dict[str, Any], case: Case, result: tuple[ResultPackage, Iterator[bytes]]
) -> HttpResponseBase:
    package, chunks = result
    response = _attached(case, package, chunks, "")
    response["Content-Length"] = str(package.size_bytes)
    return response


def _redacted(
    request: HttpRequest, context: dict[str, Any], case: Case, result: tuple[ResultPackage, Iterator[bytes]]
) -> HttpResponseBase:
    return _attached(case, *result, "-redacted")


def _attached(
    case: Case, package: ResultPackage, chunks: Iterator[bytes], more: str
) -> StreamingHttpResponse:
    """As an attachment of no type a browser would open."""
    response = StreamingHttpResponse(chunks, content_type="application/octet-stream")
    ending = ENDINGS.get(package.content_type.partition(";")[0].strip().lower(), "bin")
    processor = slugify(package.processor_request.processor.name) or "processor"
    response["Content-Disposition"] = f'attachment; filename="{case.reference}-{processor}{more}.{ending}"'
    return response


def _refetch(case: Case, actor: Actor, said: dict[str, Any]) -> None:
    result_fetching.refetch(said["part"], actor=actor)


PACKAGE_VERBS: Final = (
    Verb(
        "look",
        gettext_lazy("Look inside the package"),
        "eye",
        "cases.download_package",
        due=on_a_part,
        lead=gettext_lazy(
            "Shows what was found in the package, once: the profile, the identities, the events by month, the files. "
            "That you looked goes into the audit trail."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Look inside"),
        page=_page,
        template="portal/verbs/package.html",
        on=ResultPackage,
        call=lambda _case, actor, said: (said["part"], packages.view_summary(said["part"], actor=actor)),
        answer=_looked,
    ),
    Verb(
        "download",
        gettext_lazy("Download result"),
        "download",
        "cases.download_package",
        due=on_a_part,
        lead=gettext_lazy(
            "The file holds the person's data in clear: keep it no longer than you need it. The download goes into "
            "the audit trail."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Download"),
        page=_page,
        template="portal/verbs/package.html",
        on=ResultPackage,
        call=lambda _case, actor, said: (said["part"], packages.download(said["part"], actor=actor)),
        answer=_whole,
    ),
    Verb(
        "redact",
        gettext_lazy("Download redacted"),
        "download",
        "cases.download_package",
        due=on_a_part,
        lead=gettext_lazy(
            "Choose what must not leave. The package here stays as it came; the copy you get lacks what you tick. What "
            "was left out, and why, is kept in a note of the case."
        ),
        form=package_forms.RedactForm,
        asks=package_forms.contents,
        button=gettext_lazy("Download redacted"),
        page=_page,
        template="portal/verbs/package_redact.html",
        on=ResultPackage,
        call=lambda _case, actor, said: (
            said["part"],
            packages.redacted(
                said["part"],
                actor=actor,
                members=said["members"],
                fields=said["names"],
                reason=said["reason"],
                text=said["text"],
            ),
        ),
        answer=_redacted,
    ),
    Verb(
        "refetch",
        gettext_lazy("Fetch the result again"),
        "case-working",
        "cases.refresh_case",
        due=on_a_part,
        lead=gettext_lazy(
            "What is kept of this result is deleted, and it is asked for anew. That works only while the processor "
            "still has it."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Fetch again"),
        danger=True,
        page=_page,
        template="portal/verbs/package.html",
        on=ResultPackage,
        call=_refetch,
        told=lambda _nothing: _("The result is being fetched again. Load the case anew after a moment."),
    ),
)
