"""A sentence is one value for everybody, read in the language of whoever looks, and nothing like a text."""

import copy
import json
import operator
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from dsrportal.sentence import NOTHING, Sentence, Verbatim, Word, paragraph

NOBODY = Sentence("No one")


def paused(name: str = "Shop") -> Sentence:
    return Sentence("%(processor)s is not paused.", processor=name)


# --- shown


@pytest.mark.parametrize(
    "show",
    [
        str,
        lambda sentence: f"{sentence}",
        lambda sentence: "%s" % sentence,  # noqa: UP031
        "{}".format,
        lambda sentence: format_html("{}", sentence),
        lambda sentence: Template("{{ sentence }}").render(Context({"sentence": sentence})),
    ],
)
def test_wherever_it_is_shown_it_is_in_the_readers_language(show: Callable[[Sentence], str]) -> None:
    assert show(NOBODY) == "No one"
    with translation.override("de"):
        assert show(NOBODY) == "Niemand"


def test_what_fills_it_is_escaped_in_a_page() -> None:
    page = Template("{{ sentence }}").render(Context({"sentence": paused("<b>")}))
    assert page == "&lt;b&gt; is not paused."


def test_instants_are_shown_in_the_zone_of_whoever_looks() -> None:
    at = Sentence("%(at)s", at=datetime(2026, 12, 5, 14, 30, tzinfo=UTC))
    with translation.override("de"), timezone.override("Europe/Berlin"):
        assert (str(at), at.english) == ("05.12.2026 15:30 CET", "05 Dec 2026 14:30 UTC")


# --- no text


@pytest.mark.parametrize(
    "as_text",
    [
        lambda sentence: "".join([sentence]),
        lambda sentence: sentence + "",
        lambda sentence: "" + sentence,
        lambda sentence: sentence * 2,
        json.dumps,
        len,
        iter,
        operator.itemgetter(0),
        operator.itemgetter(slice(3)),
        lambda sentence: "No" in sentence,
        lambda sentence: sentence < sentence,
        sorted,
    ],
)
def test_it_cannot_be_taken_for_a_text(as_text: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError):
        as_text([NOBODY, NOBODY] if as_text is sorted else NOBODY)


@pytest.mark.parametrize("name", ["partition", "split", "strip", "lower", "replace", "startswith", "join"])
def test_nothing_can_be_cut_out_of_it(name: str) -> None:
    assert not hasattr(NOBODY, name)


def test_it_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        NOBODY.english = "Somebody"  # type: ignore[misc]


# --- the same for everybody


def test_two_that_say_the_same_are_equal_in_every_language() -> None:
    with translation.override("de"):
        german = paused()
    assert german == paused()
    assert hash(german) == hash(paused())
    assert {german: 1}[paused()] == 1
    assert german == Verbatim("Shop is not paused.")
    assert german != paused("Archive")


def test_it_never_equals_a_text() -> None:
    text: object = "No one"
    assert text != NOBODY
    assert text not in {NOBODY}


def test_a_label_is_kept_in_english_whoever_makes_a_sentence_of_it() -> None:
    with translation.override("de"):
        label = Sentence(gettext_lazy("Erasure"))
        assert (str(label), label.english) == ("Löschung", "Erasure")
        word = Word(gettext_lazy("Erasure"))
        assert (str(word), word.english) == ("Löschung", "erasure")
        assert str(Word(label)) == "Löschung"


def test_an_empty_one_is_false() -> None:
    assert not NOTHING
    assert not Sentence()
    assert NOBODY


def test_words_that_are_the_same_in_every_language_are_not_translated() -> None:
    with translation.override("de"):
        assert str(Verbatim("No one")) == "No one"
        assert str(Sentence("%(what)s.", what=Verbatim("No one"))) == "No one."


# --- several as one


def test_several_sentences_are_one_in_each_language() -> None:
    both = paragraph([paused(), Sentence("Choose why the verification failed.")])
    assert both.english == "Shop is not paused. Choose why the verification failed."
    with translation.override("de"):
        assert str(both) == f"{paused()} {Sentence('Choose why the verification failed.')}" != both.english
    assert not paragraph([])


# --- kept


EVERY_SLOT = Sentence(
    "%(name)s %(count)s %(on)s %(at)s %(why)s %(word)s %(label)s %(list)s %(verbatim)s",
    name="Shop",
    count=3,
    on=date(2026, 12, 5),
    at=datetime(2026, 12, 5, 14, 30, tzinfo=UTC),
    why=NOBODY,
    word=Word("Erasure"),
    label=gettext_lazy("Erasure"),
    list=("a", NOBODY),
    verbatim=Verbatim("Ada"),
)


# As rows of earlier versions have it.
STORED = {
    "template": EVERY_SLOT.template,
    "slots": {
        "name": "Shop",
        "count": 3,
        "on": {"on": "2026-12-05"},
        "at": {"at": "2026-12-05T14:30:00+00:00"},
        "why": {"template": "No one", "slots": {}},
        "word": {"template": "Erasure", "slots": {}, "word": True},
        "label": {"template": "Erasure", "slots": {}},
        "list": ["a", {"template": "No one", "slots": {}}],
        "verbatim": "Ada",
    },
}


def test_it_is_stored_as_it_always_was_and_read_as_it_was() -> None:
    assert EVERY_SLOT.stored() == STORED
    read = Sentence.read(json.loads(json.dumps(STORED)))
    assert read.english == "Shop 3 05 Dec 2026 05 Dec 2026 14:30 UTC No one erasure Erasure a, No one Ada"
    assert read == EVERY_SLOT
    with translation.override("de"):
        assert str(read) == str(EVERY_SLOT) != read.english


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@pytest.mark.parametrize(
    "sentence", [NOBODY, paused(), Word("Erasure"), Verbatim("Ada"), paragraph([NOBODY])], ids=repr
)
def test_it_survives_a_cache(sentence: Sentence, again: Callable[[Sentence], Sentence]) -> None:
    found = again(sentence)
    assert (type(found), found, found.stored()) == (type(sentence), sentence, sentence.stored())
    with translation.override("de"):
        assert str(found) == str(sentence)
