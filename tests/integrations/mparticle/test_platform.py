"""Tokens and the list of workspaces."""

import json
import logging
from typing import Any

import pytest

from integrations.errors import (
    IntegrationError,
    RateLimited,
    Rejected,
    Unauthorized,
    UnexpectedAnswer,
    Unsupported,
)
from integrations.mparticle import tokens
from integrations.mparticle.connector import MParticle
from integrations.types import Workspace
from tests.integrations.mparticle.conftest import asked, says
from tests.integrations.odd_server import OddServer, answer
from tests.integrations.rows import row_of
from tests.sandbox import Sandbox

TOKEN = {"access_token": "ey.the.token", "expires_in": 28800, "token_type": "Bearer"}
WORKSPACES = {
    "data": [
        {"id": "4303", "name": "web", "data_type": "workspace"},
        {"id": 4302, "name": "Shop", "data_type": "workspace", "created_on": "2021-03-11T16:02:14.233"},
    ],
    "dataType": "workspace",
    "errors": None,
}
FOUND = [Workspace("4302", "Shop"), Workspace("4303", "web")]


def test_the_workspaces_of_the_account(whole: MParticle, sandbox: Sandbox) -> None:
    found = whole.list_workspaces()
    assert {each.id for each in found} == {each["id"] for each in sandbox.workspaces}
    assert all(each.name.startswith("Sandbox workspace") for each in found)


@pytest.mark.parametrize("shape", ["bare", "integer_ids"])
def test_the_list_in_other_shapes(whole: MParticle, sandbox: Sandbox, shape: str) -> None:
    sandbox.switches(platform_shape=shape)
    assert {each.id for each in whole.list_workspaces()} == {each["id"] for each in sandbox.workspaces}


def test_errors_count_on_a_200_too(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.switches(platform_shape="errors")
    with pytest.raises(Rejected, match=r"refused the call \(INTERNAL\)\.$"):
        whole.list_workspaces()


def test_a_foreign_account(whole: MParticle) -> None:
    row_of(whole).options["oauth_account"] = "99999"
    with pytest.raises(Rejected, match="Check the account ID"):
        whole.list_workspaces()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_client(whole: MParticle, sandbox: Sandbox, status: int) -> None:
    sandbox.switches(oauth_refusal=status)
    row_of(whole).credentials["oauth_client_secret"] = "wrong"
    with pytest.raises(Unauthorized, match="Check the oauth client id") as failure:
        whole.list_workspaces()
    assert failure.value.key_field == "oauth_client_id"


def test_one_token_for_many_questions_and_a_new_one_when_it_has_run_out(
    whole: MParticle, sandbox: Sandbox
) -> None:
    sandbox.switches(oauth_clock="virtual")
    whole.list_workspaces()
    whole.list_workspaces()
    assert len(sandbox.asked("sso", "token")) == 1
    # To the portal's clock it is good for hours yet; there it is refused, and a new one is asked for.
    sandbox.advance(9 * 3600)
    whole.list_workspaces()
    assert len(sandbox.asked("sso", "token")) == 2


def test_a_token_that_runs_out_within_minutes_is_not_kept(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.switches(oauth_seconds=300)
    whole.list_workspaces()
    whole.list_workspaces()
    assert len(sandbox.asked("sso", "token")) == 2


def test_what_goes_out(odd_mparticle: MParticle, odd: OddServer) -> None:
    row_of(odd_mparticle).options["oauth_account"] = "1 &accountId=2"
    says(odd, 200, TOKEN)
    says(odd, 200, WORKSPACES)
    assert odd_mparticle.list_workspaces() == FOUND
    assert asked(odd) == [
        "POST /sso/oauth/token",
        "GET /platform/v1/workspace?accountId=1%20%26accountId%3D2",
    ]
    assert json.loads(odd.bodies[0]) == {
        "client_id": "the-client",
        "client_secret": "the-client-secret",
        "audience": "https://api.mparticle.com",
        "grant_type": "client_credentials",
    }
    assert b"Authorization: Bearer ey.the.token\r\n" in odd.requests[1]


def test_a_client_with_another_secret_gets_its_own_token(odd_mparticle: MParticle, odd: OddServer) -> None:
    for _ in range(2):
        says(odd, 200, TOKEN)
        says(odd, 200, WORKSPACES)
    odd_mparticle.list_workspaces()
    row_of(odd_mparticle).credentials["oauth_client_secret"] = "another"
    odd_mparticle.list_workspaces()
    assert [path for path in asked(odd) if "token" in path] == ["POST /sso/oauth/token"] * 2


def test_a_token_that_is_refused_twice_is_a_refusal(odd_mparticle: MParticle, odd: OddServer) -> None:
    """Perhaps of the account ID: a missing one gets the same answer as a wrong token."""
    for _ in range(2):
        says(odd, 200, TOKEN)
        says(odd, 401, {"data": [], "dataType": "workspace", "errors": [{"code": "UNAUTHORIZED"}]})
    with pytest.raises(
        Unauthorized, match="Check the account ID, the OAuth client and its secret"
    ) as failure:
        odd_mparticle.list_workspaces()
    assert failure.value.key_field == "oauth_client_id"
    assert len(odd.requests) == 4


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (401, {"error": "access_denied", "error_description": "Unauthorized"}, Unauthorized),
        (403, {"error": "access_denied"}, Unauthorized),
        (400, {"error": "invalid_client"}, Unauthorized),
        (401, None, Unauthorized),
        (400, {"error": "invalid_request"}, Rejected),
        (404, None, UnexpectedAnswer),
        (429, None, RateLimited),
        (500, None, UnexpectedAnswer),
        (200, None, UnexpectedAnswer),
        (200, {"token_type": "Bearer"}, UnexpectedAnswer),
        (200, {"access_token": ""}, UnexpectedAnswer),
        (200, {"access_token": "a\r\nX-Other: b", "expires_in": 5}, UnexpectedAnswer),
    ],
)
def test_no_token(
    odd_mparticle: MParticle, odd: OddServer, status: int, said: object, kind: type[IntegrationError]
) -> None:
    says(odd, status, said)
    with pytest.raises(IntegrationError) as failure:
        odd_mparticle.list_workspaces()
    assert type(failure.value) is kind
    assert len(odd.requests) == 1


@pytest.mark.parametrize("lifetime", [None, "28800", True, -1, 1e999])
def test_a_token_of_unknown_lifetime_is_used_once(
    odd_mparticle: MParticle, odd: OddServer, lifetime: object
) -> None:
    for _ in range(2):
        says(odd, 200, TOKEN | {"expires_in": lifetime} if lifetime != 1e999 else TOKEN | {"expires_in": 0})
        says(odd, 200, WORKSPACES)
    odd_mparticle.list_workspaces()
    odd_mparticle.list_workspaces()
    assert len(odd.requests) == 4


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (404, {"data": [], "errors": [{"code": "NOT_FOUND"}]}, Rejected),
        (403, None, Unauthorized),
        (400, {"errors": [{"code": "VALIDATION_ERROR"}]}, Rejected),
        (422, None, Rejected),
        (
            200,
            {"data": [], "dataType": "app", "errors": [{"code": "VALIDATION_ERROR", "message": "x"}]},
            Rejected,
        ),
        (200, {"data": None}, UnexpectedAnswer),
        (200, {}, UnexpectedAnswer),
        (200, "x", UnexpectedAnswer),
        (200, None, UnexpectedAnswer),
        (504, None, UnexpectedAnswer),
    ],
)
def test_no_list(
    odd_mparticle: MParticle, odd: OddServer, status: int, said: object, kind: type[IntegrationError]
) -> None:
    says(odd, 200, TOKEN)
    says(odd, status, said)
    with pytest.raises(IntegrationError) as failure:
        odd_mparticle.list_workspaces()
    assert type(failure.value) is kind
    assert failure.value.sentence.english.endswith(".")


@pytest.mark.parametrize("said", [WORKSPACES, WORKSPACES["data"], {**WORKSPACES, "errors": []}])
def test_items_that_cannot_be_chosen_are_passed_over(
    odd_mparticle: MParticle, odd: OddServer, said: Any, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [None, {"name": "no id"}, {"id": True}, {"id": ""}]
    items = said["data"] if isinstance(said, dict) else said
    says(odd, 200, TOKEN)
    says(odd, 200, {**said, "data": broken + items} if isinstance(said, dict) else broken + items)
    assert odd_mparticle.list_workspaces() == FOUND
    assert len([record for record in caplog.records if "Platform API's list" in record.message]) == 4


@pytest.mark.parametrize("name", ["oauth_client_id", "oauth_client_secret"])
def test_without_a_client_nothing_is_asked(odd_mparticle: MParticle, odd: OddServer, name: str) -> None:
    row_of(odd_mparticle).credentials[name] = ""
    with pytest.raises(Unsupported, match="needs “OAuth client"):
        odd_mparticle.list_workspaces()
    assert odd.requests == []


def test_without_an_account_nothing_is_asked(odd_mparticle: MParticle, odd: OddServer) -> None:
    row_of(odd_mparticle).options["oauth_account"] = " "
    with pytest.raises(Unsupported, match="needs “Account ID”"):
        odd_mparticle.list_workspaces()
    assert odd.requests == []


def test_no_token_or_secret_is_logged_or_shown(
    odd_mparticle: MParticle, odd: OddServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    says(odd, 200, TOKEN)
    says(odd, 200, WORKSPACES)
    odd_mparticle.list_workspaces()
    says(odd, 400, {"errors": [{"message": "ey.the.token"}]})
    with pytest.raises(IntegrationError) as failure:
        odd_mparticle.list_workspaces()
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    text = " ".join([*ours, repr(failure.value), repr(odd_mparticle._platform()), repr(tokens._slots)])
    assert "POST localhost/oauth/token 200" in text
    assert "GET localhost/workspace?accountId={account} 200" in text
    for secret in ("ey.the.token", "the-client", "accountId=17"):
        assert secret not in text


def test_the_body_of_a_token_answer_that_is_not_json(odd_mparticle: MParticle, odd: OddServer) -> None:
    odd.replies.append(answer(200, b"<html>ey.the.token</html>"))
    with pytest.raises(UnexpectedAnswer, match="contains no token\\. Check its address"):
        odd_mparticle.list_workspaces()
