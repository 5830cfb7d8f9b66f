"""Processors change by services: names of fields in the trail, no values; pauses that only a reason lifts."""

import json

import pytest
from django.utils import timezone

from cases.models import Action, AttentionItem, AttentionKind, AuditEvent
from cases.models.audit import PORTAL_CHAIN
from cases.services import attention, audit, processors
from cases.services.refusal import Refused, Superseded
from integrations.errors import Unauthorized
from integrations.models import Processor
from tests import builders
from tests.builders import actor
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_a_new_processor_is_an_event_without_values() -> None:
    new = Processor(
        kind="mparticle", name="Shop", account="4302", credentials={"workspace_secret": "tops3cret"}
    )
    processors.save(new, actor=actor("ivy"), changed=["name", "account", "workspace_secret"])
    event = AuditEvent.objects.get()
    assert (event.action, event.processor, event.actor_label) == (Action.PROCESSOR_CREATED, new, "ivy")
    assert event.details == {"processor": "Shop", "fields": ["account", "name", "workspace_secret"]}
    assert "tops3cret" not in json.dumps([event.details, event.canonical])


def test_a_change_writes_its_own_columns_and_leaves_a_pause_of_the_moment_alone() -> None:
    stale = builders.processor()
    processors.pause(stale, actor=actor("ivy"), reason="maintenance")
    stale = Processor.objects.get(pk=stale.pk)
    stale.paused_at, stale.paused_reason, stale.name = None, "", "Shop"
    processors.save(stale, actor=actor("ivy"), changed=["name"])
    stored = Processor.objects.get(pk=stale.pk)
    assert (stored.name, stored.paused_reason) == ("Shop", "maintenance")


def test_nothing_changed_is_no_event() -> None:
    processors.save(builders.processor(), actor=actor("ivy"), changed=[])
    assert actions() == []


@pytest.mark.parametrize(
    ("field", "value", "still_proven"),
    [
        ("account", "77", False),
        ("base_url", "https://localhost:10/v3", False),
        ("workspace_key", "other", False),
        ("name", "Other", True),
        ("budget_share", 50, True),
    ],
)
def test_the_accounts_proof_falls_with_what_it_rests_on(
    field: str, value: object, still_proven: bool
) -> None:
    processor = builders.processor(account_proven_at=timezone.now())
    if field == "workspace_key":
        processor.credentials[field] = value
    else:
        setattr(processor, field, value)
    processors.save(processor, actor=actor("ivy"), changed=[field])
    stored = Processor.objects.get(pk=processor.pk)
    assert (stored.account_proven_at is not None) is still_proven
    if field == "workspace_key":
        assert stored.credentials == {"workspace_key": "other", "workspace_secret": "secret"}


def test_an_account_is_set_up_once() -> None:
    builders.processor()
    twin = Processor(kind="mparticle", name="Twin", account="4302")
    with pytest.raises(Refused, match="this account already"):
        processors.save(twin, actor=actor("ivy"), changed=["name"])
    assert actions() == []


def test_a_pause_is_recorded_once_and_lifted_once() -> None:
    processor = builders.processor()
    assert processors.pause(processor, actor=actor("ivy"), reason="maintenance")
    assert not processors.pause(processor, actor=actor("ivy"), reason="by_hand")
    processors.resume(processor, actor=actor("ivy"))
    with pytest.raises(Superseded):
        processors.resume(processor, actor=actor("ivy"))
    assert actions() == [Action.PROCESSOR_PAUSED, Action.PROCESSOR_RESUMED]
    assert AuditEvent.objects.earliest("id").reason == "maintenance"


def test_refused_credentials_pause_once_and_name_the_field() -> None:
    processor = builders.processor(name="Shop")
    error = Unauthorized("no", key_field="workspace_key")
    for _ in range(2):
        processors.pause_for_credentials(processor, error, actor=actor("ivy"))
    item = AttentionItem.objects.get()
    assert "check the workspace key" in item.sentence
    with pytest.raises(Refused, match="paused"):
        processors.resolve_item(item, actor=actor("ivy"))
    processors.resume(processor, actor=actor("ivy"))
    item.refresh_from_db()
    assert item.resolution == "resumed"


def test_what_no_pause_opened_is_settled_by_hand_even_while_paused() -> None:
    processor = builders.processor()
    attention.open_item(
        AttentionKind.FOREIGN_CALLBACK, "A callback is not for us.", actor=actor("ivy"), processor=processor
    )
    processors.pause(processor, actor=actor("ivy"), reason="maintenance")
    processors.resolve_item(AttentionItem.objects.get(), actor=actor("ivy"))
    assert AttentionItem.objects.get().resolution == "decided"


def test_a_test_that_works_lifts_a_pause_for_credentials(sandbox: Sandbox) -> None:
    processor = builders.processor(sandbox)
    processors.pause_for_credentials(
        processor, Unauthorized("no", key_field="workspace_key"), actor=actor("ivy")
    )
    checks = processors.test_connection(processor, actor=actor("ivy"))
    assert [check.works for check in checks] == [True, True]
    assert Processor.objects.get().paused_at is None
    assert AttentionItem.objects.get().resolution == "resumed"


@pytest.mark.parametrize("reason", ["maintenance", "account_mismatch"])
def test_a_test_that_works_lifts_no_other_pause(sandbox: Sandbox, reason: str) -> None:
    processor = builders.processor(sandbox)
    processors.pause(processor, actor=actor("ivy"), reason=reason)
    processors.test_connection(processor, actor=actor("ivy"))
    assert Processor.objects.get().paused_reason == reason


def test_a_test_that_fails_says_so_in_the_trail_and_keeps_the_pause(sandbox: Sandbox) -> None:
    processor = builders.processor(sandbox)
    processor.credentials["workspace_secret"] = "wrong"
    processor.save()
    processors.pause_for_credentials(
        processor, Unauthorized("no", key_field="workspace_key"), actor=actor("ivy")
    )
    checks = processors.test_connection(processor, actor=actor("ivy"))
    assert not checks[0].works
    event = AuditEvent.objects.filter(action=Action.PROCESSOR_TESTED).get()
    assert event.details["result"] == "does not work"
    assert Processor.objects.get().paused_reason == "credentials"
    assert audit.verify(PORTAL_CHAIN) == []


def test_every_reason_to_pause_has_words() -> None:
    assert set(processors.PAUSE_REASONS) < set(processors.PAUSED_BECAUSE)
    assert set(processors.PAUSED_BECAUSE) > processors.LIFTED_BY_TEST
