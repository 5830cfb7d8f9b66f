"""What a result file holds; what is doubted about it, and why; and that a redacted copy lacks what was left out."""

import hashlib
import io
import json
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from integrations.errors import UnexpectedAnswer
from integrations.mparticle import contents, packages, rows
from integrations.types import Identity, PackageSummary
from tests.integrations.mparticle import zips
from tests.integrations.mparticle.zips import batch, bomb, entry, lines, patched, usual, zipped

ADA = (Identity("email", "ADA@example.org"), Identity("controller_customer_id", "C-1"))


def summary(archive: bytes, *submitted: Identity) -> PackageSummary:
    return packages.summarise(io.BytesIO(archive), submitted=submitted or ADA)


def redacted(archive: bytes, *, members: set[str] | None = None, fields: set[str] | None = None) -> bytes:
    return b"".join(
        packages.redact(io.BytesIO(archive), members=frozenset(members or ()), fields=frozenset(fields or ()))
    )


# --- what it holds


def test_a_usual_package_is_told_for_people() -> None:
    found = summary(usual())
    assert (found.doubt, found.empty, found.has_profile, found.unread_lines) == ("", False, True, 0)
    fields = dict(found.fields)
    assert fields["user_attributes.plan"] == "premium"
    assert fields["user_attributes.tags"] == "a; b"
    assert fields["user_attributes.score"] == "4.5"
    assert fields["audience_memberships"] == "id: 4711, name: Newsletter readers"
    assert fields["created_timestamp_ms"] == "01 Jan 2025 00:00 UTC"
    assert fields["is_opted_out"] == "false"
    assert "user_identities" not in fields
    assert ("email", "ada@example.org") in found.identities
    assert ("google_advertising_id", "38400000-8cf0-11bd-b23e-10b96e40000d") in found.identities
    # The one event has a time of its own, the other that of its batch.
    assert found.events == (("custom_event", "2026-01", 2), ("screen_view", "2025-12", 2))


def test_each_file_has_its_size_and_hash_and_what_a_mac_adds_is_no_file() -> None:
    archive = usual(("notes/readme.txt", b"hello"), ("notes/._readme.txt", b"junk"))
    found = {member.name: member for member in summary(archive).members}
    assert set(found) == {"profile.jsonl", "events-2026-01.jsonl", "notes/readme.txt"}
    for name, member in found.items():
        content = zips.member(archive, name)
        assert (member.size_bytes, member.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_what_can_be_left_out_has_names() -> None:
    names = summary(usual()).leave_out
    assert {
        "user_identities",
        "user_attributes",
        "user_attributes.plan",
        "mpid",
        "events.data.custom_attributes.friend",
    } <= set(names)
    assert len(names) == len(set(names))


def test_known_and_nothing_held_is_empty() -> None:
    found = summary(zipped(("empty.txt", b""), ("__MACOSX/._empty.txt", b"junk")))
    assert (found.empty, found.doubt, found.has_profile) == (True, "", False)
    assert not summary(usual(("empty.txt", b""))).empty


def test_without_a_profile_the_events_are_told() -> None:
    found = summary(zipped(("events.jsonl", lines(batch()))))
    assert (found.has_profile, found.fields, found.doubt) == (False, (), "")
    assert sum(count for _kind, _month, count in found.events) == 2


def test_broken_lines_are_counted_and_the_others_read() -> None:
    long = '{"long": "' + "x" * rows.LONGEST_LINE + '"}'
    deep = "[" * 100_000
    deep_object = '{"a":' * 600 + "1" + "}" * 600
    content = lines("not json", "", batch(), long, "[1, 2]", deep, "7", "{", end="\n") + b'{"x": "\xff"}\n'
    found = summary(zipped(("profile.jsonl", lines(deep_object, zips.PROFILE)), ("e.jsonl", content)))
    assert found.doubt == ""
    assert found.unread_lines >= 7
    assert sum(count for _kind, _month, count in found.events) == 2
    assert dict(found.fields)["user_attributes.plan"] == "premium"


def test_odd_shapes_are_no_crash() -> None:
    odd = [
        {"events": None},
        {"events": "x", "user_identities": 7, "mpid": None},
        {"events": [None, 1, {"event_type": 5, "data": "x"}, {"data": {"timestamp_unixtime_ms": "soon"}}]},
        {"events": [{"data": {"timestamp_unixtime_ms": 10**30}}], "timestamp_unixtime_ms": -1},
        {"user_identities": [{"type": None}, "x", {"type": "other5", "value": {"a": 1}}], "half": "\ud800"},
        {"big": 10**400, "user_identities": {"email": ["ada@example.org"]}},
    ]
    found = summary(zipped(("profile.jsonl", lines(*odd)), ("e.jsonl", lines(*odd))))
    assert found.doubt == ""
    assert sum(count for _kind, _month, count in found.events) == 5
    json.dumps([found.fields, found.events]).encode()
    "".join(value for _name, value in found.fields).encode()


def test_a_summary_stays_small_whatever_is_in_the_file() -> None:
    profile = {f"key{number}": {f"k{n}": "v" * 5000 for n in range(3)} for number in range(40)}
    kinds = [{"event_type": f"kind{number}", "data": {}} for number in range(6000)]
    many = [{f"name{number}-{n}": {"x": 1} for n in range(500)} for number in range(20)]
    archive = zipped(("profile.jsonl", lines(profile)), ("e.jsonl", lines({"events": kinds}, *many)))
    found = summary(archive)
    assert found.doubt == ""
    assert max(len(value) for _name, value in found.fields) == 2001
    assert len(found.events) <= 2001
    assert sum(count for _kind, _month, count in found.events) == 6000
    assert len(found.leave_out) <= 2000


# --- whose it is


def profile(**changes: Any) -> bytes:
    return zipped(("profile.jsonl", lines({**zips.PROFILE, **changes})))


def events(**changes: Any) -> bytes:
    return zipped(("e.jsonl", lines(batch(), batch(**changes))))


@pytest.mark.parametrize(
    ("archive", "submitted"),
    [
        (profile(), Identity("email", "eve@example.org")),
        (profile(), Identity("controller_customer_id", "C-2")),
        (profile(), Identity("mpid", "7")),
        (profile(), Identity("android_advertising_id", "00000000-8cf0-11bd-b23e-10b96e40000d")),
        (profile(device_identities=[{"type": "ios_idfv", "value": "1"}]), Identity("ios_vendor_id", "2")),
        (profile(user_identities={"email": "eve@example.org"}), ADA[0]),
        (profile(user_identities=[{"type": "other_id_3", "value": "x"}]), Identity("other3", "y")),
        (events(mpid=7), Identity("mpid", "-3512845671234567890")),
        (events(user_identities={"email": "eve@example.org"}), ADA[0]),
        (events(user_identities={"customer_id": 17}), ADA[1]),
        # In other shapes and spellings than the usual ones.
        (profile(mpid=7), Identity("mpid", "-3512845671234567890")),
        (profile(user_identities=[{"type": "Email", "encoding": "RAW", "value": "eve@example.org"}]), ADA[0]),
        (profile(user_identities=[{"type": "email", "encoding": None, "value": "eve@example.org"}]), ADA[0]),
        (profile(user_identities=[{"identity_type": "email", "identity": "eve@example.org"}]), ADA[0]),
        (profile(user_identities=[{"type": "email", "value": {"a": 1}}]), ADA[0]),
        (events(user_identities={"EMAIL": "eve@example.org"}), ADA[0]),
        (events(user_identities={"email": {"value": "eve@example.org", "encoding": "raw"}}), ADA[0]),
        (events(user_identities={"email": [["eve@example.org"]]}), ADA[0]),
        (events(user_identities={"customer_id": 17.0}), ADA[1]),
        (
            zipped(("profile.jsonl", lines(zips.PROFILE, {**zips.PROFILE, "id": 5}))),
            Identity("mpid", zips.PROFILE["id"]),
        ),
    ],
)
def test_another_persons_identity_is_a_doubt_and_nothing_more_is_told(
    archive: bytes, submitted: Identity
) -> None:
    found = summary(archive, submitted)
    assert found == PackageSummary(doubt="foreign_identity")


@pytest.mark.parametrize(
    ("archive", "submitted"),
    [
        (profile(), Identity("email", " ADA@EXAMPLE.ORG ")),
        (profile(), Identity("mpid", "-3512845671234567890")),
        (profile(id=-3512845671234567890), Identity("mpid", "-3512845671234567890")),
        (profile(), Identity("android_advertising_id", "38400000-8CF0-11BD-B23E-10B96E40000D")),
        # Not asked for, so not compared.
        (profile(), Identity("other5", "y")),
        (events(user_identities={"facebook": "1"}), ADA[0]),
        # Hashed: nobody can tell.
        (profile(user_identities=[{"type": "email", "encoding": "sha256", "value": "0f3a"}]), ADA[0]),
        (events(user_identities={"email": {"value": "ada@example.org"}, "customer_id": None}), ADA[0]),
        # Several devices, of which one was asked for.
        (profile(device_identities={"ios_idfa": ["a", "b"]}), Identity("ios_advertising_id", "b")),
    ],
)
def test_the_persons_own_identities_are_no_doubt(archive: bytes, submitted: Identity) -> None:
    assert summary(archive, submitted).doubt == ""


def test_each_value_that_is_the_persons_is_theirs() -> None:
    both = (Identity("email", "ada@example.org"), Identity("email", "ada@home.example"))
    moved = events(user_identities={"email": "ada@home.example"})
    assert summary(moved, *both).doubt == ""
    assert summary(moved, both[0]).doubt == "foreign_identity"


# --- what is no archive, and what is a bad one


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", b"<html>" + usual(), b'{"id": 1}\n' * 100])
def test_what_is_no_archive(content: bytes) -> None:
    assert summary(content).doubt == "not_zip"


def encrypted() -> bytes:
    return patched(usual(), (b"PK\x01\x02", 8, b"\x01\x00"), (b"PK\x03\x04", 6, b"\x01\x00"))


def longer_than_said() -> bytes:
    """The directory says ten bytes less than there are."""
    content = lines(batch())
    size = (len(content) - 10).to_bytes(4, "little")
    return patched(zipped(("e.jsonl", content)), (b"PK\x01\x02", 24, size), (b"PK\x03\x04", 22, size))


@pytest.mark.parametrize(
    "make",
    [
        encrypted,
        longer_than_said,
        lambda: zipped(("a.jsonl", b"{}"), method=zipfile.ZIP_LZMA),
        lambda: zipped(("a.jsonl", b"{}"), method=zipfile.ZIP_BZIP2),
        lambda: zipped(),
        lambda: zipped(("__MACOSX/._a", b"x")),
        # Cut in the middle; one byte of a member changed; a directory that points before the beginning.
        lambda: usual()[: len(usual()) // 2],
        lambda: patched(zipped(("a.jsonl", b'{"a": 1}'), method=zipfile.ZIP_STORED), (b'{"a"', 1, b"'")),
        lambda: patched(usual(), (b"PK\x05\x06", 12, (2**20).to_bytes(4, "little"))),
        lambda: patched(usual(), (b"PK\x01\x02", 42, (2**30).to_bytes(4, "little"))),
        lambda: patched(usual(), (b"PK\x03\x04", 30, b"q")),
    ],
)
def test_what_cannot_be_read_whole(make: Callable[[], bytes]) -> None:
    assert summary(make()).doubt == "unreadable"


@pytest.mark.parametrize(
    "name",
    [
        "../../escaped.jsonl",
        "a/../../b.jsonl",
        "..",
        "/etc/passwd",
        "//host/share",
        "\\\\host\\share",
        "a\\..\\b.jsonl",
        "C:evil.jsonl",
        "c:/evil.jsonl",
        "a//b.jsonl",
        "./a.jsonl",
        "a\nb.jsonl",
        "a\x1b[2J.jsonl",
        "\u202egnp.jsonl",
        "x" * 1001,
    ],
)
def test_names_that_lead_elsewhere(name: str) -> None:
    assert summary(usual((entry(name), b"{}"))).doubt == "bad_names"
    with pytest.raises(UnexpectedAnswer, match="bad_names"):
        redacted(usual((entry(name), b"{}")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "more",
    [
        (entry("profile.jsonl"), b"{}"),
        (entry("PROFILE.jsonl"), b"{}"),
        (entry("link.jsonl", mode=zips.LINK), b"/etc/passwd"),
        (entry("pipe", mode=0o010644), b""),
        (entry("folder/"), b"hidden"),
        (entry("profile.jsonl."), b"{}"),
        (entry("profile.jsonl "), b"{}"),
        (zips.renamed("plain.jsonl", "../../escaped.jsonl"), b"{}"),
        (entry("profile.jsonl/"), b""),
    ],
)
def test_files_over_one_another_links_and_other_things(more: tuple[zipfile.ZipInfo, bytes]) -> None:
    assert summary(usual(more)).doubt == "bad_names"


def test_folders_are_no_files() -> None:
    found = summary(
        usual((entry("2026/", mode=0o040755), b""), (entry("2026/e.jsonl", mode=0o100644), lines(batch())))
    )
    assert found.doubt == ""
    assert [member.name for member in found.members][-1] == "2026/e.jsonl"


def test_a_bomb_is_not_unpacked_and_costs_no_memory() -> None:
    archive = bomb(300 * 1024 * 1024)
    assert len(archive) < 4 * 1024 * 1024
    tracemalloc.start()
    found = summary(archive)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.doubt == "bomb"
    assert peak < 8 * 1024 * 1024


def test_a_bomb_that_lies_about_its_size_stops_where_it_said() -> None:
    said = (1000).to_bytes(4, "little")
    archive = bomb(300 * 1024 * 1024)
    tracemalloc.start()
    found = summary(patched(archive, (b"PK\x01\x02", 24, said)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.doubt == "unreadable"
    assert peak < 8 * 1024 * 1024


def test_too_many_members_and_a_directory_too_large() -> None:
    many = zipped(*((f"{number}.txt", b"") for number in range(contents.MOST_MEMBERS + 1)))
    assert summary(many).doubt == "bomb"
    padded = (entry(f"{number:0>900}.txt") for number in range(3000))
    assert summary(zipped(*((info, b"") for info in padded))).doubt == "bomb"


def test_a_long_honest_package_is_read_in_little_memory() -> None:
    """A hundred megabytes of events with words of their own: no bomb, and never held."""
    words = zips.noise(4 * 1024 * 1024).hex()
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("events.jsonl", "w") as member,
    ):
        for number in range(100):
            start = number * 20_000
            row = batch(note=[words[start + n * 60 : start + n * 60 + 60] for n in range(300)] * 50)
            member.write(lines(row, end="\n"))
    archive_bytes = buffer.getvalue()
    with zipfile.ZipFile(buffer) as made:
        assert made.getinfo("events.jsonl").file_size > 90_000_000
    tracemalloc.start()
    found = summary(archive_bytes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.doubt, found.unread_lines) == ("", 0)
    assert peak < 24 * 1024 * 1024


# --- a copy with parts left out


def test_members_and_fields_that_are_left_out_are_not_in_the_bytes() -> None:
    archive = usual(("letter.txt", b"Dear Charles"))
    copy = redacted(
        archive,
        members={"letter.txt"},
        fields={"user_identities", "user_attributes.plan", "events.data.custom_attributes.friend"},
    )
    assert zips.members(copy) == ["profile.jsonl", "events-2026-01.jsonl"]
    everything = b"".join(zips.member(copy, name) for name in zips.members(copy))
    for gone in (b"premium", b"ada@example.org", b"Babbage", b"Charles", b"C-1"):
        assert gone not in everything
        assert gone not in copy
    left = json.loads(zips.member(copy, "profile.jsonl"))
    assert left["user_attributes"] == {"$firstname": "Ada", "tags": ["a", "b"], "score": 4.5}
    assert left["id"] == "-3512845671234567890"
    first = json.loads(zips.member(copy, "events-2026-01.jsonl").splitlines()[0])
    assert first["events"][1]["data"]["custom_attributes"] == {"n": 1}
    found = summary(copy)
    assert found.doubt == ""
    assert not {"user_identities", "user_attributes.plan"} & set(found.leave_out)


def test_with_members_alone_left_out_the_others_are_the_same_bytes() -> None:
    archive = usual(("odd.bin", zips.noise(100_000)))
    copy = redacted(archive, members={"profile.jsonl"})
    assert zips.members(copy) == ["events-2026-01.jsonl", "odd.bin"]
    for name in zips.members(copy):
        assert zips.member(copy, name) == zips.member(archive, name)
    assert b"__MACOSX" not in copy


def test_a_line_that_cannot_be_read_is_left_out_with_the_fields() -> None:
    doubled = '{"user_attributes": {"plan": "SECRET"}, "user_attributes": {"plan": 1, "kept": 2}}'
    deep = '{"user_attributes":{"plan": "SECRET"},"a":' + '{"a":' * 970 + "1" + "}" * 971
    content = lines('{"user_attributes": {"plan": "SECRET"}', doubled, deep, batch())
    copy = redacted(zipped(("e.jsonl", content)), fields={"user_attributes.plan"})
    left = zips.member(copy, "e.jsonl")
    assert b"SECRET" not in left
    assert b"kept" not in left
    assert json.loads(left.splitlines()[-1])["mpid"] == batch()["mpid"]


@pytest.mark.parametrize(
    "line",
    [
        '{"user_identities": {"email": "eve@example.org", "email": "ada@example.org"}}',
        '{"user_identities": {"email": "eve@example.org"}, "score": NaN}',
    ],
    ids=["one thing twice", "no number"],
)
def test_a_line_that_readers_take_differently_cannot_be_read(line: str) -> None:
    found = summary(zipped(("e.jsonl", lines(line, batch()))))
    assert (found.unread_lines, found.identities) == (
        1,
        (("email", "Ada@Example.org "), ("customer_id", "C-1")),
    )


def test_an_identity_that_is_left_out_is_in_no_list_either() -> None:
    """A batch has a mapping of them, a profile a list."""
    assert {"user_identities.email", "user_identities.customer_id"} <= set(summary(profile()).leave_out)
    copy = redacted(usual(), fields={"user_identities.email"})
    for name in zips.members(copy):
        assert b"example.org" not in zips.member(copy, name).lower()
    left = json.loads(zips.member(copy, "profile.jsonl"))
    assert left["user_identities"] == [{"type": "customer_id", "encoding": "raw", "value": "C-1"}]


def attribute(name: Any, **values: Any) -> dict[str, Any]:
    return {"event_type": "user_attribute_change", "data": {"user_attribute_name": name, **values}}


def identity(old: Any, new: Any) -> dict[str, Any]:
    return {"event_type": "user_identity_change", "data": {"old": old, "new": new}}


@pytest.mark.parametrize(
    ("event", "left_out"),
    [
        (attribute("plan", old="SECRET", new="x"), "user_attributes.plan"),
        (attribute("plan", new={"paid": "SECRET"}), "user_attributes.plan.paid"),
        (attribute("plan", new="SECRET"), "user_attributes"),
        (attribute(None, new="SECRET"), "user_attributes.plan"),
        (
            identity({"identity_type": "email", "identity": "SECRET"}, {"identity_type": "email"}),
            "user_identities.email",
        ),
        (identity(None, {"identity_type": "email", "identity": "SECRET"}), "user_identities"),
    ],
)
def test_how_something_changed_goes_with_it(event: dict[str, Any], left_out: str) -> None:
    archive = zipped(("e.jsonl", lines(batch(events=[event, {"event_type": "kept", "data": {}}]))))
    left = zips.member(redacted(archive, fields={left_out}), "e.jsonl")
    assert b"SECRET" not in left
    assert b"kept" in left


def test_how_something_else_changed_stays() -> None:
    told = [attribute("plans", new="KEPT"), identity(None, {"identity_type": "other", "identity": "KEPT"})]
    archive = zipped(("e.jsonl", lines(batch(events=told))))
    copy = redacted(archive, fields={"user_attributes.plan", "user_identities.email"})
    assert zips.member(copy, "e.jsonl").count(b"KEPT") == 2


def test_files_that_are_not_made_of_lines_go_with_the_fields() -> None:
    """What is in them nobody looks into, so nobody can say that a field is not."""
    archive = usual(("profile.json", b'{"user_attributes": {"plan": "SECRET"}}'), ("empty.txt", b""))
    copy = redacted(archive, fields={"user_attributes.plan"})
    assert zips.members(copy) == ["profile.jsonl", "events-2026-01.jsonl", "empty.txt"]


def test_a_large_package_goes_out_piece_by_piece() -> None:
    archive = zipped(("odd.bin", zips.noise(30_000_000)), method=zipfile.ZIP_STORED)
    tracemalloc.start()
    sizes = [
        len(piece)
        for piece in packages.redact(io.BytesIO(archive), members=frozenset({"x"}), fields=frozenset())
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(sizes) > 30_000_000
    assert max(sizes) < 512 * 1024
    assert peak < 4 * 1024 * 1024


def test_a_package_that_is_broken_in_the_middle_is_said_to_be() -> None:
    archive = bytearray(zipped(("a.bin", zips.noise(300_000)), method=zipfile.ZIP_STORED))
    archive[200_000] ^= 1
    pieces = packages.redact(io.BytesIO(bytes(archive)), members=frozenset(), fields=frozenset())
    with pytest.raises(UnexpectedAnswer):
        list(pieces)


def test_what_fails_in_the_storage_is_no_doubt_about_the_package() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() < 100 and size != 4:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(OSError, match="Input/output"):
        packages.summarise(Failing(zipped(("a.bin", os.urandom(300)))), submitted=ADA)
