"""The limits that the sandbox keeps, over sliding windows, and what it says of them."""

from tests.sandbox import Sandbox

from .bodies import a_request, create


def test_a_window_of_calls_is_kept_and_stated(sandbox: Sandbox) -> None:
    sandbox.switches(call_window={"limit": 4, "seconds": 60})
    answers = [sandbox.call("GET", "/v3/requests/0") for _ in range(4)]
    # What is said is true of every answer, a refusal included.
    assert [(status, headers["x-mp-rate-limit-percentage-used"]) for status, headers, _ in answers] == [
        (404, "25"), (404, "50"), (404, "75"), (404, "100")
    ]  # fmt: skip
    status, headers, _ = sandbox.call("GET", "/v3/requests?group_id=x")
    assert status == 429
    assert 1 <= int(headers["retry-after"]) <= 60
    assert headers["x-mp-rate-limit-exceeded"] == "workspace"
    assert headers["x-mp-rate-limit-percentage-used"] == "100"
    status, headers, _ = sandbox.call("GET", "/v3/requests?group_id=x", workspace=1)
    assert status == 200
    assert headers["x-mp-rate-limit-percentage-used"] == "25"


def test_new_requests_count_where_they_are_accepted(sandbox: Sandbox) -> None:
    sandbox.switches(new_request_windows=[{"limit": 2, "seconds": 60}, {"limit": 100, "seconds": 90}])
    first = create(sandbox)
    again = a_request(subject_request_id=first)
    assert sandbox.call("POST", "/v3/requests", again)[0] == 400
    create(sandbox)
    status, headers, _ = sandbox.call("POST", "/v3/requests", a_request())
    assert (status, headers["x-mp-rate-limit-exceeded"]) == (429, "workspace")
    assert headers["x-mp-rate-limit-percentage-used"] == "100"
    # Calls of other kinds go on.
    assert sandbox.call("GET", f"/v3/requests/{first}")[0] == 200
    assert len(sandbox.state()["requests"]) == 2


def test_who_speeds_up_too_quickly_is_refused_for_that(sandbox: Sandbox) -> None:
    sandbox.switches(
        call_window={"limit": 100, "seconds": 60}, acceleration_window={"limit": 3, "seconds": 30}
    )
    answers = [sandbox.call("GET", "/v3/requests/0") for _ in range(4)]
    assert [status for status, _, _ in answers] == [404, 404, 404, 429]
    headers = answers[-1][1]
    assert headers["x-mp-rate-limit-exceeded"] == "acceleration"
    assert headers["x-mp-rate-limit-percentage-used"] == "3"


def test_a_window_slides(sandbox: Sandbox) -> None:
    sandbox.switches(call_window={"limit": 1, "seconds": 0.2})
    answers = 0
    while answers < 3:
        answers += sandbox.call("GET", "/v3/requests/0")[0] == 404
    assert sandbox.state()["calls"]["GET /v3/requests/{id} 404"] == 3


def test_a_reset_forgets_what_was_counted(sandbox: Sandbox) -> None:
    sandbox.switches(call_window={"limit": 1, "seconds": 60})
    sandbox.call("GET", "/v3/requests/0")
    sandbox.reset()
    sandbox.switches(call_window={"limit": 1, "seconds": 60})
    assert sandbox.call("GET", "/v3/requests/0")[0] == 404
