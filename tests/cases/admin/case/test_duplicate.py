"""Two cases side by side at the desk: who sees them, who decides, and what the pages say."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.lifecycle import CaseStatus, Outcome
from cases.models import Case, PossibleDuplicate, SubjectIdentity
from cases.services import notes
from cases.services.person import email_links, identities
from cases.services.person import mail as link_mail
from integrations.types import Identity
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.cases import intake_api
from tests.cases.admin.case.test_markup import inline
from tests.cases.admin.desk_users import ROLE_OF, address, browser, page, said
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ADA = [("email", "ada@example.org")]
MORE = [*ADA, ("controller_customer_id", "C-1815")]
LIST = reverse("admin:cases_case_changelist")
EARLIER = timezone.now() - timedelta(days=12)
DECIDE = {"agnes", "pia", "adam"}


@pytest.fixture(autouse=True)
def target() -> None:
    processor(name="Shop")


def comparison(case: Case, kept: Case, verb: str = "") -> str:
    if verb:
        return reverse("admin:cases_case_duplicate_verb", args=[case.pk, kept.pk, verb])
    return reverse("admin:cases_case_duplicate", args=[case.pk, kept.pk])


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_page_of_each_names_the_other_and_leads_to_closing_the_later() -> None:
    later, earlier = ready_case(identities=ADA), ready_case(identities=ADA, received_at=EARLIER)
    for case, other in ((later, earlier), (earlier, later)):
        html = page(case)
        assert "Possible duplicate:" in html
        assert f'<a href="{address(other)}">{other}</a>' in html
        assert comparison(later, earlier) in html
    assert "Possible duplicate" not in page(open_case(identities=ADA))


def test_the_queue_can_be_narrowed_to_them_and_counts_them() -> None:
    first, second = ready_case(identities=ADA), ready_case(identities=ADA)
    ready_case(identities=[("email", "bob@example.org")])
    answer: Any = browser("agnes").get(f"{LIST}?duplicate=1")
    assert {case.pk for case in answer.context["cl"].result_list} == {first.pk, second.pk}
    assert "Possible duplicates <strong>2</strong>" in text(answer)


@pytest.mark.parametrize("name", ROLE_OF)
def test_whoever_sees_cases_compares_and_whoever_closes_them_decides(name: str) -> None:
    case, kept = ready_case(identities=ADA), ready_case(identities=ADA)
    client = browser(name)
    reads, decides = name in DECIDE | {"otto"}, name in DECIDE
    answer = client.get(comparison(case, kept))
    assert answer.status_code == (200 if reads else 403)
    if reads:
        assert ("Not a duplicate" in text(answer)) is decides
        assert ("as duplicate</button>" in text(answer)) is decides
    assert client.post(comparison(case, kept, "dismiss")).status_code == (302 if decides else 403)
    assert PossibleDuplicate.objects.filter(dismissed_at__isnull=False).exists() is decides
    assert client.post(comparison(case, kept, "suggest")).status_code == (302 if decides else 403)
    assert client.post(comparison(case, kept)).status_code == (302 if decides else 403)
    case.refresh_from_db()
    assert (case.outcome == Outcome.DUPLICATE) is decides


def test_identities_are_masked_and_those_in_common_are_marked() -> None:
    case, kept = ready_case(identities=MORE), ready_case(identities=ADA)
    answer: Any = browser("agnes").get(comparison(case, kept))
    closes, goes_on = answer.context["sides"]
    assert [(line.kind, line.where) for line in closes.identities] == [
        ("E-mail", "common"),
        ("Customer ID", "here"),
    ]
    assert [(line.kind, line.where) for line in goes_on.identities] == [("E-mail", "common")]
    assert "ada@example.org" not in text(answer)
    assert "C-1815" not in text(answer)


def test_notes_are_counted_and_not_repeated() -> None:
    case, kept = ready_case(identities=ADA), ready_case(identities=ADA)
    notes.write(case, "Her sister called.", actor=actor("agnes"))
    answer: Any = browser("agnes").get(comparison(case, kept))
    assert [side.notes for side in answer.context["sides"]] == [1, 0]
    assert "sister" not in text(answer)


def test_only_what_was_found_alike_is_compared() -> None:
    victim, stranger = ready_case(identities=ADA), open_case(identities=ADA)
    client = browser("agnes")
    for one, other in ((victim, stranger), (stranger, victim), (victim, victim)):
        assert client.get(comparison(one, other)).status_code == 404, "the page would tell what they share"
        assert client.post(comparison(one, other)).status_code == 404
        assert client.post(comparison(one, other, "dismiss")).status_code == 404
    stranger.refresh_from_db()
    assert stranger.status == CaseStatus.INTAKE


def test_one_is_closed_with_its_verified_identities_ticked() -> None:
    kept, case = approved_case(identities=ADA), ready_case(identities=[*MORE, ("other", "x")])
    SubjectIdentity.objects.filter(subject=case.subject_id, type="other").update(verified_at=None)
    client = browser("agnes")
    answer: Any = client.get(comparison(case, kept))
    ticked = [choice for choice in answer.context["form"]["add"] if choice.data["selected"]]
    assert [choice.choice_label.partition(" C")[0] for choice in ticked] == ["Customer ID"]
    assert "not verified" in text(answer)
    answer = client.post(
        comparison(case, kept), {"add": [ticked[0].data["value"]], "text": "Twice."}, follow=True
    )
    assert said(answer) == [f"{case} was closed as a duplicate of this case."]
    assert answer.redirect_chain == [(address(kept), 302)]
    kept.refresh_from_db()
    assert (kept.status, kept.approved_at) == (CaseStatus.READY, None)
    assert "closed" in text(answer)
    assert f'<a href="{address(case)}">{case}</a>' in text(answer)
    closed = page(case)
    assert "Duplicate of" in closed
    assert address(kept) in closed


def test_what_cannot_be_done_is_said_before_and_after_the_button() -> None:
    kept, case = ready_case(identities=ADA), approved_case(identities=ADA)
    client = browser("agnes")
    shown = text(client.get(comparison(case, kept)))
    assert "A processor is still working" in shown
    assert "disabled" in shown
    answer = client.post(comparison(case, kept))
    assert "A processor is still working" in text(answer)
    case.refresh_from_db()
    assert case.duplicate_of is None


def test_where_something_was_sent_no_identity_is_offered_and_the_page_says_so() -> None:
    kept, case = approved_case(identities=ADA), ready_case(identities=MORE)
    kept.requests.update(attempts=1, answered_attempts=1)
    answer: Any = browser("agnes").get(comparison(case, kept))
    assert "add" not in answer.context["form"].fields
    assert "The cases can only be linked" in text(answer)


def test_a_dismissed_pair_leaves_the_banner_and_stays_below_a_fold() -> None:
    first, second = ready_case(identities=ADA), ready_case(identities=ADA)
    client = browser("agnes")
    answer = client.post(comparison(first, second, "dismiss"), follow=True)
    assert said(answer) == [f"{second} is no longer suggested as a duplicate."]
    assert "Possible duplicate:" not in text(answer)
    assert "not a duplicate, marked by agnes" in text(answer)
    assert said(client.post(comparison(first, second, "dismiss"), follow=True)) == [
        "This changed in the meantime. Review it and try again."
    ]
    client.post(comparison(first, second, "suggest"))
    assert "Possible duplicate:" in page(first)
    assert client.post(comparison(first, second, "nonsense")).status_code == 404
    assert client.get(comparison(first, second, "dismiss")).status_code == 405


def test_the_pages_cost_no_more_with_many(django_assert_max_num_queries: Any) -> None:
    kept = ready_case(identities=ADA)
    for _number in range(6):
        case = ready_case(identities=[*MORE, ("other", "x")])
    client = browser("agnes")
    with django_assert_max_num_queries(30):
        client.get(comparison(case, kept))
    with django_assert_max_num_queries(30):
        client.get(address(case))


def test_they_are_free_of_what_the_policy_forbids() -> None:
    case, kept = ready_case(identities=MORE), ready_case(identities=ADA)
    client = browser("adam")
    for at in (comparison(case, kept), address(case), reverse("admin:cases_case_export")):
        assert inline(client, at) == []


def test_what_changed_while_the_two_were_compared_is_said_and_decided_anew() -> None:
    case, kept = ready_case(identities=ADA), ready_case(identities=ADA)
    client = browser("agnes")
    html = text(client.get(comparison(case, kept)))
    shown = dict(re.findall(r'name="(version|kept_version)" value="([0-9]+)"', html))
    assert set(shown) == {"version", "kept_version"}
    added = Identity("controller_customer_id", "C-1815")
    identities.change(kept, actor=actor("pia"), add=[added], remove=[])
    answer = client.post(comparison(case, kept), shown)
    assert "This changed since you opened the page." in text(answer)
    case.refresh_from_db()
    assert case.status == CaseStatus.READY
    again = dict(re.findall(r'name="(version|kept_version)" value="([0-9]+)"', text(answer)))
    assert client.post(comparison(case, kept), again).status_code == 302


def test_who_opened_it_and_who_verified_it_may_be_nobody_here(mailbox: Mailbox) -> None:
    form = intake_api.form("Website")
    body = {
        "type": "access",
        "regulation": "gdpr",
        "identities": [{"type": "email", "value": "ada@example.org"}],
    }
    cases = []
    for _time in range(2):
        case = Case.objects.get(reference=form.open(body).json()["reference"])
        confirmation = email_links.ask(case, actor=actor("agnes"), identity=case.subject.identities.get().pk)
        link_mail.send(confirmation.pk)
        visitor = Client()
        assert visitor.post(urlsplit(mailbox.links()[-1]).path).status_code == 302
        cases.append(case)
    html = text(browser("agnes").get(comparison(cases[0], cases[1])))
    assert html.count("Opened through Website") == 2
    assert html.count("By the requester") == 2
