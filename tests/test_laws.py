"""The laws that imports alone cannot show (those are contracts of import-linter, in pyproject.toml).

Each law is a scanner over one file's syntax tree. It is run over the product, where it must find nothing, and over a
planted breach, where it must find that.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = ("dsrportal", "cases", "integrations")
SANDBOX = "integrations/sandbox/"
PUBLIC_FACE = {"budget", "limits", "models", "registry", "connector", "types", "errors"}

Scanner = Callable[[ast.AST], bool]


@dataclass(frozen=True)
class Law:
    """`breaks` says of one node whether it breaks the law; `within` and `but` say where it holds (path prefixes)."""

    name: str
    breaks: Scanner
    breach: str
    within: tuple[str, ...] = PRODUCT
    but: tuple[str, ...] = ()

    def holds_in(self, path: str) -> bool:
        if SANDBOX in path or "/migrations/" in path:
            return False
        return path.startswith(self.within) and not path.startswith(self.but)


def imported(node: ast.AST) -> Iterator[str]:
    """The dotted names an import brings in: modules, and what is taken out of them."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def below(name: str, *modules: str) -> bool:
    return any(name == module or name.startswith(module + ".") for module in modules)


def called(node: ast.AST) -> ast.Attribute | None:
    return node.func if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None


def keywords(node: ast.AST) -> dict[str | None, ast.expr]:
    return {keyword.arg: keyword.value for keyword in node.keywords} if isinstance(node, ast.Call) else {}


def reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
        return node.attr in {"environ", "environb", "getenv", "putenv"}
    return any(below(name, "environ", "os.environ", "os.getenv") for name in imported(node))


def speaks_to_the_network(node: ast.AST) -> bool:
    return any(
        below(name, "requests", "urllib3", "http.client", "httpx", "aiohttp", "urllib.request")
        for name in imported(node)
    )


def enqueues(node: ast.AST) -> bool:
    call = called(node)
    return call is not None and call.attr in {
        "enqueue",
        "enqueue_at",
        "enqueue_call",
        "enqueue_in",
        "enqueue_job",
        "enqueue_many",
        "delay",
    }


def knows_rq(node: ast.AST) -> bool:
    return any(below(name, "rq", "django_rq") for name in imported(node))


def writes_a_status(node: ast.AST) -> bool:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    if any(isinstance(target, ast.Attribute) and target.attr == "status" for target in targets):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr":
        return any(isinstance(item, ast.Constant) and item.value == "status" for item in node.args)
    call = called(node)
    if call is None:
        return False
    if call.attr in {"update", "update_or_create"} and "status" in keywords(node):
        return True
    if call.attr in {"save", "bulk_update"}:
        strings = [item.value for item in ast.walk(node) if isinstance(item, ast.Constant)]
        return "status" in strings
    return False


def makes_an_audit_event(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = ast.unparse(node.func)
    return function.endswith("AuditEvent") or (
        "AuditEvent." in function
        and function.rpartition(".")[2] in {"create", "bulk_create", "get_or_create"}
    )


def updates_a_queryset(node: ast.AST) -> bool:
    # A dict's update takes a mapping, a queryset's takes fields by name.
    call = called(node)
    return call is not None and call.attr in {"update", "bulk_update"} and bool(keywords(node))


def sees_a_request(node: ast.AST) -> bool:
    if any(below(name, "django.http", "django.shortcuts", "django.contrib.admin") for name in imported(node)):
        return True
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).endswith("HttpRequest")


def looks_behind_the_face(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom) and node.module == "integrations":
        return any(alias.name not in PUBLIC_FACE for alias in node.names)
    return any(
        below(name, "integrations") and name != "integrations" and name.split(".")[1] not in PUBLIC_FACE
        for name in imported(node)
    )


def is_impure(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom) and node.module == "django.db.models":
        return any(alias.name not in {"TextChoices", "IntegerChoices"} for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module in {"django.utils.translation", "dsrportal.sentence"}:
        return False  # what a word is called in which language
    if any(below(name, "django", "integrations", "dsrportal") for name in imported(node)):
        return not any(name.startswith("django.db.models") for name in imported(node))
    call = called(node)
    return call is not None and call.attr in {"now", "today", "utcnow", "time"}


def names_the_sandbox(node: ast.AST) -> bool:
    words: list[str] = []
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        words = [node.value]
    elif isinstance(node, ast.Name):
        words = [node.id]
    elif isinstance(node, ast.Attribute):
        words = [node.attr]
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        words = [node.name]
    words += list(imported(node))
    return any("sandbox" in word.lower() for word in words)


_MADE_TEXT: Final = {"str", "_", "gettext", "ngettext", "pgettext", "npgettext", "format", "join"}
_CUTS: Final = {
    "partition",
    "rpartition",
    "split",
    "rsplit",
    "splitlines",
    "strip",
    "lstrip",
    "rstrip",
    "removeprefix",
    "removesuffix",
    "replace",
    "lower",
    "upper",
    "title",
    "capitalize",
}


def makes_a_sentence_of_text(node: ast.AST) -> bool:
    """Whether its msgid is a text of one language, or put together: nobody could translate it."""
    if not (isinstance(node, ast.Call) and node.args):
        return False
    if ast.unparse(node.func).rpartition(".")[2] not in {"Sentence", "Word"}:
        return False
    msgid = node.args[0]
    if isinstance(msgid, ast.Call):
        return ast.unparse(msgid.func).rpartition(".")[2] in _MADE_TEXT
    return isinstance(msgid, ast.JoinedStr | ast.BinOp)


def cuts_a_sentence(node: ast.AST) -> bool:
    """Whether a part is cut out of its English, or of what it says in one language. Of itself mypy allows none."""
    if not (isinstance(node, ast.Attribute) and node.attr in _CUTS):
        return False
    text = node.value
    if isinstance(text, ast.Attribute):
        return text.attr == "english"
    if not (isinstance(text, ast.Call) and ast.unparse(text.func) == "str" and text.args):
        return False
    named = re.findall(r"\w+", ast.unparse(text.args[0]))
    return any(
        "sentence" in name or name.isupper() or name in {"remark", "turn", "refused"} for name in named
    )


LAWS = [
    Law(
        "3: only settings.py reads the environment",
        reads_environment,
        "import os\nADDRESS = os.environ['ADDRESS']",
        but=("dsrportal/settings.py", "dsrportal/wsgi.py"),
    ),
    Law(
        "3: only integrations/http.py speaks to the network",
        speaks_to_the_network,
        "from urllib3 import PoolManager",
        but=("integrations/http.py", "integrations/connections.py"),  # the second is the first one's own
    ),
    Law(
        "3: only queueing.py enqueues",
        enqueues,
        "queue.enqueue_in(delay, 'cases.jobs.drain')",
        but=("dsrportal/queueing.py",),
    ),
    Law(
        "3: only the queue's own modules and the jobs page know RQ",
        knows_rq,
        "import django_rq",
        but=(
            "dsrportal/queueing.py",
            "dsrportal/worker.py",
            "dsrportal/scheduler.py",
            "dsrportal/management/commands/worker.py",
            "cases/services/processors/queues.py",  # looks at the queues for the jobs page
        ),
    ),
    Law(
        "3: only transition.py writes a status",
        writes_a_status,
        "case.status = 'closed'\ncase.save(update_fields=['status'])",
        within=("cases/",),
        but=("cases/services/transition.py",),
    ),
    Law(
        "3: only audit.py makes audit events",
        makes_an_audit_event,
        "models.AuditEvent.objects.create(kind='case.opened')",
        within=("cases/",),
        but=("cases/services/audit.py",),
    ),
    Law(
        "8: the admin updates no queryset",
        updates_a_queryset,
        "queryset.update(outcome='denied')",
        within=("cases/admin/",),
    ),
    Law(
        "2: services never see a request",
        sees_a_request,
        "from django.http import HttpRequest",
        within=("cases/services/", "cases/models/", "cases/jobs.py"),
    ),
    Law(
        "1: cases uses the public face of integrations only",
        looks_behind_the_face,
        "from integrations.mparticle import connector",
        within=("cases/",),
    ),
    Law(
        "2: the lifecycle and the clocks know no rows and no now",
        is_impure,
        "from django.utils import timezone",
        within=("cases/lifecycle.py", "cases/clocks/"),
    ),
    Law(
        "a sentence is made of a msgid",
        makes_a_sentence_of_text,
        "raise Refused(Sentence(f'{processor} is not paused.'))",
        but=("dsrportal/sentence.py",),  # `paragraph` joins slots, not words
    ),
    Law(
        "nothing is cut out of a sentence",
        cuts_a_sentence,
        "turn, _colon, _what = str(WHOSE_TURN[case.status]).partition(': ')",
    ),
    Law(
        "10: the product does not know the sandbox",
        names_the_sandbox,
        "import integrations.sandbox",
        but=("dsrportal/management/commands/portal.py", "dsrportal/demo/setting"),
    ),
]


def without_docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that does something: a docstring may name what the code must not."""
    silent = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return (node for node in ast.walk(tree) if id(node) not in silent)


def breaches(law: Law, source: str, path: str) -> list[str]:
    found = [node for node in without_docstrings(ast.parse(source)) if law.breaks(node)]
    return [f"{path}:{getattr(node, 'lineno', '?')}: {ast.unparse(node)[:100]}" for node in found]


def product_files() -> list[Path]:
    return [path for folder in PRODUCT for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_the_product_keeps_the_law(law: Law) -> None:
    found: list[str] = []
    for path in product_files():
        name = path.relative_to(ROOT).as_posix()
        if law.holds_in(name):
            found += breaches(law, path.read_text(encoding="utf-8"), name)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_breach_is_found(law: Law) -> None:
    assert breaches(law, law.breach, "planted.py")


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_what_a_law_excepts_exists(law: Law) -> None:
    """An exception for a file that has gone would wait for the next file of that name."""
    for prefix in law.but:
        assert list(ROOT.glob(prefix + "*")), prefix


@pytest.mark.parametrize(
    ("law", "innocent"),
    [
        (reads_environment, "environ = request.environ"),
        (writes_a_status, "status = answer.status\nQ(status='queued')\nCase.objects.filter(status='queued')"),
        (writes_a_status, "Case(status=Case.Status.INTAKE)"),
        (updates_a_queryset, "context.update({'title': 1})"),
        (makes_an_audit_event, "AuditEvent.objects.filter(case=case)"),
        (is_impure, "from django.db.models import TextChoices\ntoday = received_at.date()"),
        (
            makes_a_sentence_of_text,
            "Sentence('Nobody')\nWord(RequestType(type).label)\nSentence(template, who=who)",
        ),
        (makes_a_sentence_of_text, "Sentence('%(why)s.', why=str(key))"),
        (cuts_a_sentence, "str(value).strip()\nstr(item.sentence)\nsentence.english.startswith(label)"),
        (names_the_sandbox, '"""Tried against the sandbox."""'),
        (looks_behind_the_face, "from integrations.types import Draft\nfrom integrations import registry"),
    ],
)
def test_what_only_looks_like_a_breach_is_none(law: Scanner, innocent: str) -> None:
    assert not any(law(node) for node in without_docstrings(ast.parse(innocent)))


def contracts(root: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(program), "--no-cache", "--config", str(root / "pyproject.toml")],
        cwd=root,
        env={"PATH": "", "PYTHONPATH": str(root), "PYTHONUTF8": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def test_imports_keep_their_contracts_and_a_planted_import_breaks_them(tmp_path: Path) -> None:
    for folder in PRODUCT:
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    kept = contracts(tmp_path)
    assert kept.returncode == 0, kept.stdout
    with (tmp_path / "integrations" / "types.py").open("a") as file:
        file.write("\nimport cases.models\n")
    with (tmp_path / "integrations" / "connector.py").open("a") as file:
        file.write("\nimport integrations.models\n")
    with (tmp_path / "cases" / "lifecycle.py").open("a") as file:
        file.write("\nimport cases.services\n")
    broken = contracts(tmp_path)
    assert broken.returncode == 1
    for name in ("integrations never imports cases", "floors of integrations", "layers of cases"):
        assert f"{name} BROKEN" in broken.stdout
