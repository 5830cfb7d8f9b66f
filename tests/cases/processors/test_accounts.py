"""Processors change by services: names of fields in the trail, no values; pauses that only a reason lifts."""

import json

import pytest
from django.utils import timezone

from cases.models import Action, AttentionItem, AttentionKind, AuditEvent, Case
from cases.models.audit.event import PORTAL_CHAIN
from cases.services import attention, audit
from cases.services.planning import planning
from cases.services.processors import accounts
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence
from integrations.errors import Unauthorized
from integrations.models import Processor
from integrations.mparticle.connector import MParticle
from integrations.types import ConnectionCheck
from tests import builders
from tests.builders import actor
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_a_new_processor_is_an_event_without_its_credentials() -> None:
    new = Processor(
        kind="mparticle", name="Shop", account="4302", credentials={"workspace_secret": "tops3cret"}
    )
    accounts.save(new, actor=actor("ivy"), changed=["name", "account", "workspace_secret"])
    event = AuditEvent.objects.get()
    assert (event.action, event.processor, event.actor_label) == (Action.PROCESSOR_CREATED, new, "ivy")
    assert event.details == {
        "processor": "Shop",
        "fields": ["account", "name", "workspace_secret"],
        "changes": {"account": [None, "4302"], "name": [None, "Shop"], "workspace_secret": None},
    }
    assert "tops3cret" not in json.dumps([event.details, event.canonical])


def test_a_change_writes_its_own_columns_and_leaves_a_pause_of_the_moment_alone() -> None:
    stale = builders.processor()
    accounts.pause(stale, actor=actor("ivy"), reason="maintenance")
    stale = Processor.objects.get(pk=stale.pk)
    stale.paused_at, stale.paused_reason, stale.name = None, "", "Shop"
    accounts.save(stale, actor=actor("ivy"), changed=["name"])
    stored = Processor.objects.get(pk=stale.pk)
    assert (stored.name, stored.paused_reason) == ("Shop", "maintenance")


def test_nothing_changed_is_no_event() -> None:
    accounts.save(builders.processor(), actor=actor("ivy"), changed=[])
    assert actions() == []


@pytest.mark.parametrize(
    ("field", "value", "still_proven"),
    [
        ("account", "77", False),
        ("base_url", "https://localhost:10/v3", False),
        ("workspace_key", "other", False),
        ("input_key", "other", True),
        ("pod", "eu1", True),
        ("name", "Other", True),
        ("budget_share", 50, True),
    ],
)
def test_the_accounts_proof_falls_with_what_it_rests_on(
    field: str, value: object, still_proven: bool
) -> None:
    processor = builders.processor(account_proven_at=timezone.now())
    if field.endswith("_key"):
        processor.credentials[field] = value
    elif field == "pod":
        processor.options[field] = value
    else:
        setattr(processor, field, value)
    accounts.save(processor, actor=actor("ivy"), changed=[field])
    stored = Processor.objects.get(pk=processor.pk)
    assert (stored.account_proven_at is not None) is still_proven
    if field == "workspace_key":
        assert stored.credentials == {"workspace_key": "other", "workspace_secret": "secret"}


def test_options_are_changed_by_name_and_kept_out_of_the_trail() -> None:
    processor = builders.processor(options={"consent_document": "policy-7"})
    processor.options = {"pod": "eu1", "exclusion_attribute": "leave-me-alone"}
    names = ["pod", "exclusion_attribute", "consent_document"]
    accounts.save(processor, actor=actor("ivy"), changed=names)
    assert Processor.objects.get().options == {"pod": "eu1", "exclusion_attribute": "leave-me-alone"}
    event = AuditEvent.objects.get()
    assert event.details == {
        "processor": processor.name,
        "fields": sorted(names),
        # What is chosen from a list, or its default, is told; what somebody wrote is not.
        "changes": {"pod": ["us1", "eu1"], "exclusion_attribute": None, "consent_document": None},
    }
    assert "leave-me-alone" not in event.canonical


def test_where_people_are_looked_up_may_change_under_an_approved_case() -> None:
    builders.processor()
    case = builders.approved_case()
    before = (case.status, planning.digest(case), list(case.requests.values_list("status", flat=True)))
    processor = Processor.objects.get()
    processor.options, processor.environment = {"pod": "au1"}, "development"
    accounts.save(processor, actor=actor("ivy"), changed=["pod", "environment"])
    case = Case.objects.get()
    assert before == (
        case.status,
        planning.digest(case),
        list(case.requests.values_list("status", flat=True)),
    )
    assert AuditEvent.objects.latest("id").details["fields"] == ["environment", "pod"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("base_url", "https://localhost:10/v3"),
        ("options", {"events_url": "https://localhost:10"}),
        ("credentials", {"workspace_key": "newer"}),
    ],
)
def test_what_decides_where_credentials_go_is_as_it_was_seen(column: str, value: object) -> None:
    processor = builders.processor()
    before = accounts.seen(processor)
    rival = Processor.objects.get()
    setattr(rival, column, value)
    rival.save()
    processor.credentials = {"workspace_key": "other", "workspace_secret": "other"}
    with pytest.raises(Superseded, match="Review it, then make your change again"):
        accounts.save(processor, actor=actor("ivy"), changed=["workspace_key"], before=before)
    assert Processor.objects.get().credentials != processor.credentials
    assert actions() == []


def test_a_pause_of_the_moment_is_no_rival() -> None:
    processor = builders.processor()
    before = accounts.seen(processor)
    accounts.pause(Processor.objects.get(), actor=actor("ivy"), reason="maintenance")
    processor.credentials = {**processor.credentials, "workspace_key": "other"}
    accounts.save(processor, actor=actor("ivy"), changed=["workspace_key"], before=before)
    stored = Processor.objects.get()
    assert (stored.credentials["workspace_key"], stored.paused_reason) == ("other", "maintenance")


def test_what_was_seen_shows_no_credential() -> None:
    assert "secret" not in repr(accounts.seen(builders.processor())).replace("credentials", "")


OWN = "https://opendsr.mparticle.com/v3"


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        # The API address, to which the workspace key goes.
        ({"base_url": ""}, {"base_url": OWN}, set()),
        ({"base_url": OWN}, {"base_url": ""}, set()),
        ({"base_url": OWN}, {"base_url": "https://OPENDSR.mparticle.com:443/other"}, set()),
        ({"base_url": ""}, {"base_url": "https://opendsr.mparticle.com.evil.example/v3"}, {"workspace_key"}),
        ({"base_url": ""}, {"base_url": "https://opendsr.mparticle.com:444/v3"}, {"workspace_key"}),
        # The input key goes to two addresses, the OAuth client to two others.
        ({}, {"identity_url": "https://a.example"}, {"input_key"}),
        ({}, {"events_url": "https://a.example"}, {"input_key"}),
        ({"events_url": "https://a.example"}, {}, {"input_key"}),
        ({"events_url": "https://a.example/v2"}, {"events_url": "https://a.example/v3"}, set()),
        ({}, {"sso_url": "https://a.example"}, {"oauth_client_secret"}),
        ({}, {"platform_url": "https://a.example"}, {"oauth_client_secret"}),
        # An empty address is the vendor's own, in every pod.
        ({"pod": "us1"}, {"pod": "eu1"}, set()),
    ],
)
def test_credentials_move_with_the_addresses_they_are_sent_to(
    old: dict[str, str], new: dict[str, str], moved: set[str]
) -> None:
    credentials = dict.fromkeys(["workspace_key", "input_key", "oauth_client_secret"], "stored")
    was, will = ({name: text for name, text in side.items() if name != "base_url"} for side in (old, new))
    before = accounts.Seen(old.get("base_url", OWN), was, credentials)
    found = accounts.moved("mparticle", before=before, base_url=new.get("base_url", OWN), options=will)
    assert set(found) == moved


def test_what_is_not_stored_moves_nowhere() -> None:
    before = accounts.Seen("", {}, {"workspace_key": "stored", "input_key": ""})
    there = {"identity_url": "https://a.example"}
    assert accounts.moved("mparticle", before=before, base_url="", options=there) == {}


def test_an_account_is_set_up_once() -> None:
    builders.processor()
    twin = Processor(kind="mparticle", name="Twin", account="4302")
    with pytest.raises(Refused, match="Another processor already has this name or this account"):
        accounts.save(twin, actor=actor("ivy"), changed=["name"])
    assert actions() == []


def test_a_pause_is_recorded_once_and_lifted_once() -> None:
    processor = builders.processor()
    assert accounts.pause(processor, actor=actor("ivy"), reason="maintenance")
    assert not accounts.pause(processor, actor=actor("ivy"), reason="by_hand")
    accounts.resume(processor, actor=actor("ivy"))
    with pytest.raises(Superseded):
        accounts.resume(processor, actor=actor("ivy"))
    assert actions() == [Action.PROCESSOR_PAUSED, Action.PROCESSOR_RESUMED]
    assert AuditEvent.objects.earliest("id").reason == "maintenance"


def test_refused_credentials_pause_once_and_name_the_field() -> None:
    processor = builders.processor(name="Shop")
    error = Unauthorized(Sentence("no"), key_field="workspace_key")
    for _ in range(2):
        accounts.pause_for_credentials(processor, error, actor=actor("ivy"))
    item = AttentionItem.objects.get()
    assert "Check the workspace key" in item.sentence.english
    with pytest.raises(Refused, match="paused"):
        accounts.resolve_item(item, actor=actor("ivy"))
    accounts.resume(processor, actor=actor("ivy"))
    item.refresh_from_db()
    assert item.resolution == "resumed"


def test_what_no_pause_opened_is_settled_by_hand_even_while_paused() -> None:
    processor = builders.processor()
    attention.open_item(
        AttentionKind.FOREIGN_CALLBACK,
        Sentence("A callback is not for us."),
        actor=actor("ivy"),
        processor=processor,
    )
    accounts.pause(processor, actor=actor("ivy"), reason="maintenance")
    accounts.resolve_item(AttentionItem.objects.get(), actor=actor("ivy"))
    assert AttentionItem.objects.get().resolution == "decided"


def test_a_test_that_works_lifts_a_pause_for_credentials(sandbox: Sandbox) -> None:
    processor = builders.processor(sandbox)
    accounts.pause_for_credentials(
        processor, Unauthorized(Sentence("no"), key_field="workspace_key"), actor=actor("ivy")
    )
    checks = accounts.test_connection(processor, actor=actor("ivy"))
    assert {check.works for check in checks} == {True}
    assert Processor.objects.get().paused_at is None
    assert AttentionItem.objects.get().resolution == "resumed"


@pytest.mark.parametrize("reason", ["maintenance", "account_mismatch"])
def test_a_test_that_works_lifts_no_other_pause(sandbox: Sandbox, reason: str) -> None:
    processor = builders.processor(sandbox)
    accounts.pause(processor, actor=actor("ivy"), reason=reason)
    accounts.test_connection(processor, actor=actor("ivy"))
    assert Processor.objects.get().paused_reason == reason


def test_a_test_that_fails_says_so_in_the_trail_and_keeps_the_pause(sandbox: Sandbox) -> None:
    processor = builders.processor(sandbox)
    processor.credentials["workspace_secret"] = "wrong"
    processor.save()
    accounts.pause_for_credentials(
        processor, Unauthorized(Sentence("no"), key_field="workspace_key"), actor=actor("ivy")
    )
    checks = accounts.test_connection(processor, actor=actor("ivy"))
    assert not checks[0].works
    event = AuditEvent.objects.filter(action=Action.PROCESSOR_TESTED).get()
    assert event.details["result"] == "does not work"
    assert Processor.objects.get().paused_reason == "credentials"
    assert audit.verify(PORTAL_CHAIN) == []


@pytest.mark.parametrize("optional", [{}, {"input_key": "half"}])
def test_what_is_not_set_neither_fails_a_test_nor_keeps_a_pause(
    sandbox: Sandbox, optional: dict[str, str]
) -> None:
    processor = builders.processor(sandbox)
    own = {name: processor.credentials[name] for name in ("workspace_key", "workspace_secret")}
    processor.credentials = {**own, **optional}
    processor.save()
    accounts.pause_for_credentials(
        processor, Unauthorized(Sentence("no"), key_field="workspace_key"), actor=actor("ivy")
    )
    checks = accounts.test_connection(processor, actor=actor("ivy"))
    assert [check.key_field for check in checks if not check.is_set]
    assert Processor.objects.get().paused_at is None


def test_a_check_that_names_no_field_is_taken_for_the_credential_of_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = [
        ConnectionCheck(Sentence("Workspace key"), False, Sentence("No.")),
        ConnectionCheck(Sentence("Input key for events"), False, Sentence("No.")),
        ConnectionCheck(Sentence("Callback certificate"), False, Sentence("No.")),
    ]
    monkeypatch.setattr(MParticle, "test_connection", lambda self: said)
    processor = builders.processor(credentials={"workspace_key": "k", "workspace_secret": "s"})
    found = accounts.test_connection(processor, actor=actor("ivy"))
    assert [(check.key_field, check.is_set) for check in found] == [
        ("workspace_key", True),
        ("input_key", False),  # nothing is stored that could have failed
        ("", True),
    ]


def test_every_reason_to_pause_has_words() -> None:
    assert set(accounts.PAUSE_REASONS) < set(accounts.PAUSED_BECAUSE)
    assert set(accounts.PAUSED_BECAUSE) > accounts.LIFTED_BY_TEST
