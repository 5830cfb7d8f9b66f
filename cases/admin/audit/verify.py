"""Saying what the verification of a list of audit events found, and what it did not look at."""

from collections.abc import Iterator
from typing import Final

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.services.audit import Break
from cases.services.worklist.verify_chains import MOST_LISTED, Proof

# How many places of broken chains are told at once.
TOLD: Final = 5


def tell_breaks(request: HttpRequest, breaks: list[Break]) -> None:
    for found in breaks[:TOLD]:
        messages.error(
            request,
            _("The chain “%(chain)s” is broken at event %(sequence)d: %(problem)s.")
            % {"chain": found.chain, "sequence": found.sequence, "problem": found.problem},
        )
    if len(breaks) > TOLD:
        messages.error(request, _("And %(count)d more.") % {"count": len(breaks) - TOLD})


def tell(request: HttpRequest, proof: Proof) -> None:
    """What holds, what does not, and what nobody can say after this."""
    tell_breaks(request, proof.breaks)
    if proof.chains and not proof.breaks:
        messages.success(request, _holds(proof))
    elif not proof.chains and not proof.unread:
        messages.info(request, _("Nothing to verify. The list is empty."))
    for sentence in _not_verified(proof):
        messages.warning(request, sentence)


def _holds(proof: Proof) -> str:
    return ngettext(
        "The only chain of these events is intact. All %(events)d events in it are unchanged, in order "
        "and complete.",
        "All %(chains)d chains of these events are intact. All %(events)d events in them are unchanged, "
        "in order and complete.",
        proof.chains,
    ) % {"chains": proof.chains, "events": proof.events}


def _not_verified(proof: Proof) -> Iterator[str]:
    if proof.unread:
        names = ", ".join(f"“{name}”" for name in proof.unread[:TOLD])
        yield ngettext(
            "Not verified because it is too long to verify here: the chain %(names)s. Open one of its "
            "events to verify it.",
            "Not verified because they are too long to verify here: %(count)d chains, such as "
            "%(names)s. Open one of their events to verify each of them.",
            len(proof.unread),
        ) % {"count": len(proof.unread), "names": names}
    if proof.beyond:
        yield _(
            "Not verified: chains whose events are all older than the newest %(count)d of this list. "
            "Filter the list to verify them."
        ) % {"count": MOST_LISTED}
