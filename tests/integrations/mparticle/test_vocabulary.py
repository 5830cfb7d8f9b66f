from integrations.models import Environment
from integrations.mparticle.vocabulary import (
    DEVICE_IDENTITIES,
    ENVIRONMENTS,
    IDSYNC_IDENTITIES,
    OUR_IDENTITIES,
)
from integrations.types import IdentityType


def test_every_type_has_a_name_at_idsync_but_those_it_does_not_have() -> None:
    missing = {"mpid", "microsoft_advertising_id", "microsoft_publisher_id"}
    assert set(IdentityType.values) - set(IDSYNC_IDENTITIES) == missing
    assert set(IDSYNC_IDENTITIES) <= set(IdentityType.values)


def test_the_names_lead_back() -> None:
    assert len(OUR_IDENTITIES) == len(IDSYNC_IDENTITIES)
    assert all(OUR_IDENTITIES[theirs] == ours for ours, theirs in IDSYNC_IDENTITIES.items())


def test_the_names_that_differ() -> None:
    differing = {ours: theirs for ours, theirs in IDSYNC_IDENTITIES.items() if ours != theirs}
    assert differing == {
        "controller_customer_id": "customerid",
        "ios_advertising_id": "ios_idfa",
        "ios_vendor_id": "ios_idfv",
        "android_advertising_id": "android_aaid",
        "android_id": "android_uuid",
        "fire_advertising_id": "fire_aid",
        "roku_advertising_id": "roku_aid",
    }


def test_devices_and_environments() -> None:
    assert set(DEVICE_IDENTITIES) <= set(IdentityType.values)
    assert {"email", "controller_customer_id", "other", "mobile_number", "mpid"}.isdisjoint(DEVICE_IDENTITIES)
    assert set(ENVIRONMENTS) == set(Environment.values)
