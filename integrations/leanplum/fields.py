"""Fields of a Leanplum app: its keys and its options."""

from typing import Final

from dsrportal.wording import Wording
from integrations.types import IdentityType, Option, Secret

# What an erasure is.
DELETE: Final = "delete"
BLOCK: Final = "block"
BLOCK_THEN_VERIFY: Final = "block_then_verify"

SECRETS: Final[tuple[Secret, ...]] = (
    Secret("development_key", Wording("Development key"), Wording("For erasing users.")),
    Secret(
        "production_key",
        Wording("Production key"),
        Wording("For blocking users and changing their attributes."),
    ),
    Secret(
        "export_key",
        Wording("Data Export key"),
        Wording("For access, and to see whether an erasure is done."),
    ),
)

OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        "user_id_type",
        Wording("Leanplum user ID"),
        Wording(
            "Which identity it is: the one that your mParticle connection, or your own app, sends as user ID."
        ),
        choices=tuple(
            (kind.value, str(kind.label))
            for kind in (IdentityType.CONTROLLER_CUSTOMER_ID, IdentityType.EMAIL, IdentityType.MPID)
        ),
        required=True,
    ),
    Option(
        "erasure_policy",
        Wording("Erasure"),
        Wording(
            "Deleting forgets the person, who is known anew when data comes in; blocking also stops "
            "new data, and keeps the user ID."
        ),
        choices=(
            (DELETE, Wording("Delete the user")),
            (BLOCK, Wording("Block the user")),
            (BLOCK_THEN_VERIFY, Wording("Block the user, and see that nothing is left")),
        ),
        default=DELETE,
    ),
    Option(
        "opt_out_attribute",
        Wording("Opt-out attribute"),
        Wording("The user attribute that is set to true for an opt-out, and that your campaigns heed."),
    ),
    Option(
        "attributes",
        Wording("Attributes that hold identities"),
        Wording("For corrections, one a line, such as “email = email_address”."),
        multiline=True,
    ),
)
