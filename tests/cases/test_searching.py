"""Whether processors know a person: before a request, and after an erasure, said as what it is."""

import pytest

from cases import jobs
from cases.lifecycle import CaseStatus, RequestStatus
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
from cases.services import attention, dispatch, repeating, searching
from cases.services.refusal import Refused
from integrations.models import Processor
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
    (search,) = searching.preview(case, actor=actor("agnes"))
    assert (search.finding, search.profile_id, search.matched) == (Finding.FOUND, ada, ["email"])
    assert "by 1 of the identities" in searching.in_words(search)
    event = case.audit_events.latest("pk")
    assert (event.action, event.details["finding"]) == ("profile.searched", "found")
    assert ada not in "".join(AuditEvent.objects.values_list("canonical", flat=True))


def test_a_planned_case_is_previewed_by_itself(target: Processor, ada: str) -> None:
    case = ready_case(identities=IDENTITIES)
    jobs.preview(str(case.pk))
    assert ProfileSearch.objects.get(case=case).purpose == Purpose.PREVIEW


def test_not_found_is_said_as_what_it_is(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(strangers="unknown")
    (search,) = searching.preview(ready_case(identities=IDENTITIES), actor=actor("agnes"))
    assert search.finding == Finding.NOT_FOUND
    assert searching.in_words(search).startswith(f"No profile found at {target.name} on ")


def test_where_nobody_can_be_searched_it_is_said(transactional_db: None) -> None:
    manual()
    with pytest.raises(Refused, match="can be searched"):
        searching.preview(ready_case(identities=IDENTITIES), actor=actor("agnes"))


def test_what_could_not_be_asked_is_not_taken_for_not_found(target: Processor, sandbox: Sandbox) -> None:
    sandbox.faults([{"method": "POST", "path": "/identity/v1/search", "fault": "status_500"}])
    (search,) = searching.preview(ready_case(identities=IDENTITIES), actor=actor("agnes"))
    assert (search.finding, search.error) == (Finding.UNKNOWN, "unexpected_answer")


def test_an_erasure_is_confirmed_by_a_search(target: Processor, sandbox: Sandbox, ada: str) -> None:
    case = erased(target, sandbox)
    jobs.confirm(str(case.pk))
    search = ProfileSearch.objects.get(purpose=Purpose.CONFIRMATION)
    assert search.finding == Finding.NOT_FOUND
    assert searching.in_words(search).startswith("No profile found")
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
    assert "new data has come in since" in searching.in_words(
        ProfileSearch.objects.get(processor_request=old)
    )
    case.refresh_from_db()
    assert case.status == CaseStatus.ATTENTION
    new = repeating.again(old, actor=actor("pia"), text="The shop was still sending.")
    assert new.replaces == old
    item.refresh_from_db()
    assert item.resolution == "sent_again"
    with pytest.raises(Refused):
        repeating.again(old, actor=actor("pia"))
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
    with pytest.raises(Refused, match="Nothing is open"):
        repeating.again(ProcessorRequest.objects.get(), actor=actor("pia"))


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
