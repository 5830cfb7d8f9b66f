"""Fields of an mParticle workspace: its credentials and its options."""

from collections.abc import Iterable
from functools import reduce
from typing import Final

from dsrportal.sentence import Sentence, Verbatim
from integrations.account import Account
from integrations.mparticle.places import PODS
from integrations.types import Option, Secret

# What searches, corrections and opt-outs need, and what the list of workspaces needs.
INPUT: Final = ("input_key", "input_secret")
PLATFORM: Final = ("oauth_client_id", "oauth_client_secret", "oauth_account")
_INPUT = ("identity_url", "events_url")
_OAUTH = ("sso_url", "platform_url")

SECRETS: Final[tuple[Secret, ...]] = (
    Secret(
        "workspace_key",
        Sentence("Workspace key"),
        Sentence("From Workspace Settings. For data subject requests."),
    ),
    Secret("workspace_secret", Sentence("Workspace secret")),
    Secret(
        "input_key",
        Sentence("Input key"),
        Sentence(
            "From Setup, Inputs: the key of a platform such as Web. For searches, corrections and opt-outs."
        ),
        required=False,
        sent_to=_INPUT,
    ),
    Secret("input_secret", Sentence("Input secret"), required=False, sent_to=_INPUT),
    Secret(
        "oauth_client_id",
        Sentence("OAuth client ID"),
        Sentence(
            "From API Credentials in mParticle, for the Platform API of the account. Needed to choose a "
            "workspace from a list."
        ),
        required=False,
        sent_to=_OAUTH,
    ),
    Secret(
        "oauth_client_secret",
        Sentence("OAuth client secret"),
        Sentence("mParticle shows it only once, when it is created."),
        required=False,
        sent_to=_OAUTH,
    ),
)

OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        "pod",
        Sentence("Pod"),
        Sentence("Where mParticle stores this workspace's data. Keys often begin with it, such as eu1-."),
        choices=PODS,
        default="us1",
    ),
    Option(
        "identity_auth",
        Sentence("Signing of searches"),
        Sentence(
            "How the input key is authenticated at IDSync. HMAC sends a signature instead of the secret."
        ),
        choices=(("basic", Sentence("Basic")), ("hmac", Verbatim("HMAC"))),
        default="basic",
    ),
    Option(
        "identity_url",
        Sentence("IDSync address"),
        Sentence("Leave empty for mParticle's address in this pod."),
        is_address=True,
    ),
    Option(
        "events_url",
        Sentence("Events address"),
        Sentence("Leave empty for mParticle's address in this pod."),
        is_address=True,
    ),
    Option(
        "platform_url",
        Sentence("Platform API address"),
        Sentence("Leave empty for mParticle's address."),
        is_address=True,
    ),
    Option(
        "sso_url",
        Sentence("Sign-on address"),
        Sentence("Where tokens are requested. Leave empty for mParticle's address."),
        is_address=True,
    ),
    Option(
        "oauth_account",
        Sentence("Account ID"),
        Sentence("Number of the account that the workspace belongs to."),
    ),
    Option(
        "gdpr_purposes",
        Sentence("GDPR purposes"),
        Sentence(
            "The consent purposes of this workspace, one per line, spelled as in mParticle. An opt-out "
            "under the GDPR withdraws the consent for some of them. If empty, each name is sent as it "
            "was entered."
        ),
        multiline=True,
    ),
    Option(
        "consent_document",
        Sentence("Consent document"),
        Sentence("The notice or policy that an opt-out is recorded under, such as privacy-notice-v7."),
    ),
    Option(
        "exclusion_attribute",
        Sentence("Exclusion attribute"),
        Sentence(
            "A user attribute that is set to true before an erasure is requested, so that your filters "
            "exclude the data subject in the meantime. Requires the input key."
        ),
    ),
)


def missing(processor: Account, names: Iterable[str]) -> list[str]:
    """Those of these secrets and options that nothing is stored for."""
    secrets = {secret.name for secret in SECRETS}
    return [
        name
        for name in names
        if not (processor.credentials.get(name) if name in secrets else processor.option(name).strip())
    ]


def labels_text(names: Iterable[str]) -> Sentence:
    """Their labels, for a sentence."""
    labels = {secret.name: secret.label for secret in SECRETS}
    labels |= {option.name: option.label for option in OPTIONS}
    said = [Sentence("“%(label)s”", label=labels[name]) for name in names]
    return reduce(lambda first, last: Sentence("%(first)s and %(last)s", first=first, last=last), said)
