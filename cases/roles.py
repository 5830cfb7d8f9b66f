"""Roles and their permissions: roles are groups, and this table is what each of them always has."""

from typing import Any, Final

from django.apps.registry import Apps
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from cases.actor import Actor, Source
from cases.services import users

# Everything on a case's page, identities masked.
_READ_CASES = (
    "cases.view_case",
    "cases.view_processorrequest",
    "cases.view_forwardingextension",
    "cases.view_resultpackage",
    "cases.view_clock",
    "cases.view_attentionitem",
    "cases.view_callbackdelivery",
    "cases.view_skippedprocessor",
    "cases.view_profilesearch",
    "cases.view_manualtask",
    "cases.view_bulkrun",
    # That a file is there, and what it is called.
    "cases.view_attachment",
)
_READ_IMPORTS = ("cases.view_caseimport",)
_RUN_IMPORTS = ("cases.view_caseimport", "cases.add_caseimport")
_WORK_CASES = (
    "cases.add_case",
    "cases.verify_case",
    "cases.plan_case",
    "cases.assign_case",
    "cases.search_case",
    "cases.withdraw_case",
    "cases.cancel_case",
    "cases.refresh_case",
    "cases.close_case",
    "cases.reveal_identity",
    "cases.download_package",
    "cases.export_case",
    "cases.resolve_attentionitem",
    "cases.attest_manualtask",
    "cases.assign_manualtask",
    "cases.add_savedview",
    "cases.add_note",
    "cases.add_attachment",
    "cases.download_attachment",
)
# Whoever approves exactly these identities must be able to see them.
_DECIDE_CASES = (
    "cases.approve_case",
    "cases.assign_case",
    "cases.search_case",
    # An erasure that goes before the person has seen their data is as final as an approval.
    "cases.release_case",
    "cases.cancel_case",
    "cases.close_case",
    "cases.reopen_case",
    "cases.export_case",
    "cases.reveal_identity",
    "cases.add_savedview",
    "cases.share_savedview",
    "cases.add_note",
    "cases.add_attachment",
    # A proof that a decision rests on.
    "cases.download_attachment",
)
_READ_TRAIL = (
    "cases.view_auditevent",
    "cases.view_intakesource",
    "integrations.view_processor",
    "integrations.view_signingcertificate",
)
_RUN_PROCESSORS = (
    "integrations.view_processor",
    "integrations.add_processor",
    "integrations.change_processor",
    "integrations.pause_processor",
    "integrations.pause_outgoing",
    "integrations.test_processor",
    "integrations.view_signingcertificate",
    # Of attention items, without `view_case`, those about processors; callbacks carry no identities.
    "cases.view_attentionitem",
    "cases.resolve_attentionitem",
    "cases.view_callbackdelivery",
    "cases.view_jobs",
    "cases.requeue_jobs",
    "cases.view_intakesource",
    "cases.add_intakesource",
    "cases.change_intakesource",
)
# How people are verified is the house's law, no agent's choice.
_RULE_VERIFICATION = ("cases.view_verificationrule", "cases.change_verificationrule")
_RUN_ACCOUNTS = (
    "dsrportal.view_user",
    "dsrportal.add_user",
    "dsrportal.change_user",
    "auth.view_group",
    "auth.add_group",
    "auth.change_group",
    "auth.delete_group",
)

# No role can approve alone what it opened: for erasure and correction the database wants a second person.
ROLES: Final[dict[str, tuple[str, ...]]] = {
    "agent": _READ_CASES + _WORK_CASES + _RUN_IMPORTS,
    "approver": _READ_CASES + _DECIDE_CASES,
    "auditor": (
        *_READ_CASES,
        *_READ_IMPORTS,
        "cases.export_case",
        *_READ_TRAIL,
        "cases.view_verificationrule",
        "cases.view_jobs",
        "dsrportal.view_user",
        "auth.view_group",
    ),
    "integration manager": _RUN_PROCESSORS,
    "administrator": tuple(
        sorted(
            {
                *_READ_CASES,
                *_WORK_CASES,
                *_DECIDE_CASES,
                *_READ_TRAIL,
                *_RULE_VERIFICATION,
                *_RUN_IMPORTS,
                *_RUN_PROCESSORS,
                *_RUN_ACCOUNTS,
            }
        )
    ),
}


# Everything that a role may be given: what no role has has no page either.
GIVEN: Final[frozenset[str]] = frozenset(name for has in ROLES.values() for name in has)


def always_has(role: str) -> frozenset[str]:
    """What a role of the table cannot lose, as `app.codename`; nothing for a role that someone made."""
    return frozenset(ROLES.get(role, ()))


def make_roles(apps: Apps, using: str = "default", **_kwargs: Any) -> None:
    """After each migration: make what is missing. What an administrator gave a role besides stays."""
    try:
        apps.get_model("auth", "Permission")
        apps.get_model("cases", "AuditEvent")
    except LookupError:
        return
    with transaction.atomic(using=using):
        for role, wanted in ROLES.items():
            _make(role, wanted, using)


def _make(role: str, wanted: tuple[str, ...], using: str) -> None:
    group, created = Group.objects.using(using).get_or_create(name=role)
    has = set(users.names_of(group.permissions.all()))
    missing = [
        permission
        for permission in Permission.objects.using(using).select_related("content_type")
        if (name := users.name_of(permission)) in wanted and name not in has
    ]
    group.permissions.add(*missing)
    if missing and not created:
        users.role_changed(
            role, actor=Actor(Source.COMMAND), added=users.names_of(missing), removed=[], reason="upgraded"
        )
