"""A request is read as whoever held its case before left it, and waiting for the case locks nothing else."""

import threading

import pytest
from django.db import connection, transaction

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from cases.services import progress
from tests.builders import approved_case, processor

pytestmark = pytest.mark.django_db(transaction=True)

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def test_who_waits_for_a_case_sees_what_its_holder_wrote() -> None:
    processor()
    case = approved_case()
    request = ProcessorRequest.objects.get(case=case)
    seen: list[str] = []

    def wait_for_it() -> None:
        try:
            with progress.locked_request(request.pk) as current:
                seen.append(current.status)
        finally:
            connection.close()

    waiter = threading.Thread(target=wait_for_it)
    with progress.locked(case.pk):
        waiter.start()
        until_somebody_waits()
        with connection.cursor() as cursor:
            # Had the waiter locked the request before the case, this would be a deadlock.
            cursor.execute("SET LOCAL lock_timeout = '2s'")
        ProcessorRequest.objects.filter(pk=request.pk).update(status=RequestStatus.PENDING)
    waiter.join(10)
    assert seen == [RequestStatus.PENDING]


def until_somebody_waits() -> None:
    for _ in range(2000):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(_WAITING)
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.005)")
    raise AssertionError("Nobody waited for the lock.")
