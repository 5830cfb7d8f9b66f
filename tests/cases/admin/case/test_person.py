"""The person of a case at the desk: their identities changed and corrected, and what processors know of them."""

from typing import Any

import pytest
from django.utils import timezone

from cases.models import AuditEvent, Case, ProfileSearch
from integrations.models import Processor
from integrations.types import Correction
from tests.builders import approved_case, manual, open_case, processor, ready_case
from tests.cases.admin.desk_users import address, browser, page, said, shown
from tests.cases.admin.stages import searchable, searching_processor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def target() -> Processor:
    return processor()


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
    assert said(answer) == ["Identifiers changed. The plan was updated and is waiting for approval."]
    assert [row.type for row in case.subject.identities.all()] == ["controller_customer_id", "mobile_number"]
    event = AuditEvent.objects.get(action="case.identities_changed")
    assert "555 0100" not in str(event.details)


def test_before_verification_identities_change_without_a_plan() -> None:
    case = open_case()
    answer = browser("agnes").post(
        address(case, "identities"), added(("controller_customer_id", "C-1")), follow=True
    )
    assert said(answer) == ["Identifiers changed."]
    assert not case.requests.exists()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "Add an identifier or select one to remove."),
        ([("", "typed@example.org")], "Choose the identifier type."),
        ([("email", "ada.lovelace@example.ORG")], "The same identifier was entered twice."),
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
    assert "E-mail, new value" in revealed
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
    assert "Sandbox 0 has data on this person, found by" in html
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
    answer = browser("agnes").post(address(searchable(), "search"), follow=True)
    assert said(answer) == ["1 could not be searched."]
    assert "Sandbox 0 could not be searched on" in answer.content.decode()


def test_a_case_that_nobody_can_search_is_told_so() -> None:
    Processor.objects.all().delete()
    manual("Archive")
    answer = browser("agnes").post(address(ready_case(), "search"))
    assert "No processor of this case can be searched." in answer.content.decode()
