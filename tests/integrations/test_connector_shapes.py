"""What every kind of processor is, apart from its calls: what it says of itself, of a draft, and of its account."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from integrations.connector import Capability, Connector
from integrations.errors import Unsupported
from integrations.registry import KINDS, connector_class
from integrations.types import Identity, RequestType
from tests.integrations import connector_cases as cases
from tests.integrations.connector_cases import Described
from tests.integrations.odd_server import OddServer, Reply, answer
from tests.integrations.rows import row_of

ALL = cases.descriptions()
# What makes no connection test work.
USELESS: dict[str, Reply] = {
    "401": cases.REFUSED[0],
    "403": cases.REFUSED[2],
    "404": answer(404),
    "500": answer(500),
    "empty": answer(200),
    "html": answer(200, b"<html>"),
    "object": cases.as_json({}),
    "list": cases.as_json([]),
    "reset": cases.reset,
}

METHODS: dict[Capability, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            Capability.ACCESS,
            Capability.PORTABILITY,
            Capability.ERASURE,
            Capability.OPT_OUT,
            Capability.CORRECTION,
        ),
        ("submit", "longest"),
    ),
    Capability.CANCEL: ("cancel",),
    Capability.REPORTS: ("report",),
    Capability.GROUPS: ("report_group",),
    Capability.RESULTS: ("fetch_result",),
    Capability.CALLBACKS: ("verify_callback", "read_callback"),
    Capability.SEARCH: ("search",),
    Capability.WORKSPACES: ("list_workspaces",),
    Capability.BY_HAND: (),
}
# What a kind without the capability is asked in vain.
IN_VAIN: dict[Capability, Callable[[Connector], object]] = {
    Capability.CANCEL: lambda connector: connector.cancel(uuid4()),
    Capability.REPORTS: lambda connector: connector.report(cases.inquiry("erasure")),
    Capability.GROUPS: lambda connector: connector.report_group("case-7"),
    Capability.RESULTS: lambda connector: cases.fetched(connector, "https://localhost:1/"),
    Capability.CALLBACKS: lambda connector: connector.verify_callback({}, b""),
    Capability.SEARCH: lambda connector: connector.search(cases.PERSON),
    Capability.WORKSPACES: lambda connector: connector.list_workspaces(),
}

pytestmark = pytest.mark.django_db


@pytest.fixture(params=KINDS)
def described(request: pytest.FixtureRequest) -> Described:
    return ALL[request.param]


def connector(described: Described, url: str = "https://localhost:1", **more: Any) -> Connector:
    return connector_class(described.kind)(described.processor(url, **more))


@pytest.mark.parametrize("reply", USELESS.values(), ids=USELESS)
def test_a_connection_test_never_fails_and_names_what_to_look_at(
    described: Described, odd: OddServer, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    odd.replies.extend([reply] * 40)
    tested = connector(described, odd.url, root_pem=odd.authority.root_pem)
    checks = tested.test_connection()
    fields = {secret.name for secret in tested.secrets} | {option.name for option in tested.options}
    assert checks
    assert all(check.name and check.sentence.english.endswith(".") for check in checks)
    assert {check.key_field for check in checks} <= {"", *fields}
    if tested.secrets:
        assert not all(check.works for check in checks)
    told = repr(checks) + caplog.text
    assert [value for value in tested.processor.credentials.values() if value in told] == []
    if not tested.secrets:
        assert odd.requests == []


def test_a_connection_test_of_a_processor_that_is_only_named(described: Described) -> None:
    bare = connector(described)
    row_of(bare).credentials = {}
    row_of(bare).options = {}
    assert all(check.sentence for check in bare.test_connection())


def test_every_capability_has_its_methods() -> None:
    assert set(METHODS) == set(Capability)


def test_a_kind_overrides_what_it_can(described: Described) -> None:
    kind = connector_class(described.kind)
    wanted = {name for capability in kind.capabilities for name in METHODS[capability]}
    wanted |= {"test_connection", "budget"}
    assert [name for name in wanted if getattr(kind, name) is getattr(Connector, name)] == []
    assert bool(kind.group_size) == (Capability.GROUPS in kind.capabilities)
    assert bool(kind.connects_with) == (Capability.WORKSPACES in kind.capabilities)
    assert kind.report_pace >= 1


def test_what_a_kind_cannot_is_unsupported(described: Described) -> None:
    tried = connector(described)
    for capability in set(IN_VAIN) - tried.capabilities:
        with pytest.raises(Unsupported):
            IN_VAIN[capability](tried)


def test_secrets_and_options_are_well_formed(described: Described) -> None:
    kind = connector_class(described.kind)
    names = [secret.name for secret in kind.secrets] + [option.name for option in kind.options]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name == name.lower() for name in names)
    # A change of either is recorded by its name, beside those of the processor's own fields.
    columns = {column.name for column in described.processor("https://localhost:1")._meta.get_fields()}
    assert set(names) & columns == set()
    for option in kind.options:
        assert option.label
        assert not (option.choices and option.multiline)
        assert not (option.required and option.default)
        chosen = [value for value, label in option.choices if value and label]
        assert len(set(chosen)) == len(option.choices)
        assert not chosen or option.default in (chosen if not option.required else [""])
    addresses = {option.name for option in kind.options if option.is_address}
    for secret in kind.secrets:
        assert secret.label
        assert set(secret.sent_to) <= addresses
    assert set(kind.connects_with) <= set(names)


@pytest.mark.parametrize(
    ("kind", "request_type"),
    [
        (kind, str(request_type))
        for kind in KINDS
        for request_type in RequestType
        if Capability(request_type) in connector_class(kind).capabilities
    ],
)
@pytest.mark.parametrize("identities", [cases.PERSON, (cases.MPID,), ()], ids=["two", "mpid", "none"])
def test_what_is_said_of_a_draft_is_a_sentence_without_the_person(
    kind: str, request_type: str, identities: tuple[Identity, ...]
) -> None:
    draft = cases.draft(request_type, *identities)
    configured = connector(ALL[kind])
    nothing_chosen: dict[str, str] = {}
    for options in (row_of(configured).options, nothing_chosen):
        row_of(configured).options = options
        said = [configured.cannot(draft), *configured.check(draft), *configured.warn(draft)]
        for sentence in filter(None, said):
            assert sentence.english.endswith(".")
            assert len(sentence.english) <= 300
            assert "canary" not in sentence.english
        parts = configured.split(draft)
        assert {identity for part in parts for identity in part} <= set(identities)
        assert all(parts) or not identities
        assert parts or not identities or configured.cannot(draft) or configured.check(draft)
        longest = configured.longest(request_type, skip_waiting_period=False)
        assert 0 < longest.total_seconds() < 366 * 24 * 3600
        assert configured.longest(request_type, skip_waiting_period=True) <= longest
        assert configured.repeats_safely(request_type) in (True, False)


def test_a_budget_is_spent_in_order(described: Described) -> None:
    budget = connector(described).budget()
    assert budget.calls.count > 0
    assert budget.calls.seconds > 0
    for shorter, longer in pairwise(budget.new_requests):
        assert shorter.seconds < longer.seconds
        assert shorter.count <= longer.count


def test_what_is_asked_shows_nobody() -> None:
    asked = [cases.request("correction", corrections=(cases.correction(),)), cases.inquiry("access")]
    assert "canary" not in repr([*asked, cases.draft("correction", *cases.PERSON)])
