"""Views of the list of cases: kept by those who may, personal or shared, and never with a person in them."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.admin.worklist.views import Tab
from cases.models import AuditEvent, SavedView
from cases.services.worklist import saved_views
from tests.builders import actor, open_case, processor, ready_case
from tests.cases.admin.desk_users import account, browser, said

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_case_changelist")
SEARCH = reverse("admin:cases_case_search")
ADD = reverse("admin:cases_savedview_add")


@pytest.fixture(autouse=True)
def _processor() -> None:
    processor()


def keep(client: Client, name: str, query: str, **more: str) -> Any:
    return client.post(ADD, {"name": name, "query": query, **more}, follow=True)


def tabs(name: str, query: str = "") -> dict[str, Tab]:
    views: Any = browser(name).get(f"{LIST}{query}").context["views"]
    return {str(tab.name): tab for tab in (*views.tabs, *views.others)}


def page(view: SavedView) -> str:
    return reverse("admin:cases_savedview_change", args=[view.pk])


def events() -> list[str]:
    return [event.sentence for event in AuditEvent.objects.filter(action__startswith="view.")]


def test_what_the_list_shows_is_kept_and_comes_back_as_a_tab_with_its_count() -> None:
    open_case(type="access")
    open_case()
    client = browser("agnes")
    answer = keep(client, " Access  by due ", "type__exact=access&sort=-due&p=2&nonsense=1&due=never")
    assert said(answer) == ["Saved as view “Access by due”."]
    assert urlsplit(answer.redirect_chain[-1][0]).query == "sort=-due&type__exact=access"
    tab = tabs("agnes", "?type__exact=access&sort=-due")["Access by due"]
    assert (tab.count, tab.current) == ("1", True)
    assert not tabs("agnes", "?type__exact=access")["Access by due"].current
    assert not events()  # one's own view concerns nobody else


def test_the_tab_of_what_is_shown_has_the_number_of_the_list_however_old_the_other_counts_are() -> None:
    client = browser("agnes")
    for number in (1, 2):
        open_case()
        html = client.get(LIST).content.decode()
        shown = re.search(
            r'class="tab"[^>]* aria-current="page".*?<span class="count">([\d,+]+)<', html, re.DOTALL
        )
        assert shown
        assert shown[1] == str(number)


def test_a_view_of_ones_own_is_not_for_others() -> None:
    keep(browser("agnes"), "Mine alone", "type__exact=access")
    assert "Mine alone" not in tabs("pia")
    view = SavedView.objects.get()
    assert browser("pia").get(page(view)).status_code == 404
    assert browser("pia").post(page(view), {"delete": "1"}).status_code == 404
    assert SavedView.objects.exists()


def test_who_may_share_shares_with_everybody_and_the_trail_says_so() -> None:
    keep(browser("pia"), "Team", "type__exact=erasure", shared="on")
    for name in ("agnes", "otto"):
        assert tabs(name)["Team"].shared
        assert not tabs(name)["Team"].edit
        assert browser(name).get(page(SavedView.objects.get())).status_code == 403
        assert browser(name).post(page(SavedView.objects.get()), {"delete": "1"}).status_code == 403
    view = SavedView.objects.get()
    adam = browser("adam")  # shared views are of all who may share
    adam.post(page(view), {"name": "The team", "shared": "on"})
    adam.post(page(view), {"name": "The team"})
    assert "The team" not in tabs("agnes")
    pia = browser("pia")
    pia.post(page(view), {"name": "The team", "shared": "on"})
    pia.post(page(view), {"delete": "1"})
    assert not SavedView.objects.exists()
    assert events() == [
        "Shared the view “Team” (type__exact)",
        "Renamed the shared view “Team” to “The team”",
        "Stopped sharing the view “The team”",
        "Shared the view “The team” (type__exact)",
        "Deleted the shared view “The team”",
    ]


def test_who_may_not_share_keeps_views_and_shares_none() -> None:
    client = browser("agnes")
    answer = keep(client, "Team", "type__exact=erasure", shared="on")
    assert said(answer) == ["Your role allows you to save your own views but not to share them."]
    keep(client, "Own", "type__exact=erasure")
    view = SavedView.objects.get()
    client.post(page(view), {"name": "Own", "shared": "on"})
    view.refresh_from_db()
    assert not view.shared
    assert not events()


@pytest.mark.parametrize(("name", "status"), [("otto", 403), ("ivy", 403), ("charlie", 403), ("agnes", 302)])
def test_who_may_keep_one(name: str, status: int) -> None:
    assert browser(name).post(ADD, {"name": "A", "query": "due=7"}).status_code == status
    assert SavedView.objects.exists() == (status == 302)


def test_the_result_of_a_search_is_dropped_and_the_person_told() -> None:
    open_case(identities=[("email", "ada@example.org")])
    client = browser("agnes")
    found = urlsplit(client.post(SEARCH, {"sought": "ada@example.org"}).headers["Location"]).query
    answer = keep(client, "Ada", f"{found}&type__exact=erasure")
    assert said(answer)[1] == (
        "The results of the search by identifier are not saved with the view. Views never contain "
        "personal data."
    )
    assert SavedView.objects.get().query == "type__exact=erasure"
    # And where it was nothing but a search, there is nothing to keep.
    answer = keep(client, "Ada alone", found)
    assert said(answer) == ["Filter or sort the list first. A view saves the filters and the order."]
    assert SavedView.objects.count() == 1


def test_the_database_keeps_no_search_either() -> None:
    owner = account("agnes")
    for query in ("found=abc", "due=7&found=abc"):
        with pytest.raises(IntegrityError), transaction.atomic():
            SavedView.objects.create(name="x", owner=owner, query=query)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "The name of a view can have up to 40 characters: letters, digits, spaces and ."),
        ("ada@example.org", "The name of a view can have up to 40 characters: letters, digits, spaces and ."),
        ("x" * 41, "The name of a view can have up to 40 characters: letters, digits, spaces and ."),
        ("TAKEN", "There is already a view with this name."),
    ],
)
def test_a_name_is_a_word_and_ones_own_once(name: str, sentence: str) -> None:
    client = browser("agnes")
    keep(client, "Taken", "due=7")
    assert said(keep(client, name, "due=3"))[0].startswith(sentence)
    assert SavedView.objects.count() == 1
    # Another may have one of the same name.
    keep(browser("pia"), "Taken", "due=7")
    assert SavedView.objects.count() == 2


def test_it_is_renamed_and_deleted_by_its_owner() -> None:
    client = browser("agnes")
    keep(client, "First", "due=7")
    view = SavedView.objects.get()
    assert "Within 7 days" in client.get(page(view)).content.decode()
    client.post(page(view), {"name": "Second"})
    assert set(tabs("agnes")) >= {"Second"}
    answer = client.post(page(view), {"name": "not@allowed"})
    assert "up to 40 characters" in answer.content.decode()
    assert said(client.post(page(view), {"delete": "1"}, follow=True)) == ["View “Second” deleted."]
    assert client.get(page(view)).status_code == 404


def test_me_is_whoever_looks() -> None:
    keep(browser("pia"), "Due and mine", "assignee=me&due=30", shared="on")
    assert tabs("agnes")["Due and mine"].address == f"{LIST}?assignee=me&due=30"


def test_more_views_cost_no_more_queries() -> None:
    client = browser("agnes")
    ready_case()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return len(captured)

    saved_views.save(actor=actor("agnes"), name="One", query="due=7", shared=False)
    queries()
    saved_views.save(actor=actor("agnes"), name="Two", query="due=3", shared=False)
    few = queries()
    for number in range(9):
        saved_views.save(actor=actor("agnes"), name=f"V {number}", query=f"assignee={number}", shared=False)
    assert queries() == few <= 12
    assert len(tabs("agnes")) == 13
