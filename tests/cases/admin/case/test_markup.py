"""No page needs what the content security policy forbids: inline scripts, styles or handlers."""

from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from cases.models import Case, ForwardingExtension, ManualTask
from cases.services.person import verification
from cases.services.planning import approval
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.cases.admin.desk_users import browser
from tests.cases.admin.stages import reappeared, talked_about, with_failed_partner, with_task

pytestmark = pytest.mark.django_db


class Inline(HTMLParser):
    """Collects everything that only runs or shows under 'unsafe-inline'."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(f"<{tag}>")
        for name, value in names.items():
            address = (value or "").strip().lower()
            if name == "style" or name.startswith("on") or address.startswith("javascript:"):
                self.found.append(f"{tag} {name}")


def inline(client: Client, address: str, status: int = 200) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == status, address
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    parser = Inline()
    parser.feed(answer.content.decode())
    return parser.found


def cases() -> list[Case]:
    noted = verification.record(open_case(), actor=actor("agnes"), method="signed_in", text="Seen.")
    closed = approval.deny(open_case(), actor=actor("pia"), reason="legal_obligation")
    return [open_case(), ready_case(), approved_case(), noted, closed]


def test_every_page_about_cases_is_free_of_it() -> None:
    processor()
    client = browser("adam")
    names = (
        "index",
        "cases_case_changelist",
        "cases_case_add",
        "cases_manualtask_changelist",
        "cases_mention_changelist",
        "password_change",
    )
    pages = [reverse(f"admin:{name}") for name in names]
    pages += [f"{reverse('admin:cases_case_changelist')}?status=closed&due=7&found=x"]
    for case in cases():
        pages.append(reverse("admin:cases_case_change", args=[case.pk]))
        verbs = (
            "verify",
            "approve",
            "deny",
            "withdraw",
            "cancel",
            "refresh",
            "retry",
            "close",
            "reopen",
            "reveal",
            "plan",
            "identities",
            "search",
            "release",
            "take",
            "note",
            "attach",
        )
        pages += [reverse("admin:cases_case_verb", args=[case.pk, verb]) for verb in verbs]
    assert {page: found for page in pages if (found := inline(client, page))} == {}


def test_so_are_the_pages_about_parts_of_a_case() -> None:
    processor()
    client = browser("adam")
    unreached, repeated, worked = with_failed_partner(), reappeared(), with_task()
    talked = talked_about()
    task = ManualTask.objects.get(processor_request__case=worked)
    partner = ForwardingExtension.objects.get(processor_request__case=unreached)
    parts = [
        (worked, "assign", task.pk),
        (worked, "attest", task.pk),
        (unreached, "by-hand", partner.pk),
        (repeated, "again", repeated.requests.get().pk),
        (talked, "reply", talked.notes.earliest("created_at").pk),
        (talked, "attachment", talked.attachments.get().pk),
    ]
    pages = [reverse("admin:cases_case_verb_on", args=[case.pk, verb, key]) for case, verb, key in parts]
    pages += [
        reverse("admin:cases_case_change", args=[case.pk]) for case in (worked, unreached, repeated, talked)
    ]
    assert {page: found for page in pages if (found := inline(client, page))} == {}


def test_so_are_the_page_to_log_in_and_the_pages_for_errors() -> None:
    client = Client()
    assert inline(client, reverse("admin:login")) == []
    assert inline(client, "/nowhere/", 404) == []
    assert inline(browser("charlie"), reverse("admin:cases_case_changelist"), 403) == []


def test_who_is_locked_out_reads_it_on_a_page_of_ours() -> None:
    client = Client()
    for _attempt in range(settings.AXES_FAILURE_LIMIT):
        answer = client.post(reverse("admin:login"), {"username": "mallory", "password": "guessed"})
    assert answer.status_code == 429
    assert "The password was entered incorrectly too often." in answer.content.decode()


def test_each_error_is_one_sentence_in_the_same_look() -> None:
    page = Client().get("/nowhere/").content.decode()
    assert "There is nothing at this address" in page
    assert "portal/portal.css" in page


def test_a_server_error_is_one_sentence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError

    client = browser("agnes")
    client.raise_request_exception = False
    monkeypatch.setattr("cases.admin.case.case.search.expired", broken)
    answer = client.get(reverse("admin:cases_case_changelist"))
    assert answer.status_code == 500
    assert "If it happens again, contact your administrator." in answer.content.decode()
