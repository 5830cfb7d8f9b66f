"""What an export holds, whose it is, and a copy with parts left out."""

import io
import json
from typing import Any

import pytest

from integrations.errors import UnexpectedAnswer
from integrations.leanplum import packages
from integrations.types import Identity, PackageSummary

CUSTOMER = Identity("controller_customer_id", "c-881")
EXPORT: dict[str, Any] = {
    "success": True,
    "userId": "c-881",
    "created": 1.43935302887e9,
    "userAttributes": {
        "email": "Jane@Example.org",
        "plan": "gold",
        "tags": ["a", "b"],
        "age": 41,
        "events": "x",
    },
    "events": {"purchase": {"count": 91, "firstTime": 1.44e9}, "purr": {}, "odd": 7},
    "states": {},
    "devices": [{"deviceId": "d-1"}],
}


def kept(document: dict[str, Any]) -> io.BytesIO:
    return io.BytesIO(b"".join(packages.chunks(document)))


def summary(document: dict[str, Any], *submitted: Identity) -> PackageSummary:
    return packages.summarise(
        kept(document),
        submitted=submitted or (CUSTOMER,),
        user_id_type="controller_customer_id",
        names={"email": "email", "mobile_number": "phone"},
    )


def test_the_export_is_kept_without_the_word_on_the_call() -> None:
    document = json.loads(kept(EXPORT).read())
    assert document == {name: value for name, value in EXPORT.items() if name != "success"}


def test_a_large_export_comes_in_pieces() -> None:
    pieces = list(packages.chunks({"userId": "c-881", "userAttributes": {"note": "ä" * 200_000}}))
    assert len(pieces) > 3
    assert json.loads(b"".join(pieces))["userAttributes"]["note"] == "ä" * 200_000


def test_a_summary_is_for_people() -> None:
    found = summary(EXPORT)
    assert found.fields == (
        ("email", "Jane@Example.org"),
        ("plan", "gold"),
        ("tags", '["a", "b"]'),
        ("age", "41"),
        ("events", "x"),
    )
    assert found.identities == (("userId", "c-881"), ("email", "Jane@Example.org"))
    assert found.events == (("purchase", "", 91), ("purr", "", 0), ("odd", "", 0))
    assert (found.has_profile, found.empty, found.doubt, found.members) == (True, False, "", ())
    assert set(found.leave_out) == {
        "created",
        "events",
        "states",
        "devices",
        *(f"userAttributes.{name}" for name in EXPORT["userAttributes"]),
    }


@pytest.mark.parametrize(
    ("document", "submitted"),
    [
        ({**EXPORT, "userId": "c-882"}, (CUSTOMER,)),
        ({**EXPORT, "userId": "C-881"}, (CUSTOMER,)),
        ({**EXPORT, "userId": None}, (CUSTOMER,)),
        ({name: value for name, value in EXPORT.items() if name != "userId"}, (CUSTOMER,)),
        (EXPORT, (CUSTOMER, Identity("email", "somebody@example.org"))),
    ],
)
def test_an_export_of_somebody_else_is_in_doubt(
    document: dict[str, Any], submitted: tuple[Identity, ...]
) -> None:
    assert summary(document, *submitted) == PackageSummary(doubt="foreign_identity")


@pytest.mark.parametrize(
    ("document", "submitted"),
    [
        ({**EXPORT, "userId": 881}, (Identity("controller_customer_id", "881"),)),
        (EXPORT, (Identity("controller_customer_id", "c-1"), CUSTOMER)),
        (EXPORT, (CUSTOMER, Identity("email", "jane@example.org"))),
        (EXPORT, (CUSTOMER, Identity("mobile_number", "+49 1"))),
    ],
)
def test_an_export_of_the_person_is_not(document: dict[str, Any], submitted: tuple[Identity, ...]) -> None:
    assert summary(document, *submitted).doubt == ""


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b'{"userId": "c-', b'{"a": 1, "a": 2}', b"\xff"])
def test_what_is_no_export_is_in_doubt_and_cannot_be_redacted(raw: bytes) -> None:
    found = packages.summarise(
        io.BytesIO(raw), submitted=[CUSTOMER], user_id_type="controller_customer_id", names={}
    )
    assert found == PackageSummary(doubt="unreadable")
    with pytest.raises(UnexpectedAnswer) as failure:
        packages.redact(io.BytesIO(raw), fields=frozenset())
    assert failure.value.__context__ is None


def test_what_is_nested_too_deep_to_be_written_is_refused_by_name() -> None:
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(UnexpectedAnswer) as failure:
        kept({"userId": "c-881", "userAttributes": {"a": deep}})
    assert failure.value.__context__ is None


def test_a_count_beyond_all_numbers_is_none() -> None:
    raw = b'{"userId": "c-881", "events": {"a": {"count": 1e999}, "b": {"count": 2}, "c": {"count": 2.0}}}'
    found = packages.summarise(
        io.BytesIO(raw), submitted=[CUSTOMER], user_id_type="controller_customer_id", names={}
    )
    assert found.events == (("a", "", 0), ("b", "", 2), ("c", "", 2))


def test_an_attribute_called_like_the_user_id_is_none() -> None:
    document = {"userAttributes": {"userId": "c-881"}}
    found = packages.summarise(
        kept(document), submitted=[CUSTOMER], user_id_type="email", names={CUSTOMER.type: "userId"}
    )
    assert found == PackageSummary(doubt="foreign_identity")


def test_attributes_and_parts_are_left_out_by_their_own_names() -> None:
    fields = frozenset({"userAttributes.email", "userAttributes.events", "devices"})
    document = json.loads(b"".join(packages.redact(kept(EXPORT), fields=fields)))
    assert set(document) == {"userId", "created", "userAttributes", "events", "states"}
    assert set(document["userAttributes"]) == {"plan", "tags", "age"}
    assert document["events"] == EXPORT["events"]


def test_every_name_that_can_be_left_out_leaves() -> None:
    for name in summary(EXPORT).leave_out:
        before, after = kept(EXPORT).read(), b"".join(packages.redact(kept(EXPORT), fields=frozenset({name})))
        assert len(after) < len(before)
    everything = b"".join(packages.redact(kept(EXPORT), fields=frozenset(summary(EXPORT).leave_out)))
    assert json.loads(everything) == {"userId": "c-881", "userAttributes": {}}


@pytest.mark.parametrize(
    ("reply", "empty"),
    [
        ({"userId": "c-881", "userAttributes": {}, "events": {}}, True),
        ({"userId": "c-881"}, True),
        ({"userId": "c-881", "userAttributes": {"plan": "gold"}}, False),
        ({"userId": "c-881", "events": {"purchase": {"count": 1}}}, False),
    ],
)
def test_what_a_block_leaves_behind_is_empty(reply: dict[str, Any], empty: bool) -> None:
    assert packages.is_left_empty(reply) is empty
