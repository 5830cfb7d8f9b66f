"""Leads from each address of the desk to the part of the manual that explains it: the “?” at the top of every page."""

from typing import Final

from django.http import HttpRequest

from cases.admin.help.pages import address

# A page of the manual, and one of its headings or none.
Target = tuple[str, str]

# Beginning of an address's name -> target; the longest that fits counts.
PLACES: Final[dict[str, Target]] = {
    "index": ("board", ""),
    "me": ("settings", ""),
    "password_change": ("settings", ""),
    "health": ("health", "checks"),
    "jobs": ("health", "jobs"),
    "cases_jobs": ("health", "jobs"),
    "cases_case_changelist": ("list", ""),
    "cases_case_search": ("list", "find"),
    "cases_case_export": ("list", "export"),
    "cases_savedview": ("list", "views"),
    "cases_case_add": ("opening", ""),
    "cases_case_": ("case", ""),
    "cases_case_duplicate": ("duplicates", ""),
    "cases_case_bulk": ("bulk", "steps"),
    "cases_bulkrun": ("bulk", "results"),
    "cases_attentionitem": ("attention", "items"),
    "cases_mention": ("attention", "mentions"),
    "cases_manualtask": ("tasks", ""),
    "cases_caseimport": ("imports", ""),
    "cases_auditevent": ("audit", ""),
    "cases_auditevent_person": ("audit", "access"),
    "cases_auditevent_verify": ("audit", "verify"),
    "cases_callbackdelivery": ("health", "callbacks"),
    "integrations_signingcertificate": ("health", "callbacks"),
    "cases_intakesource": ("sources", ""),
    "integrations_processor": ("processors", ""),
    "integrations_processor_verb": ("processors", "add"),
    "integrations_outgoing_verb": ("processors", "pause"),
    "dsrportal_user": ("accounts", "accounts"),
    "auth_user": ("accounts", "accounts"),
    "auth_group": ("accounts", "roles"),
    "cases_verificationrule": ("accounts", "rules"),
}

# Of what is done to a case, where its own page explains it better.
VERBS: Final[dict[str, Target]] = {
    "verify": ("verifying", ""),
    "resend-link": ("verifying", "links"),
    "cancel-link": ("verifying", "links"),
    "approve": ("approving", ""),
    "deny": ("approving", "deny"),
    "release": ("approving", "held"),
    "reopen": ("approving", "reopen"),
    "close": ("closing", "close"),
    "look": ("closing", "results"),
    "download": ("closing", "results"),
    "redact": ("closing", "results"),
    "refetch": ("closing", "results"),
    "again": ("closing", "erased"),
    "plan": ("case", "plan"),
    "search": ("case", "plan"),
    "identities": ("case", "identifiers"),
    "reveal": ("case", "identifiers"),
    "retry": ("case", "working"),
    "refresh": ("case", "working"),
    "cancel": ("case", "working"),
    "withdraw": ("case", "withdrawal"),
    "resolve": ("attention", "items"),
    "assign": ("tasks", "assign"),
    "attest": ("tasks", "do"),
    "by-hand": ("tasks", "partners"),
    "take": ("together", "take"),
    "hand": ("together", "take"),
    "defer": ("together", "take"),
    "tags": ("together", "take"),
    "note": ("together", "notes"),
    "reply": ("together", "notes"),
    "attach": ("together", "files"),
    "attachment": ("together", "files"),
}


def explanation(request: HttpRequest) -> str:
    """The address of the part of the manual that explains this page, or of its first page."""
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    verb = match.kwargs.get("verb", "") if match and name.startswith("cases_case_verb") else ""
    return address(*(VERBS.get(verb) or target(name)))


def target(name: str) -> Target:
    """The part that explains addresses of this name; two empty words where none does."""
    fitting = [known for known in PLACES if name.startswith(known)]
    return PLACES[max(fitting, key=len)] if fitting else ("", "")
