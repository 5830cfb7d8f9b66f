"""What a person types about an mParticle workspace: its credentials and its options."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from integrations.mparticle.places import PODS
from integrations.types import Option, Secret

if TYPE_CHECKING:
    from integrations.models import Processor

# What searches, corrections and opt-outs need, and what the list of workspaces needs.
INPUT: Final = ("input_key", "input_secret")
PLATFORM: Final = ("oauth_client_id", "oauth_client_secret", "oauth_account")
_INPUT = ("identity_url", "events_url")
_OAUTH = ("sso_url", "platform_url")

SECRETS: Final[tuple[Secret, ...]] = (
    Secret("workspace_key", "Workspace key", "Workspace Settings; for data subject requests."),
    Secret("workspace_secret", "Workspace secret"),
    Secret(
        "input_key",
        "Input key",
        "Setup, Inputs: the key of a platform such as Web. For searches, corrections and opt-outs.",
        required=False,
        sent_to=_INPUT,
    ),
    Secret("input_secret", "Input secret", required=False, sent_to=_INPUT),
    Secret(
        "oauth_client_id",
        "OAuth client ID",
        "API Credentials in mParticle, for the Platform API of the account. For choosing a workspace from a list.",
        required=False,
        sent_to=_OAUTH,
    ),
    Secret(
        "oauth_client_secret",
        "OAuth client secret",
        "mParticle shows it once, when it is made.",
        required=False,
        sent_to=_OAUTH,
    ),
)

OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        "pod",
        "Pod",
        "Where mParticle keeps this workspace's data; keys often begin with it, such as eu1-.",
        choices=PODS,
        default="us1",
    ),
    Option(
        "identity_auth",
        "Signing of searches",
        "How the input key is proven to IDSync. HMAC sends a signature instead of the secret.",
        choices=(("basic", "Basic"), ("hmac", "HMAC")),
        default="basic",
    ),
    Option("identity_url", "IDSync address", "Empty for mParticle's own in this pod.", is_address=True),
    Option("events_url", "Events address", "Empty for mParticle's own in this pod.", is_address=True),
    Option("platform_url", "Platform API address", "Empty for mParticle's own.", is_address=True),
    Option(
        "sso_url",
        "Sign-on address",
        "Where tokens are asked for; empty for mParticle's own.",
        is_address=True,
    ),
    Option("oauth_account", "Account ID", "The number of the account that the workspace belongs to."),
    Option(
        "gdpr_purposes",
        "GDPR purposes",
        "The consent purposes set up in this workspace, one a line, spelt as there. An opt-out under the GDPR takes "
        "back the consent to some of them. Empty: any name is sent as it was given.",
        multiline=True,
    ),
    Option(
        "consent_document",
        "Consent document",
        "The notice or policy that an opt-out is recorded under, such as privacy-notice-v7.",
    ),
    Option(
        "exclusion_attribute",
        "Exclusion attribute",
        "A user attribute that is set to true before an erasure is asked for, so that your filters keep the person out "
        "while it waits. Needs the input key.",
    ),
)


def missing(processor: "Processor", names: Iterable[str]) -> list[str]:
    """Those of these secrets and options that nothing is stored for."""
    secrets = {secret.name for secret in SECRETS}
    return [
        name
        for name in names
        if not (processor.credentials.get(name) if name in secrets else processor.option(name).strip())
    ]


def in_words(names: Iterable[str]) -> str:
    """Their labels, for a sentence."""
    labels = {secret.name: secret.label for secret in SECRETS}
    labels |= {option.name: option.label for option in OPTIONS}
    return " and ".join(f"“{labels[name]}”" for name in names)
