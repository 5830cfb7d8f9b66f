"""Leanplum, as the shared cases of all connectors want it told."""

from typing import Any

from integrations.connector import Capability
from integrations.errors import Rejected
from tests.integrations import connector_cases as cases
from tests.integrations.connector_cases import CUSTOMER, EMAIL, Call, Described, Step, as_json
from tests.integrations.odd_server import answer

USER = {
    "success": True,
    "userId": CUSTOMER.value,
    "created": 1.43935302887e9,
    "lastActive": 1.446709787966e9,
    "totalSessions": 12,
    "userAttributes": {"email_address": EMAIL.value, "is_tipping": "True", "plan": "gold"},
    "events": {"purchase": {"count": 91, "firstTime": 1.44e9, "lastTime": 1.45e9}},
    "states": {},
    "devices": [{"deviceId": None}],
    "unsubscribeChannels": [],
}
SUCCESS = {"success": True}
NOT_FOUND = {"success": True, "warning": {"message": "User not found; request skipped."}}
ODD_WARNING = {"success": True, "warning": {"message": f"{CUSTOMER.value} is somewhat purple."}}


def says(*replies: dict[str, Any], status: int = 200) -> bytes:
    return as_json({"response": list(replies)}, status)


WRONG_KEY = {"success": False, "error": {"message": "Invalid access key"}}
REFUSED = (
    says(WRONG_KEY, status=403),
    says(WRONG_KEY, status=400),
    says(WRONG_KEY),
    says({"success": True, "error": {"message": "Invalid access key."}}),
    answer(401),
    answer(403, b"<html>Forbidden</html>"),
)
GARBAGE = (
    *cases.GARBAGE,
    b'{"response": []}',
    b'{"response": null}',
    b'{"response": {"success": true}}',
    b'{"response": [{"success": true}, {"success": true}]}',
    b'{"response": [null]}',
    b'{"response": [{}]}',
    b'{"response": [{"success": "true"}]}',
    b'{"response": [{"success": false}]}',
)
# An export that names no user was not one.
NO_EXPORT = (
    *GARBAGE,
    b'{"response": [{"success": true}]}',
    b'{"response": [{"success": true, "userId": null}]}',
)
CHANGE = (Step(says(SUCCESS), REFUSED, GARBAGE),)
EXPORT = (Step(says(USER), REFUSED, NO_EXPORT),)
UNKNOWN = (says(ODD_WARNING), Rejected)


def _fields(url: str) -> dict[str, Any]:
    return {
        "base_url": f"{url}/leanplum/api",
        "options": {
            "user_id_type": "controller_customer_id",
            "opt_out_attribute": "opted_out",
            "attributes": "email = email_address",
        },
    }


def _word(report: Any) -> object:
    return str(report.status), str(report.answer)


def _erasure(policy: str, status: str, answer: str) -> Call:
    return Call(
        f"erasure-{policy}",
        Capability.ERASURE,
        lambda connector: connector.submit(cases.request("erasure", CUSTOMER)),
        CHANGE,
        _word,
        (status, answer),
        options={"erasure_policy": policy},
        unknown=UNKNOWN,
    )


DESCRIBED = Described(
    "leanplum",
    _fields,
    (
        Call(
            "access",
            Capability.ACCESS,
            lambda connector: connector.submit(cases.request("access", CUSTOMER)),
            EXPORT,
            _word,
            ("completed", ""),
            unknown=UNKNOWN,
        ),
        Call(
            "portability",
            Capability.PORTABILITY,
            lambda connector: connector.submit(cases.request("portability", CUSTOMER)),
            EXPORT,
            _word,
            ("completed", ""),
        ),
        _erasure("delete", "in_progress", ""),
        _erasure("block", "completed", "accepted"),
        _erasure("block_then_verify", "in_progress", ""),
        Call(
            "correction",
            Capability.CORRECTION,
            lambda connector: connector.submit(
                cases.request("correction", corrections=(cases.correction(),))
            ),
            CHANGE,
            _word,
            ("completed", "done"),
            unknown=UNKNOWN,
        ),
        Call(
            "opt-out",
            Capability.OPT_OUT,
            lambda connector: connector.submit(cases.request("opt_out", CUSTOMER)),
            CHANGE,
            _word,
            ("completed", "done"),
            unknown=UNKNOWN,
        ),
        Call(
            "report",
            Capability.REPORTS,
            lambda connector: connector.report(cases.inquiry("erasure", CUSTOMER)),
            EXPORT,
            _word,
            ("in_progress", ""),
            unknown=UNKNOWN,
        ),
        Call(
            "result",
            Capability.RESULTS,
            lambda connector: cases.fetched(connector, connector.processor.api_address),
            EXPORT,
            lambda raw: b'"purchase"' in raw,
            True,
            unknown=UNKNOWN,
        ),
        Call(
            "search",
            Capability.SEARCH,
            lambda connector: connector.search(cases.PERSON),
            EXPORT,
            lambda match: (match.found, match.matched),
            (True, ("controller_customer_id",)),
            unknown=UNKNOWN,
        ),
    ),
)
