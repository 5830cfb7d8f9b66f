"""Compares a processor's answer on many requests with the rows, so that only news is locked and worked.

Most of the time nothing is: then one statement notes that word came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from cases.lifecycle import REPORTED_MOVES
from cases.models import AttentionItem, ForwardingExtension, ProcessorRequest
from cases.services.reports import disagreement, reports
from cases.services.reports.polling import SENT
from integrations.types import Report, ReportedStatus

Partners = Mapping[tuple[str, str], tuple[str, str]]


class Known(NamedTuple):
    """What we hold of one request, as far as an answer is compared with it."""

    pk: UUID
    status: str
    expected_completion_raw: str
    results_url: str
    reported_status: str
    attempts: int
    answered_attempts: int
    last_error: str
    # An item is open that an understood word may settle.
    settles: bool
    # That the processor says something else is known: an item is open, or a person has decided.
    disputed: bool

    @property
    def in_flight(self) -> bool:
        return self.status in SENT


@dataclass(slots=True)
class Compared:
    """`news` to be worked one by one; `unchanged` are requests in flight, each with the word it was given."""

    news: list[Report] = field(default_factory=list)
    unchanged: list[tuple[Known, str]] = field(default_factory=list)


def known(requests: QuerySet[ProcessorRequest]) -> list[Known]:
    """What we hold of these, in one statement and without a lock: what comes of a comparison is looked at again."""
    open_items = AttentionItem.objects.filter(
        processor_request=OuterRef("pk"), resolved_at__isnull=True, kind__in=reports.SETTLED_BY_ANY_WORD
    )
    rows = requests.annotate(
        settles=Exists(open_items),
        disputed=Exists(disagreement.known_items(OuterRef("pk"), OuterRef("status_changed_at"))),
    )
    return [Known(*row) for row in rows.order_by("pk").values_list(*Known._fields)]


def compare(members: Sequence[Known], found: Mapping[UUID, Report]) -> Compared:
    """Sort what an answer says of these requests. What it says of others is passed over."""
    partners = _partners(found[member.pk] for member in members if member.pk in found)
    compared = Compared()
    for member in members:
        report = found.get(member.pk)
        if report is None:
            continue
        if _is_news(member, report, partners.get(member.pk, {})):
            compared.news.append(report)
        elif member.in_flight:
            compared.unchanged.append((member, report.raw_status[:64]))
    return compared


def _is_news(member: Known, report: Report, partners: Partners) -> bool:
    if report.status == ReportedStatus.UNRECOGNISED or report.status != member.status:
        said_before = member.reported_status == report.raw_status[:64]
        if report.status == ReportedStatus.UNRECOGNISED:
            return not said_before
        return str(report.status) in REPORTED_MOVES[member.status] or not (member.disputed and said_before)
    expected = report.expected_completion_raw[:64]
    return (
        member.settles
        or (expected not in ("", member.expected_completion_raw))
        or (report.results_url not in ("", member.results_url))
        or bool(member.last_error)
        or member.attempts != member.answered_attempts
        or any(
            reports.is_partner_news(partners.get(reports.partner_key(partner)), partner)
            for partner in report.partners or ()
        )
    )


def _partners(found: Iterable[Report]) -> dict[UUID, dict[tuple[str, str], tuple[str, str]]]:
    """What we hold of the partners of those requests whose reports name any."""
    keys = [report.request_id for report in found if report.partners]
    held: dict[UUID, dict[tuple[str, str], tuple[str, str]]] = {}
    if keys:
        rows = ForwardingExtension.objects.filter(processor_request__in=keys).order_by()
        for key, domain, name, *state in rows.values_list(
            "processor_request", "domain", "name", "status", "raw_status"
        ):
            held.setdefault(key, {})[domain, name] = (state[0], state[1])
    return held


# A request that is not as it was compared is passed over, and so is one that another hand is writing at this moment:
# that one has its word already. No case is locked, and none need be: the lock order is cases by key, requests by key,
# chain heads last, and this takes request rows alone, by key, waits for none of them and writes no event; nor does it
# write anything that a case's status follows from.
_NOTE: Final = """
    UPDATE cases_processorrequest AS request
    SET reported_at = GREATEST(request.reported_at, %s), reported_status = said.word
    FROM (
        SELECT held.subject_request_id AS id, told.word
        FROM cases_processorrequest AS held
        JOIN unnest(%s::uuid[], %s::text[], %s::text[]) AS told (id, status, word)
          ON told.id = held.subject_request_id
        WHERE held.status = told.status
        ORDER BY held.subject_request_id
        FOR NO KEY UPDATE OF held SKIP LOCKED
    ) AS said
    WHERE request.subject_request_id = said.id
"""


def note_unchanged(unchanged: Sequence[tuple[Known, str]], *, now: datetime) -> None:
    """Note that word came of these requests and that it said nothing new: one statement, however many they are."""
    if not unchanged:
        return
    keys = [member.pk for member, _word in unchanged]
    statuses = [member.status for member, _word in unchanged]
    words = [word for _member, word in unchanged]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [now, keys, statuses, words])
