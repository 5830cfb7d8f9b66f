"""A desk that holds one of everything, so that each of its pages has something to show."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model
from django.test import Client, override_settings
from django.utils import timezone

from cases.models import (
    AttentionItem,
    AttentionKind,
    AuditEvent,
    Case,
    ManualTask,
    Mention,
    PackageState,
    ResultPackage,
    SavedView,
    VerificationRule,
)
from cases.services import attention
from cases.services.bulk import runs as bulk_runs
from cases.services.bulk import work as bulk_work
from cases.services.worklist import saved_views
from dsrportal.models import User
from dsrportal.sentence import Sentence
from tests import builders
from tests.cases.admin import stages
from tests.cases.admin.desk_users import ROLE_OF, account
from tests.cases.admin.matrix import VISITOR, Row
from tests.cases.admin.operations.test_callbacks import deliver
from tests.cases.files import BROKEN, ROW, checked
from tests.cases.intake_api import form


@dataclass(frozen=True, slots=True)
class Desk:
    holds: dict[str, Any]
    clients: dict[str, Client]
    cookies: dict[str, str]
    events: int

    def address(self, row: Row) -> str:
        parts = iter(row.parts)

        def fill(_gap: re.Match[str]) -> str:
            part = next(parts)
            held = self.holds.get(part, part)
            return str(held.pk) if isinstance(held, Model) else part

        return f"/admin/{row.address or re.sub('<[^>]+>', fill, row.pattern)}{row.query}"


TWICE: Final = [("email", "twice@example.org")]


def _cases() -> dict[str, Model]:
    """At the stages that verbs are about; the task last, since it brings a second processor."""
    partner, reappeared, review = stages.with_failed_partner(), stages.reappeared(), stages.in_review()
    package = ResultPackage.objects.create(
        processor_request=review.requests.get(), state=PackageState.MISSED, fetched_at=timezone.now()
    )
    with_item = stages.with_item()
    made: dict[str, Model] = {
        "opened": builders.open_case(),
        "linked": stages.linked(),
        "ready": builders.ready_case(),
        "approved": builders.approved_case(),
        "failed": stages.failed(),
        "denied": stages.denied(),
        "held": stages.held(),
        "once": builders.ready_case(identities=TWICE),
        "twice": builders.ready_case(identities=TWICE),
        "attention": with_item,
        "item": AttentionItem.objects.get(case=with_item),
        "reappeared": reappeared,
        "request": reappeared.requests.get(),
        "partner": partner,
        "forwarding": partner.requests.get().forwarding_extensions.get(),
        "review": review,
        "package": package,
        **approve_many(),
    }
    noted = stages.talked_about()
    made |= {
        "noted": noted,
        "question": noted.notes.get(parent=None),
        "letter": noted.attachments.get(),
        "mention": Mention.objects.get(note__case=noted),
    }
    tasked = stages.with_task()
    return {**made, "tasked": tasked, "task": ManualTask.objects.get(processor_request__case=tasked)}


def approve_many() -> dict[str, Model]:
    """An approval of one case in bulk, done."""
    case, pia = builders.ready_case(), builders.actor("pia")
    run = bulk_runs.start(Case.objects.filter(pk=case.pk), verb="approve", said={}, actor=pia)
    bulk_work.prepare_now(run)
    bulk_runs.begin(run, actor=pia)
    bulk_work.work(run.pk)
    return {"run": run, "row": run.rows.get()}


def saved_view(name: str, *, shared: bool) -> SavedView:
    return saved_views.save(actor=builders.actor(name), name="Soon", query="due=7", shared=shared)


def _holds() -> dict[str, Any]:
    processor = builders.processor(name="Shop")
    attention.open_item(
        AttentionKind.FOREIGN_CALLBACK,
        Sentence("A callback is not for us."),
        actor=builders.actor("ivy"),
        processor=processor,
    )
    delivery = deliver()
    return {
        "processor": processor,
        "foreign": AttentionItem.objects.get(case=None),
        "delivery": delivery,
        "certificate": delivery.certificate,
        "source": form().source,
        "agents": Group.objects.get(name="agent"),
        "rule": VerificationRule.objects.get(type="erasure", regulation="gdpr"),
        "own_role": Group.objects.create(name="night shift"),
        "clerk": builders.person("clerk"),
        "owner": builders.person("owner", is_superuser=True),
        "own_view": saved_view("agnes", shared=False),
        "shared_view": saved_view("pia", shared=True),
        **_cases(),
        "case_import": checked(ROW, BROKEN),
        "unwanted": checked(ROW),
        "event": AuditEvent.objects.exclude(case=None).earliest("id"),
    }


@contextmanager
def whole_desk() -> Iterator[Desk]:
    """Made once, in a transaction that is undone at the end; each request is undone by itself."""
    # A session in a cookie: three queries less for each of many requests.
    sessions = {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"}
    mail: dict[str, list[str]] = {"MAIL_MISSING": []}
    with override_settings(**sessions, **mail), transaction.atomic():
        for name in ROLE_OF:
            account(name)
        holds = _holds()
        clients = {name: Client(REMOTE_ADDR="192.0.2.7") for name in (*ROLE_OF, VISITOR)}
        for name in ROLE_OF:
            clients[name].force_login(User.objects.get(username=name))
        cookie = settings.SESSION_COOKIE_NAME
        cookies = {name: clients[name].cookies[cookie].value for name in ROLE_OF}
        yield Desk(holds, clients, cookies, AuditEvent.objects.count())
        transaction.set_rollback(True)


def ask(desk: Desk, name: str, method: str, address: str) -> tuple[Any, int]:
    """The answer, and how many audit events came of it."""
    client = desk.clients[name]
    client.cookies.clear()
    if name != VISITOR:
        client.cookies[settings.SESSION_COOKIE_NAME] = desk.cookies[name]
    with transaction.atomic():
        answer = getattr(client, method)(address)
        if answer.streaming:
            b"".join(answer.streaming_content)
        written = AuditEvent.objects.count() - desk.events
        transaction.set_rollback(True)
    return answer, written
