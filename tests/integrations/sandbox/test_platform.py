"""A token, and the accounts and workspaces that it shows."""

import json
from typing import Any

import pytest

from tests.sandbox import Sandbox

AUDIENCE = "https://api.mparticle.com"


def ask_for_token(sandbox: Sandbox, **changes: Any) -> tuple[int, Any]:
    body = {
        "client_id": sandbox.oauth["client_id"],
        "client_secret": sandbox.oauth["client_secret"],
        "audience": AUDIENCE,
        "grant_type": "client_credentials",
        **changes,
    }
    status, _, answer = sandbox.call("POST", "/sso/oauth/token", body, workspace=None)
    return status, json.loads(answer)


def token(sandbox: Sandbox) -> str:
    status, answer = ask_for_token(sandbox)
    assert (status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 28800)
    given: str = answer["access_token"]
    return given


def read(sandbox: Sandbox, path: str, bearer: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {bearer}"}
    status, _, answer = sandbox.call("GET", f"/platform/v1{path}", workspace=None, headers=headers)
    return status, json.loads(answer)


def test_workspaces_have_texts_for_ids_and_accounts_numbers(sandbox: Sandbox) -> None:
    bearer = token(sandbox)
    status, workspaces = read(sandbox, "/workspace?accountId=1001", bearer)
    assert (status, workspaces["dataType"], workspaces["errors"]) == (200, "workspace", None)
    assert [row["id"] for row in workspaces["data"]] == ["4302", "4303"]
    for path in ("/accounts?accountId=1001", "/accounts/1001?accountId=1001"):
        status, accounts = read(sandbox, path, bearer)
        assert (status, [row["id"] for row in accounts["data"]]) == (200, [1001])


@pytest.mark.parametrize("path", ["/workspace", "/accounts", "/accounts/1001", "/workspace?AccountId=1001"])
def test_a_missing_account_looks_like_a_bad_token(sandbox: Sandbox, path: str) -> None:
    status, answer = read(sandbox, path, token(sandbox))
    assert (status, answer["data"], answer["errors"][0]["code"]) == (401, [], "UNAUTHORIZED")


@pytest.mark.parametrize(
    "path", ["/workspace?accountId=7", "/accounts/7?accountId=1001", "/workspaces?accountId=1001"]
)
def test_what_is_out_of_scope_or_nowhere_is_404(sandbox: Sandbox, path: str) -> None:
    status, answer = read(sandbox, path, token(sandbox))
    assert (status, answer["errors"][0]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("bearer", ["", "made-up"])
def test_without_a_token_it_is_401(sandbox: Sandbox, bearer: str) -> None:
    assert read(sandbox, "/workspace?accountId=1001", bearer)[0] == 401


@pytest.mark.parametrize("refusal", [401, 403])
def test_a_wrong_client_is_refused_in_the_envelope_of_oauth(sandbox: Sandbox, refusal: int) -> None:
    sandbox.switches(oauth_refusal=refusal)
    for changes in ({"client_secret": "wrong"}, {"client_id": "wrong"}):
        status, answer = ask_for_token(sandbox, **changes)
        assert (status, answer) == (
            refusal,
            {"error": "access_denied", "error_description": "Unauthorized"},
        )


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"audience": None}, 400), ({"audience": "https://x"}, 403), ({"grant_type": "password"}, 403)],
)
def test_all_four_fields_matter(sandbox: Sandbox, changes: dict[str, Any], status: int) -> None:
    assert ask_for_token(sandbox, **changes)[0] == status


def test_a_token_ends_after_eight_hours(sandbox: Sandbox) -> None:
    sandbox.switches(oauth_clock="virtual")
    bearer = token(sandbox)
    sandbox.advance(28799)
    assert read(sandbox, "/workspace?accountId=1001", bearer)[0] == 200
    sandbox.advance(1)
    assert read(sandbox, "/workspace?accountId=1001", bearer)[0] == 401
    assert read(sandbox, "/workspace?accountId=1001", token(sandbox))[0] == 200


def test_a_token_lives_in_real_time_unless_switched(sandbox: Sandbox) -> None:
    bearer = token(sandbox)
    sandbox.advance(30 * 24 * 3600)
    assert read(sandbox, "/workspace?accountId=1001", bearer)[0] == 200
    sandbox.switches(oauth_seconds=0)
    assert read(sandbox, "/workspace?accountId=1001", bearer)[0] == 401


def test_the_lists_come_in_other_shapes(sandbox: Sandbox) -> None:
    bearer = token(sandbox)
    shapes = {}
    for shape in ("bare", "integer_ids", "errors"):
        sandbox.switches(platform_shape=shape)
        status, shapes[shape] = read(sandbox, "/workspace?accountId=1001", bearer)
        assert status == 200
    assert [row["id"] for row in shapes["bare"]] == ["4302", "4303"]
    assert [row["id"] for row in shapes["integer_ids"]["data"]] == [4302, 4303]
    assert (shapes["errors"]["data"], len(shapes["errors"]["errors"])) == ([], 1)


def test_no_secret_and_no_token_is_kept_for_looking_at(sandbox: Sandbox) -> None:
    bearer = token(sandbox)
    read(sandbox, "/workspace?accountId=1001", bearer)
    assert [row["part"] for row in sandbox.asked()] == ["sso", "platform"]
    seen = json.dumps(sandbox.asked()) + sandbox.log()
    assert bearer not in seen
    assert sandbox.oauth["client_secret"] not in seen
