"""Notes of a case: written on its page, answered in threads, naming colleagues, and never changed."""

import pytest
from django.db import ProgrammingError, connection, transaction

from cases.models import Case, Mention, Note
from cases.services import mentions, notes
from cases.services.refusal import Refused
from dsrportal.models import User
from tests.builders import actor, open_case, processor
from tests.cases.admin import stages
from tests.cases.admin.desk_users import account, address, browser, page, said

pytestmark = pytest.mark.django_db

SECRET = "Her new address is 12 Elm Street."


@pytest.fixture(autouse=True)
def _target() -> None:
    processor()


@pytest.fixture
def case() -> Case:
    for name in ("agnes", "pia", "otto", "ivy", "charlie"):
        account(name)
    return open_case()


def write(case: Case, text: str, name: str = "agnes") -> Note:
    """As a person does it, on the page of the case."""
    answer = browser(name).post(address(case, "note"), {"text": text})
    assert answer.status_code == 302, answer.content.decode()
    note = case.notes.latest("created_at")
    assert answer["Location"] == f"{address(case)}#note-{note.pk}"
    return note


def answer_to(note: Note, case: Case, text: str, name: str = "pia") -> Note:
    where = f"/admin/cases/case/{case.pk}/reply/{note.pk}/"
    assert browser(name).post(where, {"text": text}).status_code == 302
    return case.notes.latest("created_at")


def test_a_note_is_written_on_the_page_of_the_case(case: Case) -> None:
    assert f'action="{address(case, "note")}"' in page(case)
    note = write(case, f"{SECRET}\n<b>Look</b> & see.")
    shown = page(case, "otto")
    assert "12 Elm Street" in shown
    assert "&lt;b&gt;Look&lt;/b&gt; &amp; see." in shown
    assert f'id="note-{note.pk}"' in shown
    assert "Cannot be edited or deleted." in shown


def test_it_lies_encrypted_and_the_trail_holds_its_id_alone(case: Case) -> None:
    note = write(case, SECRET)
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM cases_note WHERE id = %s", [note.pk])
        assert b"Elm" not in bytes(cursor.fetchone()[0])
    event = case.audit_events.get(action="note.written")
    assert event.details == {"note": str(note.pk)}
    assert event.actor_label == "agnes"
    assert "Elm" not in event.canonical


@pytest.mark.parametrize("text", ["", "  \n "])
def test_nothing_typed_is_no_note(case: Case, text: str) -> None:
    answer = browser("agnes").post(address(case, "note"), {"text": text})
    assert "Enter a text." in answer.content.decode()
    assert not case.notes.exists()


def test_what_is_too_long_is_asked_again_with_all_that_was_typed(case: Case) -> None:
    answer = browser("agnes").post(address(case, "note"), {"text": "w" * (notes.MOST_LETTERS + 1)})
    assert answer.status_code == 200
    assert "w" * 100 in answer.content.decode()
    with pytest.raises(Refused, match="up to"):
        notes.add(case, "w" * (notes.MOST_LETTERS + 1), actor=actor("agnes"))


def test_a_closed_case_can_still_be_written_about(case: Case) -> None:
    write(stages.denied(), "The person called once more.")


@pytest.mark.parametrize("change", ["UPDATE cases_note SET author_id = author_id", "DELETE FROM cases_note"])
def test_the_database_lets_the_portal_neither_change_nor_delete_a_note(case: Case, change: str) -> None:
    write(case, "As it was.")
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


# --- threads


def test_answers_stand_below_what_they_answer_whatever_was_written_since(case: Case) -> None:
    first = write(case, "First.")
    write(case, "Second.")
    reply = answer_to(first, case, "Answer to the first.")
    last = answer_to(reply, case, "Answer to the answer.", "agnes")
    assert reply.parent == last.parent == first
    shown = page(case)
    words = ("First.", "Answer to the first.", "Answer to the answer.", "Second.")
    places = [shown.index(each) for each in words]
    assert places == sorted(places)
    event = case.audit_events.filter(action="note.written").latest("pk")
    assert event.details == {"note": str(last.pk), "thread": str(first.pk)}


def test_a_note_of_another_case_is_not_answered_here(case: Case) -> None:
    foreign = write(open_case(), "Elsewhere.")
    where = f"/admin/cases/case/{case.pk}/reply/{foreign.pk}/"
    assert browser("agnes").post(where, {"text": "Here."}).status_code == 404
    with pytest.raises(Refused, match="The note you are replying to does not belong to this case"):
        notes.add(case, "Here.", actor=actor("agnes"), parent=foreign)


@pytest.mark.parametrize("name", ["otto", "ivy", "charlie"])
def test_who_may_not_write_is_not_offered_it_and_not_let(case: Case, name: str) -> None:
    note = write(case, "Something.")
    client = browser(name)
    assert client.post(address(case, "note"), {"text": "Mine."}).status_code == 403
    assert client.post(f"/admin/cases/case/{case.pk}/reply/{note.pk}/", {"text": "M"}).status_code == 403
    assert case.notes.count() == 1
    if name == "otto":
        assert address(case, "note") not in page(case, name)


# --- naming somebody


def named(case: Case) -> list[str]:
    return sorted(Mention.objects.filter(note__case=case).values_list("user__username", flat=True))


def test_who_is_named_sees_it_in_the_navigation_and_in_a_list_of_theirs(case: Case) -> None:
    client = browser("pia")
    assert '<span class="count">1</span>' not in client.get("/admin/cases/mention/").content.decode()
    note = write(case, f"{SECRET} Is it right, @pia?")
    shown = client.get("/admin/cases/mention/").content.decode()
    assert '<span>Mentions</span><span class="count">1</span>' in shown
    assert "12 Elm Street" in shown
    assert case.reference in shown
    assert "Mentions you" in page(case, "pia")
    assert "Mentions you" not in page(case, "otto")
    assert "12 Elm" not in browser("otto").get("/admin/cases/mention/").content.decode()
    assert '<span class="mention">@pia</span>?' in page(case)
    event = case.audit_events.get(action="note.mentioned")
    assert event.sentence == "Mentioned pia in a note"
    assert event.details == {"account": "pia", "note": str(note.pk)}


def test_it_is_read_once_it_is_opened_or_marked(case: Case) -> None:
    first, second = write(case, "One, @pia."), write(case, "Two, @pia.")
    client = browser("pia")
    own = {mention.note_id: mention for mention in Mention.objects.all()}
    opened = client.post(f"/admin/cases/mention/{own[first.pk].pk}/read/", {"open": "1"})
    assert opened["Location"] == f"{address(case)}#note-{first.pk}"
    marked = client.post(f"/admin/cases/mention/{own[second.pk].pk}/read/")
    assert marked["Location"] == "/admin/cases/mention/"
    shown = client.get("/admin/cases/mention/").content.decode()
    assert "Colleagues can notify you by typing @ and your name in a note on a case." in shown
    assert shown.index("Two, @pia.") < shown.index("One, @pia.")
    read_at = Mention.objects.get(note=first).read_at
    client.post(f"/admin/cases/mention/{own[first.pk].pk}/read/")
    assert Mention.objects.get(note=first).read_at == read_at  # the first time counts


def test_whoever_answers_has_read_it(case: Case) -> None:
    note = write(case, "Is it right, @pia? And @otto?")
    answer_to(note, case, "It is.", "pia")
    assert [mention.user.username for mention in Mention.objects.filter(read_at=None)] == ["otto"]


def test_another_ones_mention_is_not_found(case: Case) -> None:
    write(case, "Hello @pia.")
    mention = Mention.objects.get()
    assert browser("otto").post(f"/admin/cases/mention/{mention.pk}/read/").status_code == 404
    assert browser("pia").get(f"/admin/cases/mention/{mention.pk}/read/").status_code == 405
    mention.refresh_from_db()
    assert mention.read_at is None


def test_being_named_gives_no_right(case: Case) -> None:
    """Ivy and Charlie may not see cases, so nobody tells them of one; whoever loses the right loses the list."""
    answer = browser("agnes").post(
        address(case, "note"), {"text": "Look, @ivy, @charlie and @pia."}, follow=True
    )
    assert named(case) == ["pia"]
    assert said(answer)[1].startswith(
        "2 mentions reached no one: no colleague with access to cases has those names."
    )
    client, mention = browser("pia"), Mention.objects.get()
    User.objects.get(username="pia").groups.clear()
    assert client.get("/admin/cases/mention/").status_code == 403
    assert client.post(f"/admin/cases/mention/{mention.pk}/read/").status_code == 403


def test_an_unknown_name_is_told_without_repeating_it(case: Case) -> None:
    """A name after an @ may be the person's own, elsewhere; messages lie in cookies and sessions."""
    answer = browser("agnes").post(
        address(case, "note"), {"text": "She is @ada.lovelace there."}, follow=True
    )
    told = said(answer)
    assert len(told) == 2
    assert "1 mention reached no one: no colleague with access to cases has that name." in told[1]
    assert "lovelace" not in " ".join(told)


def test_who_left_is_not_told(case: Case) -> None:
    User.objects.filter(username="pia").update(is_active=False)
    write(case, "Hello @pia.")
    assert named(case) == []


def test_a_name_in_the_note_of_any_verb_counts(case: Case) -> None:
    browser("agnes").post(
        address(case, "verify"),
        {
            "method": "document_seen",
            "document": "passport",
            "result": "passed",
            "shown": [str(key) for key in case.subject.identities.values_list("pk", flat=True)],
            "text": "Seen, @Pia.",
        },
    )
    assert named(case) == ["pia"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@pia", ["pia"]),
        ("Ask @pia.", ["pia"]),
        ("(@pia), @pia and @PIA!", ["pia"]),
        ("@pia's and @pia-ann", ["pia", "pia-ann"]),
        ("mail ada@example.org or a+b@pia.org", []),
        ("@ pia, @@, @.", []),
        ("@ann.smith@corp.example has it", ["ann.smith@corp.example"]),
        (" ".join(f"@n{number}" for number in range(30)), [f"n{number}" for number in range(20)]),
    ],
)
def test_what_counts_as_a_name(text: str, names: list[str]) -> None:
    assert mentions.names_in(text) == names


def test_whoever_names_themselves_is_not_told(case: Case) -> None:
    write(case, "I, @agnes, did it.")
    assert named(case) == []


def test_the_list_asks_the_database_equally_often_however_long_it_is(case: Case) -> None:
    from django.test.utils import CaptureQueriesContext

    client = browser("pia")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/admin/cases/mention/")
        return len(captured)

    write(case, "One, @pia.")
    mentions.read(Mention.objects.get())
    write(case, "Two, @pia.")
    few = queries()
    for number in range(30):
        other = open_case(identities=[("email", f"p{number}@example.org")])
        note = notes.add(other, f"{number}, @pia.", actor=actor("agnes")).note
        if number % 2:
            mentions.read(note.mentions.get())
    assert queries() == few <= 12


def test_whoever_writes_is_offered_those_who_can_be_named(case: Case) -> None:
    User.objects.filter(username="otto").update(is_active=False)
    offered = browser("agnes").get("/admin/cases/mention/people/")
    # Neither who may not see cases (ivy, charlie) nor who has left.
    assert offered.json() == {"people": ["agnes", "pia"]}
