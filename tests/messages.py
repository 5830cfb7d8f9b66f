"""The texts of the portal and their German: found in the code and the templates, and compiled. `make messages`.

Babel keeps the catalogs; that it reads neither Django's templates nor `Sentence` is made up for here.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parent.parent
PO: Final = ROOT / "dsrportal" / "locale" / "de" / "LC_MESSAGES" / "django.po"
MO: Final = PO.with_suffix(".mo")
# Templates of sentences that rows of earlier versions hold, one a line: they are still shown translated.
EARLIER: Final = ROOT / "dsrportal" / "locale" / "earlier.txt"
# What people never see: the operator's commands speak English, as the log does. And what is written once a language:
# the manual's pages.
NOT_READ: Final = (
    "integrations/sandbox/",
    "migrations/",
    "dsrportal/management/",
    "templates/portal/help/de/",
    "templates/portal/help/en/",
)

# Function -> its arguments that are text, and the one that is a context.
PLAIN, PLURAL, IN_CONTEXT = ((0,), None), ((0, 1), None), ((1,), 0)
KEYWORDS: Final[dict[str, tuple[tuple[int, ...], int | None]]] = {
    "_": PLAIN,
    "Sentence": PLAIN,
    "gettext": PLAIN,
    "gettext_lazy": PLAIN,
    "gettext_noop": PLAIN,
    "ngettext": PLURAL,
    "ngettext_lazy": PLURAL,
    "pgettext": IN_CONTEXT,
    "pgettext_lazy": IN_CONTEXT,
}
_STRING: Final = r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
# What templatize makes of a template's tags.
_CALL: Final = re.compile(rf"\b(n?p?gettext|_)\((u?{_STRING}(?:,\s*u?{_STRING})?)")

Message = tuple[str | tuple[str, str], str | None]


def sources() -> Iterator[Path]:
    for pattern in (
        "cases/**/*.py",
        "dsrportal/**/*.py",
        "integrations/**/*.py",
        "templates/**/*.html",
        "templates/**/*.txt",
    ):
        for path in sorted(ROOT.glob(pattern)):
            if not any(part in str(path.relative_to(ROOT)) for part in NOT_READ):
                yield path


def in_python(text: str) -> Iterator[Message]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in KEYWORDS:
            places, context = KEYWORDS[name]
            said = [_literal(node.args[place]) if place < len(node.args) else None for place in places]
            if all(said):
                of = _literal(node.args[context]) if context is not None else None
                yield (said[0] or "", said[1] or "") if len(said) == 2 else said[0] or "", of


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def in_template(text: str) -> Iterator[Message]:
    for name, strings in _CALL.findall(templatize(text)):
        said = [ast.literal_eval(each) for each in re.findall(_STRING, strings)]
        if name == "ngettext":
            yield (said[0], said[1]), None
        elif name == "pgettext":
            yield said[1], said[0]
        elif said[0]:
            yield said[0], None


def template() -> Catalog:
    """Everything that is marked now."""
    found = Catalog(charset="utf-8")
    for path in sources():
        read = in_python if path.suffix == ".py" else in_template
        for message, context in read(path.read_text()):
            found.add(message, context=context)
    for line in EARLIER.read_text().splitlines():
        found.add(line)
    return found


def stored() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="de", domain="django")


def compiled(catalog: Catalog) -> bytes:
    kept = BytesIO()
    write_mo(kept, catalog)
    return kept.getvalue()


def has_text(string: Sequence[str] | None) -> bool:
    return bool(string) and all(string or ())


def main() -> None:
    """Bring the catalog up to date and compile it; what is new has no German yet."""
    catalog = stored()
    catalog.update(template(), no_fuzzy_matching=True, update_header_comment=False)
    with PO.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, no_location=True, ignore_obsolete=True)
    MO.write_bytes(compiled(stored()))
    without = [message for message in catalog if message.id and not has_text(message.string)]
    print(f"{len(catalog)} texts, {len(without)} without German in {PO.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
