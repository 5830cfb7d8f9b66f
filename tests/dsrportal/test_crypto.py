"""Sealing, files in chunks, and the normal forms that the blind index compares."""

import secrets
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsrportal.crypto import (
    Tampered,
    blind_index,
    decrypt_chunks,
    encrypt_chunks,
    new_key,
    normalise,
    open_sealed,
    seal,
)
from dsrportal.models import DataKey

HEADER_BYTES = 37
TAG_BYTES = 16


def test_what_is_sealed_opens_again_and_never_looks_the_same_twice() -> None:
    key = new_key()
    first, second = seal(key, b"ann@example.org", b"row 1"), seal(key, b"ann@example.org", b"row 1")

    assert open_sealed(key, first, b"row 1") == open_sealed(key, second, b"row 1") == b"ann@example.org"
    assert first != second
    assert b"ann" not in first


def test_a_sealed_value_opens_only_whole_in_its_place_and_under_its_key() -> None:
    key = new_key()
    sealed = seal(key, b"ann@example.org", b"row 1")

    for bad in (sealed[:-1], sealed[:20], b"", b"\x02" + sealed[1:], sealed + b"\x00"):
        with pytest.raises(Tampered):
            open_sealed(key, bad, b"row 1")
    for position in range(len(sealed)):
        flipped = bytearray(sealed)
        flipped[position] ^= 1
        with pytest.raises(Tampered):
            open_sealed(key, bytes(flipped), b"row 1")
    with pytest.raises(Tampered):
        open_sealed(key, sealed, b"row 2")
    with pytest.raises(Tampered):
        open_sealed(new_key(), sealed, b"row 1")


def test_a_short_key_is_refused_instead_of_giving_a_weaker_cipher() -> None:
    for key in (b"", secrets.token_bytes(16), secrets.token_bytes(24)):
        with pytest.raises(ValueError, match="32 bytes"):
            seal(key, b"x", b"")
        with pytest.raises(ValueError, match="32 bytes"):
            list(encrypt_chunks(key, [b"x"], b""))


# --- files in chunks


def cut(data: bytes, lengths: list[int]) -> Iterator[bytes]:
    """The same bytes in pieces of these lengths, the rest at the end; some pieces are empty."""
    for length in lengths:
        yield data[:length]
        data = data[length:]
    yield data


def frames(encrypted: bytes, size: int) -> list[bytes]:
    body = encrypted[HEADER_BYTES:]
    return [body[start : start + size + TAG_BYTES] for start in range(0, len(body), size + TAG_BYTES)]


@settings(deadline=None)
@given(
    plain=st.binary(max_size=200),
    size=st.integers(1, 40),
    cuts_in=st.lists(st.integers(0, 50)),
    cuts_out=st.lists(st.integers(0, 50)),
)
def test_a_file_comes_back_however_it_is_cut(
    plain: bytes, size: int, cuts_in: list[int], cuts_out: list[int]
) -> None:
    key = new_key()
    encrypted = b"".join(encrypt_chunks(key, cut(plain, cuts_in), b"file 1", size))

    assert b"".join(decrypt_chunks(key, cut(encrypted, cuts_out), b"file 1")) == plain


@settings(deadline=None)
@given(plain=st.binary(max_size=100), keep=st.data())
def test_a_file_cut_short_anywhere_is_refused(plain: bytes, keep: st.DataObject) -> None:
    key = new_key()
    encrypted = b"".join(encrypt_chunks(key, [plain], b"", 16))
    length = keep.draw(st.integers(0, len(encrypted) - 1))

    with pytest.raises(Tampered):
        list(decrypt_chunks(key, [encrypted[:length]], b""))


@pytest.mark.parametrize("length", [64, 70])
def test_chunks_cannot_be_dropped_repeated_reordered_or_appended(length: int) -> None:
    key, plain = new_key(), secrets.token_bytes(length)
    encrypted = b"".join(encrypt_chunks(key, [plain], b"", 16))
    header, parts = encrypted[:HEADER_BYTES], frames(encrypted, 16)
    assert len(parts) > 3

    for wrong in (
        [parts[1], parts[0], *parts[2:]],
        parts[1:],
        [*parts[:1], *parts[2:]],
        parts[:-1],
        [parts[0], *parts],
        [*parts, parts[-1]],
        [*parts, parts[0]],
        [*parts[:-1], parts[0]],
    ):
        with pytest.raises(Tampered):
            list(decrypt_chunks(key, [header, *wrong], b""))


def test_chunks_of_another_file_do_not_fit_even_under_the_same_key_and_name() -> None:
    key = new_key()
    one, two = (b"".join(encrypt_chunks(key, [secrets.token_bytes(60)], b"same", 16)) for _ in range(2))
    header, ours, theirs = one[:HEADER_BYTES], frames(one, 16), frames(two, 16)

    with pytest.raises(Tampered):
        list(decrypt_chunks(key, [header, ours[0], theirs[1], *ours[2:]], b"same"))
    with pytest.raises(Tampered):
        list(decrypt_chunks(key, [header, *theirs], b"same"))
    with pytest.raises(Tampered):
        list(decrypt_chunks(key, [one], b"another"))
    with pytest.raises(Tampered):
        list(decrypt_chunks(new_key(), [one], b"same"))


def test_two_files_never_share_a_key_stream() -> None:
    """Nonces count from zero in every file: only a key of its own keeps them from repeating."""
    key, plain = new_key(), bytes(64)
    one, two = (b"".join(encrypt_chunks(key, [plain], b"same", 16)) for _ in range(2))

    assert set(frames(one, 16)).isdisjoint(frames(two, 16))
    assert frames(one, 16)[0][:16] != frames(two, 16)[0][:16]


def test_every_byte_of_an_encrypted_file_counts() -> None:
    key = new_key()
    encrypted = b"".join(encrypt_chunks(key, [b"x" * 20], b"", 16))
    for position in range(len(encrypted)):
        flipped = bytearray(encrypted)
        flipped[position] ^= 1
        with pytest.raises(Tampered):
            list(decrypt_chunks(key, [bytes(flipped)], b""))


def test_a_large_file_is_never_held_whole() -> None:
    """64 MiB go through while at most a few chunks have been taken in and not yet given out."""
    key, piece = new_key(), bytes(1024 * 1024)
    taken = given_out = worst = 0

    def source() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(64):
            taken += len(piece)
            yield piece

    for plain in decrypt_chunks(key, encrypt_chunks(key, source(), b""), b""):
        given_out += len(plain)
        worst = max(worst, taken - given_out)

    assert given_out == 64 * len(piece)
    assert worst <= 2 * len(piece)


# --- normal forms


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("email", "Ann@Example.org", "  ann@example.ORG\t"),
        ("email", "ann@example.org", "ann @ example.org"),
        ("email", "strasse@example.org", "STRAßE@example.org"),
        ("email", "ann@example.org", "ａｎｎ@example.org"),  # full-width letters
        ("mobile_number", "+49 170 1234567", "0049-170/1234567"),
        ("mobile_number", "+49 (0)170 1234567", "491701234567"),
        ("phone_number_2", "(030) 1234", "030.1234"),
        ("phone_number_3", "٠٣٠ ١٢٣٤", "0301234"),  # Arabic-Indic digits
        (
            "ios_advertising_id",
            "AEBE52E7-03EE-455A-B3C4-E57283966239",
            "{aebe52e7-03ee-455a-b3c4-e57283966239}",
        ),
        ("ios_vendor_id", "AEBE52E703EE455AB3C4E57283966239", "aebe52e7-03ee-455a-b3c4-e57283966239"),
        ("android_id", "9774D56D682E549C", "9774d56d682e549c "),
        ("roku_publisher_id", "ABC-1", "abc-1"),
        ("mpid", "007", "+7"),
        ("mpid", "-0", "0"),
        ("customer_id", " A-1 ", "A-1"),
    ],
)
def test_two_spellings_of_one_identity_are_equal(kind: str, one: str, other: str) -> None:
    assert normalise(kind, one) == normalise(kind, other)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("email", "ann@example.org", "anne@example.org"),
        ("mobile_number", "0170 1234567", "+49 170 1234567"),  # the country of the first is not known
        ("mobile_number", "unknown", "none"),
        ("android_advertising_id", "abc-1", "abc1"),
        ("mpid", "7", "-7"),
        ("mpid", "seven", "eight"),
        ("controller_customer_id", "a-1", "A-1"),
        ("other", "a 1", "a1"),
        ("other10", "007", "7"),
    ],
)
def test_different_identities_stay_different(kind: str, one: str, other: str) -> None:
    assert normalise(kind, one) != normalise(kind, other)


@given(
    kind=st.sampled_from(["email", "mobile_number", "mpid", "android_id", "other"]), value=st.text(min_size=1)
)
def test_any_text_has_a_normal_form_and_it_is_final(kind: str, value: str) -> None:
    normal = normalise(kind, value)

    assert normal == normal.strip()
    if kind != "mobile_number":  # a number that lost its + may begin with 00 by chance
        assert normalise(kind, normal) == normal


@pytest.mark.django_db
def test_the_blind_index_finds_spellings_and_keeps_types_apart() -> None:
    assert blind_index("email", " ANN@example.org") == blind_index("email", "ann@example.org")
    assert blind_index("email", "1") != blind_index("other", "1")
    assert blind_index("other", "1") != blind_index("other2", "1")
    assert len(blind_index("other", "\ud800")) == 32


@pytest.mark.django_db
def test_the_blind_index_depends_on_its_key() -> None:
    first = blind_index("email", "ann@example.org")
    DataKey.objects.filter(purpose=DataKey.Purpose.INDEX).delete()
    DataKey.forget_shared()

    assert blind_index("email", "ann@example.org") != first
