from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from integrations.models import Processor

pytestmark = pytest.mark.django_db


def processor(**fields: Any) -> Processor:
    given: dict[str, Any] = {
        "kind": "mparticle",
        "name": "Shop",
        "account": "4302",
        "credentials": {"workspace_key": "the-key", "workspace_secret": "the-secret"},
    }
    return Processor(**{**given, **fields})


def test_one_account_is_one_processor() -> None:
    processor().save()
    with pytest.raises(IntegrityError, match="processor_kind_account_unique"):
        processor(name="Shop again").save()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"budget_share": 0}, "processor_budget_share_percent"),
        ({"budget_share": 101}, "processor_budget_share_percent"),
        ({"paused_reason": "by_hand"}, "processor_paused_with_reason"),
        ({"paused_at": timezone.now()}, "processor_paused_with_reason"),
    ],
)
def test_the_database_refuses_what_makes_no_sense(fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        processor(**fields).save()


@pytest.mark.parametrize("address", ["http://opendsr.mparticle.com/v3", "ftp://opendsr.mparticle.com", "v3"])
def test_an_api_address_without_tls_is_refused(address: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        processor(base_url=address).full_clean()
    assert set(refusal.value.message_dict) == {"base_url"}


def test_a_sandbox_on_this_machine_is_a_good_address() -> None:
    processor(base_url="https://localhost:8443/v3").full_clean()


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="leanpenny"):
        processor(kind="leanpenny").full_clean()


def test_credentials_come_back_and_are_not_stored_in_clear() -> None:
    made = processor()
    made.save()
    found = Processor.objects.get()
    assert found.credentials == {"workspace_key": "the-key", "workspace_secret": "the-secret"}
    [stored] = Processor.objects.raw(
        "SELECT id, encode(credentials, 'escape') AS seen FROM integrations_processor"
    )
    assert "the-secret" not in stored.seen  # type: ignore[attr-defined]
    assert "the-secret" not in repr(found.__dict__)


def test_each_processor_has_an_unguessable_callback_address_of_its_own() -> None:
    one, other = processor(), processor(name="Other", account="1")
    assert one.callback_token != other.callback_token
    assert len(one.callback_token) >= 43
    assert one.callback_path == f"/opendsr/callbacks/{one.callback_token}"
