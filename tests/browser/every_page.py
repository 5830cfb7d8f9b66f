"""Every main page of the desk by name, each with something on it."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from cases.models import AuditEvent, BulkRun, Case, CaseImport, SavedView
from cases.services import notes
from cases.services.bulk import runs as bulk_runs
from cases.services.bulk import work as bulk_work
from cases.services.worklist import saved_views
from dsrportal.models import User
from integrations.models import Processor
from tests.browser.working_day import Office
from tests.builders import actor, ready_case
from tests.cases.admin import stages
from tests.cases.files import BROKEN, ROW, checked, imported, people, started
from tests.cases.intake_api import form

Pages = dict[str, str]


def furnished(office: Office) -> Pages:
    """The addresses, as an administrator sees them. What needs a single processor comes before the second is there."""
    return {**_lists(), **_cases(office), **_many(), **_trail(office), **_house()}


def _at(name: str, *parts: object) -> str:
    return reverse(f"admin:{name}", args=parts)


def _case(case: Case, verb: str = "") -> str:
    return _at("cases_case_verb", case.pk, verb) if verb else _at("cases_case_change", case.pk)


def _lists() -> Pages:
    saved_views.save(actor=actor("adam"), name="Soon", query="due=7", shared=True)
    cases = _at("cases_case_changelist")
    return {
        "board": _at("index"),
        "list of cases": cases,
        "list of cases, narrowed": f"{cases}?due=7&regulation__exact=gdpr",
        "list of cases, empty": f"{cases}?tag=nothing",
        "view": _at("cases_savedview_change", SavedView.objects.get().pk),
        "export": _at("cases_case_export"),
        "open a case": _at("cases_case_add"),
        "attention": _at("cases_attentionitem_changelist"),
        "mentions": _at("cases_mention_changelist"),
        "tasks": _at("cases_manualtask_changelist"),
        "imports": _at("cases_caseimport_changelist"),
        "bulk runs": _at("cases_bulkrun_changelist"),
    }


def _cases(office: Office) -> Pages:
    first, second = (ready_case(identities=[("email", "twice@example.org")]) for _each in range(2))
    partner, rich = stages.with_failed_partner(), stages.with_item()
    asked = notes.add(rich, "Is this the one, @adam?", actor=actor("agnes")).note
    notes.add(rich, "I think it is.", actor=actor("pia"), parent=asked)
    stages.attach(rich)
    cases = office.cases
    return {
        "case in intake": _case(cases["with_note"]),
        "case that is ready": _case(cases["seen"]),
        "case that is held": _case(cases["held"]),
        "case that needs attention": _case(rich),
        "case with partners": _case(partner),
        "case in review": _case(cases["answered"]),
        "possible duplicate": _case(second),
        "side by side": _at("cases_case_duplicate", second.pk, first.pk),
        "verify": _case(cases["with_note"], "verify"),
        "approve": _case(cases["bulk_one"], "approve"),
        "change the plan": _case(cases["bulk_one"], "plan"),
        "change identities": _case(cases["bulk_one"], "identities"),
        "reveal": _case(cases["bulk_one"], "reveal"),
        "close": _case(cases["answered"], "close"),
    }


def _many() -> Pages:
    previewed = _run("approve", text="")
    going_on = bulk_runs.begin(_run("tag", add=["autumn"], remove=[]), actor=actor("adam"))
    done = bulk_runs.begin(_run("approve", text=""), actor=actor("adam"))
    bulk_work.work(done.pk)
    return {
        "bulk run, previewed": _of_run(previewed),
        "bulk run, going on": _of_run(going_on),
        "bulk run, done": _of_run(done),
        "import, upload": _at("cases_caseimport_add"),
        "import, checked": _of_import(checked(ROW, BROKEN)),
        "import, going on": _of_import(started(*people(2))),
        "import, done": _of_import(imported({**ROW, "email": "imported@example.org"}, BROKEN)),
    }


def _run(verb: str, **said: Any) -> BulkRun:
    """Of cases that are ready, and of one that is not."""
    cases = Case.objects.filter(status__in=["ready", "intake"]).order_by("-status", "pk")
    made = bulk_runs.start(cases[:6], verb=verb, said=said, actor=actor("adam"))
    bulk_work.prepare_now(made)
    return made


def _of_run(run: BulkRun) -> str:
    return _at("cases_bulkrun_change", run.pk)


def _of_import(made: CaseImport) -> str:
    return _at("cases_caseimport_change", made.pk)


def _trail(office: Office) -> Pages:
    trail = _at("cases_auditevent_changelist")
    changed = AuditEvent.objects.filter(action="processor.changed").latest("pk")
    return {
        "audit trail": trail,
        "audit trail, narrowed": f"{trail}?who=agnes",
        "audit trail, misunderstood": f"{trail}?address=nowhere",
        "event with differences": _at("cases_auditevent_change", changed.pk),
        "who saw this person": _at("cases_auditevent_person_of_case", office.cases["seen"].pk),
    }


def _house() -> Pages:
    tasked, website = stages.with_task(), form().source
    shop = Processor.objects.get(name="Shop (EU)")
    agnes = User.objects.get(username="agnes")
    return {
        "case with a task": _case(tasked),
        "attest": _at("cases_case_verb_on", tasked.pk, "attest", _task(tasked)),
        "processors": _at("integrations_processor_changelist"),
        "kinds of processors": _at("integrations_processor_add"),
        "new processor": f"{_at('integrations_processor_add')}?kind=mparticle",
        "processor": _at("integrations_processor_change", shop.pk),
        "pause": _at("integrations_outgoing_verb", "pause"),
        "callbacks": _at("cases_callbackdelivery_changelist"),
        "intake sources": _at("cases_intakesource_changelist"),
        "intake source": _at("cases_intakesource_change", website.pk),
        "jobs": _at("jobs"),
        "health": _at("health"),
        "users": _at("dsrportal_user_changelist"),
        "user": _at("dsrportal_user_change", agnes.pk),
        "roles": _at("auth_group_changelist"),
        "role": _at("auth_group_change", agnes.groups.get().pk),
        "verification rules": _at("cases_verificationrule_changelist"),
        "my settings": _at("me"),
        "manual": _at("help"),
        "page of the manual": _at("help_page", "verifying"),
        "change password": _at("password_change"),
        "not found": "/admin/nothing/here/",
    }


def _task(case: Case) -> str:
    return str(case.requests.get(task__isnull=False).task.pk)


def only(pages: Mapping[str, str], *names: str) -> Pages:
    return {name: pages[name] for name in names}
