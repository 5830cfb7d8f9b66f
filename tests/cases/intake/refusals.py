"""Everything that a case is not opened for, as it is asked of the service, and the place that the intake API names."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from integrations.types import Correction

ADA: Final = ("email", "Ada.Lovelace@Example.org")


@dataclass(frozen=True, slots=True)
class Refusal:
    """`change` is what is asked otherwise than usual, as the builder of a case has it.

    `place` is the pointer in a body of the API, None where its form cannot say such a thing, and `there` how the
    sentence goes on beside it, if otherwise.
    """

    change: dict[str, Any]
    sentence: str
    place: str | None = ""
    there: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The same as a form of our own asks it."""
        told = dict(self.change)
        if "received_at" in told:
            told["received_at"] = told["received_at"].isoformat()
        if "identities" in told:
            told["identities"] = [{"type": kind, "value": value} for kind, value in told["identities"]]
        if "corrections" in told:
            told["corrections"] = [
                {"type": each.type, "value": each.old_value, "new_value": each.new_value}
                for each in told["corrections"]
            ]
        return told


def corrected(*new_values: str, wrong: tuple[str, str] = ADA) -> dict[str, Any]:
    rows = [Correction(wrong[0], wrong[1], value) for value in new_values]
    return {"type": "correction", "corrections": rows}


REFUSALS: Final = (
    Refusal(
        {"received_at": datetime(2999, 5, 4, tzinfo=UTC)},
        "Enter when the request was received.",
        "/received_at",
        "This is in the future. Enter when the request was received.",
    ),
    Refusal({"received_at": datetime(1999, 5, 4, tzinfo=UTC)}, "Check the year", "/received_at"),
    Refusal({"received_at": datetime(1, 1, 1, tzinfo=UTC)}, "Check the year", "/received_at"),
    Refusal({"identities": []}, "Without one, no processor can find the data subject.", "/identities"),
    Refusal(
        {"identities": [("email", "a@b.example"), ("email", " A@B.example ")]},
        "entered twice",
        "/identities/1",
    ),
    Refusal({"identities": [("email", "  ")]}, "", "/identities/0/value", "This has to be a text"),
    Refusal({"identities": [("mpid", "12.5")]}, "64-bit integer"),
    Refusal({"identities": [("mpid", str(2**63))]}, "64-bit integer"),
    Refusal({"type": "access", "skip_waiting_period": True}, "Only an erasure has a waiting period", None),
    Refusal({"type": "opt_out"}, "the purposes for which consent is withdrawn"),
    Refusal({"purposes": ["advertising"]}, "Only an opt-out under the GDPR can have purposes."),
    Refusal(
        {"type": "opt_out", "regulation": "ccpa", "purposes": ["advertising"]},
        "Only an opt-out under the GDPR can have purposes.",
    ),
    Refusal({"type": "correction"}, "Enter a new value for at least one identifier."),
    Refusal({**corrected("B@b.example"), "type": "erasure"}, "Only a correction can have new values."),
    Refusal(
        corrected("b@b.example", wrong=("email", "x@y.example")),
        "The value to correct must be among the identifiers.",
        "/corrections/0",
    ),
    Refusal(corrected("b@b.example", "c@b.example"), "one new value", "/corrections/1"),
    Refusal(
        corrected(ADA[1]),
        "The new value must differ from the old one.",
        "/corrections/0/new_value",
        "The new value must differ from the old one.",
    ),
    Refusal(
        corrected(" "),
        "The new value must differ from the old one.",
        "/corrections/0/new_value",
        "This has to be a text",
    ),
    Refusal({"group_name": "ada@example.org"}, "Group: use letters", None),
    Refusal({"group_name": "a/../b"}, "Group: use letters", None),
    Refusal({"group_name": "g" * 65}, "Group: ensure", None),
)
