"""Opening a case at the desk."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Correction
from dsrportal.models import User
from tests.builders import manual, processor
from tests.cases.admin.desk_users import account, browser, said
from tests.cases.admin.stages import searching_processor

pytestmark = pytest.mark.django_db

ADD = reverse("admin:cases_case_add")


@pytest.fixture(autouse=True)
def _processor() -> None:
    processor()


def typed(*identities: tuple[str, str], **more: Any) -> dict[str, Any]:
    """What the form sends; the rows behind the given ones stay blank."""
    rows = [*identities, *[("", "")] * (5 - len(identities))]
    fields: dict[str, Any] = {
        "received_at": f"{timezone.now() - timedelta(hours=3):%Y-%m-%dT%H:%M}",
        "regulation": "gdpr",
        "type": "erasure",
        "identities-TOTAL_FORMS": len(rows),
        "identities-INITIAL_FORMS": 1,
    }
    for number, (kind, value) in enumerate(rows):
        fields |= {f"identities-{number}-type": kind, f"identities-{number}-value": value}
    return fields | more


def test_a_case_is_opened_with_its_identities_as_typed() -> None:
    client = browser("agnes")
    answer = client.post(
        ADD, typed(("email", " Ada@Example.org"), ("controller_customer_id", "C-1")), follow=True
    )
    case = Case.objects.get()
    assert answer.redirect_chain == [(reverse("admin:cases_case_change", args=[case.pk]), 302)]
    identities = [(identity.type, identity.value) for identity in case.subject.identities.all()]
    assert identities == [("email", " Ada@Example.org"), ("controller_customer_id", "C-1")]
    assert case.opened_by == account("agnes")
    due_on = case.clocks.get().due_on
    assert said(answer) == [f"Case {case.reference} opened. Due on {due_on:%d %b %Y}."]


def test_a_case_that_needs_two_requests_is_told_so_and_why() -> None:
    answer = browser("agnes").post(
        ADD, typed(("email", "a@example.org"), ("email", "b@example.org")), follow=True
    )
    assert said(answer)[1] == (
        "The plan has 2 requests: 2 to Sandbox 0. A request can hold one value of each identifier type. "
        "An mParticle ID always has a request of its own."
    )


def test_a_group_of_ones_own_is_optional_and_checked() -> None:
    client = browser("agnes")
    client.post(ADD, typed(("email", "a@example.org"), group_name="spring-2026"))
    assert Case.objects.get().group_name == "spring-2026"
    answer = client.post(ADD, typed(("email", "b@example.org"), group_name="ada@example.org"))
    assert "Use letters, digits, points, hyphens and underscores only." in answer.content.decode()
    assert Case.objects.count() == 1


def test_nothing_it_says_or_logs_holds_an_identity() -> None:
    client = browser("agnes")
    answer = client.post(ADD, typed(("email", "ada@example.org"), ("email", "b@example.org")), follow=True)
    assert "ada@example.org" not in answer.content.decode()
    assert not any("example.org" in sentence for sentence in said(answer))
    assert not LogEntry.objects.exists()


def test_the_time_is_taken_in_the_zone_of_who_types_it() -> None:
    account("agnes")
    User.objects.filter(username="agnes").update(time_zone="Asia/Tokyo")
    client = browser("agnes")
    assert "(Asia/Tokyo)" in client.get(ADD).content.decode()
    client.post(ADD, typed(("email", "a@example.org"), received_at="2026-03-04T08:30"))
    assert Case.objects.get().received_at == datetime(2026, 3, 3, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("identities", "more", "sentence"),
    [
        ([("email", "a@example.org")], {"received_at": "2999-01-01T10:00"}, "This is in the future"),
        ([("email", "a@example.org")], {"received_at": ""}, "The legal deadline is counted from then."),
        (
            [("email", "a@example.org")],
            {"received_at": "yesterday"},
            "Enter a date and a time, such as 2026-05-04 09:30.",
        ),
        ([("email", "a@example.org")], {"received_at": "0001-01-01T00:00"}, "Check the year"),
        ([], {}, "Without one, no processor can find the data subject."),
        ([("email", "   ")], {}, "Without one, no processor can find the data subject."),
        ([("", "a@example.org")], {}, "Choose the identifier type."),
        ([("mpid", "not a number")], {}, "must be a signed 64-bit integer, written in digits only."),
        (
            [("email", "a@example.org"), ("email", "A@EXAMPLE.org")],
            {},
            "The same identifier was entered twice.",
        ),
        (
            [("email", "a@example.org")],
            {"type": "opt_out"},
            "Enter the purposes for which consent is withdrawn.",
        ),
        (
            [("email", "a@example.org")],
            {"type": "correction"},
            "Enter a new value for at least one identifier.",
        ),
        (
            [("email", "a@example.org")],
            {"type": "access", "skip_waiting_period": "on"},
            "Only an erasure has",
        ),
        ([("email", "a\x00b")], {}, "Null characters are not allowed."),
        ([("shoe_size", "44")], {}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_opened_is_said_in_a_sentence_and_nothing_typed_is_lost(
    identities: list[tuple[str, str]], more: dict[str, Any], sentence: str
) -> None:
    answer = browser("agnes").post(ADD, typed(*identities, **more))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert sentence in page
    assert 'role="alert"' in page
    if identities and identities[0][1] == "a@example.org":
        assert 'value="a@example.org"' in page
    assert not Case.objects.exists()


# --- corrections and opt-outs


def to_correct(**more: Any) -> dict[str, Any]:
    identities = (("email", "ada@exmaple.org"), ("controller_customer_id", "C-1"))
    fields = typed(*identities, type="correction")
    return {**fields, "identities-0-correct_to": "ada@example.org", **more}


def test_a_correction_says_what_each_wrong_identity_shall_be() -> None:
    searching_processor()
    answer = browser("agnes").post(ADD, to_correct(), follow=True)
    corrections = Correction.objects.filter(identity__subject=Case.objects.get().subject)
    assert [(row.identity.value, row.new_value) for row in corrections] == [
        ("ada@exmaple.org", "ada@example.org")
    ]
    assert "a•••@e•••.org" in answer.content.decode()
    assert "ada@ex" not in answer.content.decode()


def test_what_is_wrong_with_a_row_stands_in_it() -> None:
    searching_processor()
    client = browser("agnes")
    rows = client.post(ADD, typed(("", ""), ("email", "a@example.org"), ("email", "A@Example.org")))
    assert [row.errors for row in rows.context["identities"]][2] == {
        "value": ["The same identifier was entered twice. Remove one of them."]
    }
    assert "Nothing was saved. Fix the fields marked below." in rows.content.decode()
    rows = client.post(ADD, to_correct(**{"identities-0-correct_to": "ada@exmaple.org"}))
    assert next(row.errors for row in rows.context["identities"]) == {
        "correct_to": ["The new value must differ from the old one."]
    }
    assert not Case.objects.exists()


def test_a_new_value_alone_corrects_nothing_and_is_kept_in_its_row() -> None:
    searching_processor()
    answer = browser("agnes").post(ADD, to_correct(**{"identities-0-value": ""}))
    page = answer.content.decode()
    assert "Enter the incorrect value as it is stored now." in page
    assert 'value="ada@example.org"' in page
    assert not Case.objects.exists()


def test_new_values_are_ignored_where_nothing_is_corrected() -> None:
    browser("agnes").post(ADD, to_correct(type="erasure"))
    assert Case.objects.get().type == "erasure"
    assert not Correction.objects.exists()


def opting_out(**more: Any) -> dict[str, Any]:
    return {**typed(("email", "a@example.org"), type="opt_out"), **more}


def test_an_opt_out_says_before_that_it_is_sent_at_once_and_after_where_it_went() -> None:
    searching_processor()
    manual("Archive", types="erasure")
    client = browser("agnes")
    page = client.get(ADD).content.decode()
    assert "It is sent to the processors as soon as you open the case." in page
    assert "Opts the data subject out of the sale and sharing of their personal data." in page
    answer = client.post(ADD, opting_out(regulation="ccpa"), follow=True)
    case = Case.objects.get()
    assert case.status == "working"
    assert said(answer)[1].startswith(
        "No verification or approval is needed. The request is being sent to Sandbox 0. "
        "Skipped: According to its options, Archive "
    )
    shown = answer.content.decode()
    assert "Opted out of the sale and sharing of personal data" in shown
    assert "Not needed" in shown


def test_purposes_are_chosen_from_the_processors_names_and_typed_beside_them() -> None:
    searching_processor(options={"gdpr_purposes": "marketing\nanalytics\n"})
    client = browser("agnes")
    page = client.get(ADD).content.decode()
    assert 'value="marketing"' in page
    assert 'value="analytics"' in page
    answer = client.post(
        ADD,
        opting_out(chosen_purposes=["marketing"], other_purposes="analytics\n\n marketing \n"),
        follow=True,
    )
    assert Case.objects.get().purposes == ["marketing", "analytics"]
    assert "Consent withdrawn for: marketing, analytics" in answer.content.decode()


def test_purposes_are_ignored_where_the_law_or_the_type_knows_none() -> None:
    searching_processor()
    client = browser("agnes")
    client.post(ADD, opting_out(regulation="ccpa", other_purposes="marketing"))
    client.post(ADD, opting_out(type="erasure", other_purposes="marketing"))
    assert [case.purposes for case in Case.objects.all()] == [[], []]


def test_what_was_typed_about_purposes_is_kept() -> None:
    searching_processor(options={"gdpr_purposes": "marketing"})
    answer = browser("agnes").post(
        ADD, opting_out(received_at="", chosen_purposes=["marketing"], other_purposes="profiling")
    )
    page = answer.content.decode()
    assert "profiling</textarea>" in page
    assert "checked" in page


@pytest.mark.parametrize("regulation", ["ccpa", "gdpr"])
def test_no_page_says_consented_of_an_opt_out(regulation: str) -> None:
    searching_processor()
    answer = browser("agnes").post(
        ADD, opting_out(regulation=regulation, other_purposes="marketing"), follow=True
    )
    assert Case.objects.exists()
    assert "consented" not in answer.content.decode().lower()


def test_skipping_the_waiting_period_says_what_it_costs() -> None:
    page = browser("agnes").get(ADD).content.decode()
    assert "less than 24 hours" in page
    assert "1 to 14 days instead of 7 to 21" in page


def test_without_javascript_five_rows_stand_ready_and_more_are_taken() -> None:
    client = browser("agnes")
    assert client.get(ADD).content.decode().count('name="identities-') >= 2 * 5
    seven = [("email", f"p{number}@example.org") for number in range(7)]
    client.post(ADD, typed(*seven))
    assert Case.objects.get().subject.identities.count() == 7


def test_a_form_whose_rows_cannot_be_counted_is_refused_in_words() -> None:
    fields = typed(("email", "a@example.org"))
    del fields["identities-TOTAL_FORMS"]
    answer = browser("agnes").post(ADD, fields)
    assert answer.status_code == 200
    assert not Case.objects.exists()


@pytest.mark.parametrize("name", ["pia", "otto", "ivy", "charlie"])
def test_who_may_not_open_cases(name: str) -> None:
    client = browser(name)
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, typed(("email", "a@example.org"))).status_code == 403
    assert not Case.objects.exists()
