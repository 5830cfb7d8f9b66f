"""The plan of a case at the desk: previewed, shown as stored, changed, approved; and what holds it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.admin.case_page import CasePage
from cases.lifecycle import RequestStatus
from cases.models import AttentionKind, AuditEvent, Case, ProfileSearch
from cases.services import approval, attention, planning, progress, replanning, transition
from integrations.models import Processor
from integrations.types import Correction
from tests.builders import actor, approved_case, manual, open_case, processor, ready_case
from tests.cases.admin.people import browser, said
from tests.cases.admin.test_case_opening import searching_processor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def target() -> Processor:
    return processor()


def address(case: Case, verb: str = "") -> str:
    if verb:
        return reverse("admin:cases_case_verb", args=[case.pk, verb])
    return reverse("admin:cases_case_change", args=[case.pk])


def page(case: Case, name: str = "agnes") -> str:
    return str(browser(name).get(address(case)).content.decode())


def shown(case: Case, name: str = "agnes") -> CasePage:
    answer: Any = browser(name).get(address(case))
    found: CasePage = answer.context["page"]
    return found


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
    assert "A preview: it is made when the person is verified" in html
    assert "Archive is not worked for this type of request (erasure)" in html
    assert "a@example.org" not in html
    assert not case.requests.exists()


def test_a_preview_says_what_is_in_the_way() -> None:
    case = open_case()
    Processor.objects.all().delete()
    html = page(case)
    assert "No processor is set up that can serve this type of request" in html
    assert "Nobody is asked anything" not in html


def test_a_planned_case_shows_its_requests_in_the_plan_and_not_as_sent() -> None:
    manual("Archive", assignee="agnes")
    case = ready_case()
    found = shown(case)
    assert found.plan.stored
    assert [box.processor.name for box in found.plan.boxes] == ["Archive", "Sandbox 0"]
    assert found.asked == []
    html = page(case)
    assert "What an approver approves" in html
    assert "for agnes" in html
    assert "Request ID" not in html


def test_after_approval_what_was_left_out_stays_on_the_page() -> None:
    manual("Archive", types="access")
    html = page(approved_case())
    assert "Not asked" in html
    assert "Archive is not worked for this type of request" in html


def test_warnings_are_banners_for_who_looks_and_for_who_approves() -> None:
    case = ready_case(identities=[("ios_vendor_id", "9F1D3C1B-2E5A-4B57-8C1E-53A1B0C7D2E4")])
    (warning,) = planning.preview(planning.draft_of(case)).warnings
    for html in (page(case), browser("pia").get(address(case, "approve")).content.decode()):
        assert warning in html


def test_a_plan_of_a_person_who_was_shredded_says_so() -> None:
    case = open_case()
    case.subject.data_key.destroy()
    assert "The identities can no longer be read." in page(case)


def test_only_accepted_is_never_called_done() -> None:
    case = approved_case()
    with progress.locked(case.pk) as locked:
        request = locked.requests.select_related("processor").get()
        request.case = locked
        transition.move_request(
            request,
            RequestStatus.COMPLETED,
            actor=actor("agnes"),
            reported=True,
            fields={"answer": "accepted", "completed_at": timezone.now(), "remark": "It shows later."},
        )
        progress.settle(locked, actor=actor("agnes"))
    html = page(case)
    assert "Accepted: no later word comes" in html
    assert "It shows later." in html
    assert "Done" not in html
    closing = browser("agnes").get(address(case, "close")).content.decode()
    assert "Accepted: no later word comes" in closing
    assert "It shows later." in closing


# --- changing it


def test_leaving_a_processor_out_shows_who_did_and_why() -> None:
    archive = manual("Archive")
    case = ready_case()
    answer = leave_out(browser("agnes"), case, archive)
    assert said(answer) == ["Changed the plan: 1 processor is asked, 1 left out. It waits for an approver."]
    html = answer.content.decode()
    assert "Archive: it holds no data of this person." in html
    assert "Left out by agnes." in html
    assert "2 requests of earlier plans, never sent" in html
    approving = browser("pia").get(address(case, "approve")).content.decode()
    assert "Archive: it holds no data of this person." in approving


def test_the_form_opens_with_the_plan_as_it_is() -> None:
    archive = manual("Archive")
    case = ready_case()
    leave_out(browser("agnes"), case, archive, "exception_applies")
    form: Any = browser("agnes").get(address(case, "plan")).context["form"]  # type: ignore[attr-defined]
    ticks = {row.processor.name: (bool(row.tick.value()), row.reason.value()) for row in form.rows}
    assert ticks["Archive"] == (False, "exception_applies")
    assert ticks["Sandbox 0"][0] is True


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Say why it is not asked."),
        ({"reason": "because"}, "Select a valid choice"),
        ({"reason": "no_data_there"}, "The plan must ask at least one processor"),
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
        assert "The approval is lost" in client.get(address(case, verb)).content.decode()
    only = Processor.objects.get()
    client.post(address(case, "plan"), {f"ask-{only.pk}": "on"})
    case.refresh_from_db()
    assert (case.status, case.approved_by, case.approval_digest) == ("ready", None, "")
    # Who changed it last cannot approve it.
    assert "The approval no longer holds" in page(case)


def test_what_was_sent_is_not_offered_to_be_changed_and_says_why() -> None:
    case = approved_case()
    case.requests.update(attempts=1)
    client = browser("agnes")
    found = shown(case)
    assert not {"plan", "identities"} & set(found.offered)
    html = client.get(address(case, "plan")).content.decode()
    assert replanning.SENT_ALREADY in html
    assert "disabled" in html


def added(*rows: tuple[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"identities-TOTAL_FORMS": len(rows), "identities-INITIAL_FORMS": 0}
    for number, (kind, value) in enumerate(rows):
        fields |= {f"identities-{number}-type": kind, f"identities-{number}-value": value}
    return fields


def test_identities_are_added_and_removed_and_the_plan_is_made_anew() -> None:
    case = ready_case(identities=[("email", "a@example.org"), ("controller_customer_id", "C-20417")])
    gone = case.subject.identities.get(type="email")
    client = browser("agnes")
    html = client.get(address(case, "identities")).content.decode()
    assert "a•••@e•••.org" in html
    assert "a@example.org" not in html
    answer = client.post(
        address(case, "identities"),
        {**added(("mobile_number", "+1 555 0100")), "remove": [str(gone.pk)]},
        follow=True,
    )
    assert said(answer) == ["Changed the identities. The plan is made anew and waits for an approver."]
    assert [row.type for row in case.subject.identities.all()] == ["controller_customer_id", "mobile_number"]
    event = AuditEvent.objects.get(action="case.identities_changed")
    assert "555" not in str(event.details)


def test_before_verification_identities_change_without_a_plan() -> None:
    case = open_case()
    answer = browser("agnes").post(
        address(case, "identities"), added(("controller_customer_id", "C-1")), follow=True
    )
    assert said(answer) == ["Changed the identities."]
    assert not case.requests.exists()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "Add an identity, or choose one to remove."),
        ([("", "typed@example.org")], "Choose what kind of identity this is."),
        ([("email", "ada.lovelace@example.ORG")], "The same identity is given twice"),
    ],
)
def test_identities_that_cannot_be_taken_are_said_and_kept(
    rows: list[tuple[str, str]], sentence: str
) -> None:
    case = ready_case()
    answer = browser("agnes").post(address(case, "identities"), added(*rows))
    html = answer.content.decode()
    assert sentence in html
    assert all(f'value="{value}"' in html for _kind, value in rows)
    assert case.subject.identities.count() == 1


def test_an_identity_form_whose_rows_cannot_be_counted_is_refused() -> None:
    answer = browser("agnes").post(address(ready_case(), "identities"), {})
    assert answer.status_code == 200
    assert answer.context["form"].errors


# --- corrections


def to_correct() -> Case:
    searching_processor()
    return ready_case(
        type="correction",
        identities=[("email", "ada@exmaple.org"), ("controller_customer_id", "C-20417")],
        corrections=[Correction("email", "ada@exmaple.org", "grace@example.com")],
    )


def test_a_correction_shows_old_and_new_masked_until_they_are_revealed() -> None:
    case = to_correct()
    for html in (page(case), browser("pia").get(address(case, "approve")).content.decode()):
        assert "a•••@e•••.org" in html
        assert "g•••@e•••.com" in html
        assert "grace@example.com" not in html
    revealed = browser("agnes").post(address(case, "reveal"), {"reason": "check_plan"}).content.decode()
    assert "E-mail, correct to" in revealed
    assert "grace@example.com" in revealed


# --- searches


def known(case: Case, **more: Any) -> ProfileSearch:
    fields: dict[str, Any] = {
        "processor": Processor.objects.get(),
        "purpose": "preview",
        "finding": "found",
        "profile_id": "1234567890",
        "matched": ["email"],
        "asked_at": timezone.now(),
    }
    return ProfileSearch.objects.create(case=case, **(fields | more))


def test_what_a_search_found_is_masked_until_it_is_revealed() -> None:
    case = ready_case()
    known(case, finding="not_found", profile_id="", matched=[])
    known(case)
    html = page(case)
    assert "Sandbox 0 knows this person" in html
    assert "1•••0" in html
    assert "matched by E-mail" in html
    assert "No profile found" not in html  # only the last word of each processor counts
    approving = browser("pia").get(address(case, "approve")).content.decode()
    assert "1•••0" in approving
    assert "1234567890" not in html + approving
    revealed = browser("agnes").post(address(case, "reveal"), {"reason": "check_plan"}).content.decode()
    assert "1234567890" in revealed


def test_confirmations_stand_on_the_request_they_confirm() -> None:
    case = approved_case()
    request = case.requests.get()
    for _time in range(2):
        known(case, purpose="confirmation", finding="not_found", processor_request=request, matched=[])
    known(case, purpose="confirmation", processor_request=request, profile_id="7")
    (card,) = shown(case).asked
    assert [line.tone for line in card.confirmations] == ["good", "bad"]
    html = page(case)
    assert "No profile found at Sandbox 0 on" in html
    assert "Found again at Sandbox 0" in html


def test_a_search_that_reached_nobody_says_so() -> None:
    searching_processor()
    answer = browser("agnes").post(address(ready_case(), "search"), follow=True)
    assert said(answer) == ["1 could not be asked."]
    assert "Sandbox 0 could not be asked on" in answer.content.decode()


def test_a_case_that_nobody_can_search_is_told_so() -> None:
    Processor.objects.all().delete()
    manual("Archive")
    answer = browser("agnes").post(address(ready_case(), "search"))
    assert "None of the processors of this case can be searched." in answer.content.decode()


# --- held


@pytest.fixture
def pair() -> tuple[Case, Case]:
    """An access case, and the erasure of the same verified person that waits for it."""
    person = [("email", "held@example.org")]
    access = ready_case(type="access", identities=person)
    return access, ready_case(identities=person)


def test_a_held_erasure_names_what_it_waits_for_and_until_when(pair: tuple[Case, Case]) -> None:
    access, erasure = pair
    html = page(erasure)
    assert "Held: waits for" in html
    assert address(access) in html
    assert "To be answered in time it must leave by" in html
    assert address(erasure, "release") not in html
    assert address(erasure, "release") in page(erasure, "pia")
    assert "Held: waits for" not in page(access)


def test_approving_what_is_held_says_that_nothing_is_sent_yet(pair: tuple[Case, Case]) -> None:
    access, erasure = pair
    client = browser("pia")
    html = client.get(address(erasure, "approve")).content.decode()
    assert "It will be held" in html
    assert "Will be sent to" not in html
    answer = client.post(address(erasure, "approve"), {"digest": planning.digest(erasure)}, follow=True)
    assert said(answer) == [f"Approved; nothing is sent before {access.reference} is closed."]
    found = shown(erasure, "pia")
    assert found.next_step.verb is not None
    assert found.next_step.verb.name == "release"
    assert f"once {access.reference} is closed" in found.next_step.sentence
    assert "Held: it is not sent while its case waits for another." in page(erasure)


def test_a_release_is_recorded_with_its_reason(pair: tuple[Case, Case]) -> None:
    access, erasure = pair
    client = browser("pia")
    assert access.reference in client.get(address(erasure, "release")).content.decode()
    answer = client.post(address(erasure, "release"), {"reason": "person_insists"}, follow=True)
    assert said(answer) == ["Released: it waits for no other case any more."]
    html = answer.content.decode()
    assert "Held: waits for <a" not in html
    assert "The person wants the erasure first" in html


# --- what is open about a finished request


def test_a_person_who_came_back_can_be_erased_again_from_the_banner() -> None:
    case = approved_case()
    request = case.requests.get()
    again = reverse("admin:cases_case_verb_on", args=[case.pk, "again", request.pk])
    with progress.locked(case.pk) as locked:
        request = locked.requests.select_related("processor").get()
        request.case = locked
        attention.open_item(
            AttentionKind.REAPPEARED, "Known again.", actor=actor("agnes"), case=locked, request=request
        )
        progress.settle(locked, actor=actor("agnes"))
    assert again not in page(case)
    with progress.locked(case.pk) as locked:
        transition.move_request(
            request,
            RequestStatus.COMPLETED,
            actor=actor("agnes"),
            reported=True,
            fields={"answer": "done", "completed_at": timezone.now()},
        )
        progress.settle(locked, actor=actor("agnes"))
    assert again in page(case)
    assert again not in page(case, "pia")
    for name in ("pia", "otto"):
        assert browser(name).post(again).status_code == 403
    answer = browser("agnes").post(again, {"text": "It came back."}, follow=True)
    assert said(answer) == ["It is sent to Sandbox 0 again."]
    assert case.requests.get(status=RequestStatus.QUEUED).replaces == request
    assert not case.attention_items.filter(resolved_at=None).exists()


# --- closing


def test_closing_lists_what_is_not_fulfilled_and_a_better_outcome_needs_its_reason() -> None:
    case = approved_case()
    request = case.requests.get()
    with progress.locked(case.pk) as locked:
        request = locked.requests.select_related("processor").get()
        request.case = locked
        transition.move_request(
            request,
            RequestStatus.COMPLETED,
            actor=actor("agnes"),
            reported=True,
            fields={"answer": "refused", "completed_at": timezone.now()},
        )
        progress.settle(locked, actor=actor("agnes"))
    client = browser("agnes")
    html = client.get(address(case, "close")).content.decode()
    assert "Sandbox 0: refused." in html
    assert "What is missing was confirmed in another way" in html
    fields = {"outcome": "fulfilled", "text": "They wrote to us."}
    answer = client.post(address(case, "close"), fields)
    assert "say why it is closed as more than that" in answer.content.decode()
    client.post(address(case, "close"), {**fields, "reason": "confirmed_otherwise"})
    case.refresh_from_db()
    assert case.outcome == "fulfilled"
    assert "What is missing was confirmed in another way" in page(case)


def test_no_reason_is_asked_for_where_nothing_is_missing() -> None:
    case = approved_case()
    with progress.locked(case.pk) as locked:
        request = locked.requests.select_related("processor").get()
        request.case = locked
        transition.move_request(
            request,
            RequestStatus.COMPLETED,
            actor=actor("agnes"),
            reported=True,
            fields={"answer": "done", "completed_at": timezone.now()},
        )
        progress.settle(locked, actor=actor("agnes"))
    html = browser("agnes").get(address(case, "close")).content.decode()
    assert 'name="reason"' not in html
    assert "Not fulfilled" not in html


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


def test_a_denied_case_shows_its_plan_as_never_sent() -> None:
    case = ready_case()
    approval.deny(case, actor=actor("pia"), reason="legal_obligation")
    html = page(case)
    assert "1 request of an earlier plan, never sent" in html
    assert "Nobody was asked anything." in html
