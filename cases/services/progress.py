"""Progress of a case: locked before any of its requests changes, settled in the same transaction.

Two last answers cannot miss each other: whoever comes second waits for the case's row lock and then sees
what the first one wrote. Lock order everywhere: cases by key, requests by key, chain heads last.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from cases.actor import Actor
from cases.lifecycle import (
    DERIVED,
    FINISHED,
    IN_FLIGHT,
    Answer,
    CaseStatus,
    RequestState,
    RequestStatus,
    derive_status,
)
from cases.models import AttentionItem, Case, ForwardingExtension, ProcessorRequest
from cases.services import transition
from integrations.models import Processor
from integrations.types import PartnerStatus, RequestType

WITH_RESULT = frozenset({RequestType.ACCESS, RequestType.PORTABILITY})
# A partner that was skipped holds nothing that it could be reached by.
PARTNER_ANSWERED = (PartnerStatus.SENT, PartnerStatus.SKIPPED, PartnerStatus.COMPLETED)
ANSWERED_BY_HAND = (Answer.DONE, Answer.NO_DATA_HELD, Answer.NOT_APPLICABLE)
# Disagreeing cases that one sweep settles at most; what is left is found by the next.
AT_ONCE = 1000


def _columns(model: type[Model], *names: str) -> tuple[str, ...]:
    """These columns in the order of the model's fields, which is the one `from_db` expects."""
    return tuple(field.attname for field in model._meta.concrete_fields if field.attname in names)


# Of both only what a word from outside is judged by; another column is fetched if it is asked for.
_REQUEST_COLUMNS = _columns(
    ProcessorRequest,
    "subject_request_id",
    "case_id",
    "processor_id",
    "status",
    "cancel_requested_at",
    "lease_token",
    "attempts",
    "answered_attempts",
    "sent_at",
    "expected_completion_raw",
    "results_url",
)
_CASE_COLUMNS = _columns(Case, "id", "status", "type", "data_key_id")
# A request and its case in one statement, the case locked first: PostgreSQL locks in the order of OF, and a row that
# changed while it waited is read anew. A request joined without a lock would be read as it was before.
# In SQL, because every callback asks it: composing it took the ORM longer than PostgreSQL takes to answer.
_LOCK = f"""
    SELECT {", ".join(f"request.{name}" for name in _REQUEST_COLUMNS)},
           {", ".join(f"owner.{name}" for name in _CASE_COLUMNS)}
    FROM cases_processorrequest AS request JOIN cases_case AS owner ON owner.id = request.case_id
    WHERE request.subject_request_id = %s
    FOR NO KEY UPDATE OF owner, request
"""  # noqa: S608 (our own column names)


@contextmanager
def locked(case_id: int) -> Iterator[Case]:
    """The case under its row lock, inside a transaction of its own or the caller's."""
    with transaction.atomic():
        yield (
            Case.objects.select_for_update(of=("self",), no_key=True)
            .select_related("data_key")
            .get(pk=case_id)
        )


@contextmanager
def locked_together(case_ids: Iterable[int]) -> Iterator[dict[int, Case]]:
    """Several cases under their row locks, by key: taken in the order of their keys, as everywhere."""
    with transaction.atomic():
        rows = Case.objects.select_for_update(of=("self",), no_key=True).select_related("data_key")
        yield {case.pk: case for case in rows.filter(pk__in=set(case_ids)).order_by("pk")}


def write(case: Case, **fields: object) -> None:
    """Write columns of a locked case that say nothing of its status: that is for `transition`."""
    Case.objects.filter(pk=case.pk).update(**fields)
    for name, value in fields.items():
        setattr(case, name, value)


@contextmanager
def locked_request(request_id: UUID, *, known: Processor | None = None) -> Iterator[ProcessorRequest]:
    """`lock_request` inside a transaction of its own or the caller's."""
    with transaction.atomic():
        yield lock_request(request_id, known=known)


def lock_request(request_id: UUID, *, known: Processor | None = None) -> ProcessorRequest:
    """A request and its case (`request.case`), both locked, as whoever held the case before left them.

    Inside the caller's transaction. `known` is the processor it probably belongs to, to save fetching that.
    Raises ProcessorRequest.DoesNotExist.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [request_id])
        row = cursor.fetchone()
    if row is None:
        raise ProcessorRequest.DoesNotExist
    width = len(_REQUEST_COLUMNS)
    request = ProcessorRequest.from_db(connection.alias, _REQUEST_COLUMNS, row[:width])
    request.case = Case.from_db(connection.alias, _CASE_COLUMNS, row[width:])
    if known is not None and request.processor_id == known.pk:
        request.processor = known
    return request


@contextmanager
def recorded(
    claimed: ProcessorRequest, *, settled_by: Actor | None = None
) -> Iterator[ProcessorRequest | None]:
    """A claimed request and its case, both locked, to record what came of the attempt; the case is settled after it.

    None where the lease has passed on: then nothing is recorded. Without `settled_by` the caller settles. Raises
    ProcessorRequest.DoesNotExist.
    """
    with locked_request(claimed.pk, known=claimed.processor) as current:
        if current.lease_token != claimed.lease_token:
            yield None
            return
        yield current
        if settled_by is not None:
            settle(current.case, actor=settled_by)


def states(case: Case) -> list[RequestState]:
    """What status and outcome depend on, of the requests that stand: neither replaced nor dropped unapproved."""
    rows = current_requests(case).values_list(
        "status",
        "answer",
        "result_package__state",
        Exists(unanswered_partners().filter(processor_request=OuterRef("pk"))),
    )
    return [_state(case, *row) for row in rows]


def unanswered_partners() -> QuerySet[ForwardingExtension]:
    """Partners that failed or have not answered, and for which nobody has attested it instead."""
    return ForwardingExtension.objects.exclude(status__in=PARTNER_ANSWERED).exclude(
        task_request__answer__in=ANSWERED_BY_HAND
    )


def _state(
    case: Case, status: str, answer: str, package: str | None, partners_unanswered: bool = False
) -> RequestState:
    missing = (
        case.type in WITH_RESULT and status == RequestStatus.COMPLETED and not answer and package is None
    )
    return RequestState(status, answer, result_missing=missing, partners_unanswered=partners_unanswered)


def current_requests(case: Case) -> QuerySet[ProcessorRequest]:
    """The requests of a case that count: neither replaced nor dropped before anyone approved them."""
    return (
        ProcessorRequest.objects.filter(case=case, replaced_by__isnull=True)
        .exclude(status=RequestStatus.CANCELLED, queued_at__isnull=True)
        .order_by()
    )


def settle(case: Case, *, actor: Actor) -> None:
    """Bring a locked case's status in line with its requests and open attention items."""
    if case.status not in DERIVED:
        return
    open_items = AttentionItem.objects.filter(case=case, resolved_at__isnull=True)
    rows = list(
        current_requests(case).values_list("status", "answer", "result_package__state", Exists(open_items))
    )
    attention = rows[0][-1] if rows else open_items.exists()
    to = derive_status([_state(case, *row[:-1]) for row in rows], open_attention=attention)
    if to != case.status:
        transition.move_case(case, to, actor=actor)


def stays_working(case: Case, old: str, new: str) -> bool:
    """Whether a step of one of its requests cannot change a settled case's status: it was in flight, and still is."""
    return case.status == CaseStatus.WORKING and old in IN_FLIGHT and new in IN_FLIGHT


def disagreeing() -> list[int]:
    """Keys of cases whose stored status is not what follows from their requests: for the sweep.

    One question for each way of being wrong: asked as one, PostgreSQL would look at all requests there ever were.
    """
    open_items = AttentionItem.objects.filter(case=OuterRef("pk"), resolved_at__isnull=True)
    standing = ProcessorRequest.objects.filter(case=OuterRef("pk"), replaced_by__isnull=True)
    failed = standing.filter(status=RequestStatus.FAILED)
    unfinished = standing.filter(
        ~Q(status__in=FINISHED)
        | Q(
            case__type__in=WITH_RESULT,
            status=RequestStatus.COMPLETED,
            answer="",
            result_package__isnull=True,
        )
    )
    wrong = (
        Q(~Exists(open_items), ~Exists(failed), status=CaseStatus.ATTENTION),
        Q(Exists(open_items), status__in=DERIVED - {CaseStatus.ATTENTION}),
        Q(Exists(failed), status__in=DERIVED - {CaseStatus.ATTENTION}),
        Q(~Exists(unfinished), status=CaseStatus.WORKING),
        Q(Exists(unfinished), status=CaseStatus.REVIEW),
    )
    found: set[int] = set()
    for each in wrong:
        found.update(Case.objects.filter(each).order_by().values_list("pk", flat=True)[:AT_ONCE])
    return sorted(found)[:AT_ONCE]
