"""The trail itself: nothing in it can be changed by us, and what others change is found."""

import json
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import rfc8785
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from cases.actor import SCHEDULE, Actor, Source
from cases.models import Action, AppendOnly, AuditChain, AuditEvent
from cases.models.audit.event import PORTAL_CHAIN
from cases.services import audit
from tests import builders

TABLES = ("cases_auditevent", "cases_auditchain")


def write(count: int = 1) -> list[AuditEvent]:
    return [
        audit.record(Action.IDENTITY_SEARCHED, actor=SCHEDULE, details={"found": number})
        for number in range(count)
    ]


def problems(chain: str = PORTAL_CHAIN) -> list[tuple[int, str]]:
    return [(found.sequence, found.problem.english) for found in audit.verify(chain)]


# --- what a chain is


@pytest.mark.django_db
def test_events_are_numbered_and_follow_one_another() -> None:
    write(3)
    first, second, third = AuditEvent.objects.order_by("sequence")
    assert [first.sequence, second.sequence, third.sequence] == [1, 2, 3]
    assert bytes(first.previous_hash) == audit.GENESIS
    assert (bytes(second.previous_hash), bytes(third.previous_hash)) == (
        bytes(first.hash),
        bytes(second.hash),
    )
    assert bytes(third.hash) == audit.chain_hash(bytes(second.hash), 3, third.canonical)
    assert problems() == []


@pytest.mark.django_db
def test_each_case_has_a_chain_of_its_own_and_the_rest_is_the_portals() -> None:
    builders.processor()
    ada, grace = builders.open_case(), builders.open_case(identities=[("email", "grace@example.org")])
    write()
    chains = set(AuditEvent.objects.values_list("chain", flat=True))
    assert chains == {f"case:{ada.pk}", f"case:{grace.pk}", PORTAL_CHAIN}
    assert [problems(chain) for chain in chains] == [[], [], []]
    assert AuditEvent.objects.filter(case=ada).earliest("id").sequence == 1


@pytest.mark.django_db
def test_an_empty_chain_holds() -> None:
    assert problems("case:404") == []


@pytest.mark.django_db
def test_the_canonical_form_says_everything_in_a_fixed_order() -> None:
    agnes = builders.person("agnes")
    event = audit.record(
        Action.IDENTITY_SEARCHED,
        actor=Actor(Source.ADMIN, user=agnes, address="2001:db8::7"),
        reason="check_plan",
        details={"found": 2, "b": None, "a": ["x", "ü"], "yes": True},
    )
    stored = AuditEvent.objects.get(pk=event.pk)
    assert stored.canonical == audit.canonical(stored)
    moment = f"{stored.at:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert stored.canonical == (
        f'{{"action":"identity.searched","actor":{agnes.pk},"actor_label":"agnes","address":"2001:db8::7",'
        f'"at":"{moment}","case":null,"chain":"portal","details":{{"a":["x","ü"],"b":null,"found":2,"yes":true}},'
        '"format":1,"processor":null,"reason":"check_plan","source":"admin"}'
    )


@pytest.mark.django_db
@pytest.mark.parametrize("value", [1.5, 0.0, {"deep": [1.0]}, b"bytes", {1, 2}])
def test_what_has_no_one_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        audit.record(Action.IDENTITY_SEARCHED, actor=SCHEDULE, details={"value": value})


@pytest.mark.django_db
def test_whole_numbers_beyond_what_json_keeps_exactly_are_refused() -> None:
    audit.record(Action.IDENTITY_SEARCHED, actor=SCHEDULE, details={"value": 2**53 - 1})
    for beyond in (2**53, -(2**53)):
        with pytest.raises(ValueError, match="number"):
            audit.record(Action.IDENTITY_SEARCHED, actor=SCHEDULE, details={"value": beyond})


_TEXT = st.text(max_size=20)
_HELD = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT,
    lambda held: st.lists(held, max_size=4) | st.dictionaries(_TEXT, held, max_size=5),
    max_leaves=12,
)


@settings(max_examples=50)
@given(details=st.dictionaries(_TEXT, _HELD, max_size=6), label=_TEXT)
@example(
    details={"\ufb33": 1, "\U0001f600": 2, "\u00f6": 3, "\r": 4, "</script>": "\u2028\x7f\b\f\x1f"},
    label="€$",
)
def test_the_canonical_form_is_that_of_rfc_8785(details: dict[str, Any], label: str) -> None:
    event = AuditEvent(chain="portal", at=timezone.now(), details=details, actor_label=label)
    said = json.loads(audit.canonical(event))
    assert said["details"] == details
    assert audit.canonical(event) == rfc8785.dumps(said).decode()


@pytest.mark.django_db
@pytest.mark.parametrize("action", Action)
def test_every_action_has_a_sentence(action: Action) -> None:
    sentence = AuditEvent(action=action, details={}).sentence
    assert sentence
    assert "{" not in sentence


# --- what we cannot do


@pytest.mark.django_db
def test_model_and_queryset_refuse_to_change_events() -> None:
    (event,) = write()
    event.reason = "other"
    events = AuditEvent.objects.all()
    refused: list[Callable[[], object]] = [
        event.save,
        event.delete,
        events.delete,
        lambda: events.update(reason="other"),
        lambda: events.bulk_update([event], ["reason"]),
    ]
    for attempt in refused:
        with pytest.raises(AppendOnly):
            attempt()
    assert problems() == []


CHANGES = [
    "UPDATE {events} SET reason = 'other'",
    "UPDATE {events} SET hash = previous_hash WHERE false",
    "DELETE FROM {events}",
    "TRUNCATE {events}",
    "UPDATE {heads} SET sequence = 0",
    "INSERT INTO {heads} (name, sequence, head) VALUES ('case:9', 7, '\\x00')",
    "DELETE FROM {heads}",
    "TRUNCATE {heads}",
]


def statement(text: str) -> str:
    return text.format(events=TABLES[0], heads=TABLES[1])


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES)
def test_the_portals_own_role_may_not(change: str) -> None:
    write()
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement(change))
    assert problems() == []


@pytest.mark.parametrize("change", [change for change in CHANGES if "WHERE false" not in change])
def test_not_even_the_tables_owner_can(owner_connection: Any, change: str) -> None:
    write()
    owner = owner_connection.execute(
        "SELECT tableowner FROM pg_tables WHERE tablename = %s", [TABLES[0]]
    ).fetchone()[0]
    owner_connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner_connection.execute(statement(change))
    owner_connection.execute("RESET ROLE")
    assert problems() == []


@pytest.mark.django_db
def test_an_event_is_put_nowhere_but_at_the_end() -> None:
    write(2)
    event = AuditEvent.objects.latest("id")
    forged = AuditEvent(
        chain=PORTAL_CHAIN,
        sequence=1,
        at=event.at,
        action=event.action,
        source=event.source,
        details=event.details,
        previous_hash=b"\x01" * 32,
        hash=b"\x02" * 32,
    )
    forged.canonical = audit.canonical(forged)
    forged.save(force_insert=True)
    stored = AuditEvent.objects.latest("id")
    assert (stored.sequence, bytes(stored.previous_hash)) == (3, bytes(event.hash))
    assert problems() == []


# --- what others do, past every guard


def tamper(superuser: Any, *changes: str) -> None:
    superuser.execute("SET session_replication_role = replica")
    for change in changes:
        superuser.execute(change)


_COPY = (
    "INSERT INTO cases_auditevent (chain, sequence, at, action, actor_label, source, reason, details, canonical,"
    " previous_hash, hash) SELECT chain, {sequence}, at, action, actor_label, source, reason, details, canonical,"
    " previous_hash, hash FROM cases_auditevent WHERE sequence = {original}"
)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param(
            ["UPDATE cases_auditevent SET actor_label = 'someone' WHERE sequence = 2"],
            [(2, "columns and canonical form differ")],
            id="a column",
        ),
        pytest.param(
            ["UPDATE cases_auditevent SET at = at + interval '1 microsecond' WHERE sequence = 2"],
            [(2, "columns and canonical form differ")],
            id="the moment, by a microsecond",
        ),
        pytest.param(
            [
                "UPDATE cases_auditevent SET details = '{\"found\": 9}',"
                " canonical = replace(canonical, '\"found\":1', '\"found\":9') WHERE sequence = 2"
            ],
            [(2, "hash does not match the content")],
            id="column and canonical form",
        ),
        pytest.param(
            [
                "UPDATE cases_auditevent SET details = '{\"found\": 9}',"
                " canonical = replace(canonical, '\"found\":1', '\"found\":9') WHERE sequence = 2",
                "UPDATE cases_auditevent SET hash = sha256(previous_hash || int8send(sequence)"
                " || convert_to(canonical, 'UTF8')) WHERE sequence = 2",
            ],
            [(3, "does not follow the event before it")],
            id="column, canonical form and hash",
        ),
        pytest.param(
            ["UPDATE cases_auditevent SET canonical = canonical || ' ' WHERE sequence = 2"],
            [(2, "columns and canonical form differ"), (2, "hash does not match the content")],
            id="canonical form alone",
        ),
        pytest.param(
            ["DELETE FROM cases_auditevent WHERE sequence = 2"],
            [(2, "events 2 to 2 are missing"), (3, "does not follow the event before it")],
            id="deleted in the middle",
        ),
        pytest.param(
            ["DELETE FROM cases_auditevent WHERE sequence >= 3"],
            [(3, "events at the end are missing")],
            id="deleted at the end",
        ),
        pytest.param(
            ["DELETE FROM cases_auditevent"],
            [(1, "events at the end are missing")],
            id="all deleted",
        ),
        pytest.param(
            ["DELETE FROM cases_auditchain"],
            [(5, "the chain has no head")],
            id="the head deleted",
        ),
        pytest.param(
            [_COPY.format(sequence=5, original=4)],
            [
                (5, "does not follow the event before it"),
                (5, "hash does not match the content"),
                (6, "events at the end are missing"),
            ],
            id="inserted at the end",
        ),
        pytest.param(
            [
                "UPDATE cases_auditevent SET sequence = sequence + 10 WHERE sequence > 2",
                "UPDATE cases_auditevent SET sequence = sequence - 9 WHERE sequence > 2",
                _COPY.format(sequence=3, original=2),
            ],
            [
                (3, "does not follow the event before it"),
                (3, "hash does not match the content"),
                (4, "hash does not match the content"),
                (5, "hash does not match the content"),
                (6, "events at the end are missing"),
            ],
            id="inserted in the middle",
        ),
        pytest.param(
            [
                "UPDATE cases_auditevent SET sequence = 99 WHERE sequence = 2",
                "UPDATE cases_auditevent SET sequence = 2 WHERE sequence = 3",
                "UPDATE cases_auditevent SET sequence = 3 WHERE sequence = 99",
            ],
            [
                (2, "does not follow the event before it"),
                (2, "hash does not match the content"),
                (3, "does not follow the event before it"),
                (3, "hash does not match the content"),
                (4, "does not follow the event before it"),
            ],
            id="two swapped",
        ),
        pytest.param(
            ["UPDATE cases_auditchain SET sequence = 3"],
            [(5, "events at the end are missing")],
            id="the head moved back",
        ),
        pytest.param(
            [
                "UPDATE cases_auditevent SET chain = 'case:9', canonical = replace(canonical, '\"portal\"',"
                " '\"case:9\"') WHERE sequence = 4"
            ],
            [(4, "events at the end are missing")],
            id="moved to another chain",
        ),
    ],
)
def test_tampering_is_found(owner_connection: Any, changes: list[str], found: list[tuple[int, str]]) -> None:
    write(4)
    assert problems() == []
    tamper(owner_connection, *changes)
    assert problems() == found


def test_the_chain_goes_on_after_tampering_and_still_shows_it(owner_connection: Any) -> None:
    write(2)
    tamper(owner_connection, "UPDATE cases_auditevent SET reason = 'other' WHERE sequence = 1")
    write(2)
    assert problems() == [(1, "columns and canonical form differ")]


# --- many at once


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_keep_one_unbroken_chain() -> None:
    writers, each = 6, 15
    start = threading.Barrier(writers)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            start.wait()
            for number in range(each):
                with transaction.atomic():
                    write()
                    if number % 5 == 4:
                        transaction.set_rollback(True)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    kept = writers * (each - each // 5)
    assert list(AuditEvent.objects.order_by("sequence").values_list("sequence", flat=True)) == [
        *range(1, kept + 1)
    ]
    assert AuditChain.objects.get(name=PORTAL_CHAIN).sequence == kept
    assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_first_events_of_a_chain_at_once_share_one_head() -> None:
    builders.processor()
    case = builders.open_case()
    chains = ["portal"] * 4
    start = threading.Barrier(len(chains))

    def work() -> None:
        try:
            start.wait()
            write()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in chains]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditChain.objects.count() == 2
    assert problems() == problems(f"case:{case.pk}") == []


FOREIGN = (
    "INSERT INTO cases_auditevent (chain, sequence, at, action, actor_label, source, reason, details, canonical, "
    "previous_hash, hash) VALUES ('portal', 0, now(), 'made.up', '', 'elsewhere', '', %s, '{}', '', '')"
)


@pytest.mark.django_db
def test_no_head_moves_by_a_trigger_of_our_own() -> None:
    """The chaining function has its owner's rights: hung on another table it would move a head without an event."""
    write()
    connection.cursor().execute(
        "CREATE TEMP TABLE mine (chain text, sequence bigint, canonical text, previous_hash bytea, hash bytea)"
    )
    hang = "CREATE TRIGGER mine BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION cases_audit_event_joins_chain()"
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(hang)
    write()
    assert problems() == []


@pytest.mark.django_db
@pytest.mark.parametrize("details", ['{"found": 1.5}', '{"found": 1152921504606846976}', "{}"])
def test_an_event_that_the_portal_never_wrote_is_a_break_and_no_error(details: str) -> None:
    write()
    connection.cursor().execute(FOREIGN, [details])
    assert problems() == [(2, "columns and canonical form differ")]
    assert AuditEvent.objects.latest("id").sentence == "made.up"
