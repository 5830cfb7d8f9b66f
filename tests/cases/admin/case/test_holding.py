"""An erasure that waits for another case, at the desk: what it waits for, until when, and how it is let go."""

import pytest

from cases.models import Case
from cases.services.planning import planning
from integrations.models import Processor
from tests.builders import processor, ready_case
from tests.cases.admin.desk_users import address, browser, page, said, shown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def target() -> Processor:
    return processor()


@pytest.fixture
def pair() -> tuple[Case, Case]:
    """An access case, and the erasure of the same verified person that waits for it."""
    person = [("email", "held@example.org")]
    access = ready_case(type="access", identities=person)
    return access, ready_case(identities=person)


def test_a_held_erasure_names_what_it_waits_for_and_until_when(pair: tuple[Case, Case]) -> None:
    access, erasure = pair
    html = page(erasure)
    assert "On hold: waiting for" in html
    assert address(access) in html
    assert "to be answered in time." in html
    assert address(erasure, "release") not in html
    assert address(erasure, "release") in page(erasure, "pia")
    assert "On hold: waiting for" not in page(access)


def test_approving_what_is_held_says_that_nothing_is_sent_yet(pair: tuple[Case, Case]) -> None:
    access, erasure = pair
    client = browser("pia")
    html = client.get(address(erasure, "approve")).content.decode()
    assert "Will be put on hold" in html
    assert "Will be sent to" not in html
    answer = client.post(address(erasure, "approve"), {"digest": planning.digest(erasure)}, follow=True)
    assert said(answer) == [f"Approved. Nothing is sent until {access.reference} is closed."]
    found = shown(erasure, "pia")
    assert found.next_step.verb is not None
    assert found.next_step.verb.name == "release"
    assert f"when {access.reference} is closed" in str(found.next_step.sentence)
    assert "On hold. It is not sent while its case waits for another case." in page(erasure)


def test_a_release_is_recorded_with_its_reason(pair: tuple[Case, Case]) -> None:
    access, erasure = pair
    client = browser("pia")
    assert access.reference in client.get(address(erasure, "release")).content.decode()
    answer = client.post(address(erasure, "release"), {"reason": "person_insists"}, follow=True)
    assert said(answer) == ["Released from hold. The case no longer waits for another case."]
    html = answer.content.decode()
    assert "On hold: waiting for <a" not in html
    assert "The requester wants the erasure first" in html
