"""Who works a case, from when on, and by what word it is found."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import Case, Tag
from cases.services.planning import approval
from cases.services.refusal import Refused, Superseded
from cases.services.worklist import assigning
from tests.builders import actor, open_case, person, processor

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    processor()
    return open_case()


def events(case: Case) -> list[str]:
    actions = ("case.assigned", "case.deferred", "case.tagged")
    return [event.sentence for event in case.audit_events.filter(action__in=actions).order_by("pk")]


def test_a_case_is_handed_to_somebody_and_back_to_nobody(case: Case) -> None:
    ben = person("ben")
    assigning.assign(case, actor=actor("agnes"), assignee=ben, seen=None)
    assigning.assign(case, actor=actor("agnes"), assignee=ben, seen=ben.pk)  # nothing new
    assigning.assign(case, actor=actor("agnes"), assignee=None, seen=ben.pk)
    assert events(case) == ["Assigned the case to ben", "Assigned the case to nobody"]
    assert Case.objects.get(pk=case.pk).assignee is None


def test_of_two_who_take_a_case_at_once_the_second_hears_of_it(case: Case) -> None:
    ben, eve = person("ben"), person("eve")
    assigning.assign(case, actor=actor("ben"), assignee=ben, seen=None)
    with pytest.raises(Superseded, match="assigned to ben"):
        assigning.assign(case, actor=actor("eve"), assignee=eve, seen=None)
    assert Case.objects.get(pk=case.pk).assignee == ben


def test_nobody_who_left_is_given_work(case: Case) -> None:
    gone = person("gone", is_active=False)
    with pytest.raises(Refused, match="not active"):
        assigning.assign(case, actor=actor("agnes"), assignee=gone, seen=None)


def test_a_case_is_deferred_to_a_day_before_it_is_due(case: Case) -> None:
    today, due_on = timezone.localdate(), case.clocks.get().due_on
    for day in (today, today - timedelta(days=1)):
        with pytest.raises(Refused, match="Choose a day in the future"):
            assigning.defer(case, actor=actor("agnes"), until=day)
    with pytest.raises(Refused, match="before that"):
        assigning.defer(case, actor=actor("agnes"), until=due_on)
    assigning.defer(case, actor=actor("agnes"), until=today + timedelta(days=3))
    assigning.defer(case, actor=actor("agnes"), until=None)
    assert events(case) == [
        f"Deferred the case until {today + timedelta(days=3):%d %b %Y}",
        "Deferred the case until now",
    ]


def test_tags_are_words_written_once_whatever_their_capitals(case: Case) -> None:
    assigning.tag(case, actor=actor("agnes"), names=["VIP", " press  office "])
    other = open_case()
    assigning.tag(other, actor=actor("agnes"), names=["vip"])
    assert [tag.name for tag in Tag.objects.all()] == ["VIP", "press office"]
    assigning.tag(case, actor=actor("agnes"), names=["vip"])
    assert events(case) == [
        "Changed the tags: added VIP, press office, removed none",
        "Changed the tags: added none, removed press office",
    ]


@pytest.mark.parametrize("name", ["ada@example.org", "x" * 41, "<b>", "a,b"])
def test_a_tag_is_a_word_and_no_address(case: Case, name: str) -> None:
    with pytest.raises(Refused, match="letters, digits"):
        assigning.tag(case, actor=actor("agnes"), names=[name])
    assert not Tag.objects.exists()


def test_a_closed_case_is_nobodys_work(case: Case) -> None:
    approval.deny(case, actor=actor("pia"), reason="legal_obligation")
    with pytest.raises(Refused, match="Reopen"):
        assigning.assign(case, actor=actor("agnes"), assignee=None, seen=None)
    with pytest.raises(Refused, match="Reopen"):
        assigning.tag(case, actor=actor("agnes"), names=["vip"])
