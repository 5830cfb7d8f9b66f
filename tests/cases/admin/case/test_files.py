"""Files with a case: what may come in, how it lies, and who may take it out again."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import ProgrammingError, connection, transaction
from django.test import override_settings
from django.utils import timezone

from cases.models import Attachment, Case
from cases.services.files import file_types
from cases.services.upkeep import retention
from tests.builders import open_case, processor
from tests.cases.admin import stages
from tests.cases.admin.desk_users import account, address, browser, page, said

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7 the letter of Ada Lovelace"


@pytest.fixture(autouse=True)
def _target() -> None:
    processor()


@pytest.fixture
def case() -> Case:
    return open_case()


def office(*members: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for member in ("[Content_Types].xml", *members):
            archive.writestr(member, "<x/>")
    return packed.getvalue()


def give(case: Case, name: str, content: bytes, by: str = "agnes", **fields: str) -> Any:
    upload = SimpleUploadedFile(name, content, content_type="application/x-whatever")
    return browser(by).post(address(case, "attach"), {"upload": upload, **fields})


def take(attachment: Attachment, by: str = "agnes") -> Any:
    return browser(by).post(f"/admin/cases/case/{attachment.case_id}/attachment/{attachment.pk}/")


def stored_bytes(attachment: Attachment) -> bytes:
    with storages["packages"].open(attachment.stored_name) as stored:
        return bytes(stored.read())


def test_a_file_is_attached_on_the_page_and_comes_out_as_it_went_in(case: Case) -> None:
    assert f'action="{address(case, "attach")}"' in page(case)
    assert give(case, "Letter of Ada.pdf", PDF, text="By post, @agnes.").status_code == 302
    shown = page(case)
    assert "Letter of Ada.pdf" in shown
    assert "By post" in shown
    attachment = case.attachments.get()
    assert attachment.note is not None
    answer = take(attachment)
    assert answer.getvalue() == PDF
    assert answer["Content-Disposition"] == (
        f'attachment; filename="{case.reference}-{str(attachment.pk)[:8]}.pdf"'
    )
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Length"] == str(len(PDF))
    assert "no-store" in answer["Cache-Control"]


def test_neither_the_file_nor_its_name_lies_in_clear(case: Case, tmp_path: Path) -> None:
    with override_settings(FILE_UPLOAD_TEMP_DIR=str(tmp_path)):
        give(case, "Letter of Ada.pdf", PDF * 200_000)
    attachment = case.attachments.get()
    assert list(tmp_path.iterdir()) == []
    assert attachment.size_bytes == len(PDF) * 200_000
    assert attachment.stored_name.startswith("attachments/")
    stored = stored_bytes(attachment)
    assert b"Lovelace" not in stored
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM cases_attachment t")
        row = cursor.fetchone()[0]
    assert "Ada" not in row
    assert b"Ada".hex() not in row


def test_the_trail_has_who_attached_and_who_took_it_and_no_name(case: Case) -> None:
    give(case, "Letter of Ada.pdf", PDF)
    attachment = case.attachments.get()
    take(attachment, "pia")
    take(attachment, "pia")
    events = case.audit_events.filter(action__startswith="attachment.").order_by("pk")
    assert [(event.action, event.actor_label) for event in events] == [
        ("attachment.added", "agnes"),
        ("attachment.downloaded", "pia"),
        ("attachment.downloaded", "pia"),
    ]
    assert {event.details["sha256"] for event in events} == {attachment.sha256}
    assert "Ada" not in "".join(event.canonical for event in events)


def test_looking_at_the_page_of_a_download_takes_nothing(case: Case) -> None:
    give(case, "Letter.pdf", PDF)
    attachment = case.attachments.get()
    answer = browser("agnes").get(f"/admin/cases/case/{case.pk}/attachment/{attachment.pk}/")
    assert answer.status_code == 200
    assert not case.audit_events.filter(action="attachment.downloaded").exists()


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("a.PNG", b"\x89PNG\r\n\x1a\n...", "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0...", "image/jpeg"),
        ("a.jpeg", b"\xff\xd8\xff\xe1...", "image/jpeg"),
        ("a.heic", b"\x00\x00\x00\x18ftypheic....", "image/heic"),
        ("a.txt", "Grüße\r\n\tda".encode(), "text/plain"),
        ("a.txt", "Grüße".encode("latin-1"), "text/plain"),
        ("a.csv", b"a;b\n1;2\n", "text/csv"),
        ("a.eml", b"Received: from x\r\nSubject: y\r\n\r\nHello", "message/rfc822"),
        ("a.docx", office("word/document.xml"), file_types.BY_ENDING["docx"].media_type),
        ("a.xlsx", office("xl/workbook.xml"), file_types.BY_ENDING["xlsx"].media_type),
    ],
)
def test_what_may_come_in(case: Case, name: str, content: bytes, media_type: str) -> None:
    assert give(case, name, content).status_code == 302
    assert case.attachments.get().media_type == media_type


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.html", b"<script>", "This type of file cannot be attached."),
        ("a.svg", b"<svg/>", "This type of file cannot be attached."),
        ("a.zip", office(), "This type of file cannot be attached."),
        ("a.exe", b"MZ", "This type of file cannot be attached."),
        ("a.docm", office("word/document.xml"), "This type of file cannot be attached."),
        ("nothing", PDF, "This type of file cannot be attached."),
        ("a.pdf.exe", PDF, "This type of file cannot be attached."),
        ("a\u202efdp.exe", PDF, "This type of file cannot be attached."),
        ("a.pdf", b"MZ\x90\x00", "The content of the file does not match its name, which ends in ."),
        ("a.png", PDF, "The content of the file does not match its name, which ends in ."),
        ("a.txt", b"text\x00more", "The content of the file does not match its name, which ends in ."),
        ("a.txt", b"a" * 9000 + b"\x01", "The content of the file does not match its name, which ends in ."),
        ("a.eml", b"no header at all", "The content of the file does not match its name, which ends in ."),
        (
            "a.docx",
            office("xl/workbook.xml"),
            "The content of the file does not match its name, which ends in .",
        ),
        (
            "a.docx",
            office("word/document.xml", "word/vbaProject.bin"),
            "The content of the file does not match its name, which ends in .",
        ),
        ("a.docx", b"PK\x03\x04 cut", "The content of the file does not match its name, which ends in ."),
        ("a.pdf", b"", "The file is empty"),
    ],
)
def test_what_may_not(case: Case, name: str, content: bytes, sentence: str) -> None:
    answer = give(case, name, content, text="What I typed.")
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert "What I typed." in answer.content.decode()
    assert not case.attachments.exists()
    assert not case.notes.exists()


def test_what_is_too_large_is_not_kept(case: Case) -> None:
    with override_settings(UPLOAD_LIMIT_BYTES=1024**2):
        answer = give(case, "a.pdf", PDF + b"x" * 1024**2)
    assert "The file is larger than 1 MB." in answer.content.decode()
    assert not case.attachments.exists()


def test_a_name_loses_its_folders_and_what_hides_its_ending() -> None:
    case = open_case()
    attachment = stages.attach(case, "C:\\fakepath\\sub/Letter\u202e\x07 of Ada.pdf")
    assert Attachment.objects.get(pk=attachment.pk).name == "Letter of Ada.pdf"
    long = stages.attach(case, "n" * 400 + ".pdf")
    assert len(long.name) == 200
    assert long.name.endswith(".pdf")


@pytest.mark.parametrize(
    ("name", "sees", "gives", "takes"),
    [
        ("agnes", True, 302, 200),
        ("pia", True, 302, 200),
        ("otto", True, 403, 403),
        ("ivy", False, 403, 403),
        ("charlie", False, 403, 403),
    ],
)
def test_who_may_see_give_and_take(case: Case, name: str, sees: bool, gives: int, takes: int) -> None:
    account(name)
    attachment = stages.attach(case)
    answer = browser(name).get(address(case))
    assert ("Letter of Ada.pdf" in answer.content.decode()) == sees
    assert give(case, "b.pdf", PDF, by=name).status_code == gives
    taken = take(attachment, name)
    assert taken.status_code == takes
    assert (b"letter" in (taken.getvalue() if taken.status_code == 200 else b"")) == (takes == 200)


def test_whoever_may_not_see_files_is_shown_the_case_without_them(case: Case) -> None:
    from django.contrib.auth.models import Permission

    stages.attach(case)
    charlie = account("charlie")
    charlie.user_permissions.add(Permission.objects.get(codename="view_case"))
    shown = page(case, "charlie")
    assert case.reference in shown
    assert "Letter of Ada" not in shown
    assert 'id="files"' not in shown


def test_a_file_of_another_case_is_not_found(case: Case) -> None:
    attachment = stages.attach(open_case())
    answer = browser("agnes").post(f"/admin/cases/case/{case.pk}/attachment/{attachment.pk}/")
    assert answer.status_code == 404


def test_a_changed_file_is_not_given_out_and_an_exchanged_one_neither(case: Case) -> None:
    first, second = stages.attach(case), stages.attach(case, "b.pdf", b"%PDF-1.7 another")
    place = Path(storages["packages"].path(first.stored_name))
    place.write_bytes(stored_bytes(second))
    answer = take(first)
    assert "cannot be read" in answer.content.decode()
    place.unlink()
    assert "Ask an administrator to check the file storage." in take(first).content.decode()
    assert not case.audit_events.filter(action="attachment.downloaded").exists()


def test_the_files_of_a_closed_case_remain(case: Case) -> None:
    closed = stages.denied()
    attachment = stages.attach(closed)
    assert take(attachment).getvalue() == b"%PDF-1.7 a letter"
    assert retention.expired_packages() == 0
    assert retention.unknown_files() == 0
    assert take(attachment).status_code == 200


def test_a_file_that_no_row_names_is_deleted_after_a_day(case: Case) -> None:
    kept = stages.attach(case)
    # As a worker leaves it that dies between the file and its row.
    places = [Path(storages["packages"].path(name)) for name in (kept.stored_name, "attachments/lost.sealed")]
    places[1].write_bytes(stored_bytes(kept))
    assert retention.unknown_files() == 0
    two_days_ago = timezone.now().timestamp() - 2 * 24 * 3600
    for place in places:
        os.utime(place, (two_days_ago, two_days_ago))
    assert retention.unknown_files() == 1
    assert [place.exists() for place in places] == [True, False]


@pytest.mark.parametrize(
    "change", ["UPDATE cases_attachment SET sha256 = ''", "DELETE FROM cases_attachment"]
)
def test_the_database_lets_the_portal_neither_change_nor_delete_one(case: Case, change: str) -> None:
    stages.attach(case)
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


def test_a_destroyed_key_leaves_a_page_that_says_so(case: Case) -> None:
    attachment = stages.attach(case)
    case.data_key.destroy()
    shown = page(case)
    assert "can no longer be read" in shown
    assert "can never be read again" in take(attachment).content.decode()
    answer = give(case, "b.pdf", PDF)
    assert "can never be read again" in answer.content.decode()


def test_said_after_it_was_attached(case: Case) -> None:
    upload = SimpleUploadedFile("a.pdf", PDF)
    answer = browser("agnes").post(address(case, "attach"), {"upload": upload}, follow=True)
    assert said(answer) == ["File attached."]
    assert not case.notes.exists()
