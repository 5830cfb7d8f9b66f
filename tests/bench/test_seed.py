"""The cases that benches are filled with are such as the services make: whole, and settled as they say they are."""

import pytest

from cases.actor import SCHEDULE
from cases.lifecycle import CaseStatus, RequestStatus
from cases.services import audit, progress
from tests import builders
from tests.bench import seed


@pytest.mark.django_db
@pytest.mark.parametrize("status", [RequestStatus.QUEUED, RequestStatus.PENDING])
def test_seeded_cases_are_verified_approved_and_working(status: str) -> None:
    made = seed.requests(builders.processor(), 3, status=status)
    assert {request.status for request in made} == {status}
    for request in made:
        with progress.locked(request.case_id) as case:
            assert case.verified_at
            assert case.approved_at
            assert case.approved_by_id not in (case.opened_by_id, case.verified_by_id)
            progress.settle(case, actor=SCHEDULE)
            assert case.status == CaseStatus.WORKING
        assert list(audit.verify(f"case:{request.case_id}")) == []
