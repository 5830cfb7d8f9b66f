"""The documents beside the code: short where that was promised, linked to what is there, true to what tests cite."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.test_laws import LAWS, ROOT

DOCUMENTS: Final = (
    "README.md",
    ".github/ARCHITECTURE.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    "dsrportal/CHANGELOG.md",
    "tests/bench/README.md",
)
README_BYTES: Final = 12 * 1024
LINK: Final = re.compile(r'\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"')
# A path of the repository in code quotes; what stands for a name is none.
PATH: Final = re.compile(
    r"`((?:cases|dsrportal|integrations|templates|tests)/[\w./-]+?|pyproject\.toml|\.ci/run)`"
)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(markdown: str) -> set[str]:
    """The headings as GitHub turns them into anchors."""
    headings = re.findall(r"^#+ (.+)$", markdown, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing(name: str) -> list[str]:
    """The links of a document that lead nowhere, and the paths it names that are not there."""
    found, folder = [], (ROOT / name).parent
    for pair in LINK.findall(text(name)):
        link = pair[0] or pair[1]
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target: Path = (folder / path).resolve() if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            found.append(link)
    return found + [path for path in PATH.findall(text(name)) if not (ROOT / path).exists()]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_paths_lead_somewhere(name: str) -> None:
    assert missing(name) == []


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


def test_the_changelog_begins_with_the_version() -> None:
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    (newest, *_older) = re.findall(r"^## (\S+)", text("dsrportal/CHANGELOG.md"), flags=re.MULTILINE)
    assert newest == version


def test_every_law_that_a_test_cites_is_written_down() -> None:
    _, _, after = text(".github/CONTRIBUTING.md").partition("\n## Laws\n")
    written = set(re.findall(r"^(\d+)\. ", after.partition("\n## ")[0], flags=re.MULTILINE))
    assert written == {str(number) for number in range(1, 11)}
    cited = {number for law in LAWS for number in re.findall(r"^(\d+): ", law.name)}
    assert cited
    assert cited <= written


def test_every_setting_has_a_line_in_the_readme() -> None:
    """As `.env.example` has them."""
    names = set(re.findall(r"^# ([A-Z_]{5,})=", text(".env.example"), flags=re.MULTILINE))
    assert names
    configuration = text("README.md").partition("## Configuration")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([A-Z_]{5,})`", configuration)) == names
