"""The demo's passwords are known to everyone: it keeps to itself, and nobody works with what it left.

What it shows is made by the services that people call, the weeks behind it too.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from cases.lifecycle import CaseStatus
from cases.models import Case, IntakeSource, Mention, SavedView
from cases.services import audit
from cases.services.planning import suggestions
from cases.services.status import trend
from dsrportal.demo import cases, history, setting
from dsrportal.models import User
from dsrportal.serve.embedded import CannotStart


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_it_listens_on_this_machine(host: str) -> None:
    setting.refuse_to_listen_on(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "portal.example", ""])
def test_it_listens_nowhere_else(host: str) -> None:
    with pytest.raises(CannotStart, match="known to everyone"):
        setting.refuse_to_listen_on(host)


@pytest.mark.django_db
def test_nobody_works_with_the_accounts_that_a_demo_left() -> None:
    setting.refuse_known_passwords()
    admin = User.objects.create_user("admin", password=setting.PASSWORD)
    User.objects.create_user("agnes", password=setting.PASSWORD, is_active=False)
    User.objects.create_user("pia", password="one of her own")
    with pytest.raises(CannotStart, match="the password of admin: set"):
        setting.refuse_known_passwords()
    admin.set_password("changed meanwhile")
    admin.save()
    setting.refuse_known_passwords()


@pytest.mark.django_db
def test_an_installation_with_an_admin_of_its_own_does_not_become_a_demo() -> None:
    User.objects.create_user("admin", password="one of their own")
    with pytest.raises(CannotStart, match="more than a demo"):
        setting.prepare(setting.SandboxAddress("https://localhost:9", "/nowhere"), "http://127.0.0.1:8000")
    assert User.objects.count() == 1


@pytest.fixture
def team(db: None) -> None:
    for login in setting.PEOPLE:
        setting._person(login)


def test_the_last_twelve_weeks_are_told_as_of_the_days_they_happened(team: None) -> None:
    history.tell(setting._archive_for_everything)
    now = timezone.now()
    past = list(Case.objects.order_by("received_at"))
    assert len(past) == len(history.PAST)
    assert {case.status for case in past} == {CaseStatus.CLOSED}
    for case in past:
        events = list(case.audit_events.order_by("sequence"))
        assert case.closed_at is not None
        assert case.received_at < events[0].at < events[-1].at <= case.closed_at < now
        assert audit.verify(f"case:{case.pk}") == []
    weeks = trend.trend(now=now, zone=ZoneInfo("UTC")).weeks
    assert all(week.closed or week.received for week in weeks[:-1])
    assert sum(week.late for week in weeks) == 2
    assert timezone.now() - now < timedelta(minutes=5)


def test_its_open_cases_show_what_a_team_does(team: None) -> None:
    setting._archive_for_everything()
    cases.open_all()
    opened = Case.objects.exclude(status=CaseStatus.CLOSED)
    assert opened.filter(assignee__username="agnes").exists()
    assert opened.filter(tags__name="complaint", follow_up_on=None).exists()
    assert opened.filter(follow_up_on__isnull=False).exists()
    assert opened.get(intake_source=IntakeSource.objects.get()).opened_by is None
    assert suggestions.suggested().count() == 2
    assert {mention.user.get_username() for mention in Mention.objects.all()} == {"agnes", "pia"}
    assert SavedView.objects.get().shared
