"""Work by hand at the desk: a list of what is to be done, handed out, attested with a note and perhaps a file."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from cases.admin import uploads
from cases.models import Case, ForwardingExtension, ManualTask, ResultPackage
from cases.services.dispatch import dispatch
from integrations.models import Processor
from tests.builders import approved_case, manual, processor, ready_case
from tests.cases.admin.desk_users import account, browser, said

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_manualtask_changelist")


@pytest.fixture(autouse=True)
def archive() -> Processor:
    return manual("Archive", instructions="Look through the folders.\nShred.")


def begun(archive: Processor, **more: Any) -> ManualTask:
    case = approved_case(**more)
    dispatch.drain(archive.pk)
    return ManualTask.objects.get(processor_request__case=case)


def verb(task: ManualTask, name: str) -> str:
    case_id = task.processor_request.case_id
    return reverse("admin:cases_case_verb_on", args=[case_id, name, task.pk])


def page(case: Case, name: str = "agnes") -> str:
    return str(browser(name).get(reverse("admin:cases_case_change", args=[case.pk])).content.decode())


def listed(client: Client, query: str = "") -> list[ManualTask]:
    answer: Any = client.get(f"{LIST}{query}")
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def counted(client: Client) -> int:
    """What the navigation says beside “Tasks”."""
    answer: Any = client.get(reverse("admin:index"))
    groups = answer.context["navigation"]
    (link,) = [link for _title, links in groups for link in links if str(link.label) == "Tasks"]
    return int(link.counted or 0)


# --- the list


def test_mine_and_nobodys_come_first_by_due_date_and_are_counted(archive: Processor) -> None:
    mine, nobodys, others, far = (
        begun(archive, identities=[("email", f"{number}@example.org")]) for number in range(4)
    )
    soon = timezone.localdate() + timedelta(days=2)
    for task, who, due_on in (
        (mine, account("agnes"), soon),
        (nobodys, None, soon - timedelta(days=1)),
        (others, account("pia"), soon),
        (far, account("agnes"), soon + timedelta(days=9)),
    ):
        ManualTask.objects.filter(pk=task.pk).update(assignee=who, due_on=due_on)
    client = browser("agnes")
    assert listed(client) == [nobodys, mine, far]
    assert listed(client, "?whose=mine") == [mine, far]
    assert listed(client, "?whose=unassigned") == [nobodys]
    assert {*listed(client, "?whose=all")} == {mine, nobodys, others, far}
    assert counted(client) == 3
    # Who may not attest takes nobody's.
    assert counted(browser("pia")) == 1
    assert "2 days left" in client.get(LIST).content.decode()


def test_what_is_not_approved_or_is_attested_is_not_to_be_done(archive: Processor) -> None:
    ready_case(identities=[("email", "b@example.org")])
    done = begun(archive)
    client = browser("agnes")
    assert listed(client) == [done]
    client.post(verb(done, "attest"), {"answer": "done", "text": "Shredded."})
    assert listed(client) == []
    assert counted(client) == 0
    assert listed(client, "?state=attested") == [done]


def test_each_line_leads_to_its_case(archive: Processor) -> None:
    task = begun(archive)
    place = reverse("admin:cases_case_change", args=[task.processor_request.case_id]) + f"#task-{task.pk}"
    client = browser("agnes")
    assert place in client.get(LIST).content.decode()
    answer = client.get(reverse("admin:cases_manualtask_change", args=[task.pk]))
    assert answer.headers["Location"] == place
    assert f'id="task-{task.pk}"' in page(task.processor_request.case)


@pytest.mark.parametrize(
    ("name", "status"),
    [("agnes", 200), ("pia", 200), ("otto", 200), ("adam", 200), ("ivy", 403), ("charlie", 403)],
)
def test_who_may_see_the_list(archive: Processor, name: str, status: int) -> None:
    task = begun(archive)
    client = browser(name)
    assert client.get(LIST).status_code == status
    address = reverse("admin:cases_manualtask_change", args=[task.pk])
    assert client.get(address).status_code == (302 if status == 200 else 404)


def test_nobody_edits_or_deletes_a_task(archive: Processor) -> None:
    task = begun(archive)
    client = browser("adam")
    change = reverse("admin:cases_manualtask_change", args=[task.pk])
    assert client.post(change.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert client.post(reverse("admin:cases_manualtask_add"), {}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [task.pk], "post": "yes"})
    client.post(change, {"due_on": "2030-01-01"})
    task.refresh_from_db()
    assert task.due_on != date(2030, 1, 1)


# --- on the case


def test_the_card_shows_what_to_do_for_whom_and_until_when(archive: Processor) -> None:
    task = begun(archive)
    html = page(task.processor_request.case)
    assert "Look through the folders." in html
    assert f"{task.due_on:%d %b %Y}" in html
    assert "days left" in html
    assert verb(task, "attest") in html
    assert verb(task, "assign") in html
    assert verb(task, "attest") not in page(task.processor_request.case, "otto")


def test_what_has_not_begun_can_be_assigned_and_not_attested(archive: Processor) -> None:
    case = ready_case()
    task = ManualTask.objects.get(processor_request__case=case)
    html = page(case)
    assert verb(task, "assign") in html
    assert verb(task, "attest") not in html
    answer = browser("agnes").post(verb(task, "attest"), {"answer": "done", "text": "Early."})
    assert "The case must be approved first." in answer.content.decode()


def test_assigning_offers_active_staff_alone_and_may_give_it_to_nobody(archive: Processor) -> None:
    task = begun(archive)
    gone = account("charlie")
    gone.is_active = False
    gone.save()
    client = browser("agnes")
    html = client.get(verb(task, "assign")).content.decode()
    assert ">agnes</option>" in html
    assert ">charlie</option>" not in html
    assert f'value="{task.due_on:%Y-%m-%d}"' in html
    agnes = account("agnes")
    answer = client.post(verb(task, "assign"), {"assignee": agnes.pk, "due_on": "2030-01-02"}, follow=True)
    assert said(answer) == ["Task assigned to agnes."]
    task.refresh_from_db()
    assert (task.assignee, task.due_on) == (agnes, date(2030, 1, 2))
    refused = client.post(verb(task, "assign"), {"assignee": gone.pk, "due_on": "2030-01-02"})
    assert "not one of the available choices" in refused.content.decode()
    client.post(verb(task, "assign"), {"due_on": "2030-01-02"})
    task.refresh_from_db()
    assert task.assignee is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": "Done."}, "Choose a result."),
        ({"answer": "done"}, "Describe in a note what was done and how you know."),
        ({"answer": "done", "text": "   "}, "Describe in a note what was done and how you know."),
        ({"answer": "accepted", "text": "Done."}, "Select a valid choice"),
    ],
)
def test_what_must_be_said_is_asked_for(archive: Processor, fields: dict[str, str], sentence: str) -> None:
    task = begun(archive)
    answer = browser("agnes").post(verb(task, "attest"), fields)
    assert sentence in answer.content.decode()
    task.refresh_from_db()
    assert task.attested_at is None


def test_an_attested_task_shows_who_when_and_the_note(archive: Processor) -> None:
    task = begun(archive)
    answer = browser("agnes").post(
        verb(task, "attest"), {"answer": "no_data_held", "text": "Nobody of this name."}, follow=True
    )
    assert said(answer) == ["Attested. This counts as the response of this system."]
    html = answer.content.decode()
    task.refresh_from_db()
    assert f'href="#note-{task.note_id}"' in html
    assert "Nobody of this name." in html
    assert "No data held" in html
    assert verb(task, "attest") not in html


# --- files


CONTENT = b"%PDF a secret page"


def test_a_file_is_kept_encrypted_and_can_be_downloaded(archive: Processor) -> None:
    task = begun(archive)
    upload = SimpleUploadedFile("proof.pdf", CONTENT, content_type="application/pdf")
    client = browser("agnes")
    client.post(verb(task, "attest"), {"answer": "done", "text": "See the file.", "upload": upload})
    package = ResultPackage.objects.get(processor_request=task.processor_request)
    case_id = task.processor_request.case_id
    download: Any = client.post(reverse("admin:cases_case_verb_on", args=[case_id, "download", package.pk]))
    assert download.getvalue() == CONTENT


@pytest.mark.parametrize(("size", "sentence"), [(0, "The file is empty."), (41, "The file is larger than")])
def test_a_file_that_is_empty_or_too_large_is_refused_and_nothing_is_attested(
    archive: Processor, settings: Settings, size: int, sentence: str
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 40
    task = begun(archive)
    upload = SimpleUploadedFile("proof.pdf", b"x" * size)
    fields = {"answer": "done", "text": "Typed & kept", "upload": upload}
    html = browser("agnes").post(verb(task, "attest"), fields).content.decode()
    assert sentence in html
    assert "Typed &amp; kept" in html
    task.refresh_from_db()
    assert task.attested_at is None
    assert not ResultPackage.objects.exists()


def test_no_upload_is_ever_written_to_a_temporary_file(
    archive: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    monkeypatch.setattr(TemporaryUploadedFile, "__init__", lambda *given, **_more: written.append(given))
    task = begun(archive)
    upload = SimpleUploadedFile("large.bin", b"x" * 4 * 1024**2)
    browser("agnes").post(verb(task, "attest"), {"answer": "done", "text": "Large.", "upload": upload})
    assert ResultPackage.objects.get().size_bytes == 4 * 1024**2
    assert not written


@pytest.mark.parametrize("name", ["pia", "charlie", ""])
def test_only_who_may_attest_can_fill_our_memory(
    archive: Processor, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    monkeypatch.setattr(
        uploads.InMemory, "receive_data_chunk", lambda _self, raw, _start: kept.append(len(raw))
    )
    task = begun(archive)
    client = browser(name) if name else Client()
    upload = SimpleUploadedFile("large.bin", b"x" * 100_000)
    answer = client.post(verb(task, "attest"), {"answer": "done", "text": "x", "upload": upload})
    assert answer.status_code == (403 if name else 302)
    assert kept == []


def test_of_many_files_one_is_kept(archive: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    receive = uploads.InMemory.receive_data_chunk

    def counted(handler: uploads.InMemory, raw: bytes, start: int) -> None:
        kept.append(len(raw))
        receive(handler, raw, start)

    monkeypatch.setattr(uploads.InMemory, "receive_data_chunk", counted)
    task = begun(archive)
    more = {f"more-{number}": SimpleUploadedFile("more.bin", b"y" * 1000) for number in range(20)}
    upload = SimpleUploadedFile("proof.pdf", CONTENT)
    browser("agnes").post(verb(task, "attest"), {"answer": "done", "text": "x", "upload": upload, **more})
    assert sum(kept) == len(CONTENT)
    assert ResultPackage.objects.get().size_bytes == len(CONTENT)


# --- for a partner


def partner(case: Case, status: str) -> ForwardingExtension:
    return ForwardingExtension.objects.create(
        processor_request=case.requests.get(processor__kind="mparticle"),
        domain=f"{status}.example",
        name=status.title(),
        status=status,
        changed_at=timezone.now(),
    )


def test_a_task_is_offered_for_partners_that_were_not_reached_and_leads_to_its_card() -> None:
    processor()
    case = approved_case()
    failed, skipped, sent = (partner(case, status) for status in ("failed", "skipped", "sent"))

    def offer(row: ForwardingExtension) -> str:
        return reverse("admin:cases_case_verb_on", args=[case.pk, "by-hand", row.pk])

    html = page(case)
    assert [offer(row) in html for row in (failed, skipped, sent)] == [True, True, False]
    assert offer(failed) not in page(case, "pia")
    client = browser("agnes")
    answer = client.post(offer(failed), follow=True)
    task = ManualTask.objects.get(processor_request__for_partner=failed)
    assert said(answer) == [f"Task for Failed created, due {task.due_on:%d %b %Y}."]
    html = answer.content.decode()
    assert offer(failed) not in html
    assert f'href="#request-{task.processor_request_id}"' in html
    assert "For the partner failed.example, which the processor did not reach." in html
    assert (
        "Manual work is only needed for a partner that failed or was skipped."
        in client.post(offer(sent)).content.decode()
    )
