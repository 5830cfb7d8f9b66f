"""Whoever is logged in comes with their permissions in one query, which every request asks anew."""

from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dsrportal.accounts import AccountsBackend
from dsrportal.models import User
from tests.builders import person

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_case_changelist")


@pytest.fixture
def agnes() -> User:
    user = person("agnes")
    user.groups.add(Group.objects.get(name="agent"))
    user.user_permissions.add(Permission.objects.get(codename="view_jobs"))
    return user


def came(user: User) -> Any:
    return AccountsBackend().get_user(user.pk)


def test_permissions_of_their_own_and_of_their_roles_are_one_query(agnes: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        user = came(agnes)
        assert user.has_perms(["cases.view_case", "cases.view_jobs"])
        assert not user.has_perm("cases.approve_case")
        found = user.get_user_permissions(), user.get_group_permissions(), user.get_all_permissions()
    assert len(captured) == 1
    plain = User.objects.get(pk=agnes.pk)  # asks as Django does
    assert found == (
        plain.get_user_permissions(),
        plain.get_group_permissions(),
        plain.get_all_permissions(),
    )


def test_a_superuser_may_do_everything() -> None:
    owner = person("owner", is_superuser=True)
    assert came(owner).has_perm("cases.approve_case")
    assert came(owner).get_all_permissions() == User.objects.get(pk=owner.pk).get_all_permissions()


def test_who_is_locked_or_gone_does_not_come(agnes: User) -> None:
    User.objects.filter(pk=agnes.pk).update(is_active=False)
    assert came(agnes) is None
    agnes.pk = -1
    assert came(agnes) is None


def test_a_right_that_is_taken_away_is_gone_with_the_next_request(client: Client, agnes: User) -> None:
    client.force_login(agnes)
    assert client.session[BACKEND_SESSION_KEY] == "dsrportal.accounts.AccountsBackend"
    assert client.get(LIST).status_code == 200
    agnes.groups.clear()
    assert client.get(LIST).status_code == 403
    agnes.user_permissions.add(Permission.objects.get(codename="view_case"))
    assert client.get(LIST).status_code == 200
    User.objects.filter(pk=agnes.pk).update(is_active=False)
    assert client.get(LIST).status_code == 302
