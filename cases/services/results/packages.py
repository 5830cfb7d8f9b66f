"""Opens result packages for people: a summary, a download, a download with parts left out.

One that is kept sealed is opened for nobody.
"""

from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext_noop

from cases.actor import Actor
from cases.models import Action, PackageState, ResultPackage
from cases.services import audit, notes
from cases.services.files import storage as file_storage
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence
from integrations.errors import IntegrationError
from integrations.registry import connector_for
from integrations.types import PackageMember, PackageSummary

REDACTION_REASONS: Final = {
    "rights_of_others": Sentence("The rights of others (GDPR Art. 15(4))"),
    "legal_privilege": Sentence("Legal privilege"),
    "never_disclosed": Sentence(
        "Never disclosed: government and account numbers, passwords, biometrics (11 CCR 7024(d))"
    ),
    "not_this_person": Sentence("Not about this person"),
}

# Why a package is kept sealed, by the words of integrations: in a sentence, with what to do.
DOUBTS: Final = {
    "foreign_identity": (
        gettext_noop(
            "The result from %(name)s contains an identifier that does not belong to this person, so it "
            "may be about someone else. Clarify this with %(name)s, then fetch it again or send the "
            "request again."
        )
    ),
    "not_zip": (
        gettext_noop(
            "The result from %(name)s is not an archive as expected. Fetch it again. If this persists, "
            "contact %(name)s."
        )
    ),
    "bomb": (
        gettext_noop(
            "The result from %(name)s would unpack to more than an archive of its size can legitimately "
            "contain. Fetch it again. If this persists, contact %(name)s."
        )
    ),
    "bad_names": (
        gettext_noop(
            "The result from %(name)s contains files whose names could overwrite other files when it is "
            "unpacked. Fetch it again. If this persists, contact %(name)s."
        )
    ),
    "unreadable": (
        gettext_noop(
            "The result from %(name)s is damaged or locked and cannot be read completely. Fetch it "
            "again. If this persists, contact %(name)s."
        )
    ),
    "too_large": (
        gettext_noop(
            "The result from %(name)s is larger than allowed here. Have the limit raised, then fetch it "
            "again while %(name)s still has it."
        )
    ),
}
_ANOTHER_DOUBT: Final = gettext_noop(
    "The result from %(name)s is doubtful. Fetch it again. If this persists, contact %(name)s."
)


def why_sealed(doubt: str, *, name: str) -> Sentence:
    """In a sentence or two, without personal data. `name` is the processor's."""
    return Sentence(DOUBTS.get(doubt, _ANOTHER_DOUBT), name=name)


def summary_of(package: ResultPackage) -> PackageSummary | None:
    """What was found in it when it came; None where nobody looked into it."""
    held: dict[str, Any] | None = package.summary
    if held is None:
        return None
    return PackageSummary(
        **{
            **held,
            "members": tuple(PackageMember(**member) for member in held["members"]),
            **{name: tuple(tuple(row) for row in held[name]) for name in ("fields", "identities", "events")},
            "leave_out": tuple(held["leave_out"]),
        }
    )


def view_summary(package: ResultPackage, *, actor: Actor) -> PackageSummary:
    """Summarise a package for people; that somebody looked is in the trail before they see it.

    Raises Refused for a kind of package that cannot be summarised.
    """
    _refuse_closed(package)
    summary = summary_of(package)
    if summary is None:
        raise Refused(
            Sentence("The portal cannot show the contents of this type of package. Download it to see them.")
        )
    _tell(Action.RESULT_VIEWED, package, actor=actor)
    return summary


def download(package: ResultPackage, *, actor: Actor) -> Iterator[bytes]:
    """The clear bytes, streamed; the download is in the trail before the first byte leaves.

    Raises Refused where there is no file to give. A changed, cut or exchanged file raises dsrportal.crypto.Tampered.
    """
    _refuse_closed(package)
    secret = package.processor_request.case.data_key.secret()
    _tell(Action.RESULT_DOWNLOADED, package, actor=actor)
    return file_storage.clear_chunks(package, secret)


def redacted(
    package: ResultPackage,
    *,
    actor: Actor,
    members: Collection[str],
    fields: Collection[str],
    reason: str,
    text: str = "",
) -> Iterator[bytes]:
    """The package without these of its files and fields, streamed. What was left out is named in a note alone.

    The trail has how much it was, and why, before the first byte leaves.
    Raises Refused for a reason that is not listed, and for parts that cannot be left out.
    """
    _refuse_closed(package)
    if reason not in REDACTION_REASONS:
        raise Refused(Sentence("Choose one of the listed reasons."))
    summary = summary_of(package) or PackageSummary()
    _check(summary, members, fields)
    pieces = _pieces(package, frozenset(members), frozenset(fields))
    try:
        first = next(pieces, b"")  # what cannot be read is said now, not in the middle of a download
    except IntegrationError as error:
        raise Refused(error.sentence) from None
    case = package.processor_request.case
    with transaction.atomic():
        note = notes.write(case, _in_words(package, members, fields, reason, text), actor=actor)
        _tell(
            Action.RESULT_REDACTED,
            package,
            actor=actor,
            reason=reason,
            note=note,
            more={"left_out": len(members) + len(fields)},
        )
    return chain([first], pieces)


def _refuse_closed(package: ResultPackage) -> None:
    if package.state == PackageState.SEALED:
        name = package.processor_request.processor.name
        raise Refused(
            Sentence("This package stays sealed for everyone."), why_sealed(package.doubt, name=name)
        )
    if package.state != PackageState.FETCHED:
        raise Refused(Sentence("There is no package to open."))


def _check(summary: PackageSummary, members: Collection[str], fields: Collection[str]) -> None:
    if not members and not fields:
        raise Refused(Sentence("Select what to remove, or download the whole package."))
    names = {member.name for member in summary.members}
    if not names.issuperset(members) or not set(summary.leave_out).issuperset(fields):
        raise Refused(Sentence("The package no longer matches what was shown. Review it and select again."))
    if names and names == set(members):
        raise Refused(Sentence("Nothing would remain in the package."))


def _pieces(package: ResultPackage, members: frozenset[str], fields: frozenset[str]) -> Iterator[bytes]:
    request = package.processor_request
    with file_storage.opened(package, request.case.data_key.secret()) as clear:
        yield from connector_for(request.processor).redact(clear, members=members, fields=fields)


def _in_words(
    package: ResultPackage, members: Collection[str], fields: Collection[str], reason: str, text: str
) -> str:
    said = [
        Sentence(
            "A copy of the result from %(processor)s was created with parts removed.",
            processor=package.processor_request.processor.name,
        )
    ]
    if members:
        said.append(Sentence("Removed files: %(names)s", names=", ".join(sorted(members))))
    if fields:
        said.append(Sentence("Removed fields: %(names)s", names=", ".join(sorted(fields))))
    said.append(Sentence("Reason: %(reason)s", reason=REDACTION_REASONS[reason]))
    # A note is what a person said: in their language.
    return "\n".join([*map(str, said), *([text.strip()] if text.strip() else [])])


def _tell(
    action: Action,
    package: ResultPackage,
    *,
    actor: Actor,
    reason: str = "",
    note: Any = None,
    more: audit.Details | None = None,
) -> None:
    audit.record(
        action,
        actor=actor,
        case=package.processor_request.case,
        processor=package.processor_request.processor,
        reason=reason,
        note=note,
        details={"package": str(package.pk), "sha256": package.sha256, **(more or {})},
    )
