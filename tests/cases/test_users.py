"""Log-ins and rights are in the trail, and nothing of what a stranger types is."""

import json

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from cases.actor import Actor, Source
from cases.models import Action, AuditEvent
from cases.models.audit.event import PORTAL_CHAIN
from cases.services import audit, users
from dsrportal.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def agnes() -> User:
    return User.objects.create_user("agnes", password=PASSWORD, is_staff=True)


def log_in(client: Client, username: str, password: str, address: str = "192.0.2.7") -> int:
    answer = client.post(
        reverse("admin:login"), {"username": username, "password": password}, REMOTE_ADDR=address
    )
    return answer.status_code


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_log_in_and_log_out_name_the_person_and_the_address(client: Client, agnes: User) -> None:
    assert log_in(client, "agnes", PASSWORD) == 302
    client.post(reverse("admin:logout"), REMOTE_ADDR="192.0.2.8")
    came, left = AuditEvent.objects.order_by("id")
    assert (came.action, came.actor, came.actor_label, came.address, came.source) == (
        Action.USER_LOGGED_IN,
        agnes,
        "agnes",
        "192.0.2.7",
        "admin",
    )
    assert (left.action, left.actor, left.address) == (Action.USER_LOGGED_OUT, agnes, "192.0.2.8")
    assert came.chain == left.chain == PORTAL_CHAIN
    assert audit.verify(PORTAL_CHAIN) == []


def test_logging_out_without_having_been_in_is_no_event(client: Client) -> None:
    client.post(reverse("admin:logout"))
    assert actions() == []


def test_a_failed_log_in_names_a_known_account_by_its_id_only(client: Client, agnes: User) -> None:
    log_in(client, "agnes", "wrong")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.address) == (Action.USER_LOGIN_FAILED, None, "192.0.2.7")
    assert event.details == {"account_id": agnes.pk}


@pytest.mark.parametrize("typed", ["ada.lovelace@example.org", "my-secret-passphrase", "o'brien\x00"])
def test_what_a_stranger_types_is_not_recorded(client: Client, agnes: User, typed: str) -> None:
    log_in(client, typed, "wrong-password-typed")
    kept = json.dumps([[e.canonical, e.details, e.actor_label] for e in AuditEvent.objects.all()])
    assert typed not in kept
    assert "wrong-password-typed" not in kept
    assert all(event.details == {} for event in AuditEvent.objects.all())


def test_each_attempt_is_one_event_until_the_fifth_locks_out(client: Client, agnes: User) -> None:
    for _ in range(5):
        log_in(client, "agnes", "wrong")
    assert actions() == [Action.USER_LOGIN_FAILED] * 4 + [Action.USER_LOCKED_OUT]
    for _ in range(3):  # a lock-out is one event, however often somebody goes on trying
        assert log_in(client, "agnes", PASSWORD) == 429
    assert actions()[5:] == []
    last = AuditEvent.objects.latest("id")
    assert (last.details, last.address) == ({"account_id": agnes.pk}, "192.0.2.7")
    for _ in range(6):
        log_in(client, "agnes", "wrong", address="192.0.2.8")
    assert actions()[-1:] == [Action.USER_LOCKED_OUT]
    assert actions().count(Action.USER_LOCKED_OUT) == 2


def test_a_change_names_fields_and_never_values(agnes: User) -> None:
    agnes.email = "agnes@example.com"
    users.changed(agnes, actor=Actor(Source.ADMIN), fields=["last_name", "email"])
    event = AuditEvent.objects.get()
    assert event.details == {"account": "agnes", "account_id": agnes.pk, "fields": ["email", "last_name"]}


def test_becoming_a_superuser_has_a_reason_of_its_own(agnes: User) -> None:
    agnes.is_superuser = True
    users.changed(agnes, actor=Actor(Source.ADMIN), fields=["is_superuser"])
    agnes.is_superuser = False
    users.changed(agnes, actor=Actor(Source.ADMIN), fields=["is_superuser"])
    reasons = list(AuditEvent.objects.order_by("id").values_list("reason", flat=True))
    assert reasons == ["superuser_granted", "superuser_revoked"]


def test_nothing_changed_is_no_event(agnes: User) -> None:
    users.changed(agnes, actor=Actor(Source.ADMIN), fields=[])
    users.roles_changed(agnes, actor=Actor(Source.ADMIN), before=["agent"], after=["agent"])
    users.role_changed("agent", actor=Actor(Source.ADMIN), added=[], removed=[])
    assert actions() == []


@pytest.mark.parametrize(
    ("manager", "other", "may"),
    [
        ("administrator", "agent", True),
        ("administrator", "administrator", True),
        ("agent", "administrator", False),
        ("auditor", "agent", False),
    ],
)
def test_nobody_manages_an_account_with_rights_they_lack(manager: str, other: str, may: bool) -> None:
    people = [User.objects.create_user("manager"), User.objects.create_user("other", is_active=False)]
    for person, role in zip(people, (manager, other), strict=True):
        person.groups.add(Group.objects.get(name=role))
    assert users.may_manage(*people) is may


def test_only_superusers_manage_superusers(agnes: User) -> None:
    agnes.groups.add(Group.objects.get(name="administrator"))
    root = User.objects.create_superuser("root")
    assert not users.may_manage(agnes, root)
    assert users.may_manage(root, agnes)
