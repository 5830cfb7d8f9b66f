"""Whom each verb for many leaves out: exactly those cases that its service refuses, whatever stage they are at."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from cases.actor import Actor
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import BulkRow, BulkVerb, Case
from cases.services.bulk import rules
from cases.services.closing import closing
from cases.services.dispatch import cancellation
from cases.services.exclusion import Exclusion
from cases.services.person import verification
from cases.services.person.evidence import Evidence
from cases.services.planning import approval, planning
from cases.services.refusal import Refused
from cases.services.worklist import assigning
from integrations.types import Correction, Regulation, RequestType
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.cases.admin import stages
from tests.cases.admin.desk_users import account

KEYS: Final = ("workspace_key", "workspace_secret", "input_key", "input_secret")
# Of each verb what leaves nothing else to be refused. A document is taken for every type and law.
SAID: Final[dict[str, dict[str, Any]]] = {
    BulkVerb.VERIFY: {"method": "document_seen", "document": "passport"},
    BulkVerb.ASSIGN: {},
    BulkVerb.TAG: {"add": ["vip"]},
    BulkVerb.APPROVE: {},
    BulkVerb.DENY: {"reason": "legal_obligation"},
    BulkVerb.CANCEL: {},
    BulkVerb.CLOSE: {"lesser": True},
}
PEOPLE: Final = ("agnes", "pia", "vera")


def of_type(make: Callable[..., Case], type: str, regulation: str) -> Case:
    if type == RequestType.CORRECTION:
        old = "Ada.Lovelace@Example.org"
        return make(
            type=type, regulation=regulation, corrections=[Correction("email", old, "ada@example.org")]
        )
    if (type, regulation) == (RequestType.OPT_OUT, Regulation.GDPR):
        return make(type=type, regulation=regulation, purposes=["advertising"])
    return make(type=type, regulation=regulation)


def added_since() -> Case:
    """Ready, and with an identity that somebody else brought in afterwards."""
    case = ready_case()
    stages.give(case, "new@example.org", by="vera")
    return case


def added_and_verified() -> Case:
    seen = Evidence(document="passport")
    return verification.record(added_since(), actor=actor("vera"), method="document_seen", evidence=seen)


def assigned(to: str) -> Case:
    return assigning.assign(open_case(), actor=actor("pia"), assignee=actor(to).user, seen=None)


def cancel_asked() -> Case:
    case = stages.moved(RequestStatus.PENDING)
    cancellation.cancel(case, actor=actor("agnes"))
    return case


def cancelled() -> Case:
    case = approved_case()
    cancellation.cancel(case, actor=actor("agnes"))
    return case


STAGES: Final[dict[str, Callable[[], Case]]] = {
    "linked": stages.linked,
    "held": stages.held,
    "with an item": stages.with_item,
    "with a failed partner": stages.with_failed_partner,
    "reappeared": stages.reappeared,
    "in review": stages.in_review,
    "no data held": lambda: stages.answered("no_data_held"),
    "refused": lambda: stages.answered("refused"),
    "failed": stages.failed,
    "pending": lambda: stages.moved(RequestStatus.PENDING),
    "in progress": lambda: stages.moved(RequestStatus.IN_PROGRESS),
    "cancel asked": cancel_asked,
    "cancelled": cancelled,
    "denied": stages.denied,
    "withdrawn": lambda: closing.withdraw(open_case(), actor=actor("agnes")),
    "closed": lambda: closing.close(stages.in_review(), actor=actor("agnes"), outcome="fulfilled"),
    "reopened": lambda: closing.reopen(stages.denied(), actor=actor("pia"), reason="closed_by_mistake"),
    "added since": added_since,
    "added and verified": added_and_verified,
    "opened by pia": lambda: ready_case(by="pia"),
    "agnes’s": lambda: assigned("agnes"),
    "vera’s": lambda: assigned("vera"),
    **{
        f"{name} {type} {regulation}": partial(of_type, make, type, regulation)
        for type in RequestType.values
        for regulation in Regulation.values
        for name, make in (("opened", open_case), ("ready", ready_case), ("approved", approved_case))
        # An opt-out is neither verified nor approved.
        if type != RequestType.OPT_OUT or make is open_case
    },
    # The last, since it brings a second processor.
    "with a task": stages.with_task,
}


@pytest.fixture(scope="module")
def cases(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Case]]:
    """One at each stage, made once; whatever is done to them is undone by itself."""
    with django_db_blocker.unblock(), transaction.atomic():
        processor(name="Shop", credentials=dict.fromkeys(KEYS, "k"))
        for name in ("agnes", "pia"):
            account(name)
        actor("vera")
        yield {name: make() for name, make in STAGES.items()}
        transaction.set_rollback(True)


def left_out(cases: dict[str, Case], exclusions: Iterable[Exclusion]) -> set[str]:
    keys = {
        key for each in exclusions for key in Case.objects.filter(each.cases).values_list("pk", flat=True)
    }
    return {name for name, case in cases.items() if case.pk in keys}


def refused(verb: str, case: Case, who: Actor, said: dict[str, Any]) -> bool:
    """Whether the verb's service says no; what it did otherwise is undone."""
    row = BulkRow(case=case, digest=planning.digest(case))
    with transaction.atomic():
        try:
            rules.RULES[verb].call(Case.objects.get(pk=case.pk), who, said, row)
        except Refused:
            return True
        finally:
            transaction.set_rollback(True)
    return False


# Who does it counts for an approval alone.
@pytest.mark.parametrize(
    ("verb", "name"),
    [
        *((verb, "pia") for verb in BulkVerb.values if verb != BulkVerb.APPROVE),
        *((BulkVerb.APPROVE, name) for name in PEOPLE),
    ],
)
def test_left_out_is_exactly_what_the_service_refuses(cases: dict[str, Case], verb: str, name: str) -> None:
    who, said = actor(name), SAID[verb]
    exclusions = [each for each in rules.RULES[verb].left_out(who, said) if each.refused]
    told = {name for name, case in cases.items() if refused(verb, case, who, said)}
    assert left_out(cases, exclusions) == told
    assert 0 < len(told) < len(cases)


@pytest.mark.parametrize("verb", BulkVerb.values)
def test_what_the_service_would_take_is_left_out_for_a_reason_of_its_own(
    cases: dict[str, Case], verb: str
) -> None:
    who = actor("agnes")
    said = {**SAID[verb], **({"assignee": who.user_id} if verb == BulkVerb.ASSIGN else {})}
    exclusions = rules.RULES[verb].left_out(who, said)
    own = left_out(cases, [each for each in exclusions if not each.refused])
    own -= left_out(cases, [each for each in exclusions if each.refused])
    assert own == {
        # Assigned to her already.
        BulkVerb.ASSIGN: {"agnes’s"},
        # Who else was shown is for each case to say.
        BulkVerb.VERIFY: {"added since"},
    }.get(BulkVerb(verb), set())


@pytest.mark.parametrize("name", PEOPLE)
def test_those_that_somebody_can_approve_are_all_the_others(cases: dict[str, Case], name: str) -> None:
    who = actor(name)
    mine = set(Case.objects.filter(approval.approvable_by(who.user_id)).values_list("pk", flat=True))
    others = left_out(cases, approval.not_approvable_by(who.user_id))
    assert {name for name, case in cases.items() if case.pk in mine} == set(cases) - others


def test_every_stage_is_there(cases: dict[str, Case]) -> None:
    assert set(Case.objects.values_list("status", flat=True)) == set(CaseStatus.values)
