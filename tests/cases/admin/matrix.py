"""Who may what: every address of the desk and every verb, for every role. Asked one by one in test_matrix.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.cases.admin.desk_users import ROLE_OF

NOBODY: Final = ""
ANYBODY: Final = " ".join(ROLE_OF)
READ_CASES: Final = "agnes pia otto adam"
WORK_CASES: Final = "agnes adam"
DECIDE_CASES: Final = "pia adam"
WORK_OR_DECIDE: Final = "agnes pia adam"
READ_IMPORTS: Final = "agnes otto adam"
READ_PROCESSORS: Final = "otto ivy adam"
RUN_PROCESSORS: Final = "ivy adam"
READ_TRAIL: Final = "otto adam"
READ_EVIDENCE: Final = "agnes pia otto ivy adam"
RUN_ACCOUNTS: Final = "adam"


@dataclass(frozen=True, slots=True)
class May:
    """These get one answer, all others another; a few may have one of their own. A visitor is sent to log in."""

    who: str = ANYBODY
    status: int = 200
    others: int = 403
    but: tuple[tuple[str, int], ...] = ()
    visitor: int = 302

    def expects(self, name: str) -> int:
        if name == VISITOR:
            return self.visitor
        return dict(self.but).get(name, self.status if name in self.who.split() else self.others)


@dataclass(frozen=True, slots=True)
class Row:
    """`pattern` as the resolver has it; `parts` fill its gaps, by name of what the desk holds or as they are."""

    pattern: str
    get: May
    post: May
    parts: tuple[str, ...] = ()
    # Where the pattern is a regular expression, or a query says more.
    address: str = ""
    query: str = ""

    def __str__(self) -> str:
        return f"{self.address or self.pattern}{self.query} {' '.join(self.parts)}".strip()


VISITOR: Final = "visitor"
REFUSED: Final = May(NOBODY)
MISSING: Final = May(status=404)
ELSEWHERE: Final = May(status=302)
ONLY_POST: Final = May(status=405)
ONLY_GET: Final = May(status=405)


def both(may: May) -> tuple[May, May]:
    return may, may


def model(
    path: str,
    part: str,
    *,
    sees: str,
    adds: str = NOBODY,
    changes: str = NOBODY,
    page: tuple[May, May] | None = None,
) -> list[Row]:
    """The addresses that Django gives each model. None has a history, and nearly nothing is deleted."""
    own = f"{path}<path:object_id>/"
    return [
        Row(path, *both(May(sees))),
        Row(f"{path}add/", *both(May(adds))),
        Row(f"{own}history/", *both(MISSING), (part,)),
        Row(f"{own}delete/", *both(REFUSED), (part,)),
        Row(f"{own}change/", *(page or (May(sees), May(changes))), (part,)),
        # Django's old address of a page: it leads to the new one, which asks who it is.
        Row(own, *both(ELSEWHERE), (part,)),
    ]


def apps() -> Iterator[Row]:
    """The index of one app: not found for whoever sees nothing of it."""
    pattern = r"^(?P<app_label>cases|integrations|auth|dsrportal)/$"
    for label, who in (
        ("cases", READ_EVIDENCE),
        ("integrations", READ_PROCESSORS),
        ("auth", READ_TRAIL),
        ("dsrportal", READ_TRAIL),
    ):
        yield Row(pattern, *both(May(who, others=404)), address=f"{label}/")


# verb: (what it is done to, who may, what an empty form leads to: 200 asks again or refuses, 302 is done)
ON_CASES: Final[dict[str, tuple[tuple[str, ...], str, int]]] = {
    "verify": (("opened",), WORK_CASES, 200),
    "resend-link": (("linked",), WORK_CASES, 302),
    "cancel-link": (("linked",), WORK_CASES, 302),
    "approve": (("ready",), DECIDE_CASES, 200),
    "close": (("review",), WORK_OR_DECIDE, 200),
    "retry": (("failed",), WORK_CASES, 302),
    "release": (("held",), DECIDE_CASES, 200),
    "plan": (("ready",), WORK_CASES, 200),
    "identities": (("ready",), WORK_CASES, 200),
    "search": (("ready",), WORK_OR_DECIDE, 302),
    "hand": (("ready",), WORK_OR_DECIDE, 302),
    "take": (("ready",), WORK_OR_DECIDE, 302),
    "note": (("ready",), WORK_OR_DECIDE, 200),
    "reply": (("noted", "question"), WORK_OR_DECIDE, 200),
    "attach": (("ready",), WORK_OR_DECIDE, 200),
    "attachment": (("noted", "letter"), WORK_OR_DECIDE, 200),
    "defer": (("ready",), WORK_OR_DECIDE, 302),
    "tags": (("ready",), WORK_OR_DECIDE, 302),
    "refresh": (("approved",), WORK_CASES, 302),
    "reveal": (("opened",), WORK_OR_DECIDE, 200),
    "cancel": (("approved",), WORK_OR_DECIDE, 302),
    "deny": (("ready",), DECIDE_CASES, 200),
    "withdraw": (("opened",), WORK_CASES, 302),
    "reopen": (("denied",), DECIDE_CASES, 200),
    "resolve": (("attention", "item"), WORK_CASES, 302),
    "again": (("reappeared", "request"), WORK_CASES, 302),
    "assign": (("tasked", "task"), WORK_CASES, 200),
    "attest": (("tasked", "task"), WORK_CASES, 200),
    "by-hand": (("partner", "forwarding"), WORK_CASES, 302),
    "look": (("review", "package"), WORK_CASES, 200),
    "download": (("review", "package"), WORK_CASES, 200),
    "redact": (("review", "package"), WORK_CASES, 200),
    "refetch": (("review", "package"), WORK_CASES, 200),
}
# verb for many cases: who may; an empty form leads back to the list.
ON_MANY: Final[dict[str, str]] = {
    "verify": WORK_CASES,
    "assign": WORK_OR_DECIDE,
    "tag": WORK_OR_DECIDE,
    "approve": DECIDE_CASES,
    "deny": DECIDE_CASES,
    "cancel": WORK_OR_DECIDE,
    "close": WORK_OR_DECIDE,
}
# Of a run of approvals that is over.
ON_RUNS: Final = ("confirm", "stop", "retry", "undo")
ON_PROCESSORS: Final = {"test": 200, "connect": 200, "pause": 200, "resume": 200}
ON_EVERYTHING: Final = {"pause": 200, "resume": 200}
ON_SOURCES: Final = {"rotate": 200, "deactivate": 302, "activate": 200}


def verb_rows() -> Iterator[Row]:
    for verb, ((case, *part), who, done) in ON_CASES.items():
        pattern = "cases/case/<int:case_id>/<slug:verb>/" + ("<slug:part>/" if part else "")
        yield Row(pattern, May(who), May(who, done), (case, verb, *part))
    for verb, who in ON_MANY.items():
        yield Row("cases/case/bulk/<slug:verb>/", ONLY_POST, May(who, 302), (verb,))
    for act in ON_RUNS:
        pattern = "cases/bulkrun/<uuid:run_id>/do/<slug:act>/"
        yield Row(pattern, ONLY_POST, May(DECIDE_CASES, 302), ("run", act))
    for verb, done in ON_PROCESSORS.items():
        pattern = "integrations/processor/<uuid:processor_id>/do/<slug:name>/"
        yield Row(pattern, May(RUN_PROCESSORS), May(RUN_PROCESSORS, done), ("processor", verb))
    for verb, done in ON_SOURCES.items():
        pattern = "cases/intakesource/<int:source_id>/do/<slug:name>/"
        yield Row(pattern, May(RUN_PROCESSORS), May(RUN_PROCESSORS, done), ("source", verb))
    for verb, done in ON_EVERYTHING.items():
        pattern = "integrations/processor/outgoing/<slug:name>/"
        yield Row(pattern, May(RUN_PROCESSORS), May(RUN_PROCESSORS, done), (verb,))


# Whoever may not see cases is told that the item is not there, as if it were not.
ITEM: Final = (May(READ_CASES, but=(("ivy", 302),)), REFUSED)
SETTLE: Final = "cases/attentionitem/<int:item_id>/resolve/"
DUPLICATE: Final = "cases/case/<int:case_id>/duplicate/<int:other_id>/"
VIEW: Final = "cases/case/views/<int:view_id>/change/"
USER: Final = "dsrportal/user/<path:object_id>/change/"
PASSWORD: Final = "dsrportal/user/<id>/password/"
ROLE: Final = "auth/group/<path:object_id>/delete/"
TABLE: Final = (
    Row("", *both(May())),
    Row("login/", May(status=302, visitor=200), May(visitor=200)),
    Row("logout/", ONLY_POST, May()),
    Row("me/", *both(May())),
    Row("help/", *both(May())),
    Row("help/<slug:name>/", May(), ONLY_GET, ("start",)),
    Row("password_change/", *both(May())),
    Row("password_change/done/", May(), ONLY_GET),
    Row("autocomplete/", REFUSED, ONLY_GET),
    Row("jsi18n/", May(), ONLY_GET),
    Row("(?P<url>.*)$", *both(MISSING), address="nothing/here/"),
    *apps(),
    Row("health/", May(READ_PROCESSORS), ONLY_GET),
    Row("cases/jobs/", *both(May(READ_PROCESSORS))),
    Row("cases/jobs/<slug:job_id>/again/", ONLY_POST, May(RUN_PROCESSORS, 302), ("gone",)),
    Row("cases/case/", *both(May(READ_CASES))),
    Row("cases/case/add/", *both(May(WORK_CASES))),
    Row("cases/case/search/", ONLY_POST, May(READ_CASES, 302)),
    Row("cases/case/export/", *both(May(READ_CASES))),
    Row("cases/case/views/add/", ONLY_POST, May(WORK_OR_DECIDE, 302)),
    # A view of one's own is not found by others, a shared one changed by whoever may share.
    Row(VIEW, *both(May("agnes", others=404, but=(("ivy", 403), ("charlie", 403)))), ("own_view",)),
    Row(VIEW, *both(May(DECIDE_CASES)), ("shared_view",)),
    Row("cases/case/<int:case_id>/change/", *both(May(READ_CASES)), ("review",)),
    Row(DUPLICATE, May(READ_CASES), May(WORK_OR_DECIDE, 302), ("twice", "once")),
    Row(f"{DUPLICATE}<slug:verb>/", ONLY_POST, May(WORK_OR_DECIDE, 302), ("twice", "once", "dismiss")),
    Row(f"{DUPLICATE}<slug:verb>/", ONLY_POST, May(WORK_OR_DECIDE, 302), ("twice", "once", "suggest")),
    Row("cases/case/<int:case_id>/presence/", ONLY_POST, May(READ_CASES), ("review",)),
    Row("cases/mention/", May(READ_CASES), ONLY_GET),
    Row("cases/mention/people/", May(WORK_OR_DECIDE), ONLY_GET),
    # Somebody else's is not found.
    Row(
        "cases/mention/<int:mention_id>/read/",
        ONLY_POST,
        May("pia", 302, others=404, but=(("ivy", 403), ("charlie", 403))),
        ("mention",),
    ),
    *verb_rows(),
    Row("cases/bulkrun/", *both(May(READ_CASES))),
    Row("cases/bulkrun/<uuid:run_id>/change/", May(READ_CASES), ONLY_GET, ("run",)),
    Row("cases/bulkrun/<uuid:run_id>/progress/", May(READ_CASES), ONLY_GET, ("run",)),
    Row("cases/bulkrun/<uuid:run_id>/undo/<int:row_id>/", ONLY_POST, May(DECIDE_CASES, 302), ("run", "row")),
    *model("cases/attentionitem/", "item", sees=READ_EVIDENCE, page=ITEM),
    Row("cases/attentionitem/<path:object_id>/change/", May(READ_EVIDENCE), REFUSED, ("foreign",)),
    Row(SETTLE, May(WORK_CASES, but=(("ivy", 404),)), May(WORK_CASES, 302, but=(("ivy", 404),)), ("item",)),
    Row(SETTLE, May("agnes ivy adam"), May("agnes ivy adam", 302), ("foreign",)),
    # A task has no page: it is read on its case, and not found by whoever sees none.
    *model("cases/manualtask/", "task", sees=READ_CASES, page=both(May(READ_CASES, 302, others=404))),
    *model("cases/verificationrule/", "rule", sees=READ_TRAIL, changes=RUN_ACCOUNTS),
    *model("cases/caseimport/", "case_import", sees=READ_IMPORTS, adds=WORK_CASES),
    Row("cases/caseimport/template/", May(WORK_CASES), ONLY_GET),
    Row("cases/caseimport/<uuid:import_id>/progress/", May(READ_IMPORTS), ONLY_GET, ("case_import",)),
    Row("cases/caseimport/<uuid:import_id>/start/", ONLY_POST, May(WORK_CASES, 302), ("case_import",)),
    Row("cases/caseimport/<uuid:import_id>/failed/", ONLY_POST, May(WORK_CASES), ("case_import",)),
    Row("cases/caseimport/<uuid:import_id>/discard/", ONLY_POST, May(WORK_CASES, 302), ("unwanted",)),
    *model("cases/callbackdelivery/", "delivery", sees=READ_EVIDENCE),
    *model("cases/auditevent/", "event", sees=READ_TRAIL),
    Row("cases/auditevent/<int:event_id>/verify/", ONLY_POST, May(READ_TRAIL, 302), ("event",)),
    Row("cases/auditevent/verify/", ONLY_POST, May(READ_TRAIL, 302)),
    Row("cases/auditevent/export/", ONLY_POST, May(READ_TRAIL)),
    Row("cases/attentionitem/export/", ONLY_POST, May(READ_EVIDENCE)),
    Row("cases/manualtask/export/", ONLY_POST, May(READ_CASES)),
    Row("cases/callbackdelivery/export/", ONLY_POST, May(READ_EVIDENCE)),
    Row("integrations/processor/export/", ONLY_POST, May(READ_PROCESSORS)),
    Row("dsrportal/user/export/", ONLY_POST, May(READ_TRAIL)),
    Row("cases/auditevent/person/", May(READ_TRAIL), May(READ_TRAIL, 302)),
    Row("cases/auditevent/person/<int:case_id>/", May(READ_TRAIL), ONLY_GET, ("review",)),
    *model(
        "cases/intakesource/",
        "source",
        sees=READ_PROCESSORS,
        adds=RUN_PROCESSORS,
        changes=RUN_PROCESSORS,
    ),
    *model("integrations/signingcertificate/", "certificate", sees=READ_PROCESSORS),
    *model(
        "integrations/processor/",
        "processor",
        sees=READ_PROCESSORS,
        adds=RUN_PROCESSORS,
        changes=RUN_PROCESSORS,
    ),
    Row("integrations/processor/add/", *both(May(RUN_PROCESSORS)), query="?kind=mparticle"),
    *model("auth/group/", "agents", sees=READ_TRAIL, adds=RUN_ACCOUNTS, changes=RUN_ACCOUNTS),
    Row(ROLE, *both(May(RUN_ACCOUNTS)), ("own_role",)),
    *model("dsrportal/user/", "clerk", sees=READ_TRAIL, adds=RUN_ACCOUNTS, changes=RUN_ACCOUNTS),
    Row(PASSWORD, *both(May(RUN_ACCOUNTS)), ("clerk",)),
    # Nobody takes over rights they do not have.
    Row(USER, May(READ_TRAIL), REFUSED, ("owner",)),
    Row(PASSWORD, *both(REFUSED), ("owner",)),
)
