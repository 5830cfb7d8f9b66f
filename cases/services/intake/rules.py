"""Rules of what may be asked of us: each thing that is wrong with it as a sentence, with its place where it has one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.exceptions import ValidationError
from django.utils import timezone

from cases.models import Case
from cases.services.planning import planning
from cases.services.refusal import Refused
from dsrportal.crypto import normalise
from dsrportal.sentence import Sentence, Verbatim
from integrations import types
from integrations.models import Processor
from integrations.types import Draft, Identity, Regulation, RequestType

# The year the GDPR began to apply: an earlier year is a slip.
FIRST_YEAR: Final = 2018


@dataclass(frozen=True, slots=True)
class Asked:
    """What one person asked of us, before it is a case."""

    type: str
    regulation: str
    received_at: datetime
    identities: tuple[Identity, ...]
    skip_waiting_period: bool = False
    group_name: str = ""
    purposes: tuple[str, ...] = ()
    corrections: tuple[types.Correction, ...] = ()

    @property
    def draft(self) -> Draft:
        """The same as processors are asked about it."""
        return Draft(
            request_type=self.type,
            regulation=self.regulation,
            identities=self.identities,
            skip_waiting_period=self.skip_waiting_period,
            purposes=self.purposes,
            corrections=self.corrections,
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: `sentence` names the rule and no value.

    Its place is a `field` of what is asked, in a list the row of this `index`, and of a row perhaps one `part`; none
    where it is about the whole. `here` says it where the place is named already, if that is shorter.
    """

    sentence: Sentence
    field: str = ""
    index: int | None = None
    part: str = ""
    here: Sentence | None = None

    @property
    def beside(self) -> Sentence:
        """The sentence for a page or a document that shows the place."""
        return self.here or self.sentence


class CannotOpen(Refused):
    """A case that is asked for cannot be opened: `faults` say why, `sentences` the same without their places."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(*dict.fromkeys(fault.sentence for fault in faults))
        self.faults = tuple(faults)


def problems(asked: Asked, *, among: Sequence[Processor] | None = None) -> list[Fault]:
    """Why such a case cannot be opened; empty when it can.

    `among` are all processors, where they are known already: whoever asks about many cases fetches them once.
    """
    found = [*of_fields(asked), *_of_type(asked)]
    if not found:
        found = [Fault(sentence) for sentence in planning.problems(asked.draft, among=among)]
    return [*found, *_of_group(asked.group_name)]


def of_fields(asked: Asked) -> list[Fault]:
    """What is wrong with single fields, whatever the type is: known before the rest of it is."""
    return [*of_receipt(asked.received_at), *_of_identities(asked.identities), *_of_corrections(asked)]


def of_receipt(received_at: datetime) -> list[Fault]:
    """What is wrong with the moment at which somebody asked. Its year counts in the zone that it is given in."""
    if received_at.year < FIRST_YEAR:
        sentence = Sentence("Check the year. No request under these regulations can be that old.")
        return [Fault(sentence, "received_at")]
    if received_at > timezone.now():
        sentence = Sentence("“Received on” is in the future. Enter when the request was received.")
        here = Sentence("This is in the future. Enter when the request was received.")
        return [Fault(sentence, "received_at", here=here)]
    return []


def _of_identities(identities: Sequence[Identity]) -> Iterator[Fault]:
    if not identities:
        sentence = Sentence(
            "Enter at least one identifier. Without one, no processor can find the data subject."
        )
        yield Fault(sentence, "identities")
    seen = set()
    for index, identity in enumerate(identities):
        key = identity.type, normalise(identity.type, identity.value)
        if key in seen:
            sentence = Sentence("The same identifier was entered twice. Remove one of them.")
            yield Fault(sentence, "identities", index)
        seen.add(key)


def _of_corrections(asked: Asked) -> Iterator[Fault]:
    corrected = set()
    for index, each in enumerate(asked.corrections):
        wrong = Identity(each.type, each.old_value)
        if wrong not in asked.identities:
            sentence = Sentence("The value to correct must be among the identifiers.")
            yield Fault(sentence, "corrections", index)
        elif wrong in corrected:
            sentence = Sentence("Enter exactly one new value for each identifier to correct.")
            yield Fault(sentence, "corrections", index)
        if not each.new_value.strip() or each.new_value == each.old_value:
            sentence = Sentence("The new value must differ from the old one.")
            here = Sentence("The new value must differ from the old one.")
            yield Fault(sentence, "corrections", index, "new_value", here)
        corrected.add(wrong)


def _of_type(asked: Asked) -> Iterator[Fault]:
    """What an erasure, an opt-out or a correction says, and others must not: wrong with the whole of it."""
    if asked.skip_waiting_period and asked.type != RequestType.ERASURE:
        yield Fault(Sentence("Only an erasure has a waiting period that can be skipped."))
    if asked.type == RequestType.CORRECTION and not asked.corrections:
        yield Fault(Sentence("Enter a new value for at least one identifier."))
    if asked.type != RequestType.CORRECTION and asked.corrections:
        yield Fault(Sentence("Only a correction can have new values."))
    names_purposes = asked.type == RequestType.OPT_OUT and asked.regulation == Regulation.GDPR
    if names_purposes and not asked.purposes:
        yield Fault(Sentence("Enter the purposes for which consent is withdrawn."))
    if asked.purposes and not names_purposes:
        yield Fault(Sentence("Only an opt-out under the GDPR can have purposes."))


def _of_group(name: str) -> Iterator[Fault]:
    """A group's name goes out in addresses, so it is looked at here too, whoever opens the case."""
    field = Case._meta.get_field("group_name")
    try:
        field.run_validators(name)
    except ValidationError as error:
        for message in error.messages:
            yield Fault(Sentence("Group: %(message)s", message=message), "group_name", here=Verbatim(message))
