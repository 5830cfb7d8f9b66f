"""What the trail can be narrowed to, and that each of it is found by an index."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.urls import reverse

from cases.actor import SCHEDULE, Actor, Source
from cases.models import Action, AuditEvent
from cases.services import audit
from cases.services.processors import accounts
from tests import builders
from tests.cases.admin.desk_users import account, browser
from tests.cases.intake_api import form

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_auditevent_changelist")


def found(query: str, name: str = "otto") -> list[str]:
    answer: Any = browser(name).get(f"{LIST}?{query}")
    assert answer.status_code == 200
    return [event.action for event in answer.context["cl"].result_list]


def by(name: str, *, address: str = "192.0.2.7") -> Actor:
    return builders.actor(account(name), address=address)


def test_who_did_it() -> None:
    processor = builders.processor()
    accounts.pause(processor, actor=by("ivy"), reason="maintenance")
    audit.record(Action.OUTGOING_PAUSED, actor=by("adam"))
    assert found("who=ivy") == ["processor.paused"]
    assert found("who=nobody-of-this-name") == []


def test_everything_of_an_account_also_under_the_name_it_had() -> None:
    ivy = account("ivy")
    audit.record(Action.OUTGOING_PAUSED, actor=by("ivy"))
    ivy.username = "ivy.renamed"
    ivy.is_active = False
    ivy.save()
    audit.record(Action.OUTGOING_RESUMED, actor=builders.actor(ivy))
    both = ["outgoing.resumed", "outgoing.paused"]
    assert found(f"user={ivy.pk}") == both
    assert found("who=ivy.renamed") == both
    assert found("who=ivy") == ["outgoing.paused"]


def test_a_form_of_our_own_is_found_by_its_name() -> None:
    builders.processor()
    form().open()
    assert set(found("who=Website")) == {"case.opened", "case.clock_started"}
    assert set(found("source=api")) == {"case.opened", "case.clock_started"}


def test_from_where() -> None:
    audit.record(Action.OUTGOING_PAUSED, actor=by("ivy", address="2001:db8::7"))
    audit.record(Action.OUTGOING_RESUMED, actor=by("ivy"))
    assert found("address=2001:db8::7") == ["outgoing.paused"]
    assert found("address=2001:DB8:0::7") == ["outgoing.paused"]


def test_about_which_processor() -> None:
    one, two = builders.processor(name="One"), builders.processor(name="Two", account="4303")
    accounts.pause(one, actor=by("ivy"), reason="maintenance")
    accounts.pause(two, actor=by("ivy"), reason="maintenance")
    (event,) = browser("otto").get(f"{LIST}?processor={two.pk}").context["cl"].result_list
    assert event.processor == two


def test_when_in_the_zone_of_who_looks() -> None:
    otto = account("otto")
    otto.time_zone = "America/Los_Angeles"
    otto.save()
    event = audit.record(Action.OUTGOING_PAUSED, actor=SCHEDULE)
    there = event.at.astimezone(ZoneInfo("America/Los_Angeles"))
    minute = there.strftime("%Y-%m-%dT%H:%M")
    utc = event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
    assert "outgoing.paused" in found(f"since={minute}")
    assert "outgoing.paused" not in found(f"until={minute}")
    assert "outgoing.paused" not in found(f"since={utc}"), "that is hours ahead there"


def test_all_of_it_at_once() -> None:
    audit.record(Action.OUTGOING_PAUSED, actor=by("ivy"))
    audit.record(Action.OUTGOING_PAUSED, actor=by("adam"))
    query = "who=ivy&action=outgoing.paused&source=admin&address=192.0.2.7&since=2020-01-01T00:00"
    assert found(query) == ["outgoing.paused"]
    assert found(f"{query}&until=2021-01-01T00:00") == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("address=somewhere", "Enter an IP address, such as 192.0.2.7."),
        ("since=yesterday", "Enter a date and a time, such as 2026-05-04 09:30."),
        ("since=2026-05-04T10:00&until=2026-05-04T09:00", "This is earlier than “From”."),
        ("processor=7", "is not a valid UUID"),
        ("action=no.such", "Select a valid choice"),
        ("user=999999999", ""),
    ],
)
def test_what_is_not_understood_shows_nothing_and_says_so(query: str, sentence: str) -> None:
    audit.record(Action.OUTGOING_PAUSED, actor=SCHEDULE)
    answer = browser("otto").get(f"{LIST}?{query}")
    assert not answer.context["cl"].result_list
    html = answer.content.decode()
    assert sentence in html
    assert "No events are shown until the fields marked above are corrected." in html


def test_empty_fields_leave_the_address() -> None:
    answer = browser("otto").get(f"{LIST}?who=&action=outgoing.paused&case=&since=")
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?action=outgoing.paused")
    assert browser("otto").get(f"{LIST}?who=")["Location"] == LIST


def test_everything_that_can_happen_is_offered_under_its_noun() -> None:
    html = browser("otto").get(LIST).content.decode()
    assert '<optgroup label="Intake source">' in html
    for action in Action.values:
        assert f'value="{action}"' in html


def test_links_lead_to_everything_that_somebody_did() -> None:
    ivy = account("ivy")
    event = audit.record(Action.OUTGOING_PAUSED, actor=by("ivy"))
    everything = f"{LIST}?user={ivy.pk}"
    client = browser("otto")
    detail = reverse("admin:cases_auditevent_change", args=[event.pk])
    for address in (LIST, detail, reverse("admin:dsrportal_user_change", args=[ivy.pk])):
        assert f'href="{everything}"' in client.get(address).content.decode()
    assert (
        "All activity of the account <strong>ivy</strong>, under any name it has had."
        in client.get(everything).content.decode()
    )


def test_the_list_takes_few_queries(django_assert_max_num_queries: Any) -> None:
    for _number in range(60):
        audit.record(Action.OUTGOING_PAUSED, actor=by("ivy"))
    client = browser("otto")
    client.get(LIST)
    with django_assert_max_num_queries(16):
        client.get(f"{LIST}?who=ivy&action=outgoing.paused&source=admin&since=2020-01-01T00:00")


# --- by an index

MANY = """
INSERT INTO cases_auditevent (chain, sequence, at, action, actor_id, actor_label, source, address, reason, details,
    canonical, previous_hash, hash, processor_id)
SELECT 'portal', 1000 + n, '2026-01-01 00:00Z'::timestamptz + n * interval '1 second',
    CASE WHEN n %% 1000 = 0 THEN 'identity.searched' ELSE 'request.status_changed' END,
    CASE WHEN n %% 500 = 0 THEN %(user)s END, CASE WHEN n %% 500 = 0 THEN 'ivy' ELSE '' END,
    CASE WHEN n %% 500 = 0 THEN 'admin' WHEN n %% 499 = 0 THEN 'api' ELSE 'callback' END,
    CASE WHEN n %% 400 = 0 THEN '192.0.2.7'::inet END, '',
    CASE WHEN n %% 1000 = 0 THEN jsonb_build_object('found', 1, 'subjects', jsonb_build_array(gen_random_uuid()::text))
        ELSE '{}' END,
    '{}', '', '', CASE WHEN n %% 300 = 0 THEN %(processor)s::uuid END
FROM generate_series(1, 40000) AS n
"""


@pytest.fixture
def many(owner_connection: Any) -> dict[str, Any]:
    named = {"user": account("ivy").pk, "processor": str(builders.processor().pk)}
    owner_connection.execute("SET session_replication_role = replica")
    owner_connection.execute(MANY, named)
    owner_connection.execute("ANALYZE cases_auditevent")
    return named


def plan(events: Any) -> str:
    return str(events.order_by("-at", "-id")[:50].explain())


@pytest.mark.django_db(transaction=True)
def test_each_filter_is_answered_by_an_index(many: dict[str, Any]) -> None:
    events = AuditEvent.objects.all()
    asked = {
        "audit_by_actor": {"actor": many["user"]},
        "audit_by_label": {"actor_label": "ivy"},
        "audit_by_address": {"address": "192.0.2.7"},
        "audit_by_source": {"source": Source.API},
        "audit_by_processor": {"processor": many["processor"]},
        "audit_by_action": {"action": Action.IDENTITY_SEARCHED},
        "cases_auditevent_at": {"at__lte": datetime(2026, 1, 1, 1, tzinfo=UTC)},
    }
    for index, narrowed in asked.items():
        assert index in plan(events.filter(**narrowed)), index
    assert "cases_auditevent_at" in plan(events)
    searches = events.filter(
        action=Action.IDENTITY_SEARCHED,
        details__contains={"subjects": ["6a0a7c4e-4d3b-4a5f-9c56-0d5a3c1f2b11"]},
    )
    assert "audit_searches" in str(searches.explain())
    assert "Seq Scan" not in plan(events)
    assert connection.vendor == "postgresql"
