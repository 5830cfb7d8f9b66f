"""What must be true in the end, however much went wrong: the portal's database against the sandbox's own books."""

import hashlib
import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from django.core.files.storage import storages
from django.utils import timezone

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import (
    Action,
    AttentionItem,
    AuditEvent,
    CallbackDelivery,
    Case,
    PackageState,
    ProcessorRequest,
    ResultPackage,
)
from cases.services import audit
from cases.services.results import packages
from integrations.models import Processor
from tests import builders
from tests.faults.chaos import KINDS, Damage
from tests.faults.portal import Portal
from tests.sandbox import Sandbox

SHOWN = 5


class Findings:
    """Looks at everything once; `wrong` are sentences, `figures` the rows of the table."""

    def __init__(self, sandbox: Sandbox, *, expected: int) -> None:
        self.sandbox = sandbox
        self.expected = expected
        self.wrong: list[str] = []
        self.figures: list[tuple[str, str]] = []

    def look(self, left: dict[str, int]) -> None:
        self.wrong += [f"Time was up with {count} {what}." for what, count in left.items()]
        state = self.sandbox.state()
        requests = {str(request.pk): request for request in ProcessorRequest.objects.all()}
        self._same_requests(state, requests)
        self._nothing_stuck()
        self._callbacks(state)
        self._results(requests)
        self._trails(requests)
        self._attention()
        self._wire(state)

    def _tell(self, sentence: str, of: Iterable[object]) -> None:
        """One sentence and a few of those it is about."""
        found = [str(item) for item in of]
        if found:
            more = "" if len(found) <= SHOWN else f" and {len(found) - SHOWN} more"
            self.wrong.append(f"{sentence}: {', '.join(found[:SHOWN])}{more}.")

    def _figure(self, name: str, value: object) -> None:
        self.figures.append((name, str(value)))

    def _same_requests(self, state: dict[str, Any], requests: dict[str, ProcessorRequest]) -> None:
        there: dict[str, list[dict[str, Any]]] = defaultdict(list)
        alike: Counter[tuple[object, ...]] = Counter()
        for row in state["requests"]:
            there[row["id"]].append(row)
            alike[row["type"], *sorted(row["identities"].items())] += 1
        if len(requests) != self.expected:
            self.wrong.append(f"The portal has {len(requests)} requests, not {self.expected}.")
        self._tell("Never arrived at the sandbox", set(requests) - set(there))
        self._tell("At the sandbox under an id that is not ours", set(there) - set(requests))
        self._tell("More than once at the sandbox", (key for key, rows in there.items() if len(rows) > 1))
        doubled = sum(count > 1 for count in alike.values())
        if doubled:
            self.wrong.append(f"{doubled} people were asked for under two ids.")
        self._tell(
            "Status here and at the sandbox differ",
            (
                f"{key} ({requests[key].status}, {rows[0]['status']})"
                for key, rows in there.items()
                if key in requests and requests[key].status != rows[0]["status"]
            ),
        )
        posts = Counter(state["posts"].values())
        self._figure("requests at the sandbox", f"{len(there)}, each once")
        self._figure("status", _counted(Counter(row["status"] for row in state["requests"])))
        self._figure("POSTs a request took", ", ".join(f"{n}: {posts[n]}" for n in sorted(posts)))
        self._figure("attempts a request took", _spread(request.attempts for request in requests.values()))
        self._figure("groups", len({row["group_id"] for row in state["requests"]}))

    def _nothing_stuck(self) -> None:
        requests = ProcessorRequest.objects.order_by("pk")
        self._tell("Still leased", requests.filter(lease_until__isnull=False))
        self._tell("Still queued", requests.filter(status=RequestStatus.QUEUED))
        self._tell(
            "Not in review",
            (f"{case.reference} ({case.status})" for case in Case.objects.exclude(status=CaseStatus.REVIEW)),
        )
        self._tell(
            "Answered in none or another way",
            (f"{request} ({request.answer or 'no answer'})" for request in requests.exclude(answer="done")),
        )
        self._tell("Paused", Processor.objects.filter(paused_at__isnull=False).values_list("name", flat=True))

    def _callbacks(self, state: dict[str, Any]) -> None:
        answers: Counter[str] = Counter()
        taken: set[str] = set()
        bodies: set[str] = set()
        for row in state["callbacks"]:
            answers[str(row["status"] or row["error"])] += 1
            bodies.add(row["body_sha256"])
            if row["status"] == 202:
                taken.add(row["body_sha256"])
        strange = {name: n for name, n in answers.items() if name.isdigit() and name not in ("202", "503")}
        self._tell(
            "Callbacks were answered otherwise than by 202 or 503",
            (f"{n} by {s}" for s, n in strange.items()),
        )
        kept = {row.body_sha256: row for row in CallbackDelivery.objects.defer("body", "headers")}
        self._tell("Callbacks answered by 202 and not kept", taken - set(kept))
        self._figure("callbacks sent", f"{sum(answers.values())} ({_counted(answers)})")
        self._figure(
            "bodies", f"{len(bodies)}, of which {len(bodies - taken)} never got in: made up by reports"
        )
        verdicts = Counter(str(row.verdict) for row in kept.values())
        repeats = sum(row.repeats for row in kept.values())
        self._figure("deliveries kept", f"{len(kept)} ({_counted(verdicts)}), came again: {repeats}")

    def _results(self, requests: dict[str, ProcessorRequest]) -> None:
        wanted = [request for request in requests.values() if request.case.type == "access"]
        packages = {package.processor_request_id: package for package in ResultPackage.objects.all()}
        whole = 0
        for request in wanted:
            package = packages.get(request.pk)
            if package is None or package.state != PackageState.FETCHED:
                self.wrong.append(f"The result of {request} is {package.state if package else 'missing'}.")
            elif sentence := self._flaw(request, package):
                self.wrong.append(f"The result of {request} {sentence}.")
            else:
                whole += 1
        self._figure("results fetched whole", f"{whole} of {len(wanted)}")
        files = set(storages["packages"].listdir("")[1])
        self._figure(
            "files of killed downloads", len(files - {each.stored_name for each in packages.values()})
        )

    def _flaw(self, request: ProcessorRequest, package: ResultPackage) -> str:
        """Against what the sandbox gives now: the same members, though an archive is packed anew at every download."""
        ours = b"".join(packages.download(package, actor=builders.actor("pia")))
        if hashlib.sha256(ours).hexdigest() != package.sha256 or len(ours) != package.size_bytes:
            return "is not what was recorded"
        status, _, theirs = self.sandbox.call("GET", f"/v3/requests/{request.pk}/results")
        if status != 200:
            return f"cannot be compared, the sandbox says {status}"
        try:
            same = _members(ours) == _members(theirs)
        except zipfile.BadZipFile:
            return f"is no whole archive ({len(ours)} bytes of {len(theirs)})"
        return "" if same else "holds something else than the sandbox gave"

    def _trails(self, requests: dict[str, ProcessorRequest]) -> None:
        chains = ["portal", *(f"case:{key}" for key in Case.objects.values_list("pk", flat=True))]
        broken = [flaw for chain in chains for flaw in audit.verify(chain)]
        self._tell(
            "The trail does not verify", (f"{flaw.chain} #{flaw.sequence} {flaw.problem}" for flaw in broken)
        )
        steps: dict[str, list[AuditEvent]] = defaultdict(list)
        cases: dict[int, list[AuditEvent]] = defaultdict(list)
        events = list(AuditEvent.objects.filter(case__isnull=False).order_by("chain", "sequence"))
        for event in events:
            cases[event.case_id or 0].append(event)
            if event.action == Action.REQUEST_STATUS_CHANGED:
                steps[event.details["request"]].append(event)
        for key, request in requests.items():
            self._steps(f"request {key}", steps[key], begin="planned", end=request.status)
        for case in Case.objects.all():
            moves = [e for e in cases[case.pk] if "from" in e.details and "request" not in e.details]
            self._steps(case.reference, moves, begin="intake", end=case.status)
            self._order(case, cases[case.pk])
        self._figure(
            "audit events", f"{len(events)} in {len(chains)} chains, all verified" if not broken else "BROKEN"
        )

    def _steps(self, whose: str, events: list[AuditEvent], *, begin: str, end: str) -> None:
        at = begin
        for event in events:
            if event.details["from"] != at:
                self.wrong.append(f"The trail of {whose} has a gap: {at}, then from {event.details['from']}.")
            at = event.details["to"]
        if at != end:
            self.wrong.append(f"The trail of {whose} ends with {at}; it is {end}.")

    def _order(self, case: Case, events: list[AuditEvent]) -> None:
        if any(later.at < earlier.at for earlier, later in pairwise(events)):
            self.wrong.append(f"The trail of {case.reference} is not in the order of time.")
        actions = Counter(event.action for event in events)
        wanted = {Action.CASE_OPENED, Action.CASE_VERIFIED, Action.CASE_PLANNED, Action.CASE_APPROVED}
        if case.type == "access":
            wanted |= {Action.RESULT_FETCHED, Action.REQUEST_ANSWERED}
        self._tell(
            f"The trail of {case.reference} does not have this once",
            (str(action) for action in wanted if actions[action] != 1),
        )

    def _attention(self) -> None:
        still = AttentionItem.objects.filter(resolved_at__isnull=True).select_related("case")
        self._tell(
            "Attention is still open",
            (
                f"{item.case.reference if item.case else 'portal'}, {item.kind}: {item.sentence}"
                for item in still
            ),
        )
        kinds = Counter(AttentionItem.objects.values_list("kind", flat=True))
        self._figure("attention opened", f"{_counted(kinds)}; all settled by itself" if kinds else "none")

    def _wire(self, state: dict[str, Any]) -> None:
        struck = Counter(state["struck_counts"])
        calls = Counter(state["calls"])
        refused = sum(n for name, n in calls.items() if name.endswith(" 429"))
        beyond = refused - struck["status_429"] - struck["status_429_no_retry_after"]
        if beyond:
            self.wrong.append(f"The sandbox said 429 {beyond} times because its limit was reached.")
        self._figure("calls to the sandbox", sum(calls.values()))
        self._figure("faults among them", f"{struck.total()} ({_counted(struck)})")
        known = {kind["fault"] for kind in KINDS}
        self._figure("kinds of faults", f"{len(known & set(struck))} of {len(known)}")

    def show(self, said: list[tuple[str, str]], damage: Damage, portal: Portal) -> None:
        done = [
            (
                "killed",
                f"{damage.killed.total()} ({_counted(damage.killed)}), {portal.restarts} starts after that",
            ),
            ("queue store emptied", str(damage.emptied)),
            ("database killed", f"{damage.database_killed}, back after {damage.database_back_seconds:.1f} s"),
        ]
        print(f"{self.expected} requests, {timezone.now():%Y-%m-%d %H:%M} UTC\n")
        for name, value in [*said, *done, *self.figures]:
            print(f"  {name:32} {value}")


def _members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _spread(numbers: Iterable[int]) -> str:
    counts = Counter(numbers)
    return ", ".join(f"{number}: {counts[number]}" for number in sorted(counts))
