"""Roles are made by migrating, and give what the table says."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from cases.models import Action, AuditEvent
from cases.roles import ROLES, always_has, make_roles
from cases.services import users
from dsrportal.models import User

pytestmark = pytest.mark.django_db


def names(role: str) -> set[str]:
    return set(users.names_of(Group.objects.get(name=role).permissions.select_related("content_type")))


@pytest.mark.parametrize("role", ROLES)
def test_migrating_makes_every_role_with_exactly_its_permissions(role: str) -> None:
    assert names(role) == set(ROLES[role]) == always_has(role)


def test_making_them_again_changes_and_records_nothing() -> None:
    make_roles(apps)
    assert not AuditEvent.objects.exists()


def test_what_an_administrator_added_stays() -> None:
    extra = Permission.objects.get(codename="view_jobs")
    Group.objects.get(name="agent").permissions.add(extra)
    make_roles(apps)
    assert "cases.view_jobs" in names("agent")


def test_what_a_new_version_adds_is_given_and_recorded() -> None:
    Group.objects.get(name="agent").permissions.remove(Permission.objects.get(codename="close_case"))
    make_roles(apps)
    event = AuditEvent.objects.get()
    assert names("agent") == set(ROLES["agent"])
    assert (event.action, event.source, event.reason) == (Action.ROLE_CHANGED, "command", "upgraded")
    assert event.details == {"role": "agent", "added": ["cases.close_case"], "removed": []}


def test_no_role_but_the_administrators_touches_accounts() -> None:
    touching = {"dsrportal.add_user", "dsrportal.change_user", "auth.add_group", "auth.change_group"}
    assert [role for role, has in ROLES.items() if touching & set(has)] == ["administrator"]


def test_an_auditor_changes_nothing() -> None:
    assert all(name.split(".")[1].startswith(("view_", "export_")) for name in ROLES["auditor"])


def test_nothing_can_be_deleted_but_roles_of_ones_own() -> None:
    deletes = {name for has in ROLES.values() for name in has if ".delete_" in name}
    assert deletes == {"auth.delete_group"}


def test_an_integration_manager_sees_no_cases() -> None:
    user = User.objects.create_user("ivy")
    user.groups.add(Group.objects.get(name="integration manager"))
    assert not user.has_perm("cases.view_case")
    assert user.has_perm("cases.requeue_jobs")
