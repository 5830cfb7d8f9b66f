"""The “?” at the top of every page leads to the part of the manual that explains it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest
from django.contrib import admin
from django.urls import reverse

from cases.admin.help import contents, links, pages
from cases.admin.help.links import PLACES, VERBS
from cases.admin.verbs import table
from tests.builders import processor, ready_case
from tests.cases.admin.desk_users import address, browser

# Django's own, and the manual itself.
UNEXPLAINED: Final = {"login", "logout", "autocomplete", "jsi18n", "app_list", "help", "help_page"}


def names(resolved: Sequence[Any]) -> Iterator[str]:
    for each in resolved:
        if hasattr(each, "url_patterns"):
            yield from names(each.url_patterns)
        elif each.name:
            yield each.name


def test_every_address_is_explained_and_nothing_that_is_not_there() -> None:
    known = set(names(admin.site.get_urls()))
    assert {name for name in known if links.target(name) == ("", "")} == UNEXPLAINED
    assert [name for name in PLACES if not any(each.startswith(name) for each in known)] == []


def test_every_verb_on_a_case_is_explained() -> None:
    assert set(VERBS) == set(table.BY_NAME)


@pytest.mark.parametrize("target", sorted({*PLACES.values(), *VERBS.values()}))
def test_what_explains_is_there(target: tuple[str, str]) -> None:
    name, anchor = target
    for language in ("en", "de"):
        page = contents.manual(language)[name]
        assert not anchor or anchor in [section.anchor for section in page.sections]


@pytest.mark.django_db
def test_the_pages_of_the_desk_link_to_it() -> None:
    processor(name="Shop")
    case = ready_case()
    adam = browser("adam")
    for place, expected in {
        reverse("admin:index"): pages.address("board"),
        reverse("admin:cases_case_changelist"): pages.address("list"),
        address(case): pages.address("case"),
        address(case, "approve"): pages.address("approving"),
        address(case, "reveal"): pages.address("case", "identifiers"),
        reverse("admin:cases_caseimport_changelist"): pages.address("imports"),
        reverse("admin:integrations_processor_changelist"): pages.address("processors"),
        reverse("admin:cases_intakesource_changelist"): pages.address("sources"),
        reverse("admin:cases_auditevent_changelist"): pages.address("audit"),
        reverse("admin:cases_auditevent_person"): pages.address("audit", "access"),
        reverse("admin:health"): pages.address("health", "checks"),
        pages.address("start"): pages.address(),
    }.items():
        assert f'class="icon-button help-link" href="{expected}"' in adam.get(place).content.decode(), place


def test_the_log_in_page_has_no_such_link(client: Any) -> None:
    assert "help-link" not in client.get(reverse("admin:login")).content.decode()
