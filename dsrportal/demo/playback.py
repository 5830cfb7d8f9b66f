"""Playback of `portal --demo --once`: cases of three types from opening to closing, by the services people call."""

import time
from collections.abc import Callable, Sequence

from cases.lifecycle import Answer, CaseStatus, Outcome, RequestStatus
from cases.models import AuditEvent, Case, ManualTask, PackageState, ResultPackage
from cases.services import audit
from cases.services.closing import closing
from cases.services.person import verification
from cases.services.planning import approval, planning, tasks
from cases.services.reports import reconciling
from cases.services.results import packages
from dsrportal.demo.cases import MATCHED, acting, open_case
from dsrportal.sentence import paragraph

ONCE_SECONDS = 50.0


def play_once(write: Callable[[str], None]) -> int:
    """Play an erasure, an access case and an opt-out to their end, writing each step; 0, or 1 with the reason."""
    stop_at = time.monotonic() + ONCE_SECONDS
    try:
        played = [
            _play_start("erasure", "erase.me@example.org", write),
            _play_start("access", "show.me@example.org", write),
            _play_opt_out(write),
        ]
        for case in played:
            _play_end(case, stop_at, write)
    except _Failed as reason:
        write(f"FAILED: {reason}")
        return 1
    for case in played:
        write("")
        write(f"Audit trail of {case.reference}")
        for event in AuditEvent.objects.filter(case=case).order_by("sequence"):
            write(
                f"  {event.sequence:>3}  {event.at:%H:%M:%S.%f}  {bytes(event.hash).hex()[:12]}  {event.sentence}"
            )
    return 0


class _Failed(Exception):
    """Why a case did not come to its end."""


def _play_start(kind: str, email: str, write: Callable[[str], None]) -> Case:
    case = open_case(kind, "gdpr", (("email", email), ("controller_customer_id", email)), "intake", 1)
    write(f"{case.reference}: opened ({kind}), due {case.clocks.get().due_on}")
    case = verification.record(case, actor=acting("agnes"), method="matched_data", evidence=MATCHED)
    write(f"{case.reference}: person verified, {case.requests.count()} requests planned")
    case = approval.approve(case, actor=acting("pia"), digest=planning.digest(case))
    write(f"{case.reference}: approved by a second person, requests queued")
    return case


def _play_end(case: Case, stop_at: float, write: Callable[[str], None]) -> None:
    seen = ""
    while case.status != CaseStatus.REVIEW:
        if time.monotonic() > stop_at:
            raise _Failed(
                f"{case.reference} is still {case.status} after {ONCE_SECONDS:.0f} s: {_stands(case)}"
            )
        _do_by_hand(case, write)
        _ask_app(case, write)
        if case.status == CaseStatus.ATTENTION:
            raise _Failed(f"{case.reference} needs attention: {_attention(case)}")
        if (now := _stands(case)) != seen:
            write(f"{case.reference}: {now}")
            seen = now
        time.sleep(0.2)
        case.refresh_from_db()
    write(f"{case.reference}: {_stands(case)}")
    if case.type == "access":
        _check_package(case, write)
    closing.close(case, actor=acting("agnes"), outcome=Outcome.FULFILLED)
    case.refresh_from_db()
    if (case.status, case.outcome) != (CaseStatus.CLOSED, Outcome.FULFILLED):
        raise _Failed(f"{case.reference} ended as {case.status}, {case.outcome}")
    broken = audit.verify(f"case:{case.pk}")
    if broken:
        raise _Failed(f"{case.reference}: the audit chain does not hold: {broken[0].problem}")
    write(f"{case.reference}: closed as fulfilled, audit chain verified")


def _do_by_hand(case: Case, write: Callable[[str], None]) -> None:
    """What no program reaches."""
    open_tasks = ManualTask.objects.filter(
        processor_request__case=case, processor_request__status=RequestStatus.IN_PROGRESS, attested_at=None
    )
    for task in open_tasks.select_related("processor_request__processor"):
        tasks.attest(task, actor=acting("agnes"), answer=Answer.DONE, text="Looked through the folders.")
        write(f"{case.reference}: {task.processor_request.processor.name} attested by hand")


def _ask_app(case: Case, write: Callable[[str], None]) -> None:
    """What does not call back is asked once a day; here somebody presses “Ask for the status”."""
    waiting = list(case.requests.exclude(status=RequestStatus.COMPLETED).select_related("processor"))
    if waiting and all(request.processor.kind == "leanplum" for request in waiting):
        reconciling.ask_for_refresh(case, actor=acting("agnes"))
        write(f"{case.reference}: asked {waiting[0].processor.name} where it stands")
        time.sleep(1.0)


def _play_opt_out(write: Callable[[str], None]) -> Case:
    case = open_case("opt_out", "ccpa", (("email", "opt.me.out@example.org"),), "intake", 1)
    write(f"{case.reference}: opened (opt_out), due {case.clocks.get().due_on}, sent at once")
    return case


def _stands(case: Case) -> str:
    return ", ".join(
        f"{request.processor.name} {request.status}" for request in case.requests.select_related("processor")
    )


def _attention(case: Case) -> str:
    return str(paragraph(item.sentence for item in case.attention_items.filter(resolved_at=None)))


def _check_package(case: Case, write: Callable[[str], None]) -> None:
    kept: Sequence[ResultPackage] = list(ResultPackage.objects.filter(processor_request__case=case))
    fetched = [package for package in kept if package.state == PackageState.FETCHED]
    if not fetched:
        raise _Failed(f"{case.reference} has no package")
    for package in fetched:
        size = sum(len(chunk) for chunk in packages.download(package, actor=acting("agnes")))
        if size != package.size_bytes:
            raise _Failed(f"{case.reference}: the stored package has {size} bytes, not {package.size_bytes}")
        write(
            f"{case.reference}: package fetched and opened again, {size} bytes, sha256 {package.sha256[:16]}…"
        )
