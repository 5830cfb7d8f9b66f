"""Who exists, who is erased, who is found again, and who an access result is about."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import Sandbox, SandboxFailed, running_sandbox

from .bodies import DAY, create, extension, fetch, raw, search, send
from .test_lifecycle import wait_until

JANE = {"email": "jane@example.org", "controller_customer_id": "c-881"}
JANE_BY_MAIL = {"subject_identities": {"email": raw("jane@example.org")}}


@pytest.fixture
def strict(sandbox: Sandbox) -> Sandbox:
    """Only those exist who were put there."""
    sandbox.switches(strangers="unknown")
    return sandbox


def access(sandbox: Sandbox, **identities: Any) -> tuple[int, bytes]:
    identifier = create(sandbox, subject_request_type="access", **(identities or JANE_BY_MAIL))
    sandbox.advance(2 * DAY)
    return fetch(sandbox, identifier)


def erase(sandbox: Sandbox, **identities: Any) -> None:
    create(sandbox, **(identities or JANE_BY_MAIL))
    sandbox.advance(14 * DAY)


def members(body: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(body))
    return {name: archive.read(name) for name in archive.namelist() if not name.startswith("__MACOSX/")}


def test_a_person_is_put_into_one_workspace(strict: Sandbox) -> None:
    mpid = strict.person(JANE, attributes={"plan": "premium"})
    assert -(2**63) <= int(mpid) < 2**63
    (row,) = strict.people()
    assert (row["workspace"], row["app"], row["id"]) == ("4302", None, mpid)
    assert (row["identities"], row["attributes"], row["invented"]) == (JANE, {"plan": "premium"}, False)
    assert strict.people(workspace="4303") == []
    assert search(strict, email="jane@example.org")[0] == 200
    assert search(strict, 1, email="jane@example.org")[0] == 404


def test_mpids_are_negative_for_some(strict: Sandbox) -> None:
    mpids = {int(strict.person({"email": f"{number}@example.org"})) for number in range(30)}
    assert len(mpids) == 30
    assert min(mpids) < 0 < max(mpids)


def test_the_same_person_is_given_new_data_and_not_made_twice(strict: Sandbox) -> None:
    first = strict.person(JANE, attributes={"plan": "free", "city": "Bath"})
    again = strict.person({"controller_customer_id": "c-881", "other": "n-7"}, attributes={"plan": "premium"})
    assert again == first
    (row,) = strict.people()
    assert row["identities"] == {**JANE, "other": "n-7"}
    assert row["attributes"] == {"plan": "premium", "city": "Bath"}


def test_by_mpid_two_people_may_share_an_address(strict: Sandbox) -> None:
    for mpid in ("-7", "8"):
        assert strict.person({"mpid": mpid, "email": "jane@example.org"}) == mpid
    erase(strict)
    assert strict.people() == []


def test_strangers_exist_as_soon_as_they_are_asked_about(sandbox: Sandbox) -> None:
    assert search(sandbox, email="jane@example.org")[0] == 200
    assert [row["invented"] for row in sandbox.people()] == [True]
    assert access(sandbox, subject_identities={"email": raw("joe@example.org")})[0] == 200


def test_strangers_may_be_nobody(strict: Sandbox) -> None:
    assert search(strict, email="jane@example.org")[0] == 404
    assert access(strict)[0] == 404
    assert strict.people() == []


def test_a_result_shows_the_person_as_of_its_completion(strict: Sandbox) -> None:
    mpid = strict.person(
        JANE,
        attributes={"plan": "premium"},
        events=[
            {"event_type": "commerce_event", "month": "2025-11"},
            {"event_type": "screen_view", "month": "2025-11", "data": {"screen_name": "Home"}},
            {"event_type": "custom_event", "month": "2026-02", "data": {"event_name": "Read"}},
        ],
    )
    identifier = create(strict, subject_request_type="access", **JANE_BY_MAIL)
    strict.advance(2 * DAY)
    strict.person(JANE, attributes={"plan": "none"})
    found = members(fetch(strict, identifier)[1])
    assert set(found) == {"profile.jsonl", "events-2025-11.jsonl", "events-2026-02.jsonl"}
    profile = json.loads(found["profile.jsonl"])
    assert (profile["id"], profile["user_attributes"]) == (mpid, {"plan": "premium"})
    kinds = [
        json.loads(line)["events"][0]["event_type"] for line in found["events-2025-11.jsonl"].splitlines()
    ]
    assert kinds == ["commerce_event", "screen_view"]


def test_by_mpid_the_same_person_is_meant(strict: Sandbox) -> None:
    mpid = strict.person(JANE)
    by_mpid = {"subject_identities": None, "extensions": extension(subject_identities={"mpid": raw(mpid)})}
    status, body = access(strict, **by_mpid)
    assert status == 200
    assert b"jane@example.org" in members(body)["profile.jsonl"]
    erase(strict, **by_mpid)
    assert search(strict, email="jane@example.org")[0] == 404


@pytest.mark.parametrize("strangers", ["known", "unknown"])
def test_an_erased_person_stays_away_until_new_data_comes_in(sandbox: Sandbox, strangers: str) -> None:
    sandbox.switches(strangers=strangers)
    mpid = sandbox.person(JANE)
    create(sandbox, **JANE_BY_MAIL)
    sandbox.advance(13 * DAY)
    assert search(sandbox, email="jane@example.org")[1]["mpid"] == mpid
    sandbox.advance(DAY)
    assert sandbox.people() == []
    # By the identities that were known of her, too, and not only by those of the request.
    assert search(sandbox, email="jane@example.org")[0] == 404
    assert search(sandbox, customerid="c-881")[0] == 404
    assert access(sandbox)[0] == 404
    assert send(sandbox, environment="production", user_identities={"email": "jane@example.org"}) == 202
    status, found = search(sandbox, email="jane@example.org")
    assert (status, found["mpid"] != mpid) == (200, True)
    assert access(sandbox)[0] == 200


def test_a_cancelled_erasure_erases_nobody(strict: Sandbox) -> None:
    strict.person(JANE)
    identifier = create(strict, **JANE_BY_MAIL)
    assert strict.call("DELETE", f"/v3/requests/{identifier}")[0] == 202
    strict.advance(21 * DAY)
    assert len(strict.people()) == 1


def test_with_login_identities_a_device_leads_to_no_customer(strict: Sandbox) -> None:
    strict.switches(login_identities=["controller_customer_id", "email"])
    strict.person({**JANE, "android_id": "f924f1e5707b34b7"})
    anonymous = strict.person({"android_id": "f924f1e5707b34b7", "mpid": "42"})
    assert search(strict, android_uuid="f924f1e5707b34b7")[1]["mpid"] == anonymous
    assert search(strict, customerid="c-881")[1]["matched_identities"] == {"customerid": "c-881"}


def test_a_foreign_profile_has_another_address(sandbox: Sandbox) -> None:
    sandbox.switches(result="foreign")
    profile = json.loads(members(access(sandbox)[1])["profile.jsonl"])
    values = {row["type"]: row["value"] for row in profile["user_identities"]}
    assert "customer_id" in values
    assert values["email"] != "jane@example.org"


def test_a_bomb_is_small_until_it_is_opened(sandbox: Sandbox) -> None:
    sandbox.switches(result="bomb")
    _, body = access(sandbox)
    (member,) = zipfile.ZipFile(io.BytesIO(body)).infolist()
    assert len(body) < 2_000_000
    assert member.file_size > 200_000_000
    assert member.filename.endswith(".jsonl")


def test_names_that_lead_out_stand_beside_good_ones(sandbox: Sandbox) -> None:
    sandbox.switches(result="slip")
    names = zipfile.ZipFile(io.BytesIO(access(sandbox)[1])).namelist()
    assert any(name.startswith("../") for name in names)
    assert any(name.startswith("/") for name in names)
    assert "profile.jsonl" in names


def test_junk_hides_a_good_line(sandbox: Sandbox) -> None:
    sandbox.switches(result="junk")
    lines = members(access(sandbox)[1])["events-2026-02.jsonl"].split(b"\n")
    assert max(map(len, lines)) > 5_000_000
    good = 0
    for line in lines:
        try:
            good += isinstance(json.loads(line), dict)
        except ValueError:  # UnicodeDecodeError is one, too
            continue
    assert good == 2
    with pytest.raises(UnicodeDecodeError):
        b"\n".join(lines).decode()


@pytest.mark.parametrize("kill", [False, True])
def test_a_restart_keeps_people_batches_and_who_was_erased(tmp_path: Path, kill: bool) -> None:
    with running_sandbox(tmp_path) as sandbox:
        erase(sandbox)
        joe = sandbox.person({"email": "joe@example.org"}, attributes={"plan": "free"})
        send(sandbox, mpid=int(joe), source_request_id="one", user_attributes={"excluded": True})
        send(sandbox, mpid=int(joe), source_request_id="one", user_attributes={"excluded": True})
        people, batches = sandbox.people(), sandbox.batches()
        wait_until(lambda: '"repeats": 1' in (tmp_path / "requests.jsonl").read_text())
        sandbox.stop(kill=kill)
        sandbox.start()
        assert (sandbox.people(), sandbox.batches()) == (people, batches)
        assert search(sandbox, email="joe@example.org")[1]["mpid"] == joe
        assert search(sandbox, email="jane@example.org")[0] == 404
        assert (tmp_path / "requests.jsonl").stat().st_mode & 0o077 == 0
        sandbox.reset()
        sandbox.stop(kill=kill)
        sandbox.start()
        assert (sandbox.people(), sandbox.batches(), sandbox.asked()) == ([], [], [])


@pytest.mark.parametrize(
    "order",
    [
        {"identities": {}},
        {"identities": {"email": ""}},
        {"identities": JANE, "workspace": 2},
        {"identities": JANE, "app": -1},
        {"identities": JANE, "colour": "red"},
        {"identities": JANE, "events": [{}]},
        {"identities": JANE, "events": [{"event_type": "x", "month": "May"}]},
    ],
)
def test_a_person_that_makes_no_sense_is_refused(strict: Sandbox, order: dict[str, Any]) -> None:
    assert strict.call("POST", "/_sandbox/people", order)[0] == 400
    assert strict.people() == []
    with pytest.raises(SandboxFailed, match="400"):
        strict.person({})


def test_the_page_counts_people_and_shows_none(sandbox: Sandbox) -> None:
    sandbox.person(JANE)
    search(sandbox, email="jane@example.org")
    page = sandbox.call("GET", "/", workspace=None)[2].decode()
    assert "<td>4302</td><td><code>sandbox-workspace-key</code></td><td>1</td>" in page
    assert "POST /identity/v1/search 200" in page
    for private in ("jane", "c-881", "sandbox-input-secret", "sandbox-app-export"):
        assert private not in page
