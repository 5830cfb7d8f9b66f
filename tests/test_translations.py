"""Every text is marked, every marked text has its German, and what is compiled is what is written. `make messages`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from babel.messages.catalog import Message
from django.utils import translation

from cases.roles import GIVEN
from tests import messages
from tests.messages import ROOT

PLACEHOLDER: Final = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|%[sd]")
TAG: Final = re.compile(r"</?[a-z]+[^>]*>")
# Names and abbreviations that are the same in every language.
NAMES: Final = frozenset({"DSR Portal", "SHA-256", "· DSR Portal"})

# --- the catalog


def texts() -> list[Message]:
    return [message for message in messages.stored() if message.id]


def test_the_catalog_holds_what_the_code_says_and_nothing_else() -> None:
    now = {(message.id, message.context) for message in messages.template() if message.id}
    held = {(message.id, message.context) for message in texts()}
    assert {"missing": now - held, "stale": held - now} == {"missing": set(), "stale": set()}, "make messages"


def test_every_text_has_its_german() -> None:
    without = [message.id for message in texts() if not messages.has_text(message.string) or message.fuzzy]
    assert without == []


def test_what_is_compiled_is_what_is_written() -> None:
    assert messages.MO.read_bytes() == messages.compiled(messages.stored()), "make messages"


def pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Each form beside the form it translates; German has one and many, as English does."""
    if isinstance(message.id, tuple):
        yield from zip(message.id, message.string or (), strict=True)
    else:
        yield str(message.id), str(message.string)


def test_german_fills_the_same_slots_and_keeps_the_same_tags() -> None:
    differ = [
        (said, german)
        for message in texts()
        for said, german in pairs(message)
        if set(PLACEHOLDER.findall(said)) != set(PLACEHOLDER.findall(german))
        or sorted(TAG.findall(said)) != sorted(TAG.findall(german))
    ]
    assert differ == []


def test_german_ends_as_english_does() -> None:
    """A sentence stays one, and nothing else becomes one; no blank is lost at either end."""
    ends = ".:;,… "
    differ = [
        (said, german)
        for message in texts()
        for said, german in pairs(message)
        if ((said[-1] in ends or german[-1] in ends) and said[-1] != german[-1])
        or said[:1].isspace() != german[:1].isspace()
    ]
    assert differ == []


# --- what is not marked


# Calls whose text people read: (name, the argument that is text).
SAYING: Final = {
    "Refused": 0,
    "Superseded": 0,
    "ValidationError": 0,
    "open_item": 1,
    "success": 1,
    "info": 1,
    "warning": 1,
    "error": 1,
}
SAYING_BY_NAME: Final = frozenset(
    {"description", "help_text", "label", "verbose_name", "verbose_name_plural"}
)
# In integrations, all that is raised.
ERRORS: Final = frozenset(
    node.name
    for node in ast.parse((ROOT / "integrations" / "errors.py").read_text()).body
    if isinstance(node, ast.ClassDef)
) - {"NotVerified"}


def is_text(node: ast.expr | None) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(
            isinstance(part, ast.Constant) and re.search(r"[A-Za-z]{2}", str(part.value))
            for part in node.values
        )
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and bool(re.search(r"[A-Z][a-z]|[a-z] [a-z]", node.value))
    )


def unmarked(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            owner = (
                node.func.value.id
                if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
                else ""
            )
            if owner != "logger" and (name in SAYING or name in ERRORS):
                place = SAYING.get(name, 0)
                if len(node.args) > place and is_text(node.args[place]):
                    yield node.lineno
            for keyword in node.keywords:
                if keyword.arg in SAYING_BY_NAME and is_text(keyword.value):
                    yield node.lineno
        elif isinstance(node, ast.ClassDef) and any(
            getattr(base, "attr", getattr(base, "id", "")) == "TextChoices" for base in node.bases
        ):
            for line in node.body:
                if (
                    isinstance(line, ast.Assign)
                    and isinstance(line.value, ast.Tuple)
                    and is_text(line.value.elts[1])
                ):
                    yield line.lineno


SPOKEN: Final = [
    path
    for path in messages.sources()
    if path.suffix == ".py" and path.parts[len(ROOT.parts)] in {"cases", "integrations"}
]


def test_what_people_read_is_marked_in_the_code() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SPOKEN
        for line in unmarked(ast.parse(path.read_text()))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'raise Refused("The case is closed.")',
        'raise Refused(f"{name} is closed.")',
        'messages.success(request, "It is done.")',
        'forms.CharField(label="Reason")',
        'class Kind(TextChoices):\n    ONE = "one", "The first"',
        'raise Unreachable("It does not answer.")',
    ],
)
def test_an_unmarked_text_is_found(code: str) -> None:
    assert list(unmarked(ast.parse(code)))


def bare_words(text: str) -> list[str]:
    """What a template says outside its tags for translation: in its text, in titles, and to the tags of the desk."""
    text = re.sub(r"{#.*?#}|{%\s*comment.*?endcomment\s*%}|<!DOCTYPE[^>]*>", "", text, flags=re.DOTALL)
    text = re.sub(r"{%\s*blocktranslate.*?endblocktranslate\s*%}", "", text, flags=re.DOTALL)
    found = re.findall(r'{%\s*(?:badge|icon)[^%]*?[^_(]"([A-Z][^"]*)"', text)
    text = re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
    found += re.findall(r'\b(?:title|aria-label|placeholder|alt)="([^"]*[A-Za-z]{2}[^"]*)"', text)
    outside = (each.strip() for each in re.split(r"<[^>]*>", text))
    return found + [each for each in outside if re.search(r"[A-Z][a-z]|[a-z]{3}", each) and each not in NAMES]


def templates() -> Iterator[Path]:
    return (path for path in messages.sources() if path.suffix == ".html")


def test_what_people_read_is_marked_in_the_templates() -> None:
    found = {str(path.relative_to(ROOT)): bare_words(_without_classes(path)) for path in templates()}
    assert {path: words for path, words in found.items() if words} == {}


def _without_classes(path: Path) -> str:
    # A block of class names is no text.
    return re.sub(r"{% block bodyclass %}.*?{% endblock %}", "", path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize(
    "template", ["<p>Nothing here.</p>", '<button title="Close it"></button>', '{% badge "Paused" "warn" %}']
)
def test_a_bare_word_in_a_template_is_found(template: str) -> None:
    assert bare_words(template)


@pytest.mark.django_db
def test_every_right_that_a_role_can_be_given_has_its_german() -> None:
    from django.contrib.auth.models import Permission

    from cases.admin.people.role import permission_label
    from cases.services import users

    offered = [
        each for each in Permission.objects.select_related("content_type") if users.name_of(each) in GIVEN
    ]
    assert len(offered) == len(GIVEN)
    english = {each.pk: permission_label(each) for each in offered}
    with translation.override("de"):
        assert [english[each.pk] for each in offered if permission_label(each) == english[each.pk]] == []
