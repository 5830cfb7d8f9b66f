"""Accounts and roles at the desk: who may change whom, and what the trail says of it."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from cases.models import Action, AuditEvent
from dsrportal.models import User
from tests.builders import PASSWORD
from tests.cases.admin.desk_users import account, browser, said

pytestmark = pytest.mark.django_db

USERS = reverse("admin:dsrportal_user_changelist")
ADD = reverse("admin:dsrportal_user_add")
NEW_PASSWORD = "another-horse-battery"


def page(user: User) -> str:
    return reverse("admin:dsrportal_user_change", args=[user.pk])


def fields(user: User, **more: Any) -> dict[str, Any]:
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "time_zone": user.time_zone,
        "is_active": "on",
        "groups": list(user.groups.values_list("pk", flat=True)),
        **more,
    }


def role(name: str) -> int:
    return Group.objects.get(name=name).pk


def events(*actions: str) -> list[AuditEvent]:
    """Newest last; log-ins apart."""
    found = AuditEvent.objects.exclude(action=Action.USER_LOGGED_IN).order_by("id")
    return list(found.filter(action__in=actions) if actions else found)


@pytest.mark.parametrize(
    ("name", "status"), [("adam", 200), ("otto", 200), ("agnes", 403), ("ivy", 403), ("charlie", 403)]
)
def test_who_may_look_at_accounts(name: str, status: int) -> None:
    assert browser(name).get(USERS).status_code == status


@pytest.mark.parametrize("name", ["otto", "agnes", "charlie"])
def test_who_may_not_add_or_change_them(name: str) -> None:
    agnes, client = account("agnes"), browser(name)
    new = {"username": "new", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "time_zone": "UTC"}
    assert client.post(ADD, new).status_code == 403
    assert client.post(page(agnes), fields(agnes, last_name="X")).status_code == 403
    assert client.post(page(agnes).replace("change", "password")).status_code == 403
    assert not User.objects.filter(username="new").exists()
    assert events() == []


def test_a_new_account_may_log_in_has_its_roles_and_two_events() -> None:
    answer = browser("adam").post(
        ADD,
        {
            "username": "greta",
            "password1": NEW_PASSWORD,
            "password2": NEW_PASSWORD,
            "time_zone": "Europe/Berlin",
            "groups": [role("agent"), role("auditor")],
        },
    )
    assert answer.status_code == 302
    greta = User.objects.get(username="greta")
    assert (greta.is_staff, greta.is_superuser, greta.time_zone) == (True, False, "Europe/Berlin")
    made, roles = events()
    assert (made.action, made.actor_label, made.address) == (Action.USER_CREATED, "adam", "192.0.2.7")
    assert made.details == {"account": "greta", "account_id": greta.pk}
    assert (roles.details["added"], roles.details["removed"]) == (["agent", "auditor"], [])
    assert NEW_PASSWORD not in made.canonical + roles.canonical


def test_a_change_is_told_by_field_and_role() -> None:
    agnes = account("agnes")
    browser("adam").post(
        page(agnes), fields(agnes, email="agnes@example.com", last_name="Agent", groups=[role("approver")])
    )
    changed, roles = events()
    assert changed.details["fields"] == ["email", "last_name"]
    assert "agnes@example.com" not in changed.canonical
    assert (roles.details["added"], roles.details["removed"]) == (["approver"], ["agent"])


def test_saving_without_a_change_is_no_event() -> None:
    agnes = account("agnes")
    assert browser("adam").post(page(agnes), fields(agnes)).status_code == 302
    assert events() == []


def test_deactivating_ends_what_the_account_may_do() -> None:
    agnes, client = account("agnes"), browser("agnes")
    browser("adam").post(page(agnes), {**fields(agnes), "is_active": ""})
    assert client.get("/admin/").status_code == 302
    assert events()[0].details["fields"] == ["is_active"]


def test_nothing_deletes_an_account() -> None:
    agnes = account("agnes")
    root = User.objects.create_superuser("root")
    client = browser("adam")
    client.force_login(root)
    address = reverse("admin:dsrportal_user_delete", args=[agnes.pk])
    assert client.post(address, {"post": "yes"}).status_code == 403
    client.post(USERS, {"action": "delete_selected", "_selected_action": [agnes.pk], "post": "yes"})
    assert User.objects.filter(pk=agnes.pk).exists()


def test_nobody_but_a_superuser_makes_one() -> None:
    agnes, client = account("agnes"), browser("adam")
    client.post(page(agnes), fields(agnes, is_superuser="on"))
    assert not User.objects.get(pk=agnes.pk).is_superuser
    client.force_login(User.objects.create_superuser("root"))
    client.post(page(agnes), fields(agnes, is_superuser="on"))
    assert User.objects.get(pk=agnes.pk).is_superuser
    assert events()[-1].reason == "superuser_granted"


def test_an_administrator_cannot_touch_a_superuser() -> None:
    root, client = User.objects.create_superuser("root", password=PASSWORD), browser("adam")
    before = root.password
    assert client.get(page(root)).status_code == 200
    assert client.post(page(root), fields(root, email="x@example.com")).status_code == 403
    new = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    assert client.post(reverse("admin:auth_user_password_change", args=[root.pk]), new).status_code == 403
    root.refresh_from_db()
    assert (root.email, root.password) == ("", before)


def test_nobody_changes_their_own_rights() -> None:
    adam, client = account("adam"), browser("adam")
    client.post(page(adam), {**fields(adam, last_name="A", groups=[role("auditor")]), "is_active": ""})
    adam.refresh_from_db()
    assert (adam.last_name, adam.is_active, adam.groups.get().name) == ("A", True, "administrator")


@pytest.fixture
def clerk() -> User:
    """Keeps accounts without being an administrator: a role that someone made."""
    clerks = Group.objects.create(name="account clerk")
    clerks.permissions.set(Permission.objects.filter(codename__in=["view_user", "add_user", "change_user"]))
    made = account("charlie")
    made.groups.add(clerks)
    return made


def test_nobody_gives_a_role_beyond_their_own_rights(clerk: User) -> None:
    client = browser("charlie")
    new = {"username": "new", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "time_zone": "UTC"}
    answer = client.post(ADD, {**new, "groups": [role("administrator")]})
    assert "You can only grant permissions that you have." in answer.content.decode()
    assert not User.objects.filter(username="new").exists()
    assert client.post(ADD, {**new, "groups": [role("account clerk")]}).status_code == 302


def test_nobody_takes_over_an_account_with_more_rights(clerk: User) -> None:
    client, adam = browser("charlie"), account("adam")
    new = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    assert client.post(reverse("admin:auth_user_password_change", args=[adam.pk]), new).status_code == 403
    assert client.post(page(adam), fields(adam, email="x@example.com")).status_code == 403


def test_a_password_set_by_another_is_an_event() -> None:
    agnes = account("agnes")
    new = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    answer = browser("adam").post(
        reverse("admin:auth_user_password_change", args=[agnes.pk]), {**new, "set-password": "1"}
    )
    assert answer.status_code == 302
    (event,) = events()
    assert (event.action, event.reason) == (Action.PASSWORD_CHANGED, "by_another")
    assert event.details == {"account": "agnes", "account_id": agnes.pk}


def test_a_refused_password_is_no_event() -> None:
    agnes = account("agnes")
    short = {"password1": "short", "password2": "short", "usable_password": "true"}
    answer = browser("adam").post(reverse("admin:auth_user_password_change", args=[agnes.pk]), short)
    assert answer.status_code == 200
    assert events() == []


def test_ones_own_new_password_is_an_event() -> None:
    client = browser("charlie")
    new = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    wrong = client.post(reverse("admin:password_change"), {**new, "old_password": "wrong"})
    assert wrong.status_code == 200
    assert events() == []
    assert client.post(reverse("admin:password_change"), new).status_code == 302
    (event,) = events()
    assert (event.action, event.actor_label, event.reason) == (Action.PASSWORD_CHANGED, "charlie", "own")


# --- roles


def role_page(name: str) -> str:
    return reverse("admin:auth_group_change", args=[role(name)])


def permissions(*names: str) -> list[int]:
    return [
        Permission.objects.get(content_type__app_label=name.split(".")[0], codename=name.split(".")[1]).pk
        for name in names
    ]


def test_what_a_role_may_do_changes_with_an_event() -> None:
    client = browser("adam")
    client.post(
        reverse("admin:auth_group_add"),
        {"name": "helper", "permissions": permissions("cases.view_case", "cases.view_clock")},
    )
    client.post(role_page("helper"), {"name": "helper", "permissions": permissions("cases.view_case")})
    made, changed = events()
    assert (made.action, made.reason, made.details["added"]) == (
        Action.ROLE_CHANGED,
        "created",
        ["cases.view_case", "cases.view_clock"],
    )
    assert changed.details == {"role": "helper", "added": [], "removed": ["cases.view_clock"]}


def test_the_portals_own_roles_keep_what_they_have_and_stay() -> None:
    client = browser("adam")
    answer = client.post(role_page("agent"), {"permissions": permissions("cases.view_case")})
    assert "This role must keep these permissions:" in answer.content.decode()
    delete = reverse("admin:auth_group_delete", args=[role("agent")])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    client.post(role_page("agent"), {"name": "renamed", "permissions": permissions("cases.view_case")})
    assert Group.objects.filter(name="agent").exists()
    assert events() == []


def test_a_role_of_ones_own_is_deleted_with_an_event() -> None:
    helper = Group.objects.create(name="helper")
    helper.permissions.set(permissions("cases.view_case"))
    answer = browser("adam").post(
        reverse("admin:auth_group_delete", args=[helper.pk]), {"post": "yes"}, follow=True
    )
    assert answer.status_code == 200
    assert said(answer)
    (event,) = events()
    assert (event.reason, event.details["removed"]) == ("deleted", ["cases.view_case"])


@pytest.mark.parametrize("name", ["agnes", "otto", "ivy", "charlie"])
def test_who_may_not_change_roles(name: str) -> None:
    answer = browser(name).post(role_page("agent"), {"name": "agent", "permissions": []})
    assert answer.status_code == 403
    assert events() == []


def test_nobody_gives_a_role_permissions_they_lack() -> None:
    clerks = Group.objects.create(name="role clerk")
    clerks.permissions.set(permissions("auth.view_group", "auth.add_group", "auth.change_group"))
    account("charlie").groups.add(clerks)
    answer = browser("charlie").post(
        reverse("admin:auth_group_add"),
        {"name": "mighty", "permissions": permissions("dsrportal.change_user")},
    )
    assert "You can only grant permissions that you have." in answer.content.decode()
    assert not Group.objects.filter(name="mighty").exists()
