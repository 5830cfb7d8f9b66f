"""Words that do not come: past the expected completion, and nothing at all from a processor."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import jobs
from cases.lifecycle import CaseStatus
from cases.models import AttentionItem, AttentionKind, AuditEvent, Case, ProcessorRequest, RequestGroup
from cases.services import attention, audit
from cases.services.dispatch import dispatch
from cases.services.processors import accounts
from integrations.models import Processor
from tests.builders import actor, approved_case
from tests.cases.asking import later
from tests.sandbox import Sandbox

DAY = 24 * 3600


def sent(target: Processor, count: int = 2) -> Case:
    case = approved_case(identities=[("email", f"{number}@example.org") for number in range(count)])
    dispatch.drain(target.pk)
    return case


def round_of_reports(target: Processor) -> None:
    """As the schedule has it: what is due is asked for, and what is missing is looked for."""
    jobs.report(str(target.pk))
    jobs.reports()


def items(kind: AttentionKind) -> list[AttentionItem]:
    return list(AttentionItem.objects.filter(kind=kind).order_by("pk"))


def status(case: Case) -> str:
    case.refresh_from_db()
    return case.status


class TestPastExpected:
    def test_each_request_that_is_late_by_the_processors_own_word_is_shown_once(
        self, target: Processor, sandbox: Sandbox
    ) -> None:
        case = sent(target)
        expected = ProcessorRequest.objects.values_list("expected_completion_at", flat=True)[0]
        with later(days=25):
            jobs.reports()
            assert not items(AttentionKind.PAST_EXPECTED)  # no word since: it may be done
            round_of_reports(target)
            first, second = items(AttentionKind.PAST_EXPECTED)
            assert first.processor_request_id != second.processor_request_id
            assert first.sentence.english == (
                f"{target.name} expected to be done by {expected:%d %b %Y} 00:00 UTC but still reports "
                "the status pending. Ask them about the delay."
            )
            assert status(case) == CaseStatus.ATTENTION
            assert audit.verify(f"case:{case.pk}") == []
        with later(days=26):
            round_of_reports(target)
            assert len(items(AttentionKind.PAST_EXPECTED)) == 2

    def test_it_is_settled_when_they_finish(self, target: Processor, sandbox: Sandbox) -> None:
        case = sent(target)
        with later(days=25):
            round_of_reports(target)
        sandbox.advance(15 * DAY)
        with later(days=26):
            round_of_reports(target)
        assert {item.resolution for item in items(AttentionKind.PAST_EXPECTED)} == {"answered"}
        assert status(case) == CaseStatus.REVIEW

    def test_it_is_settled_by_a_later_expected_time_and_comes_again_after_that(
        self, target: Processor, sandbox: Sandbox
    ) -> None:
        case = sent(target)
        with later(days=2):
            # What they had said at first was too hopeful.
            ProcessorRequest.objects.update(
                expected_completion_at=timezone.now() - timedelta(days=1),
                expected_completion_raw="yesterday",
                reported_at=timezone.now() - timedelta(hours=12),
            )
            jobs.reports()
            assert status(case) == CaseStatus.ATTENTION
            jobs.report(str(target.pk))
            assert [item.resolution for item in items(AttentionKind.PAST_EXPECTED)] == ["answered"] * 2
            assert status(case) == CaseStatus.WORKING
        with later(days=25):
            round_of_reports(target)
            assert len(items(AttentionKind.PAST_EXPECTED)) == 4

    def test_what_a_person_has_settled_is_not_shown_again(self, target: Processor, sandbox: Sandbox) -> None:
        sent(target)
        with later(days=25):
            round_of_reports(target)
            for item in items(AttentionKind.PAST_EXPECTED):
                attention.resolve(item, actor=actor("agnes"), resolution="decided")
        with later(days=27):
            round_of_reports(target)
            assert len(items(AttentionKind.PAST_EXPECTED)) == 2

    def test_looking_costs_the_same_however_many_are_in_flight(
        self, target: Processor, sandbox: Sandbox
    ) -> None:
        sent(target, 1)
        with CaptureQueriesContext(connection) as one:
            jobs.reports()
        sent(target, 5)
        with CaptureQueriesContext(connection) as six:
            jobs.reports()
        assert len(one) == len(six)


class TestSilent:
    def silent_for_a_day(self, target: Processor, sandbox: Sandbox) -> None:
        sandbox.faults([{"method": "GET", "fault": "status_502", "times": None}])
        with later(hours=25):
            round_of_reports(target)

    def test_a_processor_that_says_nothing_for_a_day_is_shown_once(
        self, target: Processor, sandbox: Sandbox
    ) -> None:
        case = sent(target, 3)
        since = min(filter(None, ProcessorRequest.objects.values_list("reported_at", flat=True)))
        self.silent_for_a_day(target, sandbox)
        (item,) = items(AttentionKind.SILENT)
        assert (item.processor, item.case) == (target, None)
        assert item.sentence.english.startswith(
            f"{target.name} sends no update on 3 requests, the first since {since:%d %b %Y %H:%M} UTC, "
            "although it is asked regularly. Check whether it is available, or ask them."
        )
        assert status(case) == CaseStatus.WORKING
        # One request less waits, and it is the same silence.
        ProcessorRequest.objects.filter(pk=case.requests.all()[0].pk).update(
            status="completed", answer="done"
        )
        with later(hours=26):
            round_of_reports(target)
        assert items(AttentionKind.SILENT) == [item]

    def test_the_next_word_settles_it(self, target: Processor, sandbox: Sandbox) -> None:
        sent(target)
        self.silent_for_a_day(target, sandbox)
        sandbox.clear_faults()
        with later(hours=26):
            round_of_reports(target)
        (item,) = items(AttentionKind.SILENT)
        assert item.resolution == "answered"
        trail = AuditEvent.objects.filter(details__kind="silent").order_by("sequence")
        assert [event.action for event in trail] == ["attention.opened", "attention.resolved"]

    def test_a_group_that_cannot_be_read_is_not_hidden_by_the_others(
        self, target: Processor, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent(target, 2)
        unheard = RequestGroup.objects.get()
        RequestGroup.objects.update(explicit=True)
        approved_case(identities=[("email", "x@example.org"), ("email", "y@example.org")])
        dispatch.drain(target.pk)
        # The group's answer, and then those on its two members.
        sandbox.faults([{"method": "GET", "fault": "malformed", "times": 3}])
        with later(hours=25):
            round_of_reports(target)
        (item,) = items(AttentionKind.SILENT)
        assert "2 requests" in item.sentence.english
        assert unheard.requests.filter(reported_at__lt=timezone.now()).count() == 2

    def test_a_processor_that_nobody_asked_is_not_silent(self, target: Processor, sandbox: Sandbox) -> None:
        sent(target)
        accounts.pause(target, actor=actor("agnes"), reason="by_hand")
        with later(hours=30):
            round_of_reports(target)
            accounts.resume(target, actor=actor("agnes"))
            jobs.reports()
            assert not items(AttentionKind.SILENT)
            round_of_reports(target)
            assert not items(AttentionKind.SILENT)

    def test_once_a_person_has_settled_it_it_must_last_another_day(
        self, target: Processor, sandbox: Sandbox
    ) -> None:
        sent(target)
        self.silent_for_a_day(target, sandbox)
        with later(hours=26):
            attention.resolve(items(AttentionKind.SILENT)[0], actor=actor("agnes"), resolution="decided")
        for hours, shown in ((40, 1), (51, 2)):
            with later(hours=hours):
                round_of_reports(target)
                assert len(items(AttentionKind.SILENT)) == shown
