"""Nothing is overwritten unseen: what a page was shown with is compared under the case's lock."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases.actor import CALLBACK, Actor, Seen
from cases.models import Action, Case
from cases.services import audit, progress, versions
from cases.services.closing import closing
from cases.services.dispatch import cancellation, retrying
from cases.services.person import identities, verification
from cases.services.planning import approval, change_plan, erasure_hold, planning, tasks
from cases.services.refusal import Refused, Superseded
from cases.services.versions import Conflict
from cases.services.worklist import assigning
from dsrportal.sentence import paragraph
from integrations.types import Identity
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.cases.admin import stages
from tests.cases.test_locking import until_somebody_waits

pytestmark = pytest.mark.django_db


def looking(case: Case, name: str = "agnes") -> Actor:
    """Somebody who has the case before them as it is now."""
    return replace(actor(name), seen=Seen(case.pk, versions.version(case.pk)))


def tag(case: Case, who: Actor, *names: str) -> None:
    assigning.tag(case, actor=who, names=names)


def add_identity(case: Case, who: Actor) -> None:
    value = f"{who.label}.{timezone.now().timestamp()}@example.org"
    identities.change(case, actor=who, add=[Identity("email", value)], remove=[])


def replan(case: Case, who: Actor) -> None:
    change_plan.change(case, actor=who, left_out={}, skip_waiting_period=True)


def move_tags(case: Case, who: Actor) -> None:
    tag(case, who, f"of {who.label}")


def defer(case: Case, who: Actor) -> None:
    day = timezone.localdate() + timedelta(days=2 if who.label == "pia" else 3)
    assigning.defer(case, actor=who, until=day)


def hand(case: Case, who: Actor) -> None:
    case.refresh_from_db()
    assigning.assign(case, actor=who, assignee=who.user, seen=case.assignee_id)


def task_of(case: Case) -> Any:
    return case.requests.get(processor__kind="manual").task


def hand_task(case: Case, who: Actor) -> None:
    tasks.assign(task_of(case), actor=who, assignee=who.user, due_on=timezone.localdate())


def approve(case: Case, who: Actor) -> None:
    approval.approve(case, actor=who, digest=planning.digest(case))


def deny(case: Case, who: Actor) -> None:
    approval.deny(case, actor=who, reason="legal_obligation")


def close(case: Case, who: Actor) -> None:
    closing.close(case, actor=who, outcome="fulfilled")


# What the first one does, what the second one then tries with the page of before, and what they are told.
Step = Callable[[Case, Actor], Any]
OVERWRITING: dict[str, tuple[Callable[[], Case], Step, Step, str]] = {
    "tags": (open_case, move_tags, move_tags, "Changed the tags: added of pia"),
    "defer": (open_case, defer, defer, "Deferred the case until"),
    "hand": (open_case, hand, hand, "Assigned the case to pia"),
    "task": (stages.with_task, hand_task, hand_task, "Assigned the task at Archive to pia"),
    "identities": (ready_case, add_identity, add_identity, "Changed the identifiers: 1 added"),
    "plan": (ready_case, replan, replan, "Changed the plan"),
    "plan of other identities": (ready_case, add_identity, replan, "Changed the"),
    "verification of other identities": (
        open_case,
        add_identity,
        lambda case, who: verification.record(case, actor=who, method="signed_in"),
        "Changed the identifiers",
    ),
    "a plan approved since": (ready_case, approve, replan, "Approved the plan"),
    "approval of another plan": (lambda: ready_case(by="otto"), replan, approve, "Changed the plan"),
    "denial": (open_case, deny, deny, "Denied the case"),
    "withdrawal": (
        open_case,
        deny,
        lambda case, who: closing.withdraw(case, actor=who),
        "Denied the case",
    ),
    "closing": (stages.in_review, close, close, "Closed the case as Fulfilled"),
    "reopening": (
        stages.denied,
        lambda case, who: closing.reopen(case, actor=who, reason="closed_by_mistake"),
        lambda case, who: closing.reopen(case, actor=who, reason="person_objected"),
        "Reopened the case",
    ),
    "cancelling": (
        approved_case,
        lambda case, who: cancellation.cancel(case, actor=who),
        lambda case, who: cancellation.cancel(case, actor=who),
        "Requested cancellation from Sandbox 0",
    ),
    "retrying": (
        stages.failed,
        lambda case, who: retrying.retry(case, actor=who),
        lambda case, who: retrying.retry(case, actor=who),
        "Queued the request to Sandbox 0 again",
    ),
    "release": (
        stages.held,
        lambda case, who: erasure_hold.release(case, actor=who, reason="person_insists"),
        lambda case, who: erasure_hold.release(case, actor=who, reason="deadline"),
        "Released from hold: no longer waits for",
    ),
}


@pytest.fixture(autouse=True)
def _target() -> None:
    processor()


@pytest.mark.parametrize("name", OVERWRITING)
def test_who_comes_second_hears_who_changed_what(name: str) -> None:
    make, first, second, told = OVERWRITING[name]
    case = make()
    agnes, pia = looking(case, "agnes"), looking(case, "pia")
    first(case, pia)
    before = versions.version(case.pk)
    with pytest.raises(Conflict) as refused:
        second(case, agnes)
    first_of_all, *changes = refused.value.sentences
    assert first_of_all.english.startswith("This changed since you opened the page.")
    assert all(each.english.startswith("pia, ") for each in changes)
    assert told in str(paragraph(changes))
    assert versions.version(case.pk) == before  # nothing came of it


@pytest.mark.parametrize("name", OVERWRITING)
def test_who_looked_afterwards_is_not_told_of_it(name: str) -> None:
    make, first, second, _told = OVERWRITING[name]
    case = make()
    first(case, actor("pia"))
    try:
        second(case, looking(case, "agnes"))
    except Conflict:
        pytest.fail("They had seen it.")
    except (Refused, Superseded):
        pass  # what cannot be done twice is refused for what it is


def test_what_touches_something_else_refuses_nothing() -> None:
    case = open_case()
    agnes = looking(case)
    defer(case, actor("pia"))
    hand(case, actor("pia"))
    tag(case, agnes, "vip")
    assert [each.name for each in case.tags.all()] == ["vip"]


def test_the_portals_own_events_refuse_nothing_that_they_do_not_touch() -> None:
    case = approved_case()
    agnes = looking(case)
    stages.move(case, "completed", answer="done", completed_at=timezone.now())
    tag(case, agnes, "vip")
    assert case.tags.exists()


def test_an_answer_that_came_since_stops_a_closing_on_the_old_ones() -> None:
    case = stages.in_review()
    agnes = looking(case)
    audit.record(
        Action.FORWARDING_CHANGED,
        actor=CALLBACK,
        case=case,
        details={"processor": "Sandbox 0", "partner": "Braze", "to": "failed"},
    )
    with pytest.raises(Conflict, match=r"The portal, .*: Sandbox 0 reports Braze: failed"):
        close(case, agnes)
    close(case, looking(case))
    assert Case.objects.get(pk=case.pk).status == "closed"


def test_one_who_changed_it_in_another_window_hears_so() -> None:
    case = open_case()
    agnes = looking(case)
    tag(case, actor("agnes"), "press")
    with pytest.raises(Conflict, match="You, in another window, "):
        tag(case, agnes, "vip")


def test_what_somebody_saw_of_another_case_says_nothing_of_this_one() -> None:
    case, other = open_case(), open_case()
    elsewhere = looking(other)
    tag(case, actor("pia"), "press")
    tag(case, elsewhere, "vip")
    assert [each.name for each in case.tags.all()] == ["vip"]


def test_the_portal_itself_is_never_refused() -> None:
    case = open_case()
    tag(case, actor("pia"), "press")
    tag(case, actor("agnes"), "vip")
    assert [each.name for each in case.tags.all()] == ["vip"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [move_tags, defer, hand, replan, add_identity])
def test_who_waits_for_the_case_is_refused_for_what_its_holder_wrote(change: Step) -> None:
    """The version is compared under the lock: both had the same page, and saved at the same moment."""
    case = ready_case()
    agnes, pia = looking(case, "agnes"), looking(case, "pia")
    found: list[BaseException] = []

    def save() -> None:
        try:
            change(Case.objects.get(pk=case.pk), agnes)
        except Refused as refused:
            found.append(refused)
        finally:
            connection.close()

    waiter = threading.Thread(target=save)
    with progress.locked(case.pk) as locked:
        change(locked, pia)
        waiter.start()
        until_somebody_waits()
    waiter.join(10)
    assert [type(each) for each in found] == [Conflict]
    assert "pia, " in str(found[0])
