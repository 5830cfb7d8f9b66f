"""The manual: whole in both languages, its links and pictures lead somewhere, its words are those of the screen."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse
from django.utils import translation

from cases.admin.help import contents, pages
from cases.admin.help.search import MOST_HITS, search
from tests import messages
from tests.cases.admin.desk_users import account, browser

LANGUAGES: Final = ("en", "de")
HOME: Final = "/admin/help/"
TEXTS: Final = messages.ROOT / "templates" / "portal" / "help"
EVERY_PAGE: Final = [(language, name) for language in LANGUAGES for name in pages.PAGES]
# Said by the page's frame.
RELATED: Final = "related"


def sources() -> Iterator[Path]:
    for language in LANGUAGES:
        yield from sorted((TEXTS / language).glob("*.html"))


# --- whole


def test_each_page_is_written_in_each_language_and_none_besides() -> None:
    for language in LANGUAGES:
        assert {path.stem for path in (TEXTS / language).iterdir()} == set(pages.PAGES)


@pytest.mark.parametrize("name", pages.PAGES)
def test_both_languages_have_the_same_parts(name: str) -> None:
    english, german = (contents.manual(language)[name] for language in LANGUAGES)
    for page in (english, german):
        assert page.lead
        assert all(section.anchor and section.heading and section.text for section in page.sections)
    anchors = [section.anchor for section in english.sections]
    assert anchors == [section.anchor for section in german.sections]
    assert len(set(anchors)) == len(anchors)
    assert anchors[-1] == "problems"
    for tag in ("<h2", "<li", "<dt", "<tr", "<img", "<a ", "<b>", "<code"):
        assert english.html.count(tag) == german.html.count(tag), tag


def test_every_page_is_found_by_task_and_related_pages_exist() -> None:
    by_task = [name for _label, names in pages.BY_TASK for name in names]
    assert sorted(by_task) == sorted(pages.PAGES)
    assert set(pages.RELATED) == set(pages.PAGES)
    others = [name for names in pages.RELATED.values() for name in names]
    roles = [name for _label, names in pages.BY_ROLE for name in names]
    assert {*others, *roles} <= set(pages.PAGES)
    assert all(name not in names for name, names in pages.RELATED.items())


# --- leads somewhere


@pytest.mark.parametrize(("language", "name"), EVERY_PAGE)
def test_links_and_pictures_lead_somewhere(language: str, name: str) -> None:
    manual = contents.manual(language)
    for link in re.findall(r'href="([^"]*)"', manual[name].html):
        page, _, anchor = link.partition("#")
        found = re.fullmatch(rf"{HOME}([a-z]+)/", page)
        assert found, link
        anchors = [section.anchor for section in manual[found[1]].sections]
        assert not anchor or anchor in anchors, link
    for source in re.findall(r'src="([^"]*)"', manual[name].html):
        assert finders.find(source.removeprefix("/static/")), source


def test_no_picture_is_there_that_no_page_shows() -> None:
    shown = {
        f"{language}/{name}-{scheme}.webp"
        for language in LANGUAGES
        for page in contents.manual(language).values()
        for name, scheme in re.findall(r"/([a-z]+)-(light|dark)\.webp", page.html)
    }
    folder = messages.ROOT / "dsrportal" / "static" / "portal" / "help"
    assert {str(path.relative_to(folder)) for path in folder.glob("*/*")} == shown


def test_what_is_quoted_from_the_screen_stands_on_it() -> None:
    """A label that is renamed is missing in the catalog, and the pages that quote it are named here."""
    known = {message.id if isinstance(message.id, str) else message.id[0] for message in messages.stored()}
    stale = {
        (str(path.relative_to(TEXTS)), words)
        for path in sources()
        for words in re.findall(r'{% ui "([^"]*)"', path.read_text())
        if words not in known
    }
    assert stale == set()


def test_german_pages_quote_german_labels() -> None:
    manual = contents.manual("de")
    assert "<b>Person prüfen</b>" in manual["verifying"].html
    assert "<b>Verify requester</b>" in contents.manual("en")["verifying"].html


def test_no_page_says_how_it_looks_or_runs_a_script() -> None:
    for path in sources():
        assert not re.search(r"<(?:script|style)|\sstyle=|\son[a-z]+=", path.read_text()), path


# --- read


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["agnes", "pia", "otto", "ivy", "adam", "charlie"])
def test_everybody_reads_every_page(name: str) -> None:
    client = browser(name)
    assert f'href="{HOME}"' in client.get(reverse("admin:index")).content.decode()
    for page in pages.PAGES:
        answer = client.get(f"{HOME}{page}/")
        assert answer.status_code == 200
        assert str(pages.PAGES[page]) in answer.content.decode()


@pytest.mark.django_db
def test_nobody_reads_it_without_logging_in() -> None:
    from django.test import Client

    for address in (HOME, f"{HOME}start/"):
        assert Client().get(address)["Location"].startswith("/admin/login/")


@pytest.mark.django_db
def test_it_is_read_in_the_language_of_the_reader() -> None:
    user = account("agnes")
    user.language = "de"
    user.save(update_fields=["language"])
    client = browser("agnes")
    assert "Wie ein Vorgang abläuft" in client.get(HOME).content.decode()
    assert "Die Stationen eines Vorgangs" in client.get(f"{HOME}start/").content.decode()


@pytest.mark.django_db
def test_a_page_that_is_not_there_is_not_found() -> None:
    assert browser("agnes").get(f"{HOME}nothing/").status_code == 404


# --- searched


@pytest.mark.parametrize(
    ("language", "words", "page", "anchor"),
    [
        ("en", "waiting period", "opening", "erasure"),
        ("en", "BACKUP keys", "running", "backup"),
        ("en", "tokens", "sources", "add"),
        ("de", "Wartezeit", "opening", "erasure"),
        ("de", "vier augen", "roles", "four-eyes"),
        ("de", "Löschungen", "roles", "four-eyes"),
    ],
)
def test_a_search_finds_the_part_that_has_the_words(
    language: str, words: str, page: str, anchor: str
) -> None:
    with translation.override(language):
        found = [(hit.page.name, hit.section.anchor) for hit in search(words, language)]
    assert (page, anchor) in found
    assert len(found) <= MOST_HITS


def test_the_best_comes_first() -> None:
    assert search("duplicates", "en")[0].page.name == "duplicates"
    assert search("Zurückhaltung von Löschungen aufheben", "de")[0].section.anchor == "held"


@pytest.mark.parametrize("words", ["", "   ", "§ —", "xylophone"])
def test_nothing_is_found_for_nothing(words: str) -> None:
    assert search(words, "en") == []


def test_what_is_found_is_marked_and_escaped() -> None:
    (hit,) = (each for each in search("outcome reference", "en") if each.section.anchor == "status")
    assert "&lt;<mark>reference</mark>&gt;" in hit.excerpt


@pytest.mark.django_db
def test_what_is_searched_for_is_posted_and_stands_in_no_address() -> None:
    client = browser("agnes")
    page = client.get(HOME).content.decode()
    assert '<form class="search" method="post"' in page
    answer = client.post(HOME, {"sought": "<b>duplicates"})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert f'href="{HOME}duplicates/#steps"' in html
    assert 'value="&lt;b&gt;duplicates"' in html
    assert (
        "No page of the manual contains all of these words."
        in client.post(HOME, {"sought": "xylophone"}).content.decode()
    )
