"""The mark that is set before an erasure, so that the customer's filters keep new data of the person out."""

import pytest

from integrations.errors import Rejected, Unauthorized, UnexpectedAnswer, UnknownRequest
from integrations.mparticle.connector import MParticle
from integrations.types import Draft, Identity
from tests.builders import about
from tests.integrations.mparticle.conftest import request, says
from tests.integrations.odd_server import OddServer
from tests.integrations.rows import row_of
from tests.sandbox import Sandbox

EMAIL = Identity("email", "ada@example.com")
DEVICE = Identity("microsoft_advertising_id", "m-1")


@pytest.fixture
def marking(whole: MParticle) -> MParticle:
    row_of(whole).options["exclusion_attribute"] = " erasure_pending "
    return whole


def test_the_profile_is_marked_before_the_request_is_there(marking: MParticle, sandbox: Sandbox) -> None:
    mpid = sandbox.person({"email": EMAIL.value})
    sent = request(identities=(EMAIL,))
    marking.submit(sent)
    assert marking.report(about(sent.request_id)).status == "pending"
    [batch] = sandbox.batches()
    assert (batch["taken"]["mpid"], batch["taken"]["created"]) == (mpid, False)
    assert batch["user_attributes"] == {"erasure_pending": True}
    [person] = sandbox.people()
    assert person["attributes"] == {"erasure_pending": True}


def test_a_profile_that_is_named_is_marked_too(marking: MParticle, sandbox: Sandbox) -> None:
    mpid = sandbox.person({"email": EMAIL.value})
    marking.submit(request(identities=(Identity("mpid", mpid),)))
    assert [batch["taken"]["mpid"] for batch in sandbox.batches()] == [mpid]


@pytest.mark.parametrize("identity", [EMAIL, DEVICE])
def test_where_nobody_is_found_the_request_goes_out_all_the_same(
    marking: MParticle, sandbox: Sandbox, identity: Identity
) -> None:
    sent = request(identities=(identity,))
    marking.submit(sent)
    assert marking.report(about(sent.request_id)).status == "pending"
    assert sandbox.batches() == []


@pytest.mark.parametrize("request_type", ["access", "portability"])
def test_only_an_erasure_marks(marking: MParticle, sandbox: Sandbox, request_type: str) -> None:
    sandbox.person({"email": EMAIL.value})
    marking.submit(request(identities=(EMAIL,), request_type=request_type))
    assert (sandbox.batches(), sandbox.asked("identity")) == ([], [])


def test_without_the_option_nothing_is_marked(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": EMAIL.value})
    whole.submit(request(identities=(EMAIL,)))
    assert (sandbox.batches(), sandbox.asked("identity")) == ([], [])


def test_without_the_key_nothing_is_marked_and_whoever_approves_is_told(
    marking: MParticle, sandbox: Sandbox
) -> None:
    sandbox.person({"email": EMAIL.value})
    del row_of(marking).credentials["input_secret"]
    [warning] = marking.warn(Draft("erasure", "gdpr", (EMAIL,)))
    assert "It needs “Input secret”" in warning.english
    marking.submit(request(identities=(EMAIL,)))
    assert sandbox.batches() == []


def test_refused_credentials_stop_the_request_before_it_is_sent(marking: MParticle, sandbox: Sandbox) -> None:
    row_of(marking).credentials["input_secret"] = "wrong"
    sent = request(identities=(EMAIL,))
    with pytest.raises(Unauthorized) as failure:
        marking.submit(sent)
    assert failure.value.key_field == "input_key"
    with pytest.raises(UnknownRequest):
        marking.report(about(sent.request_id))


def test_a_refused_mark_stops_it_too(odd_mparticle: MParticle, odd: OddServer) -> None:
    row_of(odd_mparticle).options["exclusion_attribute"] = "x"
    says(odd, 200, {"mpid": "5"})
    says(odd, 400, {"errors": [{"code": "BAD_REQUEST", "message": "x"}]})
    with pytest.raises(Rejected):
        odd_mparticle.submit(request(identities=(EMAIL,)))
    assert len(odd.requests) == 2


def test_a_retry_marks_once_and_sends_once(marking: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": EMAIL.value})
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": "status_502"}])
    sent = request(identities=(EMAIL,))
    with pytest.raises(UnexpectedAnswer):
        marking.submit(sent)
    assert not marking.repeats_safely("erasure")
    marking.submit(sent)
    assert [batch["taken"]["repeats"] for batch in sandbox.batches()] == [1]
    assert sandbox.state(str(sent.request_id))["posts"][str(sent.request_id)] == 1
