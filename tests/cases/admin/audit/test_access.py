"""Who saw a person's data: in clear, over all cases that are known to be of one person, and of no others."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import Action, AuditEvent, Case, PackageState, ResultPackage, SubjectIdentity
from cases.services import audit
from cases.services.closing import duplicates
from cases.services.person import access_log, disclosure, verification
from tests import builders
from tests.cases.admin import stages
from tests.cases.admin.desk_users import account, address, browser, said

pytestmark = pytest.mark.django_db

PERSON = reverse("admin:cases_auditevent_person")


def of_case(case: Case, client: Client | None = None) -> Any:
    answer = (client or browser("otto")).get(reverse("admin:cases_auditevent_person_of_case", args=[case.pk]))
    assert answer.status_code == 200
    return answer


def seen(answer: Any) -> list[tuple[str, str]]:
    return [(row["who"], row["event"].action) for row in answer.context["rows"]]


def reveal(case: Case, name: str) -> None:
    disclosure.reveal(case, actor=builders.actor(account(name)), reason="answer_person")


def test_who_revealed_it_when_why_and_from_where() -> None:
    builders.processor()
    case = builders.open_case()
    reveal(case, "agnes")
    answer = of_case(case)
    assert seen(answer) == [("agnes", "identity.revealed")]
    html = answer.content.decode()
    for words in ("To respond to the requester", "192.0.2.7", case.reference, "When (UTC)"):
        assert words in html


def test_packages_looked_at_and_taken_along_count() -> None:
    builders.processor()
    review = stages.in_review()
    package = ResultPackage.objects.create(
        processor_request=review.requests.get(), state=PackageState.MISSED, fetched_at=timezone.now()
    )
    for action in (
        Action.RESULT_VIEWED,
        Action.RESULT_DOWNLOADED,
        Action.RESULT_REDACTED,
        Action.RESULT_FETCHED,
    ):
        details: audit.Details = {"package": str(package.pk), "left_out": 1}
        audit.record(action, actor=builders.actor("agnes"), case=review, details=details)
    assert [action for _who, action in seen(of_case(review))] == [
        "result.redacted",
        "result.downloaded",
        "result.viewed",
    ]


def test_opening_the_page_of_a_case_does_not_count() -> None:
    builders.processor()
    case = builders.open_case()
    browser("pia").get(address(case))
    answer = of_case(case)
    assert seen(answer) == []
    assert "No one has accessed data of this person in plain text." in answer.content.decode()


def test_a_search_that_found_the_person_counts_and_another_does_not() -> None:
    builders.processor()
    case = builders.open_case(identities=[("email", "ada@example.org")])
    disclosure.find_subjects("ADA@example.org", actor=builders.actor("agnes"))
    disclosure.find_subjects("somebody.else@example.org", actor=builders.actor("pia"))
    assert seen(of_case(case)) == [("agnes", "identity.searched")]
    assert "example.org" not in str(list(AuditEvent.objects.values_list("canonical", flat=True)))


def test_all_verified_cases_of_a_person_are_one() -> None:
    builders.processor()
    first = builders.ready_case(type="access", identities=[("email", "ada@example.org"), ("other", "A")])
    second = builders.ready_case(identities=[("other", "A"), ("other2", "B")])
    third = builders.ready_case(type="access", identities=[("other2", "B")])
    stranger = builders.ready_case(type="access", identities=[("email", "bob@example.org")])
    for case in (first, second, third, stranger):
        reveal(case, "agnes")
    answer = of_case(first)
    assert {case.pk for case in answer.context["found"].cases} == {first.pk, second.pk, third.pk}
    assert len(answer.context["rows"]) == 3


def test_an_unproven_claim_links_nobody() -> None:
    """Somebody typed Ada's address into a form; that makes Ada's page no window on them, nor theirs on Ada."""
    builders.processor()
    proven = builders.ready_case(type="access", identities=[("email", "ada@example.org")])
    claimed = builders.open_case(identities=[("email", "ada@example.org")])
    reveal(proven, "agnes")
    reveal(claimed, "pia")
    assert seen(of_case(proven)) == [("agnes", "identity.revealed")]
    assert seen(of_case(claimed)) == [("pia", "identity.revealed")]
    verification.record(claimed, actor=builders.actor("agnes"), method="signed_in")
    assert len(seen(of_case(proven))) == 2


def test_a_search_by_identity_shows_every_case_that_names_it() -> None:
    builders.processor()
    proven = builders.ready_case(type="access", identities=[("email", "ada@example.org")])
    claimed = builders.open_case(identities=[("email", "ada@example.org")])
    reveal(proven, "agnes")
    client = browser("otto")
    answer: Any = client.post(PERSON, {"sought": "Ada@Example.org"}, follow=True)
    assert "example" not in answer.redirect_chain[0][0].lower()
    assert {case.pk for case in answer.context["found"].cases} == {proven.pk, claimed.pk}
    assert ("agnes", "identity.revealed") in seen(answer)
    assert ("otto", "identity.searched") in seen(answer), "the auditor looked too"
    assert "Not verified: may belong to someone else" in answer.content.decode()


def test_nobody_known_is_said() -> None:
    answer = browser("otto").post(PERSON, {"sought": "nobody@example.org"}, follow=True)
    assert "No case has this identifier." in answer.content.decode()


def test_a_reference_leads_to_its_case() -> None:
    builders.processor()
    case = builders.open_case()
    answer = browser("otto").post(PERSON, {"sought": case.reference.lower()})
    assert answer["Location"] == reverse("admin:cases_auditevent_person_of_case", args=[case.pk])
    assert not AuditEvent.objects.filter(action=Action.IDENTITY_SEARCHED).exists()


def test_nothing_typed_and_a_search_long_gone() -> None:
    client = browser("otto")
    assert said(client.post(PERSON, {"sought": " "}, follow=True)) == ["Enter the identifier to search for."]
    (sentence,) = said(client.get(f"{PERSON}?found=gone", follow=True))
    assert sentence.startswith("That search has expired.")


def test_the_case_page_leads_there_for_those_who_may() -> None:
    builders.processor()
    case = builders.open_case()
    link = reverse("admin:cases_auditevent_person_of_case", args=[case.pk])
    assert link in browser("otto").get(address(case)).content.decode()
    assert link not in browser("agnes").get(address(case)).content.decode()
    assert browser("agnes").get(link).status_code == 403


def test_lists_exported_with_identities_since_may_have_held_the_person() -> None:
    builders.processor()
    exported, otto = Action.LIST_EXPORTED, builders.actor("otto")
    for identities in (True, False):
        audit.record(exported, actor=otto, details={"count": 9, "identities": identities})
    case = builders.open_case()
    assert not of_case(case).context["exports"], "that was before"
    audit.record(exported, actor=otto, details={"count": 9, "identities": False})
    assert not of_case(case).context["exports"], "without identities"
    later = audit.record(exported, actor=otto, details={"count": 9, "identities": True})
    answer = of_case(case)
    assert [row["event"] for row in answer.context["exports"]] == [later]
    assert "The audit trail does not name the cases in such a file." in answer.content.decode()


def test_more_than_is_shown_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    builders.processor()
    case = builders.open_case()
    for _number in range(3):
        reveal(case, "agnes")
    monkeypatch.setattr(access_log, "MOST_SHOWN", 2)
    answer = of_case(case)
    assert len(seen(answer)) == 2
    assert "The audit trail of each case contains all of them." in answer.content.decode()


def test_it_takes_few_queries_however_many_cases(django_assert_max_num_queries: Any) -> None:
    builders.processor()
    cases = [builders.ready_case(type="access", identities=[("other", "A")]) for _number in range(6)]
    for case in cases:
        reveal(case, "agnes")
    client = browser("otto")
    of_case(cases[0], client)
    with django_assert_max_num_queries(22):
        of_case(cases[0], client)


def test_failed_rows_that_were_taken_along_may_have_held_the_person_before_they_were_a_case() -> None:
    """What failed is corrected and imported later: then the case is younger than the download."""
    builders.processor()
    taken = audit.record(
        Action.IMPORT_DOWNLOADED, actor=builders.actor("adam"), details={"import": "x", "failed": 2}
    )
    answer = of_case(builders.open_case())
    assert [row["event"] for row in answer.context["exports"]] == [taken]
    assert "adam" in answer.content.decode()


def test_an_attached_file_that_was_taken_along_counts() -> None:
    builders.processor()
    case = builders.open_case()
    audit.record(Action.ATTACHMENT_DOWNLOADED, actor=builders.actor("agnes"), case=case, details={})
    assert seen(of_case(case)) == [("agnes", "attachment.downloaded")]


def test_what_was_closed_as_a_duplicate_is_of_the_same_person_whatever_became_of_its_identities() -> None:
    builders.processor()
    case, kept = builders.ready_case(type="access"), builders.ready_case(type="access")
    duplicates.close(case, kept=kept, actor=builders.actor("agnes"))
    SubjectIdentity.objects.filter(subject=case.subject_id).update(verified_at=None)
    reveal(case, "agnes")
    reveal(kept, "pia")
    for each in (case, kept):
        assert sorted(seen(of_case(each))) == [("agnes", "identity.revealed"), ("pia", "identity.revealed")]


def test_a_sign_that_the_database_takes_nowhere_finds_nobody() -> None:
    answer = browser("otto").post(PERSON, {"sought": "ada\0@example.org"}, follow=True)
    assert "No case has this identifier." in answer.content.decode()


def test_who_reads_the_trail_and_sees_no_cases_finds_nobody_by_it() -> None:
    builders.processor()
    case = builders.open_case()
    charlie = account("charlie")
    charlie.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    client = browser("charlie")
    assert client.get(reverse("admin:cases_auditevent_changelist")).status_code == 200
    assert client.get(reverse("admin:cases_auditevent_person_of_case", args=[case.pk])).status_code == 403
    assert client.get(PERSON).status_code == 403
    assert client.post(PERSON, {"sought": "ada@example.org"}).status_code == 403
    assert not AuditEvent.objects.filter(action=Action.IDENTITY_SEARCHED).exists()
