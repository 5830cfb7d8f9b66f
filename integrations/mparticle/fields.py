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
        "workspace_key", Sentence("Workspace key"), Sentence("Workspace Settings; for data subject requests.")
    ),
    Secret("workspace_secret", Sentence("Workspace secret")),
    Secret(
        "input_key",
        Sentence("Input key"),
        Sentence("Setup, Inputs: the key of a platform such as Web. For searches, corrections and opt-outs."),
        required=False,
        sent_to=_INPUT,
    ),
    Secret("input_secret", Sentence("Input secret"), required=False, sent_to=_INPUT),
    Secret(
        "oauth_client_id",
        Sentence("OAuth client ID"),
        Sentence(
            "API Credentials in mParticle, for the Platform API of the account. For choosing a "
            "workspace from a list."
        ),
        required=False,
        sent_to=_OAUTH,
    ),
    Secret(
        "oauth_client_secret",
        Sentence("OAuth client secret"),
        Sentence("mParticle shows it once, when it is made."),
        required=False,
        sent_to=_OAUTH,
    ),
)

OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        "pod",
        Sentence("Pod"),
        Sentence("Where mParticle keeps this workspace's data; keys often begin with it, such as eu1-."),
        choices=PODS,
        default="us1",
    ),
    Option(
        "identity_auth",
        Sentence("Signing of searches"),
        Sentence("How the input key is proven to IDSync. HMAC sends a signature instead of the secret."),
        choices=(("basic", Sentence("Basic")), ("hmac", Verbatim("HMAC"))),
        default="basic",
    ),
    Option(
        "identity_url",
        Sentence("IDSync address"),
        Sentence("Empty for mParticle's own in this pod."),
        is_address=True,
    ),
    Option(
        "events_url",
        Sentence("Events address"),
        Sentence("Empty for mParticle's own in this pod."),
        is_address=True,
    ),
    Option(
        "platform_url",
        Sentence("Platform API address"),
        Sentence("Empty for mParticle's own."),
        is_address=True,
    ),
    Option(
        "sso_url",
        Sentence("Sign-on address"),
        Sentence("Where tokens are asked for; empty for mParticle's own."),
        is_address=True,
    ),
    Option(
        "oauth_account",
        Sentence("Account ID"),
        Sentence("The number of the account that the workspace belongs to."),
    ),
    Option(
        "gdpr_purposes",
        Sentence("GDPR purposes"),
        Sentence(
            "The consent purposes set up in this workspace, one a line, spelt as there. An opt-out "
            "under the GDPR takes back the consent to some of them. Empty: any name is sent as it "
            "was given."
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
            "A user attribute that is set to true before an erasure is asked for, so that your "
            "filters keep the person out while it waits. Needs the input key."
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
