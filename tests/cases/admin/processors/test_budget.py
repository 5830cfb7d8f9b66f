"""The live budget on a processor's page: what is used, when the next call may leave, how long the queue will take."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from cases.admin import durations
from cases.services.dispatch import dispatch
from cases.services.processors import pausing
from dsrportal.queueing import store
from integrations import budget
from integrations.models import Processor
from tests import builders
from tests.cases.admin.desk_users import browser
from tests.cases.admin.processors.test_processor import fields
from tests.live import free_port
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def page(processor: Processor, name: str = "ivy") -> str:
    answer = browser(name).get(reverse("admin:integrations_processor_change", args=[processor.pk]))
    assert answer.status_code == 200
    return unescape(re.sub(r"\s+", " ", answer.content.decode()))


def save(processor: Processor, **more: Any) -> None:
    address = reverse("admin:integrations_processor_change", args=[processor.pk])
    answer = browser("ivy").post(address, fields(name=processor.name, **more))
    assert answer.status_code == 302


def waiting(count: int) -> None:
    for _ in range(count):
        builders.approved_case(identities=[("email", f"{uuid4().hex}@example.org")])


@pytest.fixture
def counted() -> Processor:
    """A processor whose counts are known: nothing was sent yet."""
    processor = builders.processor(name="Shop")
    budget.rebuild(processor, [])
    return processor


def test_an_idle_budget_shows_every_window_with_our_share_and_the_vendors_limit(counted: Processor) -> None:
    html = page(counted)
    for words in (
        "Calls in the last minute",
        "0 of 800 (vendor limit: 1,000)",
        "New requests in the last 8 hours",
        "0 of 21,332 (vendor limit: 26,666)",
        "New requests in the last 24 hours",
        "0 of 64,000 (vendor limit: 80,000)",
        "80 % of each limit",
        "No requests waiting.",
    ):
        assert words in html
    assert 'class="meter-share" width="80"' in html
    assert "style=" not in html


def test_what_was_sent_is_counted_and_the_pace_warms_up(sandbox: Sandbox) -> None:
    target = builders.processor(sandbox, name="Shop")
    waiting(3)
    dispatch.drain(target.pk)
    html = page(target)
    assert "3 of 21,332" in html
    assert "3 of 64,000" in html
    assert re.search(r"Warming up: \d+ % of full speed\.", html)


def test_a_full_window_says_when_the_next_new_request_may_leave(counted: Processor) -> None:
    counted.limits = "10 new requests in 24 h"
    counted.save()
    store().flushdb()
    budget.rebuild(counted, [(timezone.now() - timedelta(hours=2), 8)])
    html = page(counted)
    assert "8 of 8 (vendor limit: 10)" in html
    assert "meter-full" in html
    assert re.search(r"Next new request</dt><dd>in 2\d hours", html)


def test_the_queue_is_counted_and_its_length_told_in_time(counted: Processor) -> None:
    waiting(2)
    html = page(counted)
    assert re.search(r"2 requests waiting, to be sent within about [a-z0-9 ]+\.", html)
    pausing.pause(actor=builders.actor("ivy"), reason="maintenance")
    assert re.search(r"2 requests waiting, to be sent within [a-z0-9 ]+ after resuming\.", page(counted))


def test_counts_that_are_forgotten_are_one_sentence(counted: Processor) -> None:
    store().flushdb()
    waiting(1)
    html = page(counted)
    assert "Usage is not counted at the moment" in html
    assert "1 request waiting" in html
    assert "meter-row" not in html


def test_a_store_that_does_not_answer_is_one_sentence(
    counted: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
        html = page(counted)
    assert "The queue store that holds the budget is not responding." in html
    assert "meter-row" not in html


def test_a_new_share_and_new_limits_hold_at_once(counted: Processor) -> None:
    save(counted, budget_share="50")
    assert "0 of 500 (vendor limit: 1,000)" in page(counted)
    save(counted, budget_share="50", limits="100 calls in 60 s")
    html = page(counted)
    assert "0 of 50 (vendor limit: 100)" in html
    assert "vendor limit: 80,000" in html


def test_an_empty_field_shows_what_the_vendor_allows_everybody(counted: Processor) -> None:
    html = (
        browser("ivy").get(reverse("admin:integrations_processor_change", args=[counted.pk])).content.decode()
    )
    field = re.search(r'<textarea name="limits".*?>', html, flags=re.DOTALL)
    assert field
    assert 'placeholder="1000 calls in 60 s' in field[0]
    assert "80000 new requests in 24 h" in field[0]


@pytest.mark.parametrize(("name", "status"), [("otto", 200), ("agnes", 403), ("charlie", 403)])
def test_who_may_see_it(counted: Processor, name: str, status: int) -> None:
    address = reverse("admin:integrations_processor_change", args=[counted.pk])
    answer = browser(name).get(address)
    assert answer.status_code == status
    assert ("Calls in the last minute" in answer.content.decode()) is (status == 200)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "less than a second"),
        (1, "1 second"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (3600, "60 minutes"),
        (5400, "2 hours"),
        (86400, "24 hours"),
        (3 * 86400, "3 days"),
    ],
)
def test_lengths_of_time_are_told_in_the_unit_that_matters(seconds: float, words: str) -> None:
    assert durations.spell(seconds) == words
