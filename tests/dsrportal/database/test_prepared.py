"""Prepared questions give what their querysets would, in one round trip, with other values each time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import CharField, DateTimeField, F, FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Case
from dsrportal.database.prepared import Given, IsAnyOf, Prepared, ask, know
from dsrportal.models import User
from tests.builders import open_case, person, processor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cases() -> None:
    processor()
    for type in ("access", "erasure", "erasure"):
        open_case(type=type)


def with_more() -> QuerySet[Case]:
    clock = FilteredRelation("clocks", condition=Q(clocks__kind="response"))
    cases = Case.objects.annotate(clock=clock, due_at=F("clock__due_at"), words=Concat("type", Value("!")))
    related = ("opened_by", "assignee", "subject__data_key", "clock")
    return cases.select_related(*related).order_by("pk")


def told(case: Any) -> tuple[Any, ...]:
    return (
        {name: value for name, value in vars(case).items() if not name.startswith("_")},
        case.opened_by,
        case.assignee,
        case.subject.data_key,
        case.clock.due_at == case.due_at,
    )


def test_instances_come_with_what_was_selected_and_annotated() -> None:
    prepared = Prepared(lambda: with_more().filter(type=Given("type")))
    for type, count in (("erasure", 2), ("access", 1), ("erasure", 2)):
        expected = [told(case) for case in with_more().filter(type=type)]
        with CaptureQueriesContext(connection) as captured:
            assert [told(case) for case in prepared.ask(type=type)] == expected
        assert (len(expected), len(captured)) == (count, 1)


@pytest.mark.parametrize(
    "rows",
    [
        lambda: Case.objects.order_by("pk").values_list("pk", "type", "received_at"),
        lambda: Case.objects.order_by("pk").values_list("pk", flat=True),
        lambda: Case.objects.order_by("pk").only("reference"),
        lambda: Case.objects.order_by("-pk")[1:2],
        lambda: Case.objects.filter(pk__in=[]),
        lambda: Case.objects.none(),
    ],
)
def test_it_gives_what_the_queryset_gives(rows: Callable[[], QuerySet[Any, Any]]) -> None:
    assert Prepared(rows).ask() == list(rows())


def test_several_are_one_round_trip_and_keep_their_order() -> None:
    of_type = Prepared(lambda: Case.objects.filter(type=Given("type")))
    nobody = Prepared(User.objects.none)
    names = Prepared(lambda: User.objects.filter(pk=Given("user")).values_list("username", flat=True))
    agnes = User.objects.get(username="agnes")
    with CaptureQueriesContext(connection) as captured:
        access, none, name, erasure = ask(
            of_type.given(type="access"),
            nobody.given(),
            names.given(user=agnes.pk),
            of_type.given(type="erasure"),
        )
    assert (len(access), none, name, len(erasure)) == (1, [], ["agnes"], 2)
    assert len(captured) == 1


def test_what_is_asked_of_nobody_is_not_asked() -> None:
    with CaptureQueriesContext(connection) as captured:
        assert ask(Prepared(User.objects.none).given()) == [[]]
        assert ask() == []
    assert len(captured) == 0


def test_values_are_values_whatever_stands_in_them() -> None:
    prepared = Prepared(
        lambda: User.objects.filter(pk=Given("user")).values_list(Given("words", CharField()), flat=True)
    )
    user = User.objects.get(username="agnes").pk
    for words in ("100 % 'quoted'; SELECT 1", "%s %(name)s", "\\'; --", "ä\nö"):
        assert prepared.ask(user=user, words=words) == [words]


def test_it_is_reckoned_with_what_is_given() -> None:
    prepared = Prepared(
        lambda: Case.objects.filter(received_at__lt=Given("now", DateTimeField()) - timedelta(hours=1))
    )
    now = timezone.now()
    assert len(prepared.ask(now=now)) == 3  # two hours old
    assert prepared.ask(now=now - timedelta(hours=2)) == []


def test_any_of_a_list_that_is_given() -> None:
    prepared = Prepared(lambda: Case.objects.filter(IsAnyOf(F("pk"), Given("keys"))).order_by("pk"))
    first, _second, third = Case.objects.order_by("pk")
    assert prepared.ask(keys=[third.pk, first.pk, -1]) == [first, third]
    assert prepared.ask(keys=[]) == []


def test_a_value_that_is_missing_is_said_by_its_name() -> None:
    with pytest.raises(KeyError, match="type"):
        Prepared(lambda: Case.objects.filter(type=Given("type"))).ask()


def test_what_is_known_is_not_asked() -> None:
    case, agnes = Case.objects.earliest("pk"), person("somebody")
    subject = case.subject
    identities = list(subject.identities.all())
    case = Case.objects.get(pk=case.pk)
    with CaptureQueriesContext(connection) as captured:
        know(case, subject=subject, assignee=None, opened_by=agnes)
        know(subject, identities=identities)
        assert list(case.subject.identities.all()) == identities
        assert (case.assignee, case.opened_by) == (None, agnes)
    assert len(captured) == 0
