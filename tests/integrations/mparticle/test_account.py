"""Trying the connection, searching in the sandbox's user store, warnings, and what each API may be called."""

from typing import Any

import pytest

from integrations import budget
from integrations.connector import Capability
from integrations.mparticle.connector import ONLY_DEVICES, MParticle
from integrations.types import ConnectionCheck, Draft, Identity, IdentityType, Limit, Match
from tests.integrations.mparticle.conftest import says
from tests.integrations.odd_server import OddServer
from tests.integrations.rows import row_of
from tests.sandbox import Sandbox

EMAIL = Identity("email", "ada@example.com")
CUSTOMER = Identity("controller_customer_id", "c-881")
DEVICE = Identity("ios_advertising_id", "i-1")
NAMES = [
    "Workspace key",
    "Callback certificate",
    "Input key for searches",
    "Input key for events",
    "Workspace list",
]


def checks(mparticle: MParticle) -> dict[str, ConnectionCheck]:
    return {check.name.english: check for check in mparticle.test_connection()}


@pytest.mark.parametrize("auth", ["basic", "hmac"])
@pytest.mark.parametrize("empty_batch", [202, 400])
def test_every_credential_is_tried_on_its_own_api(
    whole: MParticle, sandbox: Sandbox, auth: str, empty_batch: int
) -> None:
    sandbox.switches(empty_batch=empty_batch)
    row_of(whole).options["identity_auth"] = auth
    found = whole.test_connection()
    assert [(check.name.english, check.works, check.is_set) for check in found] == [
        (name, True, True) for name in NAMES
    ]
    assert all(check.sentence.english.endswith(".") for check in found)
    assert f"lists the workspace “Sandbox workspace {whole.processor.account}”" in found[-1].sentence.english
    # Nothing of it names a person, makes one, or is in production.
    assert sandbox.people() == []
    sent = [{name: batch[name] for name in batch if name != "taken"} for batch in sandbox.batches()]
    assert sent == [{"environment": "development"}] * (1 if empty_batch == 202 else 0)


@pytest.mark.parametrize(
    ("spoilt", "failing", "key_field", "said"),
    [
        ("workspace_secret", NAMES[:2], "workspace_key", "data subject requests. Check the workspace key"),
        ("input_secret", NAMES[2:4], "input_key", "Check the input key and its secret"),
        (
            "oauth_client_secret",
            NAMES[4:],
            "oauth_client_id",
            "Platform API's tokens. Check the oauth client",
        ),
    ],
)
def test_each_failure_says_which_key_to_look_at(
    whole: MParticle, sandbox: Sandbox, spoilt: str, failing: list[str], key_field: str, said: str
) -> None:
    sandbox.switches(discovery_auth=True)
    row_of(whole).credentials[spoilt] = "wrong"
    found = checks(whole)
    assert [name for name, check in found.items() if not check.works] == failing
    for name in failing:
        assert found[name].key_field == key_field
        assert said in found[name].sentence.english


def test_what_is_not_stored_says_what_cannot_be_done(mparticle: MParticle, sandbox: Sandbox) -> None:
    found = checks(mparticle)
    assert [name for name, check in found.items() if not check.is_set] == ["Input key", "Workspace list"]
    assert all(check.works for check in found.values())
    assert found["Input key"].sentence.english == (
        "Not set (“Input key” and “Input secret”): opt-outs, corrections and searches are not possible."
    )
    assert found["Input key"].key_field == "input_key"
    assert (
        "“Account ID”): workspaces cannot be chosen from a list." in found["Workspace list"].sentence.english
    )


def test_a_missing_account_id_is_what_to_look_at(whole: MParticle) -> None:
    row_of(whole).options["oauth_account"] = ""
    found = checks(whole)["Workspace list"]
    assert (found.works, found.is_set, found.key_field) == (True, False, "oauth_account")


def test_a_workspace_of_another_account(whole: MParticle) -> None:
    row_of(whole).account = "1"
    found = checks(whole)["Workspace list"]
    assert (found.works, found.key_field) == (False, "oauth_account")
    assert "does not list workspace 1." in found.sentence.english


def test_an_account_that_is_not_shown(odd_mparticle: MParticle, odd: OddServer) -> None:
    token = {"access_token": "t", "expires_in": 28800}
    for status, said in [
        (404, None),
        (503, None),
        (404, {"Errors": [{"code": "NOT_FOUND_ERROR"}]}),
        (403, None),
        (200, token),
        (200, {"data": [{"id": 18, "name": "Other"}], "errors": None}),
    ]:
        says(odd, status, said)
    found = checks(odd_mparticle)
    assert [check.works for check in found.values()] == [True, False, True, False, False]
    assert "mParticle's Platform API has no account with this ID." in found["Workspace list"].sentence.english
    assert "refused the credentials for events" in found["Input key for events"].sentence.english


# Searching.


@pytest.mark.parametrize("auth", ["basic", "hmac"])
def test_a_person_is_found_and_a_stranger_is_not(whole: MParticle, sandbox: Sandbox, auth: str) -> None:
    row_of(whole).options["identity_auth"] = auth
    mpid = sandbox.person({"email": EMAIL.value, "ios_advertising_id": DEVICE.value})
    assert whole.search([CUSTOMER, EMAIL, DEVICE]) == Match(
        found=True, profile_id=mpid, matched=("email", "ios_advertising_id")
    )
    assert whole.search([CUSTOMER]) == Match(found=False)
    assert len(sandbox.people()) == 1


def test_every_type_that_can_be_searched_is_taken(whole: MParticle, sandbox: Sandbox) -> None:
    identities = [Identity(kind, f"{kind}-1") for kind in IdentityType.values]
    assert whole.search(identities) == Match(found=False)
    [search] = sandbox.asked("identity", "search")
    assert len(search["content"]["known_identities"]) == 22


@pytest.mark.parametrize("shape", ["capital", "lower", "bare"])
def test_not_found_in_every_envelope(whole: MParticle, sandbox: Sandbox, shape: str) -> None:
    sandbox.switches(identity_errors=shape)
    assert whole.search([EMAIL]) == Match(found=False)


# What it can, and what to know.


def draft(*identities: Identity, **more: Any) -> Draft:
    given: dict[str, Any] = {"request_type": "erasure", "regulation": "gdpr", **more}
    return Draft(identities=identities, **given)


def test_what_it_can(mparticle: MParticle) -> None:
    assert set(mparticle.capabilities) == set(Capability) - {Capability.BY_HAND}


@pytest.mark.parametrize("request_type", ["access", "portability", "erasure"])
def test_devices_alone_do_not_reach_whoever_has_a_login(mparticle: MParticle, request_type: str) -> None:
    microsoft = Identity("microsoft_publisher_id", "m")
    assert mparticle.warn(draft(DEVICE, microsoft, request_type=request_type)) == [ONLY_DEVICES]
    for more in (EMAIL, CUSTOMER, Identity("mpid", "5"), Identity("other", "o")):
        assert mparticle.warn(draft(DEVICE, more, request_type=request_type)) == []


def test_it_skips_the_waiting_and_takes_every_type(mparticle: MParticle) -> None:
    given = draft(EMAIL, Identity("mpid", "5"), Identity("other10", "o"), skip_waiting_period=True)
    assert (mparticle.cannot(given), mparticle.check(given), mparticle.warn(given)) == (None, [], [])
    assert len(mparticle.split(given)) == 2


def test_each_api_has_a_budget_of_its_own(whole: MParticle) -> None:
    """What a person typed as limits is of data subject requests."""
    row_of(whole).limits = "7 calls in 60 s"
    assert whole.budget().calls == whole.budget("requests").calls == Limit(7, 60)
    assert whole.budget("events").calls == Limit(16200, 60)
    assert whole.budget("identity").calls == Limit(1000, 60)
    assert whole.budget("platform").calls == Limit(10, 1)
    assert all(whole.budget(api).new_requests == () for api in ("events", "identity", "platform"))


def test_searches_use_up_nothing_of_the_requests(whole: MParticle, sandbox: Sandbox) -> None:
    whole.search([EMAIL])
    assert budget.state(whole.processor).calls.count == 0


def test_every_address_and_secret_is_declared(mparticle: MParticle) -> None:
    options = {option.name: option for option in mparticle.options}
    assert {name for name, option in options.items() if option.is_address} == {
        "identity_url",
        "events_url",
        "platform_url",
        "sso_url",
    }
    sent = {secret.name: secret.sent_to for secret in mparticle.secrets}
    assert sent["workspace_key"] == sent["workspace_secret"] == ()
    assert sent["input_key"] == sent["input_secret"] == ("identity_url", "events_url")
    assert sent["oauth_client_id"] == sent["oauth_client_secret"] == ("sso_url", "platform_url")
    assert [secret.name for secret in mparticle.secrets if secret.required] == [
        "workspace_key",
        "workspace_secret",
    ]
    assert {*mparticle.connects_with} <= {*sent, *options}
