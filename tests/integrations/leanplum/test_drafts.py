"""What an app can be asked about whom."""

from typing import Any

import pytest

from integrations.leanplum import drafts
from integrations.leanplum.connector import Leanplum
from integrations.models import Processor
from integrations.types import Correction, Draft, Identity
from tests.integrations.leanplum.conftest import CUSTOMER, EMAIL, OPTIONS

OTHER = Identity("controller_customer_id", "c-882")
SECOND_EMAIL = Identity("email", "jane@work.example")
NEW_EMAIL = Correction("email", EMAIL.value, "jane@new.example")


def leanplum(**options: str) -> Leanplum:
    return Leanplum(
        Processor(kind="leanplum", name="Shop app", options={**OPTIONS, **options}, data_key_id=None)
    )


def draft(request_type: str, *identities: Identity, **more: Any) -> Draft:
    return Draft(request_type, "gdpr", identities, **more)


@pytest.mark.parametrize("request_type", ["access", "portability", "erasure", "opt_out"])
def test_each_user_id_is_one_request_and_nothing_else_goes_along(request_type: str) -> None:
    given = draft(request_type, EMAIL, CUSTOMER, OTHER, SECOND_EMAIL, CUSTOMER)
    assert leanplum().split(given) == [(CUSTOMER,), (OTHER,)]
    assert leanplum().cannot(given) is None
    assert leanplum().check(given) == []


@pytest.mark.parametrize(
    ("kind", "identity"),
    [("email", EMAIL), ("mpid", Identity("mpid", "-77")), ("controller_customer_id", CUSTOMER)],
)
def test_the_user_id_is_the_identity_that_was_chosen(kind: str, identity: Identity) -> None:
    everything = draft("erasure", CUSTOMER, EMAIL, Identity("mpid", "-77"))
    assert leanplum(user_id_type=kind).split(everything) == [(identity,)]


def test_without_the_user_id_the_case_is_told_so() -> None:
    assert str(leanplum().cannot(draft("erasure", EMAIL))) == (
        "Shop app identifies users by Customer ID, and this case has none. Add one, or search for the "
        "data subject there manually."
    )
    assert "Choose the identifier on the processor's page." in str(
        leanplum(user_id_type="").cannot(draft("erasure", EMAIL, CUSTOMER))
    )


@pytest.mark.parametrize("value", ["", "  ", "x" * 401])
def test_a_user_id_that_leanplum_cannot_have_is_put_right(value: str) -> None:
    [sentence] = leanplum().check(draft("erasure", Identity("controller_customer_id", value)))
    assert "400 characters" in sentence.english


def test_an_address_with_capitals_is_asked_for_as_it_is_and_said_so() -> None:
    app = leanplum(user_id_type="email")
    [warning] = app.warn(draft("erasure", Identity("email", "Jane@Example.org")))
    assert "capitalisation" in warning.english
    assert "Jane" not in warning.english
    assert app.warn(draft("erasure", EMAIL)) == []


def test_an_opt_out_needs_an_attribute() -> None:
    given = draft("opt_out", CUSTOMER)
    assert leanplum().cannot(given) is None
    assert "no attribute for opt-outs" in str(leanplum(opt_out_attribute="").cannot(given))


def test_a_correction_brings_along_what_it_corrects() -> None:
    given = draft("correction", CUSTOMER, EMAIL, SECOND_EMAIL, corrections=(NEW_EMAIL,))
    assert leanplum().cannot(given) is None
    assert leanplum().split(given) == [(CUSTOMER, EMAIL)]
    assert leanplum().warn(given) == []


def test_a_correction_without_an_attribute_is_skipped_and_named() -> None:
    phone = Correction("mobile_number", "+49 1", "+49 2")
    given = draft("correction", CUSTOMER, EMAIL, corrections=(phone,))
    assert "(Mobile number)" in str(leanplum().cannot(given))
    both = draft("correction", CUSTOMER, EMAIL, corrections=(phone, NEW_EMAIL))
    assert leanplum().cannot(both) is None
    [warning] = leanplum().warn(both)
    assert "(Mobile number)" in warning.english


def test_a_corrected_user_id_concerns_that_user_alone_and_stays() -> None:
    app = leanplum(user_id_type="email")
    given = draft("correction", EMAIL, SECOND_EMAIL, corrections=(NEW_EMAIL,))
    assert app.split(given) == [(EMAIL,)]
    [warning] = app.warn(given)
    assert "user ID stays" in warning.english


def test_one_new_value_for_several_users_is_said() -> None:
    given = draft("correction", CUSTOMER, OTHER, EMAIL, corrections=(NEW_EMAIL,))
    assert leanplum().split(given) == [(CUSTOMER, EMAIL), (OTHER, EMAIL)]
    assert any(
        "Each of them receives the new value." in warning.english for warning in leanplum().warn(given)
    )


def test_two_new_values_for_one_attribute_are_said() -> None:
    second = Correction("email", SECOND_EMAIL.value, "jane@other.example")
    given = draft("correction", CUSTOMER, EMAIL, SECOND_EMAIL, corrections=(NEW_EMAIL, second))
    [warning] = leanplum().warn(given)
    assert "has one attribute per type and receives the last of the new values." in warning.english


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (
            "email = e-mail address\n\n  mobile_number=phone",
            {"email": "e-mail address", "mobile_number": "phone"},
        ),
        ("email: address", {}),
        ("e-mail = address", {}),
        ("shoe_size = shoe", {}),
        ("email =", {}),
        ("email = a\nemail = b", {"email": "b"}),
    ],
)
def test_attributes_are_named_one_a_line(lines: str, names: dict[str, str]) -> None:
    processor = leanplum(attributes=lines).processor
    assert drafts.attributes(processor) == names
    assert drafts.unreadable_lines(processor) == (
        len([line for line in lines.splitlines() if line]) - len(names)
    )
