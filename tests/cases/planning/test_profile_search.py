"""Whether processors know a person: before a request, and after an erasure, said as what it is."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases import jobs
from cases.lifecycle import Answer, CaseStatus, RequestStatus
from cases.models import (
    AttentionItem,
    AttentionKind,
    AuditEvent,
    Case,
    Finding,
    ProcessorRequest,
    ProfileSearch,
    Purpose,
)
from cases.services import attention
from cases.services.closing import closing, confirm_erasure
from cases.services.dispatch import dispatch
from cases.services.planning import profile_search, resending
from cases.services.processors import pausing
from cases.services.refusal import Refused
from dsrportal.queueing import store
from dsrportal.sentence import Sentence
from integrations import registry
from integrations.errors import Rejected
from integrations.models import Processor
from integrations.mparticle.connector import MParticle
from integrations.types import Match
from tests.builders import actor, approved_case, manual, processor, ready_case
from tests.sandbox import Sandbox

DAY = 24 * 3600
IDENTITIES = [("email", "ada@example.org")]


@pytest.fixture
def ada(target: Processor, sandbox: Sandbox) -> str:
    sandbox.switches(strangers="unknown")
    return sandbox.person(identities={"email": "ada@example.org"})


def erased(target: Processor, sandbox: Sandbox) -> Case:
    case = approved_case(identities=IDENTITIES)
    dispatch.drain(target.pk)
    sandbox.advance(22 * DAY)
    jobs.refresh(str(ProcessorRequest.objects.get(status=RequestStatus.PENDING).pk))
    return case


def test_a_preview_says_whom_a_case_will_match(target: Processor, ada: str) -> None:
    case = ready_case(identities=[*IDENTITIES, ("other", "n-7")])
    (search,) = profile_search.preview(case, actor=actor("agnes"))
    assert (search.finding, search.profile_id, search.matched) == (Finding.FOUND, ada, ["email"])
    assert "has data on this person, found by 1 of the identifiers" in profile_search.sentence(search).english
    event = case.audit_events.latest("pk")
    assert (event.action, event.details["finding"]) == ("profile.searched", "found")
    assert ada not in "".join(AuditEvent.objects.values_list("canonical", flat=True))


def test_a_planned_case_is_previewed_by_itself(target: Processor, ada: str) -> None:
    case = ready_case(identities=IDENTITIES)
    jobs.preview(str(case.pk))
    assert ProfileSearch.objects.get(case=case).purpose == Purpose.PREVIEW


def test_not_found_is_said_as_what_it_is(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(strangers="unknown")
    (search,) = profile_search.preview(ready_case(identities=IDENTITIES), actor=actor("agnes"))
    assert search.finding == Finding.NOT_FOUND
    assert profile_search.sentence(search).english.startswith(f"No profile found at {target.name} on ")


def test_where_nobody_can_be_searched_it_is_said(transactional_db: None) -> None:
    manual()
    with pytest.raises(Refused, match="can be searched"):
        profile_search.preview(ready_case(identities=IDENTITIES), actor=actor("agnes"))


def test_what_could_not_be_asked_is_not_taken_for_not_found(target: Processor, sandbox: Sandbox) -> None:
    sandbox.faults([{"method": "POST", "path": "/identity/v1/search", "fault": "status_500"}])
    (search,) = profile_search.preview(ready_case(identities=IDENTITIES), actor=actor("agnes"))
    assert (search.finding, search.error) == (Finding.UNKNOWN, "unexpected_answer")


def test_an_erasure_is_confirmed_by_a_search(target: Processor, sandbox: Sandbox, ada: str) -> None:
    case = erased(target, sandbox)
    jobs.confirm(str(case.pk))
    search = ProfileSearch.objects.get(purpose=Purpose.CONFIRMATION)
    assert search.finding == Finding.NOT_FOUND
    assert profile_search.sentence(search).english.startswith("No profile found")
    # Once is enough.
    jobs.confirm(str(case.pk))
    jobs.confirmations()
    assert ProfileSearch.objects.filter(purpose=Purpose.CONFIRMATION).count() == 1
    assert not AttentionItem.objects.exists()


def test_a_person_who_is_known_again_is_shown_and_erased_again(
    target: Processor, sandbox: Sandbox, ada: str
) -> None:
    case = erased(target, sandbox)
    sandbox.person(identities={"email": "ada@example.org"})
    jobs.confirm(str(case.pk))
    item = AttentionItem.objects.get()
    assert item.kind == AttentionKind.REAPPEARED
    old = ProcessorRequest.objects.get()
    assert (
        "ew data has arrived since"
        in profile_search.sentence(ProfileSearch.objects.get(processor_request=old)).english
    )
    case.refresh_from_db()
    assert case.status == CaseStatus.ATTENTION
    new = resending.resend(old, actor=actor("pia"), text="The shop was still sending.")
    assert new.replaces == old
    item.refresh_from_db()
    assert item.resolution == "sent_again"
    with pytest.raises(Refused):
        resending.resend(old, actor=actor("pia"))
    dispatch.drain(target.pk)
    sandbox.advance(22 * DAY)
    jobs.refresh(str(new.pk))
    jobs.confirm(str(case.pk))
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    assert ProfileSearch.objects.get(processor_request=new).finding == Finding.NOT_FOUND


def test_nothing_is_sent_again_that_nothing_is_wrong_with(
    target: Processor, sandbox: Sandbox, ada: str
) -> None:
    erased(target, sandbox)
    with pytest.raises(Refused, match="This request has no open item that sending it again would resolve"):
        resending.resend(ProcessorRequest.objects.get(), actor=actor("pia"))


def test_a_search_that_failed_is_tried_again_later(target: Processor, sandbox: Sandbox, ada: str) -> None:
    case = erased(target, sandbox)
    sandbox.faults([{"method": "POST", "path": "/identity/v1/search", "fault": "status_500"}])
    jobs.confirm(str(case.pk))
    jobs.confirm(str(case.pk))
    assert [search.finding for search in ProfileSearch.objects.all()] == [Finding.UNKNOWN]
    ProfileSearch.objects.update(asked_at="2020-01-01T00:00:00Z")
    jobs.confirm(str(case.pk))
    assert ProfileSearch.objects.order_by("-asked_at").first().finding == Finding.NOT_FOUND  # type: ignore[union-attr]


def test_it_is_looked_for_again_when_the_last_system_is_done(
    target: Processor, sandbox: Sandbox, ada: str
) -> None:
    """What another system still sends can bring the person back until then."""
    second = processor(sandbox, workspace=1)
    case = approved_case(identities=IDENTITIES)
    dispatch.drain(target.pk)
    sandbox.advance(22 * DAY)
    jobs.refresh(str(ProcessorRequest.objects.get(processor=target).pk))
    jobs.confirm(str(case.pk))
    dispatch.drain(second.pk)
    sandbox.advance(22 * DAY)
    jobs.refresh(str(ProcessorRequest.objects.get(processor=second).pk))
    jobs.confirm(str(case.pk))
    assert ProfileSearch.objects.filter(processor=target).count() == 2
    assert ProfileSearch.objects.filter(processor=second).count() == 1


def test_a_settled_item_is_not_opened_again(target: Processor, sandbox: Sandbox, ada: str) -> None:
    case = erased(target, sandbox)
    sandbox.person(identities={"email": "ada@example.org"})
    jobs.confirm(str(case.pk))
    attention.resolve(AttentionItem.objects.get(), actor=actor("agnes"), resolution="decided")
    jobs.confirmations()
    jobs.confirm(str(case.pk))
    assert AttentionItem.objects.filter(resolved_at=None).count() == 0


def reappeared(target: Processor, sandbox: Sandbox) -> Case:
    case = erased(target, sandbox)
    sandbox.person(identities={"email": "ada@example.org"})
    jobs.confirm(str(case.pk))
    return case


def test_nothing_of_a_closed_case_is_sent_again(target: Processor, sandbox: Sandbox, ada: str) -> None:
    case = reappeared(target, sandbox)
    item = AttentionItem.objects.get()
    attention.resolve(item, actor=actor("agnes"), resolution="decided")
    closing.close(case, actor=actor("agnes"), outcome=closing.proposed_outcome(case))
    # A search that was under way finds its case closed: somebody is told all the same.
    AttentionItem.objects.filter(pk=item.pk).update(resolved_at=None, resolved_by=None, resolution="")
    with pytest.raises(Refused, match="Reopen"):
        resending.resend(ProcessorRequest.objects.get(), actor=actor("pia"))
    assert ProcessorRequest.objects.count() == 1


def test_what_was_sent_anew_while_it_was_asked_for_is_not_told_of_again(
    target: Processor, sandbox: Sandbox, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = reappeared(target, sandbox)
    old = ProcessorRequest.objects.get()
    ProfileSearch.objects.filter(purpose=Purpose.CONFIRMATION).delete()
    ask = profile_search.ask

    def slowly(*arguments: Any, **more: Any) -> ProfileSearch:
        found = ask(*arguments, **more)
        resending.resend(old, actor=actor("pia"))
        return found

    monkeypatch.setattr(profile_search, "ask", slowly)
    jobs.confirm(str(case.pk))
    assert not AttentionItem.objects.filter(resolved_at=None).exists()
    case.refresh_from_db()
    assert case.status == CaseStatus.WORKING


def test_an_answer_is_of_the_moment_it_was_asked_for(
    target: Processor, sandbox: Sandbox, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends while a search is under way is searched for after it."""
    case = erased(target, sandbox)
    make = registry.connector_for

    def ends_meanwhile(each: Processor) -> Any:
        ProcessorRequest.objects.update(completed_at=timezone.now())
        return make(each)

    monkeypatch.setattr(profile_search, "connector_for", ends_meanwhile)
    jobs.confirm(str(case.pk))
    assert confirm_erasure.unconfirmed().filter(case=case).exists()


def test_who_cannot_be_opened_stands_before_nobody(target: Processor, sandbox: Sandbox, ada: str) -> None:
    case = erased(target, sandbox)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_subjectidentity SET value = 'not to be opened'::bytea")
    jobs.confirm(str(case.pk))
    assert not confirm_erasure.unconfirmed().exists()
    assert ProfileSearch.objects.get().finding == Finding.UNKNOWN


def test_what_was_taken_and_is_not_carried_out_yet_is_not_said_to_be_new(
    target: Processor, sandbox: Sandbox, ada: str
) -> None:
    case = erased(target, sandbox)
    ProcessorRequest.objects.update(answer=Answer.ACCEPTED)
    sandbox.person(identities={"email": "ada@example.org"})
    jobs.confirm(str(case.pk))
    assert (
        "The accepted erasure has not been carried out yet, or new data has arrived since."
        in AttentionItem.objects.get().sentence.english
    )
    assert "not erased yet" in profile_search.sentence(ProfileSearch.objects.get()).english


def test_a_question_that_is_refused_is_not_asked_every_hour(
    target: Processor, sandbox: Sandbox, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Match:
        raise Rejected(Sentence("They say no."))

    case = erased(target, sandbox)
    monkeypatch.setattr(MParticle, "search", refuse)
    jobs.confirm(str(case.pk))
    assert ProfileSearch.objects.get().error == "rejected"
    ProfileSearch.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    assert not confirm_erasure.unconfirmed().exists()
    ProfileSearch.objects.update(asked_at=timezone.now() - timedelta(hours=25))
    assert list(confirm_erasure.cases_unconfirmed()) == [case]


def test_nobody_is_asked_while_everything_is_paused(target: Processor, sandbox: Sandbox, ada: str) -> None:
    case = ready_case(identities=IDENTITIES)
    pausing.pause(actor=actor("ivy"), reason="by_hand")
    jobs.preview(str(case.pk))
    assert not ProfileSearch.objects.exists()
    with pytest.raises(Refused, match="paused"):
        profile_search.preview(case, actor=actor("agnes"))


def test_who_has_withdrawn_is_not_looked_for(target: Processor, sandbox: Sandbox, ada: str) -> None:
    case = ready_case(identities=IDENTITIES)
    closing.withdraw(case, actor=actor("agnes"))
    jobs.preview(str(case.pk))
    assert not ProfileSearch.objects.exists()


def test_a_preview_whose_knock_was_lost_is_made_up_for(target: Processor, sandbox: Sandbox, ada: str) -> None:
    case = ready_case(identities=IDENTITIES)
    assert not profile_search.unpreviewed().exists()
    Case.objects.update(status_changed_at=timezone.now() - timedelta(minutes=2))
    store().flushdb()
    jobs.confirmations()
    assert store().exists(f"portal:waiting:cases.jobs.preview:{case.pk}")
    jobs.preview(str(case.pk))
    assert not profile_search.unpreviewed().exists()
