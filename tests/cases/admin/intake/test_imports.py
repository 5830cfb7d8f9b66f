"""Imports at the desk: from the form to the failed rows, who may what, and what the pages say."""

import csv
import io
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import Client
from django.urls import reverse

from cases.models import AuditEvent, Case, CaseImport, ImportState
from cases.services.imports import work as import_work
from tests.builders import processor
from tests.cases.admin.desk_users import browser, said
from tests.cases.files import BROKEN, FOR_EVER, ROW, Line, checked, csv_of, imported, people, started, upload

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_caseimport_changelist")
ADD = reverse("admin:cases_caseimport_add")


@pytest.fixture(autouse=True)
def _processor(db: None) -> None:
    processor()


def address(made: CaseImport, verb: str = "change") -> str:
    return reverse(f"admin:cases_caseimport_{verb}", args=[made.pk])


def send(client: Client, content: bytes, **fields: str) -> Any:
    file = SimpleUploadedFile("people.csv", content, content_type="text/csv")
    return client.post(ADD, {"file": file, **fields})


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def downloaded(client: Client, made: CaseImport) -> list[dict[str, str]]:
    answer: Any = client.post(address(made, "failed"))
    assert answer["Content-Disposition"].startswith("attachment;")
    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content)))


def work(made: CaseImport) -> None:
    import_work.work(made.pk, seconds=FOR_EVER)
    made.refresh_from_db()


def test_from_the_form_to_the_failed_rows_and_again() -> None:
    agnes = browser("agnes")
    rows: list[Line] = [*people(2), {**ROW, "mobile_number": "+49 30 1", "type": "?"}]
    answer = send(agnes, csv_of(*rows, separator=";"), source="shop")
    made = CaseImport.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, address(made))
    assert (made.state, made.source, made.uploaded_by.get_username()) == ("checking", "shop", "agnes")
    assert "data-live" in text(agnes.get(address(made)))

    work(made)
    page = text(agnes.get(address(made)))
    assert "No cases have been opened yet. 2 rows are ready to import. 1" in page
    assert "Start the import of 2 rows" in page
    assert "data-live" not in page
    assert not Case.objects.exists()

    answer = agnes.post(address(made, "start"), follow=True)
    assert said(answer) == ["The import has started."]
    work(made)
    page = text(agnes.get(address(made)))
    assert "Finished with failed rows" in page
    assert Case.objects.count() == 2
    event = AuditEvent.objects.filter(case__isnull=False).first()
    assert event is not None
    assert (event.actor_label, event.address) == ("agnes", "192.0.2.7")

    (failed,) = downloaded(agnes, made)
    assert failed["line"] == "4"
    assert "must be one of" in failed["problem"]
    # A spreadsheet takes it for text; read back, it is what it was.
    assert failed["mobile_number"] == "'+49 30 1"
    again = send(agnes, csv_of(*people(2), {**failed, "type": "erasure"}))
    made = CaseImport.objects.latest("uploaded_at")
    assert again.status_code == 302
    work(made)
    agnes.post(address(made, "start"))
    work(made)
    assert (made.good, made.known, made.failed) == (1, 2, 0)
    assert Case.objects.latest("pk").subject.identities.get(type="mobile_number").value == "+49 30 1"


def test_a_file_that_is_refused_is_named_so_on_the_form_and_not_kept() -> None:
    answer = send(
        browser("agnes"), b"type,regulation,received_at,email,shoe\nerasure,gdpr,2026-05-04,a@b,1\n"
    )
    assert answer.status_code == 200
    assert "Unknown columns: “shoe”. Use the names from the template." in text(answer)
    assert "Choose a file to import." in text(browser("agnes").post(ADD, {}))
    assert not CaseImport.objects.exists()


def test_no_upload_is_written_to_a_temporary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    monkeypatch.setattr(TemporaryUploadedFile, "__init__", lambda *given, **_more: written.append(given))
    send(browser("agnes"), csv_of(*people(40_000)))
    made = CaseImport.objects.get()
    assert made.size_bytes > 2_500_000, "larger than what Django keeps in memory by itself"
    assert not written


def test_a_file_over_the_limit_is_not_kept(settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 1000
    answer = send(browser("agnes"), csv_of(*people(100)))
    assert "larger than" in text(answer)
    assert not CaseImport.objects.exists()


def test_the_template_names_every_column() -> None:
    answer: Any = browser("agnes").get(reverse("admin:cases_caseimport_template"))
    (line,) = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert "attachment" in answer["Content-Disposition"]
    assert {"reference", "type", "regulation", "received_at", "email", "mpid", "other10"} <= set(
        line.split(",")
    )


@pytest.mark.parametrize(
    ("name", "sees", "runs"),
    [
        ("agnes", True, True),
        ("adam", True, True),
        ("otto", True, False),
        ("pia", False, False),
        ("ivy", False, False),
        ("charlie", False, False),
    ],
)
def test_who_may_look_and_who_may_import(name: str, sees: bool, runs: bool) -> None:
    made = checked(ROW, BROKEN)
    client = browser(name)
    for page in (LIST, address(made), address(made, "progress")):
        assert client.get(page).status_code == (200 if sees else 403), page
    assert client.get(ADD).status_code == (200 if runs else 403)
    assert send(client, csv_of(*people(2))).status_code == (302 if runs else 403)
    failed: Any = client.post(address(made, "failed"))
    assert failed.status_code == (200 if runs else 403)
    if runs:
        b"".join(failed.streaming_content)
    assert AuditEvent.objects.filter(action="import.downloaded").count() == int(runs)
    if sees:
        shown = text(client.get(address(made)))
        assert ("Download these rows" in shown) is runs
        assert ("Start the import" in shown) is runs
        assert ("Import cases" in text(client.get(LIST))) is runs
    assert client.post(address(made, "start")).status_code == (302 if runs else 403)
    made.refresh_from_db()
    assert made.state == (ImportState.IMPORTING if runs else ImportState.CHECKED)


@pytest.mark.parametrize("verb", ["start", "discard", "failed"])
def test_nothing_is_done_by_following_a_link(verb: str) -> None:
    assert browser("agnes").get(address(checked(ROW), verb)).status_code == 405


def test_what_somebody_else_started_is_not_started_again() -> None:
    made = started(ROW)
    answer = browser("agnes").post(address(made, "start"), follow=True)
    assert "changed in the meantime" in said(answer)[0]
    answer = browser("agnes").post(address(made, "discard"), follow=True)
    assert "changed in the meantime" in said(answer)[0]


def test_a_discarded_file_is_gone() -> None:
    made = checked(ROW)
    browser("agnes").post(address(made, "discard"))
    made.refresh_from_db()
    assert made.stored_name == ""
    page = text(browser("agnes").get(address(made)))
    assert "Discarded" in page
    assert "Start the import" not in page


def test_opt_outs_are_announced_since_nobody_approves_them() -> None:
    from integrations.models import Processor

    Processor.objects.all().delete()
    keys = ("workspace_key", "workspace_secret", "input_key", "input_secret")
    processor(credentials=dict.fromkeys(keys, "k"), options={"pod": "eu1"})
    made = checked({**ROW, "type": "opt_out", "regulation": "ccpa"}, ROW)
    assert made.good == 2
    assert "1 row is an opt-out." in text(browser("agnes").get(address(made)))


def test_while_it_works_the_page_is_asked_for_its_part_alone() -> None:
    made = upload(*people(3))
    agnes = browser("agnes")
    part = text(agnes.get(address(made, "progress")))
    assert 'max="3"' in part
    assert "data-finished" not in part
    assert "<html" not in part
    work(made)
    assert "data-finished" in text(agnes.get(address(made, "progress")))


def test_the_page_shows_the_first_hundred_lines_and_the_list_asks_as_often_for_many(
    django_assert_max_num_queries: Any,
) -> None:
    made = imported(*[BROKEN] * 120)
    agnes = browser("agnes")
    with django_assert_max_num_queries(20):
        answer: Any = agnes.get(address(made))
    assert len(answer.context["failures"]) == 100
    assert "and 20 more in the file" in text(answer)
    assert [(str(sentence), rows) for sentence, rows in answer.context["kinds"]] == [
        ("Enter at least one identifier. Without one, no processor can find the data subject.", 120)
    ]
    assert len(downloaded(agnes, made)) == 120
    for _ in range(10):
        upload(ROW)
    with django_assert_max_num_queries(15):
        agnes.get(LIST)


def test_the_queue_leads_here_for_those_who_may() -> None:
    queue = reverse("admin:cases_case_changelist")
    assert f'href="{ADD}"' in text(browser("agnes").get(queue))
    assert f'href="{ADD}"' not in text(browser("pia").get(queue))


def test_a_page_never_shows_a_value_of_a_row() -> None:
    made = checked({**ROW, "mpid": "Lovelace"}, {**ROW, "type": "Lovelace"})
    assert made.failed == 2
    assert "lovelace" not in text(browser("agnes").get(address(made))).lower()
    assert settings.FILE_UPLOAD_HANDLERS == ["cases.admin.uploads.InMemory"]


def test_rows_of_somebody_else_are_for_those_who_may_see_identities() -> None:
    theirs, own = checked(ROW, BROKEN, by="adam"), checked(BROKEN, by="agnes")
    client = browser("agnes")
    group = Group.objects.get(name="agent")
    group.permissions.remove(Permission.objects.get(codename="reveal_identity"))
    assert client.post(address(theirs, "failed")).status_code == 403
    assert "Download these rows" not in text(client.get(address(theirs)))
    assert client.post(address(own, "failed")).status_code == 200
    assert "Download these rows" in text(client.get(address(own)))


def test_the_title_which_browsers_keep_does_not_name_the_file() -> None:
    html = text(browser("agnes").get(address(checked(ROW))))
    title = html.partition("<title>")[2].partition("</title>")[0]
    assert "people.csv" in html
    assert "people.csv" not in title
    assert "Import of" in title
