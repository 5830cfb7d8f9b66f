"""A system worked by hand: nothing leaves, and its options say what it is asked for."""

import io
from datetime import timedelta

import pytest

from integrations.connector import Capability
from integrations.manual.connector import TYPES, Manual
from integrations.models import Processor
from integrations.types import Draft, Identity, RequestType
from tests.integrations import connector_cases as cases


def manual(**options: str) -> Manual:
    return Manual(Processor(kind="manual", name="Paper files", options=options, data_key_id=None))


def draft(request_type: str) -> Draft:
    return Draft(request_type, "gdpr", (Identity("email", "ada@example.com"),))


@pytest.mark.parametrize(
    ("chosen", "served"),
    [
        ("", set(RequestType.values)),
        ("all", set(RequestType.values)),
        ("erasure", {"erasure"}),
        ("access", {"access", "portability"}),
        ("erasure_access", {"erasure", "access", "portability"}),
    ],
)
def test_it_is_asked_for_the_types_that_were_chosen(chosen: str, served: set[str]) -> None:
    cannot = {each: manual(types=chosen).cannot(draft(each)) for each in RequestType.values}
    assert {each for each, sentence in cannot.items() if not sentence} == served
    assert all("Paper files" in sentence.english for sentence in cannot.values() if sentence)


def test_each_choice_stands_for_types() -> None:
    [option] = [option for option in Manual.options if option.name == "types"]
    assert {value for value, _ in option.choices} == set(TYPES)


@pytest.mark.parametrize(("chosen", "on_demand"), [("", False), ("always", False), ("on_demand", True)])
def test_it_may_wait_until_somebody_asks(chosen: str, on_demand: bool) -> None:
    assert manual(when=chosen).on_demand is on_demand


@pytest.mark.parametrize("request_type", RequestType.values)
def test_a_request_begins_and_people_end_it(request_type: str) -> None:
    report = manual().submit(cases.request(request_type))
    assert (str(report.status), report.raw_status, report.answer) == ("in_progress", "by hand", "")
    assert (report.request_id, report.partners) == (cases.REQUEST_ID, None)
    assert manual().repeats_safely(request_type)


def test_all_that_was_given_stays_together() -> None:
    given = draft("erasure")
    assert manual().split(given) == [given.identities]
    assert (manual().check(given), manual().warn(given)) == ([], [])


def test_nothing_is_asked_of_it_over_a_network() -> None:
    assert Capability.BY_HAND in Manual.capabilities
    assert not Manual.capabilities & {
        Capability.SEARCH,
        Capability.REPORTS,
        Capability.RESULTS,
        Capability.CANCEL,
    }
    assert Manual.secrets == ()
    [check] = manual().test_connection()
    assert (check.works, check.key_field) == (True, "")
    assert "nothing to test" in check.sentence.english


def test_it_never_waits_for_a_budget() -> None:
    limit = manual().budget().calls
    assert limit.count / limit.seconds > 10_000
    assert manual().budget().new_requests == ()


def test_a_task_takes_a_day_in_a_forecast() -> None:
    assert manual().longest("erasure", skip_waiting_period=False) == timedelta(days=1)


def test_a_file_is_kept_as_it_came() -> None:
    summary = manual().summarise(io.BytesIO(b"a scan"), submitted=[])
    assert (summary.doubt, summary.fields) == ("", ())
