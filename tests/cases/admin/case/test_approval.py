"""What an approver reads before approving: when it will be sent, behind how many, and whether it can be in time."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from cases.models import Case
from cases.services.processors import accounts, pausing
from integrations.models import Processor
from tests.builders import actor, approved_case, processor, ready_case
from tests.cases.admin.desk_users import browser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def target() -> Processor:
    return processor()


def approval_page(case: Case) -> str:
    return str(
        browser("pia").get(reverse("admin:cases_case_verb", args=[case.pk, "approve"])).content.decode()
    )


def test_an_approver_reads_when_it_will_be_sent_and_behind_how_many() -> None:
    assert "Will be sent to Sandbox 0 within a minute." in approval_page(ready_case())
    Processor.objects.update(limits="10 new requests in 24 h")
    for number in range(4):
        approved_case(
            received_at=timezone.now() - timedelta(days=3),
            identities=[("email", f"{half}.{number}@example.org") for half in range(2)],
        )
    shown = approval_page(ready_case())
    assert "Will be sent to Sandbox 0 in about 24 hours." in shown
    assert "8 requests are ahead in the queue." in shown
    # What is due earlier overtakes them.
    overtaking = approval_page(ready_case(received_at=timezone.now() - timedelta(days=9)))
    assert "Will be sent to Sandbox 0 within a minute." in overtaking
    assert "ahead in the queue" not in overtaking


def test_an_approver_reads_that_nothing_is_sent_and_why(target: Processor) -> None:
    case = ready_case()
    accounts.pause(target, actor=actor("ivy"), reason="maintenance")
    assert "Nothing is sent to Sandbox 0 while it is paused." in approval_page(case)
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    assert "Nothing is sent while all sending is paused." in approval_page(case)


def test_an_approver_reads_that_it_is_at_risk() -> None:
    case = ready_case(regulation="ccpa", received_at=timezone.now() - timedelta(days=40))
    assert "may not respond until" in approval_page(case)
    assert "may not respond until" not in approval_page(ready_case())


def test_an_approver_reads_that_the_queue_store_is_down(settings: Settings) -> None:
    case = ready_case()
    client = browser("pia")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    shown = client.get(reverse("admin:cases_case_verb", args=[case.pk, "approve"])).content.decode()
    assert "Nothing is sent to Sandbox 0 while the queue store is not responding." in shown
