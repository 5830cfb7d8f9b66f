"""Who may what: every address of the desk and every verb, for every role, looked at and posted to.

A new address or verb is missing in the table until somebody has said who may use it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.db import transaction
from django.db.models import Model
from django.test import Client, override_settings
from django.utils import timezone, translation
from pytest_django.plugin import DjangoDbBlocker

from cases.admin import bulk_run, bulk_verbs, intake_source, outgoing, processor_verbs, verbs
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
from cases.roles import ROLES
from cases.services import attention, bulk, bulk_rules, bulk_work, saved_views
from dsrportal.models import User
from dsrportal.wording import Wording
from integrations.types import IdentityType, Regulation, RequestType
from tests import builders, pseudo
from tests.cases.admin import stages
from tests.cases.admin.people import ROLE_OF, account
from tests.cases.admin.test_delivery import deliver
from tests.cases.files import BROKEN, ROW, checked
from tests.cases.intake_api import form

NOBODY: Final = ""
ANYBODY: Final = " ".join(ROLE_OF)
READ_CASES: Final = "agnes pia otto adam"
WORK_CASES: Final = "agnes adam"
DECIDE_CASES: Final = "pia adam"
WORK_OR_DECIDE: Final = "agnes pia adam"
READ_IMPORTS: Final = "agnes otto adam"
READ_PROCESSORS: Final = "otto ivy adam"
RUN_PROCESSORS: Final = "ivy adam"
READ_TRAIL: Final = "otto adam"
READ_EVIDENCE: Final = "agnes pia otto ivy adam"
RUN_ACCOUNTS: Final = "adam"


@dataclass(frozen=True, slots=True)
class May:
    """These get one answer, all others another; a few may have one of their own. A visitor is sent to log in."""

    who: str = ANYBODY
    status: int = 200
    others: int = 403
    but: tuple[tuple[str, int], ...] = ()
    visitor: int = 302

    def expects(self, name: str) -> int:
        if name == VISITOR:
            return self.visitor
        return dict(self.but).get(name, self.status if name in self.who.split() else self.others)


@dataclass(frozen=True, slots=True)
class Row:
    """`pattern` as the resolver has it; `parts` fill its gaps, by name of what the desk holds or as they are."""

    pattern: str
    get: May
    post: May
    parts: tuple[str, ...] = ()
    # Where the pattern is a regular expression, or a query says more.
    address: str = ""
    query: str = ""

    def __str__(self) -> str:
        return f"{self.address or self.pattern}{self.query} {' '.join(self.parts)}".strip()


VISITOR: Final = "visitor"
REFUSED: Final = May(NOBODY)
MISSING: Final = May(status=404)
ELSEWHERE: Final = May(status=302)
ONLY_POST: Final = May(status=405)
ONLY_GET: Final = May(status=405)


def both(may: May) -> tuple[May, May]:
    return may, may


def model(
    path: str,
    part: str,
    *,
    sees: str,
    adds: str = NOBODY,
    changes: str = NOBODY,
    page: tuple[May, May] | None = None,
) -> list[Row]:
    """The addresses that Django gives each model. None has a history, and nearly nothing is deleted."""
    own = f"{path}<path:object_id>/"
    return [
        Row(path, *both(May(sees))),
        Row(f"{path}add/", *both(May(adds))),
        Row(f"{own}history/", *both(MISSING), (part,)),
        Row(f"{own}delete/", *both(REFUSED), (part,)),
        Row(f"{own}change/", *(page or (May(sees), May(changes))), (part,)),
        # Django's old address of a page: it leads to the new one, which asks who it is.
        Row(own, *both(ELSEWHERE), (part,)),
    ]


def apps() -> Iterator[Row]:
    """The index of one app: not found for whoever sees nothing of it."""
    pattern = r"^(?P<app_label>cases|integrations|auth|dsrportal)/$"
    for label, who in (
        ("cases", READ_EVIDENCE),
        ("integrations", READ_PROCESSORS),
        ("auth", READ_TRAIL),
        ("dsrportal", READ_TRAIL),
    ):
        yield Row(pattern, *both(May(who, others=404)), address=f"{label}/")


# verb: (what it is done to, who may, what an empty form leads to: 200 asks again or refuses, 302 is done)
ON_CASES: Final[dict[str, tuple[tuple[str, ...], str, int]]] = {
    "verify": (("opened",), WORK_CASES, 200),
    "resend-link": (("linked",), WORK_CASES, 302),
    "cancel-link": (("linked",), WORK_CASES, 302),
    "approve": (("ready",), DECIDE_CASES, 200),
    "close": (("review",), WORK_OR_DECIDE, 200),
    "retry": (("failed",), WORK_CASES, 302),
    "release": (("held",), DECIDE_CASES, 200),
    "plan": (("ready",), WORK_CASES, 200),
    "identities": (("ready",), WORK_CASES, 200),
    "search": (("ready",), WORK_OR_DECIDE, 302),
    "hand": (("ready",), WORK_OR_DECIDE, 302),
    "take": (("ready",), WORK_OR_DECIDE, 302),
    "note": (("ready",), WORK_OR_DECIDE, 200),
    "reply": (("noted", "question"), WORK_OR_DECIDE, 200),
    "attach": (("ready",), WORK_OR_DECIDE, 200),
    "attachment": (("noted", "letter"), WORK_OR_DECIDE, 200),
    "defer": (("ready",), WORK_OR_DECIDE, 302),
    "tags": (("ready",), WORK_OR_DECIDE, 302),
    "refresh": (("approved",), WORK_CASES, 302),
    "reveal": (("opened",), WORK_OR_DECIDE, 200),
    "cancel": (("approved",), WORK_OR_DECIDE, 302),
    "deny": (("ready",), DECIDE_CASES, 200),
    "withdraw": (("opened",), WORK_CASES, 302),
    "reopen": (("denied",), DECIDE_CASES, 200),
    "resolve": (("attention", "item"), WORK_CASES, 302),
    "again": (("reappeared", "request"), WORK_CASES, 302),
    "assign": (("tasked", "task"), WORK_CASES, 200),
    "attest": (("tasked", "task"), WORK_CASES, 200),
    "by-hand": (("partner", "forwarding"), WORK_CASES, 302),
    "look": (("review", "package"), WORK_CASES, 200),
    "download": (("review", "package"), WORK_CASES, 200),
    "redact": (("review", "package"), WORK_CASES, 200),
    "refetch": (("review", "package"), WORK_CASES, 200),
}
# verb for many cases: who may; an empty form leads back to the list.
ON_MANY: Final[dict[str, str]] = {
    "verify": WORK_CASES,
    "assign": WORK_OR_DECIDE,
    "tag": WORK_OR_DECIDE,
    "approve": DECIDE_CASES,
    "deny": DECIDE_CASES,
    "cancel": WORK_OR_DECIDE,
    "close": WORK_OR_DECIDE,
}
# Of a run of approvals that is over.
ON_RUNS: Final = ("confirm", "stop", "retry", "undo")
ON_PROCESSORS: Final = {"test": 200, "connect": 200, "pause": 200, "resume": 302}
ON_EVERYTHING: Final = {"pause": 200, "resume": 302}
ON_SOURCES: Final = {"rotate": 200, "deactivate": 302, "activate": 302}


def verb_rows() -> Iterator[Row]:
    for verb, ((case, *part), who, done) in ON_CASES.items():
        pattern = "cases/case/<int:case_id>/<slug:verb>/" + ("<slug:part>/" if part else "")
        yield Row(pattern, May(who), May(who, done), (case, verb, *part))
    for verb, who in ON_MANY.items():
        yield Row("cases/case/bulk/<slug:verb>/", ONLY_POST, May(who, 302), (verb,))
    for act in ON_RUNS:
        pattern = "cases/bulkrun/<uuid:run_id>/do/<slug:act>/"
        yield Row(pattern, ONLY_POST, May(DECIDE_CASES, 302), ("run", act))
    for verb, done in ON_PROCESSORS.items():
        pattern = "integrations/processor/<uuid:processor_id>/do/<slug:name>/"
        yield Row(pattern, May(RUN_PROCESSORS), May(RUN_PROCESSORS, done), ("processor", verb))
    for verb, done in ON_SOURCES.items():
        pattern = "cases/intakesource/<int:source_id>/do/<slug:name>/"
        yield Row(pattern, May(RUN_PROCESSORS), May(RUN_PROCESSORS, done), ("source", verb))
    for verb, done in ON_EVERYTHING.items():
        pattern = "integrations/processor/outgoing/<slug:name>/"
        yield Row(pattern, May(RUN_PROCESSORS), May(RUN_PROCESSORS, done), (verb,))


# Whoever may not see cases is told that the item is not there, as if it were not.
ITEM: Final = (May(READ_CASES, but=(("ivy", 302),)), REFUSED)
SETTLE: Final = "cases/attentionitem/<int:item_id>/resolve/"
DUPLICATE: Final = "cases/case/<int:case_id>/duplicate/<int:other_id>/"
VIEW: Final = "cases/case/views/<int:view_id>/change/"
USER: Final = "dsrportal/user/<path:object_id>/change/"
PASSWORD: Final = "dsrportal/user/<id>/password/"
ROLE: Final = "auth/group/<path:object_id>/delete/"
TABLE: Final = (
    Row("", *both(May())),
    Row("login/", May(status=302, visitor=200), May(visitor=200)),
    Row("logout/", ONLY_POST, May()),
    Row("me/", *both(May())),
    Row("password_change/", *both(May())),
    Row("password_change/done/", May(), ONLY_GET),
    Row("autocomplete/", REFUSED, ONLY_GET),
    Row("jsi18n/", May(), ONLY_GET),
    Row("(?P<url>.*)$", *both(MISSING), address="nothing/here/"),
    *apps(),
    Row("health/", May(READ_PROCESSORS), ONLY_GET),
    Row("cases/jobs/", *both(May(READ_PROCESSORS))),
    Row("cases/jobs/<slug:job_id>/again/", ONLY_POST, May(RUN_PROCESSORS, 302), ("gone",)),
    Row("cases/case/", *both(May(READ_CASES))),
    Row("cases/case/add/", *both(May(WORK_CASES))),
    Row("cases/case/search/", ONLY_POST, May(READ_CASES, 302)),
    Row("cases/case/export/", *both(May(READ_CASES))),
    Row("cases/case/views/add/", ONLY_POST, May(WORK_OR_DECIDE, 302)),
    # A view of one's own is not found by others, a shared one changed by whoever may share.
    Row(VIEW, *both(May("agnes", others=404, but=(("ivy", 403), ("charlie", 403)))), ("own_view",)),
    Row(VIEW, *both(May(DECIDE_CASES)), ("shared_view",)),
    Row("cases/case/<int:case_id>/change/", *both(May(READ_CASES)), ("review",)),
    Row(DUPLICATE, May(READ_CASES), May(WORK_OR_DECIDE, 302), ("twice", "once")),
    Row(f"{DUPLICATE}<slug:verb>/", ONLY_POST, May(WORK_OR_DECIDE, 302), ("twice", "once", "dismiss")),
    Row(f"{DUPLICATE}<slug:verb>/", ONLY_POST, May(WORK_OR_DECIDE, 302), ("twice", "once", "suggest")),
    Row("cases/case/<int:case_id>/presence/", ONLY_POST, May(READ_CASES), ("review",)),
    Row("cases/mention/", May(READ_CASES), ONLY_GET),
    # Somebody else's is not found.
    Row(
        "cases/mention/<int:mention_id>/read/",
        ONLY_POST,
        May("pia", 302, others=404, but=(("ivy", 403), ("charlie", 403))),
        ("mention",),
    ),
    *verb_rows(),
    Row("cases/bulkrun/", *both(May(READ_CASES))),
    Row("cases/bulkrun/<uuid:run_id>/change/", May(READ_CASES), ONLY_GET, ("run",)),
    Row("cases/bulkrun/<uuid:run_id>/progress/", May(READ_CASES), ONLY_GET, ("run",)),
    Row("cases/bulkrun/<uuid:run_id>/undo/<int:row_id>/", ONLY_POST, May(DECIDE_CASES, 302), ("run", "row")),
    *model("cases/attentionitem/", "item", sees=READ_EVIDENCE, page=ITEM),
    Row("cases/attentionitem/<path:object_id>/change/", May(READ_EVIDENCE), REFUSED, ("foreign",)),
    Row(SETTLE, May(WORK_CASES, but=(("ivy", 404),)), May(WORK_CASES, 302, but=(("ivy", 404),)), ("item",)),
    Row(SETTLE, May("agnes ivy adam"), May("agnes ivy adam", 302), ("foreign",)),
    # A task has no page: it is read on its case, and not found by whoever sees none.
    *model("cases/manualtask/", "task", sees=READ_CASES, page=both(May(READ_CASES, 302, others=404))),
    *model("cases/verificationrule/", "rule", sees=READ_TRAIL, changes=RUN_ACCOUNTS),
    *model("cases/caseimport/", "case_import", sees=READ_IMPORTS, adds=WORK_CASES),
    Row("cases/caseimport/template/", May(WORK_CASES), ONLY_GET),
    Row("cases/caseimport/<uuid:import_id>/progress/", May(READ_IMPORTS), ONLY_GET, ("case_import",)),
    Row("cases/caseimport/<uuid:import_id>/start/", ONLY_POST, May(WORK_CASES, 302), ("case_import",)),
    Row("cases/caseimport/<uuid:import_id>/failed/", ONLY_POST, May(WORK_CASES), ("case_import",)),
    Row("cases/caseimport/<uuid:import_id>/discard/", ONLY_POST, May(WORK_CASES, 302), ("unwanted",)),
    *model("cases/callbackdelivery/", "delivery", sees=READ_EVIDENCE),
    *model("cases/auditevent/", "event", sees=READ_TRAIL),
    Row("cases/auditevent/<int:event_id>/verify/", ONLY_POST, May(READ_TRAIL, 302), ("event",)),
    Row("cases/auditevent/verify/", ONLY_POST, May(READ_TRAIL, 302)),
    Row("cases/auditevent/export/", ONLY_POST, May(READ_TRAIL)),
    Row("cases/attentionitem/export/", ONLY_POST, May(READ_EVIDENCE)),
    Row("cases/manualtask/export/", ONLY_POST, May(READ_CASES)),
    Row("cases/callbackdelivery/export/", ONLY_POST, May(READ_EVIDENCE)),
    Row("integrations/processor/export/", ONLY_POST, May(READ_PROCESSORS)),
    Row("dsrportal/user/export/", ONLY_POST, May(READ_TRAIL)),
    Row("cases/auditevent/person/", May(READ_TRAIL), May(READ_TRAIL, 302)),
    Row("cases/auditevent/person/<int:case_id>/", May(READ_TRAIL), ONLY_GET, ("review",)),
    *model(
        "cases/intakesource/",
        "source",
        sees=READ_PROCESSORS,
        adds=RUN_PROCESSORS,
        changes=RUN_PROCESSORS,
    ),
    *model("integrations/signingcertificate/", "certificate", sees=READ_PROCESSORS),
    *model(
        "integrations/processor/",
        "processor",
        sees=READ_PROCESSORS,
        adds=RUN_PROCESSORS,
        changes=RUN_PROCESSORS,
    ),
    Row("integrations/processor/add/", *both(May(RUN_PROCESSORS)), query="?kind=mparticle"),
    *model("auth/group/", "agents", sees=READ_TRAIL, adds=RUN_ACCOUNTS, changes=RUN_ACCOUNTS),
    Row(ROLE, *both(May(RUN_ACCOUNTS)), ("own_role",)),
    *model("dsrportal/user/", "clerk", sees=READ_TRAIL, adds=RUN_ACCOUNTS, changes=RUN_ACCOUNTS),
    Row(PASSWORD, *both(May(RUN_ACCOUNTS)), ("clerk",)),
    # Nobody takes over rights they do not have.
    Row(USER, May(READ_TRAIL), REFUSED, ("owner",)),
    Row(PASSWORD, *both(REFUSED), ("owner",)),
)


# --- what the desk holds


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
        **_run(),
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


def _run() -> dict[str, Model]:
    """An approval of one case in bulk, done."""
    case, pia = builders.ready_case(), builders.actor("pia")
    run = bulk.start(Case.objects.filter(pk=case.pk), verb="approve", said={}, actor=pia)
    bulk_work.prepare_now(run)
    bulk.confirm(run, actor=pia)
    bulk_work.work(run.pk)
    return {"run": run, "row": run.rows.get()}


def saved_view(name: str, *, shared: bool) -> SavedView:
    return saved_views.save(actor=builders.actor(name), name="Soon", query="due=7", shared=shared)


def _holds() -> dict[str, Any]:
    processor = builders.processor(name="Shop")
    attention.open_item(
        AttentionKind.FOREIGN_CALLBACK,
        "A callback is not for us.",
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


@pytest.fixture(scope="module")
def desk(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Desk]:
    """Made once, in a transaction that is undone at the end; each request is undone by itself."""
    # A session in a cookie: three queries less for each of many requests.
    sessions = {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"}
    mail: dict[str, list[str]] = {"MAIL_MISSING": []}
    with django_db_blocker.unblock(), override_settings(**sessions, **mail), transaction.atomic():
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


# --- the matrix


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_everybody_gets_the_answer_of_their_role(desk: Desk, row: Row) -> None:
    address = desk.address(row)
    answers: dict[str, int] = {}
    expected: dict[str, int] = {}
    for method, may in (("get", row.get), ("post", row.post)):
        for name in (*ROLE_OF, VISITOR):
            answer, written = ask(desk, name, method, address)
            who = f"{method} by {name}"
            answers[who], expected[who] = answer.status_code, may.expects(name)
            if name == VISITOR and answer.status_code == 302:
                assert answer["Location"].startswith("/admin/login/") or row.pattern == "logout/"
            if method == "get" or answer.status_code >= 400:
                assert not written, f"{who} wrote to the audit trail"
    assert {who: status for who, status in answers.items() if status != expected[who]} == {}


# --- the table is whole


def patterns(resolved: Sequence[Any], prefix: str = "") -> Iterator[str]:
    for each in resolved:
        pattern = prefix + str(each.pattern)
        if hasattr(each, "url_patterns"):
            yield from patterns(each.url_patterns, pattern)
        else:
            yield pattern


def test_every_address_of_the_desk_has_a_row_and_every_row_an_address() -> None:
    assert {row.pattern for row in TABLE} == set(patterns(admin.site.get_urls()))


@pytest.mark.parametrize(
    ("said", "there"),
    [
        (ON_CASES, lambda: verbs.BY_NAME),
        (ON_MANY, lambda: bulk_verbs.BULK_BY_NAME),
        (ON_MANY, lambda: bulk_rules.RULES),
        (dict.fromkeys(ON_RUNS), lambda: bulk_run.ACTS),
        (ON_PROCESSORS, lambda: [verb.name for verb in processor_verbs.VERBS]),
        (ON_SOURCES, lambda: intake_source.VERBS),
        (ON_EVERYTHING, lambda: outgoing.VERBS),
    ],
    ids=["cases", "many cases", "their rules", "runs", "processors", "sources", "everything"],
)
def test_every_verb_has_a_row(said: dict[str, Any], there: Callable[[], Sequence[str]]) -> None:
    assert set(said) == set(there())


def test_every_role_is_asked() -> None:
    assert {role for role in ROLE_OF.values() if role} == set(ROLES)
    assert NOBODY in ROLE_OF.values()


# --- whatever it says can be said in another language


# What people, files and systems are called, laws, zones, and codes that are shown as such.
NAMES: Final = re.compile(
    r"""DSR[ -]\S+|\S*•\S*|\w+/\w+|\S+\.(?:org|com|example|csv|log)\b|https?://\S+|[0-9a-f-]{16,}
    |\b(?:agnes|pia|otto|ivy|adam|charlie|clerk|owner|night\ shift|Shop|Archive|archive|Website|Partner|Soon|Portal)\b
    |GDPR\ Art\ 12\(3\)|\b(?:UTC|GDPR|CCPA|Deutsch|English|SHA-256|HMAC|CSV|HTTP|localhost)\b
    |It\ is\ gone\.|A\ callback\ is\ not\ for\ us\.|Known\ again\.|[\d.]+\ UTC
    |\b(?:default|outgoing|results)\b(?=\s*(?:[,.]|$))|“pending”|^\s*pending\s*$|content-type|x-opendsr-signature
    |case:\d+(?:\ \#\d+\ case\.opened)?|(?:identities-)?(?:TOTAL|INITIAL)_FORMS
    |\b(?:pdf|png|jpg|jpeg|heic|txt|csv|eml|docx|xlsx)\b|\d+\ (?:calls|new\ requests)\ in\ \d+\ [sh]""",
    re.VERBOSE,
)
# Of an import, in the sentences about its columns.
CODES: Final = re.compile(
    rf"\b(?:{'|'.join((*IdentityType.values, *RequestType.values, *Regulation.values))})\b(?=\s*(?:[,.]|$))"
)


def who_gets(may: May, status: int) -> str:
    """Somebody who gets this answer: an administrator, where they do."""
    return next((name for name in ("adam", *ROLE_OF) if may.expects(name) == status), NOBODY)


def bare_texts(desk: Desk, row: Row) -> Iterator[str]:
    """What is not translated on the page, on the one that an empty form leads to, and of what is said after it."""
    for method, may, status in (("get", row.get, 200), ("post", row.post, 200), ("post", row.post, 302)):
        name = who_gets(may, status)
        if not name:
            continue
        answer = ask(desk, name, method, desk.address(row))[0]
        if status == 302:
            said: Any = get_messages(answer.wsgi_request)
            yield from (
                words for each in said._queued_messages for words in pseudo.bare(str(each), names=NAMES)
            )
        elif answer["Content-Type"].startswith("text/html"):
            yield from pseudo.bare(answer.content.decode(), names=NAMES)


def test_whatever_a_page_says_can_be_said_in_another_language(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudo.speak(monkeypatch)
    with transaction.atomic():
        User.objects.update(language="de")
        found = {
            str(row): [words for words in bare_texts(desk, row) if CODES.sub("", words).strip(":, .")]
            for row in TABLE
        }
        transaction.set_rollback(True)
    assert {row: words for row, words in found.items() if words} == {}


def test_a_text_that_is_not_marked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pseudo.speak(monkeypatch)
    with translation.override("de"):
        marked = Wording("Held: waits for %(other)s", other=Wording("Approve"))
        page = (
            f'<p title="Close">{marked} <b>{Wording("Held by %(name)s", name="somebody")}</b> Bare words</p>'
        )
    assert pseudo.bare(page, names=re.compile("^$")) == ["Close", "somebody", "Bare words"]
