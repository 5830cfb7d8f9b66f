from integrations.opendsr.vocabulary import (
    EXTENSION_IDENTITIES,
    PARTNER_STATUSES,
    REGULATIONS,
    REQUEST_TYPES,
    STANDARD_IDENTITIES,
    STATUSES,
)
from integrations.types import IdentityType, PartnerStatus, Regulation, ReportedStatus, RequestType


def test_every_identity_type_has_one_word_in_one_place() -> None:
    assert set(STANDARD_IDENTITIES) & set(EXTENSION_IDENTITIES) == set()
    assert set(STANDARD_IDENTITIES) | set(EXTENSION_IDENTITIES) == set(IdentityType.values)
    assert (len(STANDARD_IDENTITIES), len(EXTENSION_IDENTITIES)) == (11, 14)
    words = [*STANDARD_IDENTITIES.values(), *EXTENSION_IDENTITIES.values()]
    assert len(set(words)) == 25


def test_roku_is_spelled_as_discovery_spells_it() -> None:
    assert STANDARD_IDENTITIES[IdentityType.ROKU_PUBLISHER_ID] == "roku_publisher_id"


def test_every_status_of_ours_but_the_unknown_has_a_word() -> None:
    assert set(STATUSES.values()) == set(ReportedStatus) - {ReportedStatus.UNRECOGNISED}
    assert set(PARTNER_STATUSES.values()) == set(PartnerStatus) - {PartnerStatus.UNRECOGNISED}


def test_opt_out_and_correction_have_no_word() -> None:
    assert set(RequestType.values) - set(REQUEST_TYPES) == {"opt_out", "correction"}
    assert set(REGULATIONS) == set(Regulation.values)
