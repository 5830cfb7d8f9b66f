"""The tables of statuses: what may follow what, and what follows from what."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.lifecycle import (
    CASE_MOVES,
    FINISHED,
    REPORTED_MOVES,
    REQUEST_MOVES,
    WHOSE_TURN,
    Answer,
    CaseStatus,
    Outcome,
    RequestState,
    RequestStatus,
    derive_outcome,
    derive_status,
)

ORDER = [RequestStatus.QUEUED, RequestStatus.PENDING, RequestStatus.IN_PROGRESS, RequestStatus.COMPLETED]
states = st.builds(
    RequestState,
    status=st.sampled_from(RequestStatus.values),
    answer=st.sampled_from(["", *Answer.values]),
    result_missing=st.booleans(),
    partners_unanswered=st.booleans(),
)


def test_every_status_has_its_row_and_says_whose_turn_it_is() -> None:
    assert set(CASE_MOVES) == set(CaseStatus) == set(WHOSE_TURN)
    assert set(REQUEST_MOVES) == set(RequestStatus) == set(REPORTED_MOVES)


@pytest.mark.parametrize(("earlier", "later"), list(itertools.combinations(ORDER, 2)))
def test_a_word_from_outside_moves_forward_by_any_step_and_never_back(earlier: str, later: str) -> None:
    assert later in REPORTED_MOVES[earlier]
    assert earlier not in REPORTED_MOVES[later]


def test_nothing_moves_a_request_that_was_answered() -> None:
    for status in FINISHED:
        assert not REPORTED_MOVES[status]
        assert not REQUEST_MOVES[status]


def test_a_word_from_outside_overrides_our_opinion_that_it_failed() -> None:
    assert REPORTED_MOVES[RequestStatus.FAILED] == REPORTED_MOVES[RequestStatus.QUEUED]
    assert REQUEST_MOVES[RequestStatus.FAILED] == {RequestStatus.QUEUED, RequestStatus.CANCELLED}


@given(st.lists(states), st.booleans())
def test_a_case_is_in_review_only_when_all_answers_are_in(
    requests: list[RequestState], attention: bool
) -> None:
    status = derive_status(requests, open_attention=attention)
    finished = all(state.status in FINISHED and not state.result_missing for state in requests)
    if status == CaseStatus.REVIEW:
        assert finished
        assert not attention
    assert (status == CaseStatus.ATTENTION) == (
        attention or any(state.status == RequestStatus.FAILED for state in requests)
    )


@given(st.lists(states))
def test_nothing_undone_is_ever_called_fulfilled(requests: list[RequestState]) -> None:
    if derive_outcome(requests) == Outcome.FULFILLED:
        assert all(state.status == RequestStatus.COMPLETED for state in requests)
        assert {state.answer for state in requests} & {Answer.DONE, Answer.ACCEPTED}
        assert Answer.REFUSED not in {state.answer for state in requests}
        assert "" not in {state.answer for state in requests}
        assert not any(state.partners_unanswered for state in requests)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["done"], Outcome.FULFILLED),
        (["done", "no_data_held"], Outcome.FULFILLED),
        (["done", "not_applicable"], Outcome.FULFILLED),
        (["no_data_held", "no_data_held"], Outcome.NO_DATA_HELD),
        (["done", "refused"], Outcome.PARTLY_FULFILLED),
        (["refused"], Outcome.DENIED),
        (["done", None], Outcome.PARTLY_FULFILLED),
        ([None], Outcome.DENIED),
    ],
)
def test_the_outcome_is_the_sum_of_the_answers(answers: list[str | None], outcome: str) -> None:
    requests = [
        RequestState(status=RequestStatus.CANCELLED)
        if answer is None
        else RequestState(status=RequestStatus.COMPLETED, answer=answer)
        for answer in answers
    ]
    assert derive_outcome(requests) == outcome


def test_a_partner_without_an_answer_keeps_a_case_from_being_fulfilled() -> None:
    done = RequestState(RequestStatus.COMPLETED, Answer.DONE)
    one_failed = RequestState(RequestStatus.COMPLETED, Answer.DONE, partners_unanswered=True)
    assert derive_outcome([done, one_failed]) == Outcome.PARTLY_FULFILLED
