"""Attention at the desk: open things first, settled by who may, seen by whom they concern."""

import pytest
from django.test import Client
from django.urls import reverse

from cases.models import Action, AttentionItem, AttentionKind, AuditEvent
from cases.services import attention
from cases.services.processors import accounts
from dsrportal.models import User
from dsrportal.sentence import Sentence
from integrations.errors import Unauthorized
from tests import builders
from tests.builders import actor
from tests.cases.admin.desk_users import account, browser, refused, said

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_attentionitem_changelist")


def resolve(item: AttentionItem) -> str:
    return reverse("admin:cases_attentionitem_resolve", args=[item.pk])


def counted(name: str) -> int:
    """What the navigation says beside “Attention”."""
    groups = browser(name).get(reverse("admin:index")).context["navigation"]
    return sum(int(link.counted or 0) for _title, links in groups for link in links)


def of_a_case() -> AttentionItem:
    builders.processor(name="Shop")
    account("agnes")
    account("pia")
    attention.open_item(
        AttentionKind.GONE,
        Sentence("Shop does not know the request."),
        actor=actor("agnes"),
        case=builders.approved_case(),
    )
    return AttentionItem.objects.get(kind=AttentionKind.GONE)


def of_a_processor() -> AttentionItem:
    attention.open_item(
        AttentionKind.FOREIGN_CALLBACK,
        Sentence("A callback is not for us."),
        actor=actor(account("ivy")),
        processor=builders.processor(name="Other", account="9"),
    )
    return AttentionItem.objects.latest("id")


@pytest.mark.parametrize(
    ("name", "status"), [("agnes", 200), ("pia", 200), ("otto", 200), ("ivy", 200), ("charlie", 403)]
)
def test_who_may_look(name: str, status: int) -> None:
    assert browser(name).get(LIST).status_code == status


def test_who_may_not_see_cases_sees_what_is_about_processors() -> None:
    of_case, of_processor = of_a_case(), of_a_processor()
    client = browser("ivy")
    assert list(client.get(LIST).context["cl"].result_list) == [of_processor]
    assert client.get(resolve(of_case)).status_code == 404
    assert client.get(reverse("admin:cases_attentionitem_change", args=[of_case.pk])).status_code == 302
    assert set(browser("agnes").get(LIST).context["cl"].result_list) == {of_case, of_processor}
    assert [counted(name) for name in ("ivy", "agnes")] == [1, 2]


@pytest.mark.parametrize(("name", "status"), [("agnes", 302), ("otto", 403), ("pia", 403), ("charlie", 403)])
def test_who_may_settle(name: str, status: int) -> None:
    item, client = of_a_case(), browser(name)
    assert client.post(resolve(item)).status_code == status
    item.refresh_from_db()
    assert (item.resolved_at is not None) is (status == 302)


def test_settling_asks_first_is_recorded_and_lets_the_case_go_on() -> None:
    item, client = of_a_case(), browser("agnes")
    assert (
        "By resolving this item you confirm that you have reviewed it and decided what to do."
        in client.get(resolve(item)).content.decode()
    )
    assert AttentionItem.objects.get().resolved_at is None
    assert said(client.post(resolve(item), follow=True)) == ["Resolved: Shop does not know the request."]
    item.refresh_from_db()
    assert item.resolved_by == account("agnes")
    assert AuditEvent.objects.filter(action=Action.ATTENTION_RESOLVED, case=item.case).count() == 1
    assert refused(client.post(resolve(item))) == ["This changed in the meantime. Review it and try again."]


def test_what_a_pause_opened_is_settled_by_resuming() -> None:
    processor = builders.processor(name="Shop")
    accounts.pause_for_credentials(
        processor, Unauthorized(Sentence("no"), key_field="workspace_key"), actor=actor(account("ivy"))
    )
    item = AttentionItem.objects.get()
    (sentence,) = refused(browser("ivy").post(resolve(item)))
    assert "The item is then resolved automatically." in sentence
    item.refresh_from_db()
    assert item.resolved_at is None


def test_open_things_come_first() -> None:
    settled, still_open = of_a_processor(), of_a_case()
    accounts.resolve_item(settled, actor=actor("ivy"))
    client = browser("agnes")
    assert list(client.get(LIST).context["cl"].result_list) == [still_open, settled]
    assert list(client.get(f"{LIST}?state=settled").context["cl"].result_list) == [settled]


def test_nobody_adds_changes_or_deletes_not_even_a_superuser() -> None:
    item, client = of_a_processor(), Client()
    client.force_login(User.objects.create_superuser("root"))
    page = reverse("admin:cases_attentionitem_change", args=[item.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"sentence": "x"}).status_code == 403
    assert client.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert client.post(reverse("admin:cases_attentionitem_add"), {}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [item.pk], "post": "yes"})
    assert AttentionItem.objects.get().sentence.english == "A callback is not for us."
