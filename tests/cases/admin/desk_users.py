"""People at the desk, each with a role, and their browsers."""

from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from cases.admin.case.page import CasePage
from cases.models import Case
from dsrportal.models import User
from tests import builders

# Who may do what is the role's; Charlie works here too and has none.
ROLE_OF = {
    "agnes": "agent",
    "pia": "approver",
    "otto": "auditor",
    "ivy": "integration manager",
    "adam": "administrator",
    "charlie": "",
}


def account(name: str) -> User:
    """The person with their role, also where a builder made the bare account before."""
    user = User.objects.filter(username=name).first() or builders.person(name)
    if ROLE_OF[name]:
        user.groups.add(Group.objects.get(name=ROLE_OF[name]))
    return user


def browser(name: str) -> Client:
    """Logged in; its address is one of the documentation's."""
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.force_login(account(name))
    return client


def said(answer: object) -> list[str]:
    """The messages that a page shows, as text."""
    return [str(message) for message in answer.context["messages"]]  # type: ignore[attr-defined]


def refused(answer: object) -> list[str]:
    """What a service said no to, above the form that it was sent with."""
    assert answer.status_code == 200  # type: ignore[attr-defined]
    return list(answer.context["form"].non_field_errors())  # type: ignore[attr-defined]


def address(case: Case, verb: str = "") -> str:
    """The page of a case, or of a verb on it."""
    if verb:
        return reverse("admin:cases_case_verb", args=[case.pk, verb])
    return reverse("admin:cases_case_change", args=[case.pk])


def page(case: Case, name: str = "agnes") -> str:
    """What this person reads on the page of a case."""
    return str(browser(name).get(address(case)).content.decode())


def shown(case: Case, name: str = "agnes") -> CasePage:
    answer: Any = browser(name).get(address(case))
    found: CasePage = answer.context["page"]
    return found
