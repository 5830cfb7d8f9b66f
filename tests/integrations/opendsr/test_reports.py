from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from dsrportal.strict_json import Malformed
from integrations.opendsr.reports import parse_timestamp, report_of
from integrations.types import ReportedStatus

ID = "a7551968-d5d6-44b2-9831-815ac9017798"
# As documented for GET, and with what real callbacks have besides.
DOCUMENT: dict[str, Any] = {
    "controller_id": "4302",
    "expected_completion_time": "2021-12-09T00:00:00Z",
    "subject_request_id": ID,
    "group_id": None,
    "request_status": "in_progress",
    "api_version": "3.0",
    "results_url": "https://opendsr.mparticle.com/v3/results/1",
    "extensions": None,
    "status_callback_url": "https://portal.example/x",
    "encoded_request": "YWRhQGV4YW1wbGUuY29t",
}


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2021-11-29T18:16:24.5568051Z", datetime(2021, 11, 29, 18, 16, 24, 556805, tzinfo=UTC)),
        ("2021-09-07T10:00:00.322652Z", datetime(2021, 9, 7, 10, 0, 0, 322652, tzinfo=UTC)),
        ("2018-05-31T16:27:28.679094", datetime(2018, 5, 31, 16, 27, 28, 679094, tzinfo=UTC)),
        ("2021-12-09T00:00:00Z", datetime(2021, 12, 9, tzinfo=UTC)),
        ("2021-12-09T00:00:00+02:00", datetime(2021, 12, 8, 22, tzinfo=UTC)),
        (" 2021-12-09T00:00:00Z\n", datetime(2021, 12, 9, tzinfo=UTC)),
        ("2021-12-09", datetime(2021, 12, 9, tzinfo=UTC)),
        (None, None),
        ("", None),
        ("soon", None),
        ("2021-13-40T00:00:00Z", None),
        ("0001-01-01T00:00:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        (1638144000, None),
        (True, None),
        ({}, None),
        ([], None),
    ],
)
def test_every_form_of_a_time(text: object, instant: datetime | None) -> None:
    found = parse_timestamp(text)
    assert found == instant
    assert found is None or found.tzinfo is UTC


def test_a_whole_answer() -> None:
    report = report_of(DOCUMENT)
    assert report.request_id == UUID(ID)
    assert (report.status, report.raw_status) == (ReportedStatus.IN_PROGRESS, "in_progress")
    assert report.account == "4302"
    assert report.expected_completion_at == datetime(2021, 12, 9, tzinfo=UTC)
    assert report.expected_completion_raw == "2021-12-09T00:00:00Z"
    assert report.results_url == "https://opendsr.mparticle.com/v3/results/1"
    assert report.partners is None


def test_the_encoded_request_is_nowhere_in_a_report() -> None:
    assert "YWRh" not in repr(report_of(DOCUMENT))


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"request_status": "cancelled"}, "status", ReportedStatus.CANCELLED),
        ({"request_status": "Completed"}, "status", ReportedStatus.COMPLETED),
        ({"request_status": "exploded"}, "status", ReportedStatus.UNRECOGNISED),
        ({"request_status": "exploded"}, "raw_status", "exploded"),
        ({"request_status": "x" * 500}, "raw_status", "x" * 64),
        ({"controller_id": 4302}, "account", "4302"),
        ({"controller_id": None}, "account", ""),
        ({"results_url": None}, "results_url", ""),
        ({"expected_completion_time": None}, "expected_completion_at", None),
        ({"expected_completion_time": "soon"}, "expected_completion_at", None),
        ({"expected_completion_time": "soon"}, "expected_completion_raw", "soon"),
        ({"subject_request_id": ID.upper()}, "request_id", UUID(ID)),
    ],
)
def test_a_variation(changes: dict[str, Any], field: str, value: object) -> None:
    assert getattr(report_of({**DOCUMENT, **changes}), field) == value


def test_a_create_answer_has_no_status_and_means_pending() -> None:
    document = {key: value for key, value in DOCUMENT.items() if key != "request_status"}
    assert report_of(document, status="pending").status == ReportedStatus.PENDING
    assert report_of(DOCUMENT, status="pending").status == ReportedStatus.IN_PROGRESS


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"request_status": None}, "no_status"),
        ({"request_status": ""}, "no_status"),
        ({"request_status": 3}, "no_status"),
        ({"subject_request_id": None}, "no_request_id"),
        ({"subject_request_id": "0"}, "no_request_id"),
        ({"subject_request_id": 0}, "no_request_id"),
        ({"subject_request_id": ID.replace("-", "")}, "no_request_id"),
        ({"subject_request_id": "{" + ID + "}"}, "no_request_id"),
        ({"subject_request_id": ID + "\n"}, "no_request_id"),
        ({"controller_id": True}, "controller_id"),
        ({"controller_id": ["4302"]}, "controller_id"),
        ({"controller_id": "4" * 101}, "controller_id"),
        ({"results_url": {"url": "x"}}, "results_url"),
        ({"results_url": "https://x/" + "x" * 2000}, "results_url"),
    ],
)
def test_what_cannot_be_a_report(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(Malformed) as refusal:
        report_of({**DOCUMENT, **changes})
    assert refusal.value.problem == problem
