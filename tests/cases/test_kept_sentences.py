"""What work in the background says of a row is kept in English with its slots, and read in each one's language."""

import json
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone, translation

from cases.models import Action, AttentionItem, AuditEvent, BulkRow, Case, ImportFailure
from cases.models.audit.slots import in_words
from cases.services.bulk import runs as bulk_runs
from cases.services.bulk import work as bulk_work
from cases.services.imports import files as import_files
from cases.services.refusal import Refused
from dsrportal.database import bulk_insert
from dsrportal.sentence import Sentence
from tests import pseudo
from tests.builders import actor, open_case, processor
from tests.cases.admin.desk_users import account
from tests.cases.files import BROKEN, ROW, checked

pytestmark = pytest.mark.django_db


def refused_row() -> BulkRow:
    """Approved in bulk by somebody who may not do it any more when its turn comes."""
    processor()
    case = open_case()
    account("pia")
    run = bulk_runs.start(
        Case.objects.filter(pk=case.pk), verb="deny", said={"reason": "legal_obligation"}, actor=actor("pia")
    )
    bulk_runs.begin(run, actor=actor("pia"))
    account("pia").groups.clear()
    with translation.override("de"):
        bulk_work.work(run.pk)
    return BulkRow.objects.get(run=run)


def test_a_row_that_was_refused_says_why_in_each_language(monkeypatch: pytest.MonkeyPatch) -> None:
    row = refused_row()
    english = "The user who started this no longer has permission to do it."
    assert BulkRow.objects.values_list("sentence", flat=True).get().english == english
    assert str(row.sentence) == english
    pseudo.speak(monkeypatch)
    with translation.override("de"):
        assert str(row.sentence) == f"⟦{english}⟧"


def test_a_row_of_an_import_says_why_in_each_language(monkeypatch: pytest.MonkeyPatch) -> None:
    processor()
    with translation.override("de"):
        made = checked(ROW, BROKEN, *[{**BROKEN, "received_at": "2026-05-05"}] * 12)
    kept = {sentence.english for sentence in ImportFailure.objects.values_list("sentence", flat=True)}
    assert kept == {"Enter at least one identifier. Without one, no processor can find the data subject."}
    pseudo.speak(monkeypatch)
    with translation.override("de"):
        ((sentence, rows),) = import_files.kinds_of_failure(made)
        assert (str(sentence), rows) == (f"⟦{kept.pop()}⟧".replace(": ", "⟧: ⟦"), 13)
        assert all(
            str(each).startswith("⟦")
            for _line, said in import_files.first_failures(made, lines=9)
            for each in said
        )


def test_a_refusal_with_several_sentences_is_read_in_the_readers_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = Refused(
        Sentence("Choose why the verification failed."),
        Sentence("A case can have up to %(count)d files.", count=3),
    )
    assert str(refused) == "Choose why the verification failed. A case can have up to 3 files."
    pseudo.speak(monkeypatch)
    with translation.override("de"):
        assert str(refused) == "⟦Choose why the verification failed.⟧ ⟦A case can have up to ⟧3⟦ files.⟧"


def test_an_event_keeps_codes_and_tells_them_in_words() -> None:
    event = AuditEvent(action=Action.BULK_STARTED, details={"verb": "deny", "cases": 12000, "run": "7"})
    assert event.sentence == "Started a bulk run: deny, cases: 12,000 (7)"
    assert in_words("fields", ["base_url", "budget_share"]) == "base url, budget share"
    assert in_words("stop", "not_allowed") == "not allowed"
    with translation.override("de"):
        assert "12.000" in event.sentence


def written_before(sentence: str, wording: dict[str, Any]) -> AttentionItem:
    """An item as an earlier version of the portal wrote it: its English, and what that is made of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_attentionitem (kind, sentence, wording, opened_at, resolution) "
            "VALUES ('gone', %s, %s, now(), '') RETURNING id",
            [sentence, json.dumps(wording)],
        )
        return AttentionItem.objects.get(pk=cursor.fetchone()[0])


PAUSED = {"template": "%(processor)s is not paused.", "slots": {"processor": "Shop"}}


@pytest.mark.parametrize(
    ("sentence", "wording", "german"),
    [
        ("Shop is not paused.", PAUSED, "Shop ist nicht pausiert."),
        ("It went 100 % wrong.", {}, "It went 100 % wrong."),
        ("No one", {}, "No one"),
    ],
)
def test_a_row_of_an_earlier_version_reads_as_it_did_and_stays_as_it_is(
    sentence: str, wording: dict[str, Any], german: str
) -> None:
    item = written_before(sentence, wording)
    assert (item.sentence.english, str(item.sentence)) == (sentence, sentence)
    with translation.override("de"):
        assert str(item.sentence) == german
        item.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT sentence, wording FROM cases_attentionitem")
        assert [(text, json.loads(kept)) for text, kept in cursor.fetchall()] == [(sentence, wording)]
    assert AttentionItem.objects.filter(sentence=sentence).get().sentence == Sentence(sentence)
    assert AttentionItem.objects.filter(
        sentence=Sentence(sentence), sentence__icontains=sentence[:4]
    ).exists()


def test_a_text_is_not_taken_for_a_sentence() -> None:
    text: Any = "It is gone."
    with pytest.raises(AttributeError):
        AttentionItem.objects.create(kind="gone", sentence=text, opened_at=timezone.now())


def test_many_rows_at_once_keep_their_english_whoever_writes_them() -> None:
    with translation.override("de"):
        made = checked(*[BROKEN] * (bulk_insert.FEW + 2))
    kept = "Enter at least one identifier. Without one, no processor can find the data subject."
    assert made.failures.filter(sentence=kept).count() == bulk_insert.FEW + 2
    assert set(made.failures.values_list("wording__template", flat=True)) == {kept}
