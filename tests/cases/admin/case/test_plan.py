"""The plan of a case at the desk: previewed, shown as stored, and changed."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases.lifecycle import RequestStatus
from cases.models import Case
from cases.services.planning import approval, change_plan, planning
from integrations.models import Processor
from tests.builders import actor, approved_case, manual, open_case, processor, ready_case
from tests.cases.admin.desk_users import address, browser, page, said, shown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def target() -> Processor:
    return processor()


def leave_out(client: Client, case: Case, processor: Processor, reason: str = "no_data_there") -> Any:
    others = Processor.objects.exclude(pk=processor.pk)
    ticks = {f"ask-{other.pk}": "on" for other in others}
    return client.post(address(case, "plan"), {**ticks, f"reason-{processor.pk}": reason}, follow=True)


# --- what is shown


def test_before_verification_the_plan_is_a_preview_with_who_is_skipped_and_why() -> None:
    manual("Archive", types="access")
    case = open_case(identities=[("email", "a@example.org"), ("email", "b@example.org")])
    plan = shown(case).plan
    assert not plan.stored
    assert [box.processor.name for box in plan.boxes] == ["Sandbox 0", "Sandbox 0"]
    assert [row.processor.name for row in plan.left_out] == ["Archive"]
    html = page(case)
    assert "This is a preview. The plan is made when the requester has been verified." in html
    assert "According to its options, Archive is not used for this type of request (erasure)." in html
    assert "a@example.org" not in html
    assert not case.requests.exists()


def test_a_preview_says_what_is_in_the_way() -> None:
    case = open_case()
    Processor.objects.all().delete()
    html = page(case)
    assert "No processor supports this type of request." in html
    assert "No requests are planned." not in html


def test_a_planned_case_shows_its_requests_in_the_plan_and_not_as_sent() -> None:
    manual("Archive", assignee="agnes")
    case = ready_case()
    found = shown(case)
    assert found.plan.stored
    assert [box.processor.name for box in found.plan.boxes] == ["Archive", "Sandbox 0"]
    assert found.asked == []
    html = page(case)
    assert "Exactly this is approved" in html
    assert "for agnes" in html
    assert "Request ID" not in html


def test_after_approval_what_was_left_out_stays_on_the_page() -> None:
    manual("Archive", types="access")
    html = page(approved_case())
    assert "Skipped processors" in html
    assert "According to its options, Archive is not used for this type of request" in html


def test_warnings_are_banners_for_who_looks_and_for_who_approves() -> None:
    case = ready_case(identities=[("ios_vendor_id", "9F1D3C1B-2E5A-4B57-8C1E-53A1B0C7D2E4")])
    (warning,) = planning.preview(planning.draft_of(case)).warnings
    for html in (page(case), browser("pia").get(address(case, "approve")).content.decode()):
        assert str(warning) in html


def test_a_plan_of_a_person_who_was_shredded_says_so() -> None:
    case = open_case()
    case.subject.data_key.destroy()
    assert "The identifiers can no longer be read." in page(case)


def test_a_denied_case_shows_its_plan_as_never_sent() -> None:
    case = ready_case()
    approval.deny(case, actor=actor("pia"), reason="legal_obligation")
    html = page(case)
    assert "1 request of an earlier plan, never sent" in html
    assert "No requests were sent." in html


# --- changing it


def test_leaving_a_processor_out_shows_who_did_and_why() -> None:
    archive = manual("Archive")
    case = ready_case()
    answer = leave_out(browser("agnes"), case, archive)
    assert said(answer) == ["Plan changed: 1 processor included, 1 skipped. It is waiting for approval."]
    html = answer.content.decode()
    assert "Archive: it holds no data on this person." in html
    assert "Skipped by agnes." in html
    assert "2 requests of earlier plans, never sent" in html
    approving = browser("pia").get(address(case, "approve")).content.decode()
    assert "Archive: it holds no data on this person." in approving


def test_the_form_opens_with_the_plan_as_it_is() -> None:
    archive = manual("Archive")
    case = ready_case()
    leave_out(browser("agnes"), case, archive, "exception_applies")
    form: Any = browser("agnes").get(address(case, "plan")).context["form"]
    ticks = {row.processor.name: (bool(row.tick.value()), row.reason.value()) for row in form.rows}
    assert ticks["Archive"] == (False, "exception_applies")
    assert ticks["Sandbox 0"][0] is True


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Choose why this processor is skipped."),
        ({"reason": "because"}, "Select a valid choice"),
        ({"reason": "no_data_there"}, "The plan must include at least one processor."),
    ],
)
def test_a_plan_without_a_reason_or_without_anybody_is_refused(fields: dict[str, str], sentence: str) -> None:
    case = ready_case()
    only = Processor.objects.get()
    sent = {f"{name}-{only.pk}": value for name, value in fields.items()}
    answer = browser("agnes").post(address(case, "plan"), {**sent, "text": "Typed & kept"})
    html = answer.content.decode()
    assert sentence in html
    assert "Typed &amp; kept" in html
    assert case.requests.filter(status=RequestStatus.PLANNED).count() == 1


def test_skipping_the_waiting_period_can_be_chosen_for_erasures_alone() -> None:
    erasure, access = ready_case(), ready_case(type="access")
    client = browser("agnes")
    assert "skip_waiting_period" not in client.get(address(access, "plan")).content.decode()
    only = Processor.objects.get()
    client.post(address(erasure, "plan"), {f"ask-{only.pk}": "on", "skip_waiting_period": "on"})
    planned = erasure.requests.get(status=RequestStatus.PLANNED)
    assert planned.skip_waiting_period
    assert "Waiting period skipped" in page(erasure)


def test_changing_what_was_approved_says_that_the_approval_is_lost_and_loses_it() -> None:
    case = approved_case()
    client = browser("agnes")
    for verb in ("plan", "identities"):
        assert "The approval becomes void" in client.get(address(case, verb)).content.decode()
    only = Processor.objects.get()
    client.post(address(case, "plan"), {f"ask-{only.pk}": "on"})
    case.refresh_from_db()
    assert (case.status, case.approved_by, case.approval_digest) == ("ready", None, "")
    # Who changed it last cannot approve it.
    assert "The approval became void:" in page(case)


def test_what_was_sent_is_not_offered_to_be_changed_and_says_why() -> None:
    case = approved_case()
    case.requests.update(attempts=1)
    client = browser("agnes")
    found = shown(case)
    assert not {"plan", "identities"} & set(found.offered)
    html = client.get(address(case, "plan")).content.decode()
    assert str(change_plan.SENT_ALREADY) in html
    assert "disabled" in html


# --- costs


def test_no_page_asks_more_for_more_processors_or_more_requests() -> None:
    client = browser("agnes")

    def queries(case: Case) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address(case)).status_code == 200
        return len(captured)

    small = [open_case(), ready_case(), approved_case()]
    for case in small:
        queries(case)
    few = [queries(case) for case in small]
    for number in range(4):
        manual(f"System {number}")
        processor(name=f"Workspace {number}", account=f"9{number}")
    many: list[dict[str, Any]] = [
        {"identities": [("email", f"{half}.{number}@example.org") for number in range(3)]}
        for half in range(3)
    ]
    large = [open_case(**many[0]), ready_case(**many[1]), approved_case(**many[2])]
    for case in large:
        queries(case)
    assert [queries(case) for case in large] == few
    assert max(few) <= 34
