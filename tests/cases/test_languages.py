"""German and English side by side: who sees which, and what is kept whoever acts in whatever language."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from cases.lifecycle import RequestStatus
from cases.models import Action, AttentionItem, AttentionKind, AuditEvent
from cases.services import attention, audit
from cases.services.planning import approval, planning
from cases.services.refusal import Refused
from dsrportal.models import User
from dsrportal.sentence import Sentence, Verbatim, Word
from tests.builders import actor, approved_case, manual, open_case, person, processor, ready_case
from tests.cases.admin.desk_users import account, address, browser, said
from tests.cases.admin.stages import with_open_item

pytestmark = pytest.mark.django_db

ME = "/admin/me/"
LOGIN = "/admin/login/"


def german(name: str) -> Client:
    client = browser(name)
    User.objects.filter(username=name).update(language="de", time_zone="Europe/Berlin")
    return client


def text(answer: Any) -> str:
    found: str = answer.content.decode()
    return found


# --- whose language


def test_a_visitor_is_met_in_the_language_of_the_browser() -> None:
    client = Client()
    answer = client.get(LOGIN, headers={"accept-language": "de-AT,de;q=0.9,en;q=0.5"})
    assert "Anmelden" in text(answer)
    assert '<html lang="de"' in text(answer)
    assert answer.headers["Content-Language"] == "de"
    assert "Accept-Language" in answer.headers["Vary"]
    assert "Log in" in text(client.get(LOGIN, headers={"accept-language": "fr"}))


def test_what_a_person_chose_wins_over_the_browser() -> None:
    client = german("agnes")
    assert "Abmelden" in text(client.get("/admin/", headers={"accept-language": "en"}))
    User.objects.update(language="")
    assert "Log out" in text(client.get("/admin/", headers={"accept-language": "en"}))


def test_no_language_stays_behind_for_the_next_who_asks() -> None:
    german("agnes").get("/admin/")
    assert translation.get_language() == "en"


def test_an_error_page_speaks_german_too() -> None:
    answer = german("charlie").get("/admin/cases/case/")
    assert answer.status_code == 403
    assert "Wenn Sie es brauchen, wenden Sie sich an die Administration." in text(answer)


def test_each_person_chooses_for_themselves() -> None:
    client = browser("agnes")
    answer = client.post(ME, {"language": "de", "time_zone": "Europe/Berlin"}, follow=True)
    assert said(answer) == ["Ihre Einstellungen wurden gespeichert."]
    assert "Zeiten in Europe/Berlin" in text(answer)
    agnes = User.objects.get(username="agnes")
    assert (agnes.language, agnes.time_zone) == ("de", "Europe/Berlin")
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor, event.details["fields"]) == (
        Action.USER_CHANGED,
        agnes,
        ["language", "time_zone"],
    )


def test_what_is_no_zone_or_no_language_is_refused() -> None:
    for typed in ({"language": "tlh", "time_zone": "UTC"}, {"language": "", "time_zone": "Mars/Olympus"}):
        assert browser("agnes").post(ME, typed).status_code == 200
    assert (User.objects.get(username="agnes").language, User.objects.get(username="agnes").time_zone) == (
        "",
        "UTC",
    )
    assert not AuditEvent.objects.filter(action=Action.USER_CHANGED).exists()


def test_saving_what_was_there_is_no_event() -> None:
    browser("agnes").post(ME, {"language": "", "time_zone": "UTC"})
    assert not AuditEvent.objects.filter(action=Action.USER_CHANGED).exists()


def test_every_page_of_the_desk_names_the_zone_of_its_times() -> None:
    for page in ("/admin/", "/admin/cases/case/", ME):
        assert "Zeiten in Europe/Berlin" in text(german("agnes").get(page))


@pytest.mark.parametrize(
    ("name", "english", "german"),
    [
        ("DATE_FORMAT", "05 Dec 2026", "05.12.2026"),
        ("DATETIME_FORMAT", "05 Dec 2026, 14:30", "05.12.2026, 14:30"),
        ("DATETIME_SECONDS_FORMAT", "05 Dec 2026, 14:30:15", "05.12.2026, 14:30:15"),
        ("MONTH_DAY_FORMAT", "05 Dec", "05.12."),
        ("YEAR_MONTH_FORMAT", "Dec 2026", "12.2026"),
    ],
)
def test_german_writes_dates_its_own_way(name: str, english: str, german: str) -> None:
    moment = datetime(2026, 12, 5, 14, 30, 15, tzinfo=UTC)
    assert date_format(moment, name) == english
    with translation.override("de"):
        assert date_format(moment, name) == german


def test_dates_are_asked_for_by_the_names_of_their_formats() -> None:
    """A format that is written out is written alike in every language."""
    written_out = re.compile(r"""["'](d M|M Y)\b""")
    files = [path for folder in ("cases", "dsrportal", "templates") for path in Path(folder).rglob("*.*")]
    texts = {path: path.read_text() for path in files if path.suffix in {".py", ".html", ".txt"}}
    assert len(texts) > 300
    assert [
        str(path) for path, text in texts.items() if "formats" not in path.parts and written_out.search(text)
    ] == []


# --- what is kept


def test_a_kept_sentence_is_english_and_read_in_each_language() -> None:
    processor()
    at = datetime(2026, 12, 5, 14, 30, tzinfo=UTC)
    sentence = Sentence(
        "%(processor)s expected to be done by %(expected)s but still reports the status %(status)s. Ask "
        "them about the delay.",
        processor="Shop",
        expected=at,
        status=Word(RequestStatus.IN_PROGRESS.label),
    )
    with translation.override("de"), timezone.override("Europe/Berlin"):
        case = with_open_item(approved_case(), AttentionKind.PAST_EXPECTED, sentence)
    kept = AttentionItem.objects.get(case=case)
    english = (
        "Shop expected to be done by 05 Dec 2026 14:30 UTC but still reports the status in progress. "
        "Ask them about the delay."
    )
    assert AttentionItem.objects.values_list("sentence", flat=True).get().english == english
    assert str(kept.sentence) == english
    with translation.override("de"), timezone.override("Europe/Berlin"):
        assert str(kept.sentence) == (
            "Shop wollte bis 05.12.2026 15:30 CET fertig sein, meldet aber noch immer den Status „In "
            "Bearbeitung“. Fragen Sie dort nach dem Grund der Verzögerung."
        )
    assert "Fragen Sie dort nach dem Grund der Verzögerung." in text(german("agnes").get(address(case)))


def test_the_same_item_is_opened_once_whoever_opens_it() -> None:
    processor()
    case = approved_case()
    opened = []
    for language in ("en", "de"):
        with translation.override(language):
            sentence = Sentence("%(processor)s is not paused.", processor="Shop")
            opened.append(attention.open_item(AttentionKind.GONE, sentence, actor=actor("agnes"), case=case))
    assert opened == [True, False]


def test_a_sentence_of_before_stays_as_it_was() -> None:
    processor()
    case = with_open_item(approved_case(), AttentionKind.GONE, Verbatim("It went 100 % wrong."))
    with translation.override("de"):
        assert str(AttentionItem.objects.get(case=case).sentence) == "It went 100 % wrong."


def test_a_left_out_processor_says_why_in_each_language() -> None:
    processor()
    manual("Archive", types="erasure")
    case = ready_case(type="access")
    (skip,) = case.skipped_processors.all()
    assert str(skip.sentence).startswith(
        "According to its options, Archive is not used for this type of request (access)."
    )
    with translation.override("de"):
        assert "(Auskunft)" in str(skip.sentence)


def test_the_same_plan_has_the_same_digest_in_every_language() -> None:
    processor()
    manual("Archive", types="erasure")
    with translation.override("de"):
        case = ready_case(type="access")
        seen = planning.digest(case)
    assert approval.approve(case, actor=actor("pia"), digest=seen).status == "working"


def test_the_audit_trail_is_the_same_whoever_acts_in_whatever_language() -> None:
    processor()
    told = []
    for language in ("en", "de"):
        with translation.override(language):
            case = ready_case(by=f"agnes-{language}", identities=[("email", f"{language}@example.org")])
            approval.deny(case, actor=actor("pia"), reason="legal_obligation")
        assert audit.verify(f"case:{case.pk}") == []
        events = AuditEvent.objects.filter(case=case).order_by("sequence")
        told.append(
            [(event.action, event.reason, sorted(map(str, event.details.values()))) for event in events]
        )
    # Keys of rows are numbers and UUIDs.
    same = [
        [
            (action, reason, [word for word in words if not set("-0123456789") & set(word)])
            for action, reason, words in events
        ]
        for events in told
    ]
    assert same[0] == same[1]
    assert AuditEvent.objects.get(action=Action.CASE_VERIFIED, actor__username="agnes-de").details[
        "method"
    ] == ("matched_data")


def test_the_timeline_tells_it_in_the_readers_language() -> None:
    processor()
    case = ready_case()
    assert "Recorded verification: Data points matched" in text(browser("agnes").get(address(case)))
    page = text(german("pia").get(address(case)))
    assert "Prüfung der Person festgehalten: Angaben abgeglichen" in page
    assert "Recorded verification" not in page


def test_a_label_that_an_older_event_holds_is_read_in_german_too() -> None:
    event = AuditEvent(action=Action.CASE_CLOSED, details={"outcome": "Partly fulfilled"})
    assert event.sentence == "Closed the case as Partly fulfilled"
    with translation.override("de"):
        assert event.sentence == "Vorgang als „Teilweise erfüllt“ geschlossen"


def test_a_refusal_speaks_the_language_of_whoever_is_refused() -> None:
    processor()
    case = open_case()
    with pytest.raises(Refused) as refused:
        approval.approve(case, actor=actor("pia"), digest="")
    (sentence,) = refused.value.sentences
    assert sentence.english == "Only a case that is ready for approval can be approved."
    with translation.override("de"):
        assert str(sentence) == "Nur ein Vorgang, der zur Freigabe bereit ist, kann freigegeben werden."


def test_an_account_shows_the_language_that_was_chosen_for_it() -> None:
    pia = account("pia")
    answer = browser("adam").get(reverse("admin:dsrportal_user_change", args=[pia.pk]))
    assert 'name="language"' in text(answer)
    assert person("new").language == ""
