"""Master keys and data keys: what start-up says, rotation, shared keys, destruction."""

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, connections, transaction
from django.test import override_settings

from cases.models import AuditEvent
from dsrportal import crypto
from dsrportal.crypto import HOW_TO_MAKE_A_KEY, KeyDestroyed, WrongKey, blind_index
from dsrportal.management.commands.rotate_keys import rewrap_batch
from dsrportal.models import DataKey, User

Purpose = DataKey.Purpose


def entry(key_id: str) -> str:
    return f"{key_id}:{base64.b64encode(os.urandom(32)).decode()}"


OLD, NEW, OTHER = entry("old"), entry("new"), entry("other")


def masters(*entries: str) -> override_settings:
    return override_settings(PORTAL_MASTER_KEYS=list(entries))


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test begins with the old master key and no data keys."""
    DataKey.forget_shared()
    if marker := request.node.get_closest_marker("django_db"):
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
        DataKey.objects.all().delete()
    with masters(OLD):
        yield
    DataKey.forget_shared()


# --- what start-up says


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([], "is empty"),
        (["k1"], "Entry 1"),
        (["k1:"], "Entry 1"),
        ([f"k1:{base64.b64encode(b'x' * 31).decode()}"], "Entry 1"),
        ([f"k1:{base64.b64encode(b'x' * 33).decode()}"], "Entry 1"),
        (["k1:not base64 at all"], "Entry 1"),
        ([OLD.partition(":")[2]], "Entry 1"),
        ([OLD.replace("old", "")], "Entry 1"),
        ([OLD.replace("old", "o" * 33)], "Entry 1"),
        ([OLD, "k2"], "Entry 2"),
        ([OLD, OLD], "same key id twice"),
    ],
)
def test_a_missing_or_misspelt_master_key_says_what_to_do(entries: list[str], says: str) -> None:
    with masters(*entries), pytest.raises(ImproperlyConfigured) as refusal:
        crypto.keyring()

    sentence = str(refusal.value)
    assert says in sentence
    assert "\n" not in sentence
    assert HOW_TO_MAKE_A_KEY in sentence or "an id of its own" in sentence
    for secret in (OLD.partition(":")[2], "not base64 at all"):
        assert secret not in sentence


def test_the_command_in_the_sentence_makes_a_key_that_works() -> None:
    command = HOW_TO_MAKE_A_KEY.replace("python", sys.executable, 1)
    made = subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout

    with masters(made):
        assert crypto.keyring().current.key_id == "k1"


def test_master_keys_are_not_shown_in_tracebacks() -> None:
    ring = crypto.keyring()
    assert str(ring.current.secret) not in repr(ring)
    assert "old" in repr(ring)


@pytest.mark.django_db
def test_the_right_keys_pass_with_and_without_data_keys() -> None:
    crypto.verify_keyring()
    DataKey.make(Purpose.CASE)
    crypto.verify_keyring()
    with masters(NEW, OLD):
        crypto.verify_keyring()
        DataKey.make(Purpose.CASE)
        crypto.verify_keyring()


@pytest.mark.django_db
def test_a_master_key_that_is_gone_is_named_with_the_way_back() -> None:
    DataKey.make(Purpose.CASE)

    with masters(NEW), pytest.raises(ImproperlyConfigured, match=r"'old'.*add that key.*rotate_keys"):
        crypto.verify_keyring()


@pytest.mark.django_db
def test_another_key_under_the_same_id_is_found_out() -> None:
    DataKey.make(Purpose.CASE)
    impostor = OTHER.replace("other:", "old:")

    with masters(NEW, impostor), pytest.raises(ImproperlyConfigured, match=r"'old'.*does not open"):
        crypto.verify_keyring()
    with masters(impostor), pytest.raises(ImproperlyConfigured, match=r"'old'.*does not open"):
        crypto.verify_keyring()


@pytest.mark.django_db
def test_destroyed_keys_need_no_master_key() -> None:
    DataKey.make(Purpose.CASE).destroy()
    with masters(NEW):
        crypto.verify_keyring()


@pytest.mark.django_db
def test_the_check_of_the_database_reports_a_wrong_key() -> None:
    DataKey.make(Purpose.CASE)
    with masters(NEW), pytest.raises(SystemCheckError, match=r"dsrportal\.E001.*'old'"):
        call_command("check", "dsrportal", databases=["default"])
    with masters(), pytest.raises(SystemCheckError, match=r"dsrportal\.E001.*is empty"):
        call_command("check", "dsrportal", databases=["default"])
    call_command("check", "dsrportal", databases=["default"])


# --- one data key


@pytest.mark.django_db
def test_a_data_key_is_random_and_stored_only_wrapped() -> None:
    one, two = DataKey.make(Purpose.SUBJECT), DataKey.make(Purpose.SUBJECT)

    assert one.secret() == DataKey.objects.get(pk=one.pk).secret()
    assert len(one.secret()) == 32
    assert one.secret() != two.secret()
    assert one.wrapped is not None
    assert one.secret() not in bytes(one.wrapped)


@pytest.mark.django_db
def test_a_wrapped_key_fits_neither_another_row_nor_another_purpose() -> None:
    one, two = DataKey.make(Purpose.SUBJECT), DataKey.make(Purpose.SUBJECT)
    DataKey.objects.filter(pk=two.pk).update(wrapped=one.wrapped)
    with pytest.raises(WrongKey):
        DataKey.objects.get(pk=two.pk).secret()

    DataKey.objects.filter(pk=one.pk).update(purpose=Purpose.CASE)
    with pytest.raises(WrongKey):
        DataKey.objects.get(pk=one.pk).secret()


@pytest.mark.django_db
def test_a_destroyed_key_is_gone_for_good() -> None:
    key = DataKey.make(Purpose.SUBJECT)
    stale = DataKey.objects.get(pk=key.pk)
    key.destroy()
    destroyed_at = key.destroyed_at
    assert destroyed_at is not None

    for row in (key, DataKey.objects.get(pk=key.pk)):
        with pytest.raises(KeyDestroyed):
            row.secret()
    key.destroy()
    assert key.destroyed_at == destroyed_at

    # a copy read before cannot bring it back
    assert not stale.rewrap()
    with pytest.raises(TypeError, match="destroy"):
        stale.save()
    assert DataKey.objects.get(pk=key.pk).wrapped is None


@pytest.mark.django_db
@pytest.mark.parametrize("purpose", [Purpose.PORTAL, Purpose.EVIDENCE, Purpose.INDEX])
def test_a_shared_key_cannot_be_destroyed(purpose: str) -> None:
    with pytest.raises(ValueError, match="never destroyed"):
        DataKey.shared(purpose).destroy()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"purpose": "pleasure"}, "datakey_purpose_valid"),
        ({"wrapped": None}, "datakey_destroyed_iff_unwrapped"),
        ({"destroyed_at": "2026-01-01T00:00Z"}, "datakey_destroyed_iff_unwrapped"),
    ],
)
def test_the_database_refuses_impossible_keys(change: dict[str, Any], constraint: str) -> None:
    key = DataKey.make(Purpose.CASE)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        DataKey.objects.filter(pk=key.pk).update(**change)


# --- shared keys


@pytest.mark.django_db
def test_there_is_one_shared_key_of_each_purpose() -> None:
    portal, evidence = DataKey.shared(Purpose.PORTAL), DataKey.shared(Purpose.EVIDENCE)

    assert portal.pk != evidence.pk
    assert DataKey.shared(Purpose.PORTAL).pk == portal.pk
    with pytest.raises(IntegrityError, match="datakey_one_shared_per_purpose"), transaction.atomic():
        DataKey.make(Purpose.PORTAL)
    with pytest.raises(ValueError, match="no shared key"):
        DataKey.shared(Purpose.SUBJECT)


@pytest.mark.django_db
def test_a_rolled_back_shared_key_is_not_remembered() -> None:
    with transaction.atomic():
        ghost = DataKey.shared(Purpose.PORTAL)
        assert DataKey.shared(Purpose.PORTAL).pk == ghost.pk
        transaction.set_rollback(True)

    assert DataKey.objects.filter(pk=DataKey.shared(Purpose.PORTAL).pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_committed_shared_key_is_remembered_for_a_while(
    django_assert_num_queries: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = DataKey.shared(Purpose.EVIDENCE)
    DataKey.shared(Purpose.EVIDENCE)
    with django_assert_num_queries(0):
        assert DataKey.shared(Purpose.EVIDENCE).pk == first.pk

    DataKey.forget_shared()
    monkeypatch.setattr(DataKey, "SHARED_CACHE_SECONDS", 0.0)
    DataKey.shared(Purpose.EVIDENCE)
    with django_assert_num_queries(1):
        assert DataKey.shared(Purpose.EVIDENCE).pk == first.pk


@pytest.mark.django_db(transaction=True)
def test_many_who_need_the_first_shared_key_at_once_get_the_same() -> None:
    found: list[Any] = []
    together = threading.Barrier(8)

    def ask() -> None:
        try:
            together.wait(timeout=30)
            found.append(DataKey.shared(Purpose.PORTAL).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert len(found) == 8
    assert set(found) == {DataKey.objects.get(purpose=Purpose.PORTAL).pk}


# --- rotation


@pytest.mark.django_db
def test_rotation_rewraps_everything_and_the_old_key_can_go(capsys: pytest.CaptureFixture[str]) -> None:
    keys = {key.pk: key.secret() for key in [DataKey.make(Purpose.CASE) for _ in range(7)]}
    gone = DataKey.make(Purpose.SUBJECT)
    gone.destroy()
    index = blind_index("email", "ann@example.org")

    with masters(NEW, OLD):
        keys |= {key.pk: key.secret() for key in [DataKey.make(Purpose.CASE)]}
        call_command("rotate_keys", batch=3)
        event = AuditEvent.objects.get(action="key.rotated")
        assert (event.source, event.details["master_key"]) == ("command", "new")
        assert "8 wrapped anew, 9 under new, 0 under other master keys" in capsys.readouterr().out

    DataKey.forget_shared()
    with masters(NEW):
        crypto.verify_keyring()
        assert {key.pk: key.secret() for key in DataKey.objects.filter(pk__in=keys)} == keys
        assert blind_index("email", "ann@example.org") == index
        with pytest.raises(KeyDestroyed):
            DataKey.objects.get(pk=gone.pk).secret()
        call_command("rotate_keys")
        assert "0 wrapped anew, 9 under new, 0 under other master keys" in capsys.readouterr().out


@pytest.mark.django_db
def test_an_interrupted_rotation_leaves_everything_readable_and_goes_on() -> None:
    keys = {key.pk: key.secret() for key in [DataKey.make(Purpose.CASE) for _ in range(5)]}

    with masters(NEW, OLD):
        assert len(rewrap_batch(current="new", size=2)) == 2
        assert {key.pk: key.secret() for key in DataKey.objects.all()} == keys
        assert len(rewrap_batch(current="new", size=10)) == 3
        assert rewrap_batch(current="new", size=10) == []


@pytest.mark.django_db
def test_rotation_refuses_to_begin_with_a_wrong_key() -> None:
    DataKey.make(Purpose.CASE)
    with masters(NEW, OTHER), pytest.raises(ImproperlyConfigured, match="'old'"):
        call_command("rotate_keys")


@pytest.mark.django_db
def test_of_two_rewraps_at_once_the_second_changes_nothing() -> None:
    key = DataKey.make(Purpose.CASE)
    secret, stale = key.secret(), DataKey.objects.get(pk=key.pk)
    with masters(NEW, OLD):
        assert key.rewrap()
        assert not stale.rewrap()
        assert (key.master_key_id, DataKey.objects.get(pk=key.pk).secret()) == ("new", secret)


@pytest.mark.django_db(transaction=True)
def test_a_key_destroyed_during_a_rotation_stays_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rotation has read the key and not yet written it; whoever destroys it then waits, and wins."""
    key = DataKey.make(Purpose.SUBJECT)
    original = crypto.wrap

    def destroy() -> None:
        try:
            DataKey.objects.get(pk=key.pk).destroy()
        finally:
            connections.close_all()

    thread = threading.Thread(target=destroy)

    def wrap_meanwhile(*args: Any) -> tuple[bytes, str]:
        thread.start()
        _wait_for_a_lock()
        return original(*args)

    monkeypatch.setattr(crypto, "wrap", wrap_meanwhile)
    with masters(NEW, OLD):
        assert rewrap_batch(current="new", size=10) == [key.pk]
        thread.join(timeout=30)

    row = DataKey.objects.get(pk=key.pk)
    assert (row.wrapped, row.destroyed_at is None) == (None, False)


def _wait_for_a_lock() -> None:
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waits for a lock")


# --- the people who work here


@pytest.mark.django_db
def test_a_user_has_a_time_zone_that_exists() -> None:
    user = User(username="ann", password="x")
    assert user.time_zone == "UTC"
    user.time_zone = "Europe/Berlin"
    user.full_clean()
    user.time_zone = "Europe/Atlantis"
    with pytest.raises(ValidationError, match="Europe/Atlantis"):
        user.full_clean()
