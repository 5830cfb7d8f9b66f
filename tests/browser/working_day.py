"""A live portal as a team finds it in the morning: its people, their cases, a sandbox and a mail server behind it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.db import connection, connections
from django.utils import timezone

from cases.models import Case
from cases.services import notes
from cases.services.person import disclosure
from cases.services.processors import accounts
from cases.services.worklist import assigning
from dsrportal.models import DataKey
from dsrportal.queueing import store
from tests import pristine
from tests.builders import actor, approved_case, open_case, person, processor, ready_case
from tests.cases.admin import stages
from tests.cases.admin.desk_users import ROLE_OF, account
from tests.live import LivePortal, live_portal
from tests.mailbox import Mailbox, running_mailbox
from tests.sandbox import Sandbox, running_sandbox


@dataclass(frozen=True, slots=True)
class Office:
    portal: LivePortal
    sandbox: Sandbox
    mailbox: Mailbox
    cases: dict[str, Case]

    def address(self, name: str, verb: str = "change") -> str:
        return f"/admin/cases/case/{self.cases[name].pk}/{verb}/"


@contextmanager
def open_office(directory: Path) -> Iterator[Office]:
    """For several tests at once. The database is as the migrations left it afterwards."""
    with running_sandbox(directory / "sandbox") as sandbox, running_mailbox() as mailbox:
        try:
            cases = furnish(sandbox)
            with _mail_goes_to(mailbox), live_portal(directory / "logs") as portal:
                yield Office(portal, sandbox, mailbox, cases)
        finally:
            store().flushdb()
            connections.close_all()
            pristine.restore(connection.settings_dict["NAME"])
            DataKey.forget_shared()


@contextmanager
def _mail_goes_to(mailbox: Mailbox) -> Iterator[None]:
    """Where the portal's processes deliver, by their environment."""
    said = {"EMAIL_URL": f"smtp://127.0.0.1:{mailbox.port}", "DEFAULT_FROM_EMAIL": "privacy@portal.example"}
    before = {name: os.environ.get(name) for name in said}
    os.environ.update(said)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def furnish(sandbox: Sandbox) -> dict[str, Case]:
    """What lies on the desks of the agent, the approver and the auditor."""
    for name in ROLE_OF:
        person(name, time_zone="Europe/Berlin")
        account(name)
    _configured(sandbox)
    cases = {**_of_the_agent(), **_of_the_approver()}
    for case in cases.values():
        case.refresh_from_db()
    return cases


def _configured(sandbox: Sandbox) -> None:
    shop = processor(sandbox, name="Shop")
    shop.name = "Shop (EU)"
    accounts.save(shop, actor=actor("ivy"), changed=["name"])


def _opened(email: str, *, days: float, **more: object) -> Case:
    received_at = timezone.now() - timedelta(days=days)
    return open_case(received_at=received_at, identities=[("email", email)], **more)  # type: ignore[arg-type]


def _of_the_agent() -> dict[str, Case]:
    """Two that nobody verified yet, one whose answers are in, and a colleague's."""
    cases = {
        "by_link": _opened("anna@example.org", days=20),
        "by_data": _opened("ben@example.org", days=12, type="access"),
        "answered": stages.in_review(),
        "with_note": _opened("cleo@example.org", days=6, type="portability"),
    }
    for name in ("by_link", "by_data"):
        agnes = actor("agnes")
        assigning.assign(cases[name], actor=agnes, assignee=agnes.user, seen=None)
    return cases


def _of_the_approver() -> dict[str, Case]:
    """Some to approve, one that is her own, one that is held, and a note that names her."""
    held = [("email", "hal@example.org")]
    cases = {
        "first": ready_case(type="access", identities=held),
        "own": ready_case(by="pia", identities=[("email", "olga@example.org")]),
        "bulk_one": ready_case(identities=[("email", "bulk.one@example.org")]),
        "bulk_two": ready_case(identities=[("email", "bulk.two@example.org")]),
        "held": approved_case(identities=held),
        "seen": ready_case(type="portability", identities=[("email", "seen@example.org")]),
    }
    notes.add(cases["seen"], "Is this the one, @pia?", actor=actor("agnes"))
    disclosure.reveal(cases["seen"], actor=actor("agnes"), reason="answer_person")
    return cases
