"""A package at the desk: looked into once, given out with parts left out, fetched again; each for those who may."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.urls import reverse

from cases.models import AuditEvent, Note, PackageState, ProcessorRequest, ResultPackage
from cases.services.results import packages
from integrations.models import Processor
from tests.cases.admin.desk_users import browser, said
from tests.cases.fetching import fetched, own_storage
from tests.integrations.mparticle import zips
from tests.sandbox import Sandbox

HOSTILE = "<script>alert(1)</script>"
CONTENT = zips.zipped(
    (
        "profile.jsonl",
        zips.lines(
            {
                "user_identities": {"email": "grace.hopper@example.org"},
                "user_attributes": {"plan": "premium", HOSTILE: HOSTILE},
            }
        ),
    ),
    ("events.jsonl", zips.lines(zips.batch(user_identities={}), "broken")),
    ("letter.txt", b"Dear Charles"),
)


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Path) -> None:
    own_storage(settings, tmp_path)


@pytest.fixture
def package(target: Processor, sandbox: Sandbox) -> ResultPackage:
    return fetched(target, sandbox, CONTENT).result_package


@pytest.fixture
def sealed(target: Processor, sandbox: Sandbox) -> ResultPackage:
    package = fetched(target, sandbox, zips.usual()).result_package
    assert package.state == PackageState.SEALED
    return package


def address(package: ResultPackage, verb: str) -> str:
    return reverse("admin:cases_case_verb_on", args=[package.processor_request.case_id, verb, package.pk])


def page_of(package: ResultPackage) -> str:
    return reverse("admin:cases_case_change", args=[package.processor_request.case_id])


def count(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


# --- look


def test_the_package_is_shown_once_and_only_after_asking(package: ResultPackage) -> None:
    client = browser("agnes")
    before = client.get(address(package, "look"))
    assert "premium" not in before.content.decode()
    assert count("result.viewed") == 0
    shown = client.post(address(package, "look"))
    text = shown.content.decode()
    for words in (
        "user_attributes.plan",
        "premium",
        "grace.hopper@example.org",
        "letter.txt",
        package.sha256,
    ):
        assert words in text
    assert "1 line cannot be read" in text
    assert "no-store" in shown.headers["Cache-Control"]
    assert count("result.viewed") == 1
    event = AuditEvent.objects.get(action="result.viewed")
    assert (event.actor_label, event.address) == ("agnes", "192.0.2.7")


def test_what_a_package_says_is_text_and_the_page_needs_no_style_of_its_own(package: ResultPackage) -> None:
    text = browser("agnes").post(address(package, "look")).content.decode()
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)" in text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)


def test_the_chart_has_a_name_and_a_table_beside_it(package: ResultPackage) -> None:
    text = browser("agnes").post(address(package, "look")).content.decode()
    assert '<svg class="chart" role="img" aria-labelledby="chart-title"' in text
    assert "Events by type, from Dec 2025 to Jan 2026: 2 in total." in text
    assert "Dec 2025, screen view: 1" in text
    assert '<th scope="row">Jan 2026</th><td><strong>1</strong></td>' in text


def test_that_nothing_is_held_or_no_profile_is_there_is_said(target: Processor, sandbox: Sandbox) -> None:
    client = browser("agnes")
    empty = fetched(target, sandbox, zips.zipped(("empty.txt", b""))).result_package
    assert "no data about them is held" in client.post(address(empty, "look")).content.decode()


def test_a_package_without_a_profile_says_so(target: Processor, sandbox: Sandbox) -> None:
    package = fetched(target, sandbox, zips.zipped(("e.jsonl", zips.lines({"events": []})))).result_package
    text = browser("agnes").post(address(package, "look")).content.decode()
    assert "Whether profiles are included is a setting at the processor." in text
    assert "chart" not in text


# --- leave out


def test_what_is_ticked_is_not_in_the_copy(package: ResultPackage) -> None:
    client = browser("agnes")
    asked = client.get(address(package, "redact")).content.decode()
    for box in (
        'value="letter.txt"',
        'value="user_attributes.plan"',
        'value="events.data.custom_attributes.friend"',
    ):
        assert box in asked
    assert HOSTILE not in asked
    answer = client.post(
        address(package, "redact"),
        {
            "members": ["letter.txt"],
            "names": ["user_attributes.plan", "events.data.custom_attributes.friend"],
            "reason": "rights_of_others",
            "text": "Charles asked us not to.",
        },
    )
    copy: bytes = answer.getvalue()
    assert answer.headers["Content-Type"] == "application/octet-stream"
    reference = package.processor_request.case.reference
    assert (
        answer.headers["Content-Disposition"] == f'attachment; filename="{reference}-sandbox-0-redacted.zip"'
    )
    assert "no-store" in answer.headers["Cache-Control"]
    assert zips.members(copy) == ["profile.jsonl", "events.jsonl"]
    everything = b"".join(zips.member(copy, name) for name in zips.members(copy))
    assert b"premium" not in zips.member(copy, "profile.jsonl")
    assert b"Babbage" not in everything
    assert count("result.redacted") == 1
    page = client.get(page_of(package)).content.decode()
    assert "Charles asked us not to." in page
    assert "Downloaded the result package with 3 parts removed" in page


def test_fields_that_cannot_go_as_a_whole_can_go_one_by_one(package: ResultPackage) -> None:
    """As of a processor whose attributes are named and whose profile is not."""
    held: Any = package.summary
    package.summary = {**held, "members": [], "leave_out": ["events", "attributes.Email", "attributes.Plan"]}
    package.save()
    asked = browser("agnes").get(address(package, "redact")).content.decode()
    for name in ("events", "attributes.Email", "attributes.Plan"):
        assert f'value="{name}"' in asked
    assert 'value="attributes"' not in asked


def test_without_a_reason_or_anything_ticked_nothing_leaves_and_the_ticks_stay(
    package: ResultPackage,
) -> None:
    client = browser("agnes")
    answer = client.post(address(package, "redact"), {"names": ["user_attributes.plan"]})
    text = answer.content.decode()
    assert "Enter a reason." in text
    assert re.search(r'value="user_attributes.plan"[^>]* checked', text)
    nothing = client.post(address(package, "redact"), {"reason": "legal_privilege"})
    assert "Select what to remove, or download the whole package." in nothing.content.decode()
    other = client.post(address(package, "redact"), {"reason": "legal_privilege", "members": ["../x"]})
    assert "Select a valid choice" in other.content.decode()
    assert not Note.objects.exists()
    assert count("result.redacted") == 0


def test_a_package_that_cannot_be_read_any_more_is_told_in_a_sentence(package: ResultPackage) -> None:
    package.processor_request.case.data_key.destroy()
    client = browser("agnes")
    assert (
        "The portal cannot show what this package contains, so nothing can be removed from it."
        in client.get(address(package, "redact")).content.decode()
    )
    said_no = client.post(address(package, "redact"), {"reason": "legal_privilege"})
    assert "This can never be read again." in said_no.content.decode()
    assert "This can never be read again." in client.post(address(package, "look")).content.decode()


# --- sealed, and fetched again


def test_a_sealed_package_is_shown_with_why_and_opened_for_nobody(sealed: ResultPackage) -> None:
    client = browser("agnes")
    page = client.get(page_of(sealed)).content.decode()
    assert "Sealed because it is doubtful" in page
    assert (
        "contains an identifier that does not belong to this person, so it may be about someone else." in page
    )
    for verb in ("look", "download", "redact"):
        assert address(sealed, verb) not in page
        answer = client.post(address(sealed, verb), {"reason": "legal_privilege"})
        assert "This package stays sealed for everyone." in answer.content.decode()
        assert not answer.headers.get("Content-Disposition")
    assert count("result.viewed") + count("result.downloaded") + count("result.redacted") == 0


def test_it_is_fetched_again_from_the_case(sealed: ResultPackage) -> None:
    client = browser("agnes")
    assert address(sealed, "refetch") in client.get(page_of(sealed)).content.decode()
    asked = client.get(address(sealed, "refetch")).content.decode()
    assert packages.why_sealed("foreign_identity", name="Sandbox 0").english[:40] in asked
    assert ResultPackage.objects.exists()
    answer = client.post(address(sealed, "refetch"), follow=True)
    assert said(answer) == ["The result is being fetched again. Reload the case in a moment."]
    assert not ResultPackage.objects.exists()
    assert not storages["packages"].listdir("")[1]
    assert count("result.dropped") == 1


def test_a_good_package_is_not_dropped(package: ResultPackage) -> None:
    client = browser("agnes")
    assert address(package, "refetch") not in client.get(page_of(package)).content.decode()
    answer = client.post(address(package, "refetch"))
    assert "Only a result that is sealed" in answer.content.decode()
    assert ResultPackage.objects.exists()


def test_what_was_sent_again_is_not_fetched_again(sealed: ResultPackage) -> None:
    old = sealed.processor_request
    ProcessorRequest.objects.create(
        case=old.case,
        processor=old.processor,
        replaces=old,
        position=1,
        status_changed_at=old.status_changed_at,
        due_at=old.due_at,
    )
    client = browser("agnes")
    assert address(sealed, "refetch") not in client.get(page_of(sealed)).content.decode()
    assert "was sent again" in client.post(address(sealed, "refetch")).content.decode()
    assert ResultPackage.objects.exists()


# --- who may


@pytest.mark.parametrize("name", ["pia", "otto", "ivy", "charlie"])
@pytest.mark.parametrize("verb", ["look", "redact"])
def test_who_may_not_open_it(package: ResultPackage, verb: str, name: str) -> None:
    client = browser(name)
    assert client.get(address(package, verb)).status_code == 403
    whole = {"reason": "legal_privilege", "members": ["letter.txt"]}
    assert client.post(address(package, verb), whole).status_code == 403
    assert count("result.viewed") + count("result.redacted") == 0
    page = client.get(page_of(package))
    assert page.status_code == 403 or address(package, verb) not in page.content.decode()


@pytest.mark.parametrize("name", ["pia", "otto", "ivy", "charlie"])
def test_who_may_not_have_it_fetched_again(sealed: ResultPackage, name: str) -> None:
    client = browser(name)
    assert client.get(address(sealed, "refetch")).status_code == 403
    assert client.post(address(sealed, "refetch")).status_code == 403
    assert ResultPackage.objects.exists()


@pytest.mark.parametrize("verb", ["look", "redact", "refetch"])
def test_a_package_of_another_case_is_not_found(package: ResultPackage, verb: str) -> None:
    elsewhere = reverse(
        "admin:cases_case_verb_on", args=[package.processor_request.case_id + 1, verb, package.pk]
    )
    assert browser("agnes").get(elsewhere).status_code == 404
    missing = reverse(
        "admin:cases_case_verb_on", args=[package.processor_request.case_id, verb, "no-package"]
    )
    assert browser("agnes").get(missing).status_code == 404


@pytest.mark.parametrize("state", list(PackageState))
def test_each_state_has_a_badge(package: ResultPackage, state: str) -> None:
    ResultPackage.objects.update(state=state, doubt="bomb" if state == PackageState.SEALED else "")
    text = browser("agnes").get(page_of(package)).content.decode()
    assert str(PackageState(state).label) in text
