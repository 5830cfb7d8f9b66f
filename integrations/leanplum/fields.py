"""Fields of a Leanplum app: its keys and its options."""

from typing import Final

from dsrportal.sentence import Sentence
from integrations.types import IdentityType, Option, Secret

# What an erasure is.
DELETE: Final = "delete"
BLOCK: Final = "block"
BLOCK_THEN_VERIFY: Final = "block_then_verify"

SECRETS: Final[tuple[Secret, ...]] = (
    Secret("development_key", Sentence("Development key"), Sentence("For erasing users.")),
    Secret(
        "production_key",
        Sentence("Production key"),
        Sentence("For blocking users and changing their attributes."),
    ),
    Secret(
        "export_key",
        Sentence("Data Export key"),
        Sentence("For access requests, and to check that an erasure is complete."),
    ),
)

OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        "user_id_type",
        Sentence("Leanplum user ID"),
        Sentence("The identifier that your mParticle connection or your own app sends as user ID."),
        choices=tuple(
            (kind.value, Sentence(kind.label))
            for kind in (IdentityType.CONTROLLER_CUSTOMER_ID, IdentityType.EMAIL, IdentityType.MPID)
        ),
        required=True,
    ),
    Option(
        "erasure_policy",
        Sentence("Erasure"),
        Sentence(
            "Deleting removes the user, who is created again when new data arrives. Blocking also stops "
            "new data and keeps the user ID."
        ),
        choices=(
            (DELETE, Sentence("Delete the user")),
            (BLOCK, Sentence("Block the user")),
            (BLOCK_THEN_VERIFY, Sentence("Block the user and check that nothing is left")),
        ),
        default=DELETE,
    ),
    Option(
        "opt_out_attribute",
        Sentence("Opt-out attribute"),
        Sentence("The user attribute that is set to true for an opt-out. Your campaigns must respect it."),
    ),
    Option(
        "attributes",
        Sentence("Attributes with identifiers"),
        Sentence("For corrections, one per line, such as “email = email_address”."),
        multiline=True,
    ),
)
