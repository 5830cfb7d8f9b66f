"""The page “Health”: each check in words with what to do, each processor by name; also while the store is gone."""

import re
from contextlib import ExitStack
from datetime import timedelta
from html import unescape

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from cases.models import ProcessorRequest
from cases.services.processors import accounts
from dsrportal import scheduler
from dsrportal.models import User
from tests import builders
from tests.builders import actor
from tests.cases.admin.desk_users import browser
from tests.cases.status.test_health import delivery, worker
from tests.live import free_port

PAGE = reverse("admin:health")
pytestmark = pytest.mark.django_db(transaction=True)


def page(name: str = "ivy") -> str:
    answer = browser(name).get(PAGE)
    assert answer.status_code == 200
    return unescape(re.sub(r"\s+", " ", answer.content.decode()))


@pytest.mark.parametrize(
    ("name", "status"), [("ivy", 200), ("adam", 200), ("otto", 200), ("agnes", 403), ("charlie", 403)]
)
def test_who_may_look(name: str, status: int) -> None:
    client = browser(name)
    assert client.get(PAGE).status_code == status
    assert (f'href="{PAGE}"' in client.get(reverse("admin:index")).content.decode()) is (status == 200)


def test_nothing_is_changed_by_it() -> None:
    assert browser("ivy").post(PAGE).status_code == 405


def test_what_fails_is_said_with_what_to_do() -> None:
    html = page()
    assert "Responding and up to date." in html
    assert "No worker is running for:" in html
    assert "manage.py worker outgoing" in html
    assert "Start <code>manage.py schedule</code>" in html
    assert "Failing" in html


def test_all_is_well() -> None:
    scheduler.Timetable().tick()
    with ExitStack() as stack:
        for name in settings.RQ_QUEUES:
            stack.enter_context(worker(name))
        html = page()
    assert f"Running: {', '.join(f'{name} 1' for name in settings.RQ_QUEUES)}." in html
    assert "Last run" in html
    assert "Receiving callbacks as expected." in html
    assert "Failing" not in html
    assert "to-do" not in html


def test_processors_stand_there_by_name() -> None:
    shop = builders.processor(name="Shop")
    app = builders.processor(name="App", account="9")
    builders.approved_case()
    long_ago = timezone.now() - timedelta(hours=2)
    ProcessorRequest.objects.filter(processor=shop).update(queued_at=long_ago)
    ProcessorRequest.objects.filter(processor=app).update(
        status="pending", sent_at=long_ago, reported_at=long_ago
    )
    delivery(timezone.now() - timedelta(hours=3), app)
    accounts.pause(app, actor=actor("ivy"), reason="maintenance")
    html = page()
    lines = html.rpartition("<tbody>")[2]
    first, second = re.findall(r"<tr>(.*?)</tr>", lines)
    assert "App" in first
    assert "Paused" in first
    assert "No update" in first
    assert "Shop" in second
    assert "2 hours" in second
    assert "badge-warn" in second
    assert "No update" not in second
    assert "1 processor received a request more than 30 minutes ago and has sent no callback since." in html
    assert "The oldest due request has been waiting for 2 hours." in html


def test_only_whoever_may_open_processors_is_led_there() -> None:
    shop = builders.processor(name="Shop")
    address = f'href="{reverse("admin:integrations_processor_change", args=[shop.pk])}"'
    assert address in page("ivy")
    agnes = browser("agnes")
    User.objects.get(username="agnes").user_permissions.add(Permission.objects.get(codename="view_jobs"))
    html = agnes.get(PAGE).content.decode()
    assert "Shop" in html
    assert address not in html


def test_a_store_that_is_gone_is_said_and_the_rest_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    builders.processor(name="Shop")
    client = browser("ivy")
    with monkeypatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
        answer = client.get(PAGE)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Not responding. Nothing is lost, but nothing is sent until it is back." in html
    assert "Unknown while the queue store is not responding." in html
    assert "Responding and up to date." in html
    assert "Shop" in html
