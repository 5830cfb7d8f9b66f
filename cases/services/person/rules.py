"""Verification rules: one for each type and regulation, kept by administrators."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from cases.actor import Actor
from cases.lifecycle import UNVERIFIED_TYPES
from cases.models import Action, Case, VerificationMethod, VerificationRule
from cases.models.verification import MOST_DATA_POINTS, MOST_LINK_DAYS
from cases.services import audit
from cases.services.exclusion import Exclusion
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence

FORBIDDEN: Final = Exclusion("no_verification", Q(type__in=sorted(UNVERIFIED_TYPES)))
FIELDS: Final = ("methods", "data_points", "declaration", "link_days")


def rule_for(case: Case) -> VerificationRule:
    """The rule of a case. Raises Refused for a type that nobody may be verified for."""
    if forbidden(case):
        raise Refused(Sentence("Opt-outs need no verification. The law forbids asking for it."))
    return VerificationRule.objects.get(type=case.type, regulation=case.regulation)


def forbidden(case: Case) -> bool:
    """Whether the law forbids to ask who the person is (11 CCR 7026(d), 7060(b))."""
    return case.type in UNVERIFIED_TYPES


def state_of(rule: VerificationRule) -> str:
    """A word for all that a rule says: whoever changes it says which they had before them."""
    said = json.dumps([getattr(rule, name) for name in FIELDS])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def was_changed() -> Sentence:
    return Sentence("This changed since you opened the page. Review it and try again.")


def change(
    rule: VerificationRule,
    *,
    actor: Actor,
    methods: Sequence[str],
    data_points: int,
    declaration: bool,
    link_days: int,
    seen: str = "",
) -> VerificationRule:
    """Write a rule; what it was and what it is now go into the trail.

    Raises Refused for what makes no sense; Superseded where it is not as it was `seen`, in the word of `state_of`.
    """
    wished: dict[str, Any] = {
        "methods": [method for method in VerificationMethod.values if method in methods],
        "data_points": data_points,
        "declaration": declaration,
        "link_days": link_days,
    }
    if not wished["methods"]:
        raise Refused(Sentence("Allow at least one method. Otherwise these cases cannot continue."))
    if not 1 <= data_points <= MOST_DATA_POINTS or not 1 <= link_days <= MOST_LINK_DAYS:
        raise Refused(Sentence("Enter numbers within the limits."))
    with transaction.atomic():
        locked = VerificationRule.objects.select_for_update().get(pk=rule.pk)
        if seen and seen != state_of(locked):
            raise Superseded(was_changed())
        before: dict[str, Any] = {name: getattr(locked, name) for name in FIELDS}
        changed = [name for name in FIELDS if wished[name] != before[name]]
        for name in changed:
            setattr(locked, name, wished[name])
        if changed:
            locked.save(update_fields=changed)
            audit.record(
                Action.VERIFICATION_RULE_CHANGED,
                actor=actor,
                details={
                    "type": locked.type,
                    "regulation": locked.regulation,
                    "fields": changed,
                    **{f"{name}_from": before[name] for name in changed},
                    **{f"{name}_to": wished[name] for name in changed},
                },
            )
        return locked
