"""Evidence of callbacks at the desk, and how many were not believed."""

import ast
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import CallbackDelivery, ProcessorRequest, Verdict
from cases.services.reports import callbacks
from dsrportal import queueing
from dsrportal.models import DataKey, User
from dsrportal.sentence import Sentence
from integrations.models import Processor, SigningCertificate
from tests import builders
from tests.cases.admin.desk_users import browser

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_callbackdelivery_changelist")
CERTIFICATES = reverse("admin:integrations_signingcertificate_changelist")


def detail(delivery: CallbackDelivery) -> str:
    return reverse("admin:cases_callbackdelivery_change", args=[delivery.pk])


def certificate(**more: Any) -> SigningCertificate:
    now = timezone.now()
    fields = {"sha256": "ab" * 32, "domain": "opendsr.mparticle.com", "pem": "-----BEGIN CERTIFICATE-----"}
    dates = {"not_before": now - timedelta(days=9), "not_after": now + timedelta(days=9)}
    return SigningCertificate.objects.create(**(fields | dates | more))


def deliver(body: bytes = b'{"request_status":"pending"}', **more: Any) -> CallbackDelivery:
    processor = Processor.objects.first() or builders.processor(name="Shop")
    known = SigningCertificate.objects.first() or certificate()
    fields: dict[str, Any] = {
        "id": uuid4(),
        "data_key": DataKey.shared(DataKey.Purpose.EVIDENCE),
        "processor": processor,
        "certificate": known,
        "received_at": timezone.now(),
        "address": "192.0.2.44",
        "body": body,
        "headers": {"x-opendsr-signature": "c2lnbmF0dXJl", "content-type": "application/json"},
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "reported_status": "pending",
        "verdict": Verdict.APPLIED,
    }
    return CallbackDelivery.objects.create(**(fields | more))


@pytest.mark.parametrize(
    ("name", "status"), [("otto", 200), ("agnes", 200), ("pia", 200), ("ivy", 200), ("charlie", 403)]
)
def test_who_may_look(name: str, status: int) -> None:
    delivery, client = deliver(), browser(name)
    assert client.get(LIST).status_code == status
    assert client.get(detail(delivery)).status_code == status


def test_nobody_adds_changes_or_deletes_not_even_a_superuser() -> None:
    delivery, client = deliver(), Client()
    client.force_login(User.objects.create_superuser("root"))
    assert client.post(reverse("admin:cases_callbackdelivery_add"), {}).status_code == 403
    assert client.post(detail(delivery), {"verdict": "nothing_new"}).status_code == 403
    delete = reverse("admin:cases_callbackdelivery_delete", args=[delivery.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [str(delivery.pk)], "post": "yes"})
    assert CallbackDelivery.objects.get().verdict == Verdict.APPLIED


def test_the_detail_shows_body_headers_and_certificate() -> None:
    delivery = deliver()
    html = browser("otto").get(detail(delivery)).content.decode()
    assert "{\n  &quot;request_status&quot;: &quot;pending&quot;\n}" in html
    for words in (
        "x-opendsr-signature",
        "c2lnbmF0dXJl",
        "ab" * 32,
        delivery.body_sha256,
        "192.0.2.44",
        "Valid",
    ):
        assert words in html


@pytest.mark.parametrize("body", [b"not json", b"\xff\xfe<html>", b"", b'{"deep":' + b"[" * 5000])
def test_a_body_of_whatever_bytes_is_shown(body: bytes) -> None:
    assert browser("otto").get(detail(deliver(body, verdict=Verdict.MALFORMED))).status_code == 200


def test_a_body_that_cannot_be_read_is_said_to_be(owner_connection: Any) -> None:
    delivery = deliver()
    owner_connection.execute("UPDATE cases_callbackdelivery SET body = headers")
    answer = browser("otto").get(detail(delivery))
    assert answer.status_code == 200
    assert "Ask an administrator to check the master keys." in answer.content.decode()


def test_the_list_links_to_the_case_of_whoever_may_see_cases() -> None:
    builders.processor(name="Shop")
    case = builders.approved_case()
    deliver(processor_request=ProcessorRequest.objects.get(), repeats=3)
    link = f'<a href="{reverse("admin:cases_case_change", args=[case.pk])}">{case.reference}</a>'
    assert link in browser("agnes").get(LIST).content.decode()
    html = browser("ivy").get(LIST).content.decode()
    assert link not in html
    assert case.reference in html


def test_the_list_opens_no_body(django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        deliver(b"%d" % number)
    client = browser("otto")
    client.get(LIST)
    with django_assert_max_num_queries(13) as captured:
        client.get(LIST)
    listing = [query["sql"] for query in captured if 'FROM "cases_callbackdelivery"' in query["sql"]]
    assert not any('"cases_callbackdelivery"."body"' in query for query in listing)


# --- what was refused


def test_refusals_of_seven_days_are_counted_by_reason() -> None:
    with time_machine.travel(timezone.now() - timedelta(days=8), tick=False):
        callbacks.count_refusal("wrong_domain")
    with time_machine.travel(timezone.now() - timedelta(days=6), tick=False):
        callbacks.count_refusal("no_signature")
    for _ in range(3):
        callbacks.count_refusal("no_signature")
    callbacks.count_refusal("unknown_token")
    assert callbacks.refused_lately(days=7) == [
        (Sentence("Not signed"), 4),
        (Sentence("The address does not belong to this portal"), 1),
    ]
    html = browser("otto").get(LIST).content.decode()
    assert "Not signed" in html
    assert "Names another domain" not in html


def test_without_the_store_the_list_says_so(settings: Any) -> None:
    deliver()
    client = browser("otto")
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}}
    assert callbacks.refused_lately(days=7) is None
    assert "is not responding" in client.get(LIST).content.decode()


def test_every_reason_that_a_connector_gives_has_words() -> None:
    given = set()
    for file in Path("integrations/opendsr").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NotVerified":
                given |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    assert len(given) > 8
    assert given <= set(callbacks.REFUSALS)


# --- certificates


def test_certificates_are_read_only_and_say_whether_they_hold() -> None:
    certificate()
    certificate(sha256="cd" * 32, not_after=timezone.now() - timedelta(days=1))
    html = browser("ivy").get(CERTIFICATES).content.decode()
    assert "Expired" in html
    page = reverse("admin:integrations_signingcertificate_change", args=["ab" * 32])
    client = browser("ivy")
    assert "-----BEGIN CERTIFICATE-----" in client.get(page).content.decode()
    client.force_login(User.objects.create_superuser("root"))
    assert client.post(page, {"domain": "evil.example"}).status_code == 403
    assert client.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert client.post(reverse("admin:integrations_signingcertificate_add"), {}).status_code == 403
    assert SigningCertificate.objects.count() == 2


@pytest.mark.parametrize(("name", "status"), [("ivy", 200), ("otto", 200), ("agnes", 403), ("charlie", 403)])
def test_who_may_look_at_certificates(name: str, status: int) -> None:
    assert browser(name).get(CERTIFICATES).status_code == status
    assert queueing.store().ping()
