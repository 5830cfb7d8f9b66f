"""A generic OpenDSR processor, as the shared cases of all connectors want it told."""

from typing import Any

from integrations.connector import Capability
from tests.integrations import connector_cases as cases
from tests.integrations.connector_cases import REQUEST_ID, Call, Described, Step, as_json
from tests.integrations.odd_server import answer

CREATED = {
    "expected_completion_time": "2026-03-15T00:00:00Z",
    "received_time": "2026-03-01T09:30:24.5568051Z",
    # The request again, identities and all.
    "encoded_request": "YWRhLmNhbmFyeUBleGFtcGxlLm9yZw==",
    "subject_request_id": str(REQUEST_ID),
    "controller_id": "4302",
}
STATUS = {**CREATED, "request_status": "in_progress", "results_url": None, "extensions": None}
# The refusal of a key may repeat what was sent; the status of a cancel is all that is read of its answer.
NOT_READ: tuple[bytes, ...] = ()
# An archive needs no more than its last record to be one.
ARCHIVE = b"PK\x05\x06" + bytes(18)


def _word(report: Any) -> object:
    return str(report.status), report.raw_status, report.request_id


def submission(request_type: str) -> Call:
    return Call(
        request_type,
        Capability(request_type),
        lambda connector: connector.submit(cases.request(request_type)),
        (Step(as_json(CREATED, 201)),),
        _word,
        ("pending", "pending", REQUEST_ID),
    )


REPORT = Call(
    "report",
    Capability.REPORTS,
    lambda connector: connector.report(cases.inquiry("erasure")),
    (Step(as_json(STATUS)),),
    _word,
    ("in_progress", "in_progress", REQUEST_ID),
    unknown=(
        as_json({**STATUS, "request_status": "purring"}),
        ("unrecognised", "purring", REQUEST_ID),
    ),
)
CANCEL = Call(
    "cancel",
    Capability.CANCEL,
    lambda connector: connector.cancel(REQUEST_ID),
    (Step(answer(202), garbage=NOT_READ),),
    lambda nothing: nothing,
    None,
)


def result(body: bytes, garbage: tuple[bytes, ...]) -> Call:
    """The format is the vendor's: only what is certainly no result is garbage."""
    return Call(
        "result",
        Capability.RESULTS,
        lambda connector: cases.fetched(connector, f"{connector.processor.api_address}/results/1"),
        (Step(answer(200, body), garbage=garbage),),
        lambda raw: raw,
        body,
    )


def _fields(url: str) -> dict[str, Any]:
    return {"base_url": f"{url}/v3", "processor_domain": "dsr.vendor.example"}


DESCRIBED = Described(
    "opendsr",
    _fields,
    (
        submission("access"),
        submission("portability"),
        submission("erasure"),
        REPORT,
        CANCEL,
        result(b'{"held": "much"}', NOT_READ),
    ),
)
