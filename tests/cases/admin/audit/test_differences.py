"""What a change of configuration changed, on its event's page: what it was and what it is, and no secret."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from cases.models import Action, AuditEvent
from cases.services import audit
from cases.services.processors import accounts
from integrations.models import Processor
from tests import builders
from tests.cases.admin.desk_users import account, browser

pytestmark = pytest.mark.django_db


def differences(event: AuditEvent) -> list[tuple[str, str, str, bool]]:
    answer = browser("otto").get(reverse("admin:cases_auditevent_change", args=[event.pk]))
    return [(each.field, each.before, each.after, each.told) for each in answer.context["differences"]]


def latest(action: str) -> AuditEvent:
    found: AuditEvent = AuditEvent.objects.filter(action=action).latest("id")
    return found


def test_a_processors_address_and_name_are_told_and_its_credentials_are_not() -> None:
    processor = builders.processor(name="Shop")
    processor.name, processor.base_url = "Store", "https://eu.example.org/v3"
    processor.credentials = {**processor.credentials, "workspace_secret": "tops3cret"}
    names = ["name", "base_url", "workspace_secret", "budget_share"]
    accounts.save(processor, actor=builders.actor(account("ivy")), changed=names)
    event = latest(Action.PROCESSOR_CHANGED)
    assert differences(event) == [
        ("base url", "https://localhost:9/v3", "https://eu.example.org/v3", True),
        ("name", "Shop", "Store", True),
        ("workspace secret", "", "", False),
    ]
    assert "tops3cret" not in event.canonical
    html = browser("otto").get(reverse("admin:cases_auditevent_change", args=[event.pk])).content.decode()
    assert "Changed. The values are not stored in the audit trail." in html


def test_an_address_with_a_password_in_it_is_not_told() -> None:
    processor = builders.processor()
    processor.base_url = "https://me:tops3cret@example.org/v3"
    accounts.save(processor, actor=builders.actor(account("ivy")), changed=["base_url"])
    assert differences(latest(Action.PROCESSOR_CHANGED)) == [("base url", "", "", False)]
    assert "tops3cret" not in latest(Action.PROCESSOR_CHANGED).canonical


def test_a_new_processor_is_told_from_nothing() -> None:
    made = Processor(kind="manual", name="Archive", account="archive", options={"instructions": "Ask Bob."})
    changed = ["kind", "name", "account", "instructions"]
    accounts.save(made, actor=builders.actor(account("ivy")), changed=changed)
    event = latest(Action.PROCESSOR_CREATED)
    assert ("name", "", "Archive", True) in differences(event)
    assert ("instructions", "", "", False) in differences(event)
    assert "Bob" not in event.canonical


def test_an_accounts_rights_are_told_and_the_person_is_not() -> None:
    clerk = builders.person("clerk", first_name="Clara")
    typed = {"username": "clerk2", "first_name": "Carla", "time_zone": "Europe/Berlin", "email": ""}
    browser("adam").post(reverse("admin:dsrportal_user_change", args=[clerk.pk]), typed)
    event = latest(Action.USER_CHANGED)
    assert differences(event) == [
        ("first name", "", "", False),
        ("is active", "yes", "no", True),
        ("time zone", "UTC", "Europe/Berlin", True),
        ("username", "clerk", "clerk2", True),
    ]
    assert "Clara" not in event.canonical
    assert "Carla" not in event.canonical


def test_what_a_role_gained_and_lost_is_told_with_its_old_name() -> None:
    role = Group.objects.create(name="night shift")
    role.permissions.add(Permission.objects.get(codename="view_case"))
    gains = Permission.objects.get(codename="view_clock")
    browser("adam").post(
        reverse("admin:auth_group_change", args=[role.pk]), {"name": "late shift", "permissions": [gains.pk]}
    )
    assert differences(latest(Action.ROLE_CHANGED)) == [
        ("name", "night shift", "late shift", True),
        ("cases.view_clock", "", "added", True),
        ("cases.view_case", "removed", "", True),
    ]


def test_events_of_before_name_their_fields_and_others_have_no_differences() -> None:
    old = audit.record(
        Action.PROCESSOR_CHANGED,
        actor=builders.actor("ivy"),
        details={"processor": "Shop", "fields": ["account"]},
    )
    assert differences(old) == [("account", "", "", False)]
    assert differences(audit.record(Action.OUTGOING_PAUSED, actor=builders.actor("ivy"))) == []
