"""Files of cases: what is taken in, what is found wrong with which line, and what becomes of the rest."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import connection
from django.utils import timezone

from cases.lifecycle import CaseStatus
from cases.models import (
    AuditEvent,
    Case,
    CaseImport,
    ImportedRow,
    ImportFailure,
    ImportState,
    SubjectIdentity,
)
from cases.services import audit
from cases.services.imports import files as import_files
from cases.services.imports import work as import_work
from cases.services.person import verification
from cases.services.planning import approval, planning
from cases.services.refusal import Refused, Superseded
from cases.services.upkeep import retention, sweeping
from dsrportal import queueing
from dsrportal.crypto import KeyDestroyed
from dsrportal.models import DataKey, User
from integrations.models import Processor
from integrations.types import Correction
from tests.builders import actor, open_case, processor
from tests.cases.admin.desk_users import account
from tests.cases.files import BROKEN, FOR_EVER, ROW, checked, csv_of, imported, people, said, started, upload
from tests.journeys import leaks

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = "type,regulation,received_at,email"
LINE = "erasure,gdpr,2026-05-04,ada@example.org"


@pytest.fixture(autouse=True)
def _processor(transactional_db: None) -> Processor:
    keys = ("workspace_key", "workspace_secret", "input_key", "input_secret")
    return processor(
        credentials=dict.fromkeys(keys, "k"), options={"pod": "eu1", "gdpr_purposes": "marketing\nprofiling"}
    )


def values(case: Case) -> list[tuple[str, str]]:
    return [(identity.type, identity.value) for identity in case.subject.identities.all()]


# --- the file as a whole


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_and_encodings_are_told_by_themselves(separator: str, encoding: str) -> None:
    row = {**ROW, "other": 'Zoë “Ω” says "a,b;c"\tand\r\nmore'}
    made = imported(content=csv_of(row, separator=separator, encoding=encoding))
    assert (made.state, made.good, made.failed) == (ImportState.FINISHED, 1, 0)
    assert ("other", row["other"]) in values(Case.objects.get())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (f"{HEAD}\n".encode(), "no rows"),
        (f"{HEAD},shoe_size\n{LINE},44\n".encode(), "Unknown columns: “shoe_size”"),
        (f"{LINE}\n{LINE}\n".encode(), "The first line must contain the column names."),
        (b"type,email\nerasure,a@b\n", "Missing columns: regulation, received_at"),
        (
            b"type,regulation,received_at\nerasure,gdpr,2026-05-04\n",
            "At least one column must contain identifiers, such as “email”.",
        ),
        (f"{HEAD},email\n{LINE},b\n".encode(), "Duplicate columns: email"),
        (f"{HEAD}\n{LINE}\nerasure,gdpr,2026-05-04,zo\u00eb@x\n".encode("latin-1"), "Line 3 is not UTF-8."),
        (f"{HEAD}\n{LINE}\n".encode("utf-16"), "Line 1 is not UTF-8."),
        (
            f'{HEAD}\n{LINE}\nerasure,gdpr,2026-05-04,"never ends\n{LINE}\n'.encode(),
            "Line 3: quotation marks are not closed, or are inside a value.",
        ),
        (f"{HEAD}\n".encode() + b"x" * 70_000, "Line 2 is too long."),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence) as refusal:
        upload(content=content)
    assert "ada@example" not in str(refusal.value)
    assert not CaseImport.objects.exists()


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_files, "MOST_ROWS", 3)
    assert upload(*people(3)).row_count == 3
    with pytest.raises(Refused, match="The file has 4 rows"):
        upload(*people(4))


def test_the_template_can_be_imported_once_it_is_filled_in() -> None:
    filled = dict.fromkeys(import_files.template(), "") | {**ROW, "mobile_number": "+49 30 1234567"}
    assert imported(filled).good == 1


# --- the rows


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"type": "forget"}, "“type” must be one of: access"),
        ({"regulation": ""}, "“regulation” must be one of: gdpr, ccpa"),
        ({"received_at": "04.05.2026"}, "“received_at” must be a date"),
        ({"received_at": "2026-02-30"}, "“received_at” must be a date"),
        ({"received_at": "1999-05-04"}, "Check the year"),
        ({"received_at": "2199-05-04"}, "in the future"),
        ({"email_2": " ADA.lovelace@example.ORG"}, "entered twice"),
        ({"mpid": "seven"}, "64-bit integer"),
        ({"other": "x" * 1001}, "“other” is longer than 1000"),
        ({"skip_waiting_period": "perhaps"}, "yes or no"),
        ({"type": "access", "skip_waiting_period": "yes"}, "waiting period"),
        ({"group": "a b"}, "Use letters"),
        ({"correct_email": "new@example.org"}, "Only a correction"),
        ({"type": "correction"}, "at least one identifier"),
        ({"type": "correction", "correct_email_2": "a@b.org"}, "requires the incorrect value in"),
        ({"type": "opt_out"}, "the purposes for which consent is withdrawn"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_with_its_line_and_without_its_values(
    change: dict[str, str], sentence: str
) -> None:
    made = checked(ROW, {**ROW, **change, "other2": "Lovelace-42"})
    assert (made.state, made.good, made.failed) == (ImportState.CHECKED, 1, 1)
    ((line, words),) = said(made)
    assert line == 3
    assert sentence in words
    assert not any(value in words for value in ("Lovelace", "lovelace", "perhaps", "forget", "new@"))


def test_a_row_without_an_identity_finds_nobody() -> None:
    assert "at least one identifier" in said(checked(ROW, BROKEN))[0][1]


def test_a_row_with_more_values_than_columns_is_no_row() -> None:
    made = checked(content=f"{HEAD}\n{LINE},more\n\n,,,\n{LINE}\n".encode())
    assert said(made)[0][0] == 2
    assert (made.row_count, made.good, made.failed) == (2, 1, 1)


@pytest.mark.parametrize(
    ("regulation", "text", "instant"),
    [
        ("gdpr", "2026-05-04", datetime(2026, 5, 3, 22, tzinfo=UTC)),
        ("ccpa", "2026-05-04", datetime(2026, 5, 4, 7, tzinfo=UTC)),
        ("gdpr", "2026-05-04 09:30", datetime(2026, 5, 4, 7, 30, tzinfo=UTC)),
        ("gdpr", "2026-05-04T09:30:00Z", datetime(2026, 5, 4, 9, 30, tzinfo=UTC)),
        ("ccpa", "2026-05-04T09:30+02:00", datetime(2026, 5, 4, 7, 30, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_that_of_the_law(regulation: str, text: str, instant: datetime) -> None:
    imported({**ROW, "regulation": regulation, "received_at": text})
    assert Case.objects.get().received_at == instant


def test_a_row_can_say_all_that_the_form_can() -> None:
    erased = {
        **ROW,
        "Skip Waiting Period": "Yes",
        "group": "spring-2026",
        "email_2": "ada@example.net",
        "phone_number_2": "'+49 30 1",
        "phone_number_2_2": "+49 30 2",
    }
    corrected = {**ROW, "type": "Correction", "correct_email": "ada@example.com", "mpid": "7"}
    opted_out = {**ROW, "type": "opt-out", "email": "", "mpid": "8", "purposes": "marketing | profiling|"}
    made = imported(erased, corrected, opted_out)
    assert said(made) == []
    first, second, third = Case.objects.order_by("pk")
    assert (first.skip_waiting_period, first.group_name) == (True, "spring-2026")
    assert values(first) == [
        ("email", ROW["email"]),
        ("email", "ada@example.net"),
        ("phone_number_2", "+49 30 1"),
        ("phone_number_2", "+49 30 2"),
    ]
    (correction,) = [it.correction for it in second.subject.identities.all() if hasattr(it, "correction")]
    assert (correction.identity.value, correction.new_value) == (ROW["email"], "ada@example.com")
    assert third.purposes == ["marketing", "profiling"]
    # Neither verified nor approved: it leaves as it is opened.
    assert (first.status, third.status) == (CaseStatus.INTAKE, CaseStatus.WORKING)
    assert third.requests.get().status == "queued"


# --- checked, then opened


def test_checking_opens_nothing_and_starting_opens_what_was_right() -> None:
    made = checked(*people(3), BROKEN)
    assert (made.state, made.good, made.failed, made.by_type) == (ImportState.CHECKED, 3, 1, {"erasure": 3})
    assert not Case.objects.exists()
    assert not SubjectIdentity.objects.exists()
    import_files.start(made, actor=actor("agnes"))
    import_work.work(made.pk)
    made.refresh_from_db()
    assert (made.state, made.good, made.failed, Case.objects.count()) == (ImportState.FINISHED, 3, 1, 3)
    assert [line for line, _sentence in said(made)] == [5]


def test_it_is_started_once_and_not_before_it_was_checked() -> None:
    made = upload(ROW)
    with pytest.raises(Superseded):
        import_files.start(made, actor=actor("agnes"))
    import_work.work(made.pk)
    import_files.start(made, actor=actor("agnes"))
    with pytest.raises(Superseded):
        import_files.start(made, actor=actor("agnes"))


def test_what_was_wrong_may_be_right_by_the_time_it_is_started() -> None:
    Processor.objects.all().delete()
    made = checked(ROW)
    assert (made.good, made.failed) == (0, 1)
    processor()
    import_files.start(made, actor=actor("agnes"))
    import_work.work(made.pk)
    made.refresh_from_db()
    assert (made.good, made.failed, said(made)) == (1, 0, [])


def columns_of(row: Any, *but: str) -> dict[str, Any]:
    """What is stored of a row, without what is each row's own."""
    own = {"id", "at", "opened_at", "created_at", "status_changed_at", "reference", *but}
    held = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {
        name: bytes(it) if isinstance(it, memoryview) else it for name, it in held.items() if name not in own
    }


@pytest.mark.parametrize("kind", ["erasure", "opt_out", "correction"])
def test_an_imported_case_is_the_same_as_one_opened_at_the_desk(kind: str) -> None:
    """Also among many, which take another way into the database than a few."""
    row = {**ROW, "type": kind, "mpid": "7"}
    row |= {"purposes": "marketing"} if kind == "opt_out" else {}
    row |= {"correct_email": "ada@example.com"} if kind == "correction" else {}
    more: dict[str, Any] = {"purposes": ["marketing"]} if kind == "opt_out" else {}
    if kind == "correction":
        more = {"corrections": [Correction("email", ROW["email"], "ada@example.com")]}
    by_hand = open_case(
        type=kind,
        identities=[("email", ROW["email"]), ("mpid", "7")],
        received_at=datetime.fromisoformat(ROW["received_at"]),
        **more,
    )
    made = imported(row, *people(20))
    came_in = Case.objects.get(imported_row__case_import=made, imported_row__line=2)
    by_hand.refresh_from_db()
    keys = ("data_key_id", "subject_id")
    assert columns_of(came_in, *keys) == columns_of(by_hand, *keys)
    assert columns_of(came_in.clocks.get(), "case_id") == columns_of(by_hand.clocks.get(), "case_id")
    assert values(came_in) == values(by_hand)
    for of_import, of_desk in zip(
        came_in.subject.identities.all(), by_hand.subject.identities.all(), strict=True
    ):
        ours = ("subject_id", "value")
        assert columns_of(of_import, *ours) == columns_of(of_desk, *ours)
        assert hasattr(of_import, "correction") == hasattr(of_desk, "correction")
    events = [list(AuditEvent.objects.filter(case=case)) for case in (came_in, by_hand)]
    assert [
        (event.action, event.sequence, event.actor_label, event.source, event.address) for event in events[0]
    ] == [
        (event.action, event.sequence, event.actor_label, event.source, event.address) for event in events[1]
    ]
    assert events[0][0].details == events[1][0].details | {"import": str(made.pk)}
    assert events[0][1].details == events[1][1].details
    assert audit.verify(f"case:{came_in.pk}") == audit.verify("portal") == []


def test_the_trail_says_who_did_what_in_numbers() -> None:
    made = imported(*people(2), BROKEN)
    events = AuditEvent.objects.filter(action__startswith="import.")
    assert [(event.action, event.actor_label, event.case) for event in events] == [
        ("import.uploaded", "agnes", None),
        ("import.started", "agnes", None),
        ("import.finished", "agnes", None),
    ]
    assert events[2].details == {"import": str(made.pk), "opened": 2, "known": 0, "failed": 1}


# --- no doubles


def test_the_same_file_twice_opens_nothing_twice() -> None:
    imported(*people(30))
    again = imported(*people(30), source="elsewhere")
    assert (again.good, again.known, again.failed) == (0, 30, 0)
    assert Case.objects.count() == 30


def test_a_row_given_twice_in_one_file_is_opened_once() -> None:
    spelt = {**ROW, "email": " ADA.LOVELACE@example.org", "received_at": "2026-05-04T07:30:00Z"}
    made = imported(ROW, spelt, {**ROW, "received_at": "2026-05-05"})
    assert (made.good, made.known) == (2, 1)


def test_a_corrected_file_opens_only_what_failed_before() -> None:
    """The file of failed rows, corrected as a spreadsheet saves it."""
    phone = {**ROW, "mobile_number": "+49 30 1234567", "email": "other@example.org"}
    made = imported(*people(2), {**phone, "type": "?"}, {**phone, "type": "=access"})
    rows = list(import_files.failed_rows(made, actor=actor("agnes")))
    columns = import_files.failed_columns(made)
    assert [row[0] for row in rows] == ["4", "5"]
    assert "must be one of" in rows[0][1]
    corrected = [dict(zip(columns, row, strict=True)) | {"type": "access"} for row in rows]
    corrected[0]["mobile_number"] = "'+49 30 1234567"
    again = imported(*people(2), *corrected)
    # Corrected, the two failed rows say the same.
    assert (again.good, again.known, again.failed) == (1, 3, 0)


def test_a_reference_stands_for_one_request_of_its_source() -> None:
    first = {**ROW, "reference": "T-1"}
    imported(first, source="shop")
    changed = {**first, "email": "somebody.else@example.org"}
    again = imported(first, changed, source="shop")
    assert (again.good, again.known, again.failed) == (0, 1, 1)
    assert "A row with this reference was imported earlier with different content." in said(again)[0][1]
    assert imported(changed, source="crm").good == 1
    assert Case.objects.count() == 2


def test_two_imports_of_the_same_rows_side_by_side_open_each_once() -> None:
    one, other = started(*people(5)), started(*people(5))
    import_work.work(one.pk)
    import_work.work(other.pk)
    other.refresh_from_db()
    assert (other.good, other.known, Case.objects.count()) == (0, 5, 5)


# --- resumed


def test_a_slice_ends_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_work, "BATCH", 4)
    made = started(*people(10))
    import_work.work(made.pk, seconds=0)
    made.refresh_from_db()
    assert (made.state, made.rows_done, Case.objects.count()) == (ImportState.IMPORTING, 4, 4)
    assert made.lease_until is None, "it is free for whoever comes next"
    import_work.work(made.pk, seconds=FOR_EVER)
    made.refresh_from_db()
    assert (made.state, made.rows_done, made.good) == (ImportState.FINISHED, 10, 10)
    found = [identity.value for identity in SubjectIdentity.objects.order_by("subject__cases__pk")]
    assert found == [f"person{number}@example.org" for number in range(10)]


def test_opt_outs_make_smaller_batches_since_each_is_planned_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(import_work, "BATCH", 25)
    rows = people(5, type="opt_out", regulation="ccpa", email="")
    made = started(*({**row, "mpid": str(number)} for number, row in enumerate(rows)))
    done = []
    while made.state == ImportState.IMPORTING:
        import_work.work(made.pk, seconds=0)
        made.refresh_from_db()
        done.append(made.rows_done)
    assert done[0] == 3
    assert (made.good, Case.objects.filter(status=CaseStatus.WORKING).count()) == (5, 5)


def test_a_batch_that_breaks_off_leaves_nothing_and_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_work, "BATCH", 4)
    made = started(*people(10))
    import_work.work(made.pk, seconds=0)
    whole, asked = import_work._move, []

    def broken(*given: Any, **more: Any) -> None:
        asked.append(given)
        raise RuntimeError

    monkeypatch.setattr(import_work, "_move", broken)
    with pytest.raises(RuntimeError):
        import_work.work(made.pk)
    monkeypatch.setattr(import_work, "_move", whole)
    assert asked
    assert Case.objects.count() == 4
    import_work.work(made.pk)
    assert Case.objects.count() == 4, "the lease of whoever broke off still runs"
    CaseImport.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    import_work.work(made.pk, seconds=FOR_EVER)
    assert (Case.objects.count(), ImportedRow.objects.count()) == (10, 10)


_WORKER = """
import sys, uuid, django
django.setup()
from cases.services.imports import work
work.BATCH = 20
through = work._work_through
def told(*given):
    through(*given)
    print("batch", flush=True)
work._work_through = told
work.work(uuid.UUID(sys.argv[1]), seconds=600)
"""


def test_a_killed_worker_loses_and_doubles_nothing() -> None:
    made = started(*people(1000))
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(made.pk)], stdout=subprocess.PIPE, cwd=settings.BASE_DIR
    )
    assert worker.stdout is not None
    for _batch in range(3):
        assert worker.stdout.readline() == b"batch\n"
    worker.kill()
    worker.wait()
    worker.stdout.close()
    made.refresh_from_db()
    assert 60 <= made.rows_done < 1000
    assert made.rows_done == made.good == Case.objects.count() == ImportedRow.objects.count()
    assert not import_work.waiting().exists(), "its lease still runs"
    CaseImport.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sweeping.sweep()
    assert queueing.store().llen("rq:queue:default") == 1, "the sweep has found it"
    import_work.work(made.pk, seconds=FOR_EVER)
    made.refresh_from_db()
    assert (made.state, made.rows_done, made.good, made.failed) == (ImportState.FINISHED, 1000, 1000, 0)
    found = [identity.value for identity in SubjectIdentity.objects.all().select_related("subject__data_key")]
    assert sorted(found) == sorted(row["email"] for row in people(1000))
    assert ImportedRow.objects.count() == Case.objects.count() == 1000


def test_whoever_lost_the_lease_writes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    made = started(*people(3))
    claimed = import_work._claim(made.pk)
    assert claimed is not None
    CaseImport.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    import_work.work(made.pk)
    monkeypatch.setattr(import_work, "_claim", lambda _key: claimed)
    import_work.work(made.pk)
    assert Case.objects.count() == 3


def test_the_portal_gives_up_where_it_never_gets_on() -> None:
    made = started(ROW)
    CaseImport.objects.update(attempts=import_work.MOST_ATTEMPTS)
    import_work.work(made.pk)
    made.refresh_from_db()
    assert (made.state, made.stop_reason) == (ImportState.STOPPED, "failing")
    assert AuditEvent.objects.filter(action="import.stopped").count() == 1


@pytest.mark.parametrize("how", ["account", "desk", "role"])
def test_whoever_may_no_longer_import_stops_it(how: str) -> None:
    made = started(ROW)
    agnes = User.objects.get(username="agnes")
    if how == "account":
        User.objects.filter(pk=agnes.pk).update(is_active=False)
    elif how == "desk":
        User.objects.filter(pk=agnes.pk).update(is_staff=False)
    else:
        agnes.groups.clear()
    import_work.work(made.pk)
    made.refresh_from_db()
    assert (made.state, made.stop_reason) == (ImportState.STOPPED, "not_allowed")
    assert not Case.objects.exists()


def test_a_file_that_was_changed_stops_it() -> None:
    made = started(ROW)
    path = Path(settings.DATA_DIR / "packages" / made.stored_name)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    import_work.work(made.pk)
    made.refresh_from_db()
    assert (made.state, made.stop_reason) == (ImportState.STOPPED, "unreadable")


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_file_that_cannot_be_read_is_said_to_be_so_and_changes_nothing(how: str) -> None:
    made = checked(ROW, BROKEN)
    path = Path(settings.DATA_DIR / "packages" / made.stored_name)
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    events = AuditEvent.objects.count()
    for verb in (import_files.start, import_files.failed_rows):
        with pytest.raises(Refused, match="cannot be read"):
            verb(made, actor=actor("agnes"))
    made.refresh_from_db()
    assert (made.state, AuditEvent.objects.count()) == (ImportState.CHECKED, events)


# --- kept sealed, and not for long


def test_nothing_of_a_file_lies_open_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    monkeypatch.setattr(TemporaryUploadedFile, "__init__", lambda *given, **_more: written.append(given))
    person = ("email", "Zoë.Quillfeather@Müsli.Example")
    reference = ("other", "Ticket-7305-Quillfeather")
    row = {**ROW, "email": person[1], "reference": reference[1]}
    made = imported(row, {**row, "type": "no"})
    found = [identity.value for identity in SubjectIdentity.objects.all()]
    assert found == [person[1]]
    pieces = [
        *leaks.database(connection.settings_dict["NAME"]),
        *leaks.queue(),
        *leaks.files(settings.DATA_DIR / "packages" / "imports"),
    ]
    assert any(made.stored_name.endswith(name.decode()) for place, name in pieces if place == "file name")
    assert leaks.found([person, reference, ("other", "people.csv")], pieces) == []
    assert not written
    (row_again,) = import_files.failed_rows(made, actor=actor("agnes"))
    assert person[1] in row_again


def test_after_a_week_the_file_its_key_and_its_sentences_are_gone() -> None:
    made = imported(ROW, BROKEN)
    young = imported({**ROW, "email": "b@example.org"}, BROKEN)
    path = Path(settings.DATA_DIR / "packages" / made.stored_name)
    assert path.exists()
    assert import_files.expire() == 0
    CaseImport.objects.filter(pk=made.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert import_files.expire() == 1
    made.refresh_from_db()
    assert not path.exists()
    assert (made.stored_name, made.file_name, made.good, made.failed) == ("", None, 1, 1)
    with pytest.raises(KeyDestroyed):
        DataKey.objects.get(pk=made.data_key_id).secret()
    assert not ImportFailure.objects.filter(case_import=made).exists()
    assert ImportFailure.objects.filter(case_import=young).exists()
    assert import_files.expire() == 0
    with pytest.raises(Refused, match="deleted"):
        import_files.failed_rows(made, actor=actor("agnes"))
    # What was imported stays known.
    assert imported(ROW).known == 1
    assert AuditEvent.objects.filter(action="import.expired").count() == 1


def test_a_week_is_a_week_and_who_works_is_not_disturbed() -> None:
    made = started(ROW)
    assert made.expires_at - made.uploaded_at == timedelta(days=7)
    CaseImport.objects.update(expires_at=timezone.now())
    assert import_files.expire() == 0
    import_work.work(made.pk)
    assert import_files.expire() == 1


def test_a_file_that_no_row_names_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = upload(ROW)
    stray = Path(settings.DATA_DIR / "packages" / "imports" / "stray.sealed")
    stray.write_bytes(b"half")
    monkeypatch.setattr(retention, "UNKNOWN_FOR", timedelta(0))
    assert retention.unknown_files() >= 1
    assert not stray.exists()
    assert Path(settings.DATA_DIR / "packages" / kept.stored_name).exists()


def test_a_discarded_file_is_gone_at_once() -> None:
    made = checked(ROW)
    import_files.discard(made, actor=actor("agnes"))
    made.refresh_from_db()
    assert (made.state, made.stored_name) == (ImportState.DISCARDED, "")
    with pytest.raises(Superseded):
        import_files.start(made, actor=actor("agnes"))


def test_neither_who_wrote_the_rows_nor_who_started_them_approves_an_erasure() -> None:
    made = checked(ROW, by="agnes")
    for name in ("adam", "pia"):
        account(name)
    import_files.start(made, actor=actor("adam"))
    import_work.work(made.pk, seconds=FOR_EVER)
    case = verification.record(Case.objects.get(), actor=actor("vera"), method="signed_in")
    assert (case.opened_by, case.changed_by) == (actor("adam").user, actor("agnes").user)
    for name in ("agnes", "adam"):
        with pytest.raises(Refused, match="second person"):
            approval.approve(case, actor=actor(name), digest=planning.digest(case))
    approval.approve(case, actor=actor("pia"), digest=planning.digest(case))


def test_what_was_checked_and_deleted_since_is_neither_started_nor_discarded() -> None:
    made = checked(ROW)
    CaseImport.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Refused, match="The file has expired"):
        import_files.start(made, actor=actor("agnes"))
    assert import_files.expire() == 1
    with pytest.raises(Refused, match="The file has expired"):
        import_files.start(made, actor=actor("agnes"))
    with pytest.raises(Superseded):
        import_files.discard(made, actor=actor("agnes"))
    assert not Case.objects.exists()
