"""The end of a case at the desk: answers worded as what they are, what is missing, and what must be done again."""

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import AttentionKind
from dsrportal.sentence import Sentence
from integrations.models import Processor
from tests.builders import approved_case, processor
from tests.cases.admin.desk_users import address, browser, page, said
from tests.cases.admin.stages import answered, in_review, move, with_open_item

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def target() -> Processor:
    return processor()


def test_what_was_only_accepted_is_never_called_done() -> None:
    case = answered("accepted", remark="It shows later.")
    html = page(case)
    assert "Accepted (no further confirmation is sent)" in html
    assert "It shows later." in html
    assert "Done" not in html
    closing = browser("agnes").get(address(case, "close")).content.decode()
    assert "Accepted (no further confirmation is sent)" in closing
    assert "It shows later." in closing


def test_a_person_who_came_back_can_be_erased_again_from_the_banner() -> None:
    case = with_open_item(approved_case(), AttentionKind.REAPPEARED, Sentence("Known again."))
    request = case.requests.get()
    again = reverse("admin:cases_case_verb_on", args=[case.pk, "again", request.pk])
    # What is on its way can still be waited for.
    assert again not in page(case)
    move(case, RequestStatus.COMPLETED, answer="done", completed_at=timezone.now())
    assert again in page(case)
    assert again not in page(case, "pia")
    answer = browser("agnes").post(again, {"text": "It came back."}, follow=True)
    assert said(answer) == ["The request is being sent to Sandbox 0 again."]
    assert case.requests.get(status=RequestStatus.QUEUED).replaces == request
    assert not case.attention_items.filter(resolved_at=None).exists()


def test_closing_lists_what_is_not_fulfilled_and_a_better_outcome_needs_its_reason() -> None:
    case = answered("refused")
    client = browser("agnes")
    html = client.get(address(case, "close")).content.decode()
    assert "Sandbox 0: refused." in html
    assert "The missing part was confirmed in another way" in html
    fields = {"outcome": "fulfilled", "text": "They wrote to us."}
    answer = client.post(address(case, "close"), fields)
    assert "Choose a reason for closing with a better outcome." in answer.content.decode()
    client.post(address(case, "close"), {**fields, "reason": "confirmed_otherwise"})
    case.refresh_from_db()
    assert case.outcome == "fulfilled"
    assert "The missing part was confirmed in another way" in page(case)


def test_no_reason_is_asked_for_where_nothing_is_missing() -> None:
    html = browser("agnes").get(address(in_review(), "close")).content.decode()
    assert 'name="reason"' not in html
    assert "Not fulfilled" not in html
