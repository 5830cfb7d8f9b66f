"""Between two tests the database is as the migrations left it: what a test wrote is gone, what it took away is back."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from cases.models import AuditEvent, VerificationRule
from dsrportal.models import User
from tests import builders, pristine
from tests.cases.vendor import snapshot

pytestmark = pytest.mark.django_db(transaction=True)


def test_all_that_a_test_wrote_changed_and_deleted_is_as_it_was() -> None:
    before = snapshot()
    builders.processor()
    builders.approved_case()
    VerificationRule.objects.update(link_days=29)
    Group.objects.create(name="night shift")
    agents = Group.objects.get(name="agent")
    agents.permissions.clear()
    now = snapshot()
    for table in (
        "cases_case",
        "cases_auditevent",
        "cases_verificationrule",
        "auth_group",
        "auth_group_permissions",
    ):
        assert now[table] != before[table], table
    pristine.restore(connection.settings_dict["NAME"])
    assert snapshot() == before


@pytest.mark.parametrize("_time", ["once", "twice"])
def test_no_test_finds_what_another_left(_time: str) -> None:
    assert not User.objects.exists()
    assert not AuditEvent.objects.filter(case__isnull=False).exists()
    assert Group.objects.get(name="agent").permissions.exists()
    builders.processor()
    builders.open_case()
    Group.objects.get(name="agent").permissions.clear()
