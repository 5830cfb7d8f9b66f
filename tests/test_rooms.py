"""Rooms and voice of the code: how full a folder may be, and what a docstring must say."""

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
PRODUCT: Final = ("cases", "dsrportal", "integrations")
MOST_FILES: Final = 25
# A first line names its noun or its verb. These begin a riddle whose answer is the noun.
RIDDLES: Final = re.compile(r"(What|Who|Whose|Whom|How|Whether|Which|Where|When|Why)\b")

# Django answers these itself wherever they are raised, and an abstract method has no caller to warn.
ANSWERED: Final = {"Http404", "PermissionDenied", "SkipFile", "ValidationError", "NotImplementedError"}
# Whoever says the base class has said these.
FAMILY: Final = {"Superseded": "Refused", "Conflict": "Refused"}


def files(*packages: str) -> list[Path]:
    listed = subprocess.run(
        [
            "git",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            *(f"{each}/**.py" for each in packages),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        path
        for line in listed.stdout.splitlines()
        if (path := ROOT / line).exists() and "migrations" not in path.parts
    ]


def too_full(paths: list[Path]) -> dict[str, int]:
    counted = Counter(str(path.parent) for path in paths)
    return {folder: count for folder, count in counted.items() if count > MOST_FILES}


def riddle(source: str) -> bool:
    """Whether a module has no docstring, or one that begins with What, Who, How or Whether."""
    text = ast.get_docstring(ast.parse(source))
    return text is None or bool(RIDDLES.match(text))


def silent_raisers(source: str) -> list[str]:
    """Public functions that raise an exception by name in their own body without naming it in their docstring."""
    return [
        f"{function.name}: {name}"
        for function in _public_functions(ast.parse(source))
        for name in sorted(_raised(function))
        if not {name, FAMILY.get(name, name)} & set(re.findall(r"\w+", ast.get_docstring(function) or ""))
    ]


def _public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    yield inner


def _raised(function: ast.FunctionDef) -> set[str]:
    """Names of exceptions that leave a function: raised in it, not inside a nested function."""
    found: set[str] = set()
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(raised).rpartition(".")[2]
            if name[:1].isupper() and name not in ANSWERED:
                found.add(name)
        todo.extend(ast.iter_child_nodes(node))
    return found


def test_no_folder_holds_more_than_25_files() -> None:
    assert not too_full(files(*PRODUCT))


def test_a_full_folder_is_found() -> None:
    folder = ROOT / "cases" / "planted"
    assert too_full([folder / f"module_{number}.py" for number in range(MOST_FILES + 1)]) == {str(folder): 26}


def test_module_docstrings_begin_with_a_noun_or_a_verb() -> None:
    assert not [str(path.relative_to(ROOT)) for path in files(*PRODUCT) if riddle(path.read_text())]


@pytest.mark.parametrize(
    "text", ['"""What is kept."""', '"""How long it takes."""', '"""Whether it works."""', "x = 1"]
)
def test_a_riddle_is_found(text: str) -> None:
    assert riddle(text)
    assert not riddle('"""Keeps what is due."""')


def test_public_functions_say_what_they_raise() -> None:
    found = {str(path.relative_to(ROOT)): silent_raisers(path.read_text()) for path in files(*PRODUCT)}
    assert not {path: silent for path, silent in found.items() if silent}


def test_a_silent_raiser_is_found() -> None:
    body = "    if case.closed:\n        raise Refused('It is closed.')\n"
    assert silent_raisers(f'def close(case):\n    """Close it."""\n{body}') == ["close: Refused"]
    assert not silent_raisers(
        f'def close(case):\n    """Close it. Raises Refused when it is closed."""\n{body}'
    )
    assert not silent_raisers(f'def _close(case):\n    """Close it."""\n{body}')
