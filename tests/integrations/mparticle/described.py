"""mParticle, as the shared cases of all connectors want it told."""

from typing import Any

from integrations.connector import Capability
from integrations.mparticle import tokens
from tests.integrations import connector_cases as cases
from tests.integrations.connector_cases import GARBAGE, MPID, Call, Described, Step, as_json
from tests.integrations.odd_server import answer
from tests.integrations.opendsr import described as opendsr

FOUND = as_json({"context": None, "mpid": MPID.value, "matched_identities": {"email": cases.EMAIL.value}})
SEARCHED = Step(FOUND)
QUEUED = Step(answer(202), garbage=())
# That it is there and is JSON is all that is asked of this answer.
MODIFIED = Step(as_json({"change_results": []}), garbage=(b'{"cut": "sh', b"[]", b"<html></html>"))
TOKEN = Step(as_json({"access_token": "t0ken", "expires_in": 28800, "token_type": "Bearer"}))
WORKSPACES = Step(
    as_json({"data": [{"id": 4302, "name": "Shop"}, {"id": "77", "name": "Test"}], "errors": []}),
    # Refused once, it is taken for an expired token.
    refused=(answer(403),),
    garbage=tuple(body for body in GARBAGE if body != b"[]"),
)


def _fields(url: str) -> dict[str, Any]:
    return {
        "base_url": f"{url}/v3",
        "options": {
            "identity_url": f"{url}/identity/v1",
            "events_url": f"{url}/s2s/v2",
            "platform_url": f"{url}/platform/v1",
            "sso_url": f"{url}/sso",
            "oauth_account": "9",
        },
    }


def _answer(report: Any) -> object:
    return str(report.status), str(report.answer)


GROUP = Call(
    "group",
    Capability.GROUPS,
    lambda connector: connector.report_group("case-7"),
    # Nothing but a list is read; an empty one is a group that nobody knows.
    (Step(as_json([opendsr.STATUS]), garbage=tuple(body for body in GARBAGE if body != b"[]")),),
    lambda reports: [(str(each.status), each.raw_status) for each in reports],
    [("in_progress", "in_progress")],
    unknown=(as_json([{**opendsr.STATUS, "request_status": "purring"}]), [("unrecognised", "purring")]),
)
RESULT = opendsr.result(
    opendsr.ARCHIVE,
    (b"", b"PK\x03\x04 and no more"),
)
SEARCH = Call(
    "search",
    Capability.SEARCH,
    lambda connector: connector.search(cases.PERSON),
    (SEARCHED,),
    lambda match: (match.found, match.profile_id, match.matched),
    (True, MPID.value, ("email",)),
    unknown=(
        as_json({"mpid": MPID.value, "matched_identities": {"email": "x", "purr": "y"}}),
        (True, MPID.value, ("email",)),
    ),
)
OPT_OUT = Call(
    "opt-out",
    Capability.OPT_OUT,
    lambda connector: connector.submit(cases.request("opt_out")),
    (SEARCHED, QUEUED),
    _answer,
    ("completed", "accepted"),
)
CORRECTION = Call(
    "correction",
    Capability.CORRECTION,
    lambda connector: connector.submit(cases.request("correction", corrections=(cases.correction(),))),
    (SEARCHED, MODIFIED),
    _answer,
    ("completed", "done"),
)
LIST = Call(
    "workspaces",
    Capability.WORKSPACES,
    lambda connector: connector.list_workspaces(),
    (TOKEN, WORKSPACES),
    lambda found: [(each.id, each.name) for each in found],
    [("4302", "Shop"), ("77", "Test")],
)

DESCRIBED = Described(
    "mparticle",
    _fields,
    (
        *(opendsr.submission(each) for each in ("access", "portability", "erasure")),
        opendsr.REPORT,
        GROUP,
        opendsr.CANCEL,
        RESULT,
        SEARCH,
        OPT_OUT,
        CORRECTION,
        LIST,
    ),
    in_addresses=(MPID.value,),
    forget=tokens.forget,
)
