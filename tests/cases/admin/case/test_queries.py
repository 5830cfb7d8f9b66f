"""The page of a case, opened from the queue, asks the database at most 12 times: whatever the case went through and
however much is with it. Each time is a round trip; one of them asks for all rows about the case together.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, ForwardingExtension, PackageState, ResultPackage
from cases.services import notes
from cases.services.worklist import assigning
from integrations.types import Correction
from tests.builders import actor, approved_case, manual, open_case, processor, ready_case
from tests.cases.admin import stages
from tests.cases.admin.desk_users import account, address, browser
from tests.cases.intake_api import erasure, form

pytestmark = pytest.mark.django_db

MOST = 12


def opted_out() -> Case:
    stages.searching_processor()
    return open_case(type="opt_out", regulation="ccpa")


def looks_like_another() -> Case:
    ready_case()
    return ready_case()


def from_a_form() -> Case:
    asked = {**erasure(), "external_reference": "form-17", "language": "en-GB"}
    answer = form().open(asked)
    assert answer.status_code == 201, answer.content
    return Case.objects.get(reference=answer.json()["reference"])


def with_package() -> Case:
    case = approved_case(type="access")
    ResultPackage.objects.create(
        processor_request=case.requests.get(), state=PackageState.MISSED, fetched_at=timezone.now()
    )
    return case


STAGES: tuple[Callable[[], Case], ...] = (
    open_case,
    ready_case,
    approved_case,
    opted_out,
    with_package,
    looks_like_another,
    from_a_form,
    stages.linked,
    stages.talked_about,
    stages.in_review,
    stages.failed,
    stages.denied,
    stages.with_item,
    stages.planned_twice,
    stages.searchable,
    stages.held,
    stages.with_task,
    stages.reappeared,
    stages.with_failed_partner,
)


@pytest.fixture(autouse=True)
def _target() -> None:
    processor()


def queries(client: Client, case: Case) -> int:
    shown = client.get(reverse("admin:cases_case_changelist")).context["cl"]
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(f"{address(case)}?list={shown.name}")
    assert answer.status_code == 200
    assert answer.context["neighbours"].total
    return len(captured)


def enrich(case: Case, times: int) -> None:
    """What people and processors add to a case in the course of its life."""
    account("pia")
    for number in range(times):
        first = notes.add(case, f"{number}, @pia", actor=actor("agnes")).note
        notes.add(case, "Yes.", actor=actor("adam"), parent=first)
        stages.attach(case, f"{number}.pdf")
        for request in case.requests.all():
            ForwardingExtension.objects.create(
                processor_request=request,
                domain=f"partner{number}.example",
                status="sent",
                changed_at=timezone.now(),
            )
    assigning.tag(case, actor=actor("agnes"), names=[f"tag {number}" for number in range(min(times, 12))])


@pytest.mark.parametrize("make", STAGES, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", ["adam", "pia"])
def test_every_stage(make: Callable[[], Case], name: str) -> None:
    case = make()
    if case.status != "closed":
        enrich(case, 1)
        assigning.assign(case, actor=actor("agnes"), assignee=account("agnes"), seen=None)
        assigning.defer(case, actor=actor("agnes"), until=timezone.localdate() + timedelta(days=1))
    browser("otto").get(address(case))  # who else has it open is one question more
    client = browser(name)
    queries(client, case)  # how fast each queue moves is asked once a minute
    assert queries(client, case) <= MOST


def test_a_correction_that_waits_for_approval() -> None:
    stages.searching_processor()
    case = ready_case(
        type="correction",
        identities=[("email", "ada@exmaple.org"), ("email", "a@example.org")],
        corrections=[Correction("email", "ada@exmaple.org", "ada@example.com")],
    )
    enrich(case, 1)
    browser("otto").get(address(case))
    client = browser("pia")
    queries(client, case)
    assert queries(client, case) <= MOST


@pytest.mark.parametrize("make", [ready_case, approved_case])
def test_no_more_of_anything_makes_it_more(make: Callable[..., Case]) -> None:
    manual()
    few = make(identities=[("email", "one@example.org")])
    many = make(identities=[("email", f"p{number}@example.org") for number in range(5)])
    enrich(few, 1)
    enrich(many, 8)
    client = browser("adam")
    for case in (few, many):
        queries(client, case)
    browser("otto").get(address(few))
    browser("otto").get(address(many))
    assert queries(client, many) == queries(client, few)
