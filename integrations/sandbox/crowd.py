"""The people as the control API shows them and puts them there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.accounts import Accounts
from integrations.sandbox.people import USER_ID, People, Person


class BadPerson(ValueError):
    """A person that cannot be made, in a sentence."""


class Crowd:
    def __init__(self, people: People, accounts: Accounts) -> None:
        self._people = people
        self._workspaces = [workspace.id for workspace in accounts.workspaces]
        self._apps = [app.app_id for app in accounts.apps]

    def rows(self) -> list[dict[str, Any]]:
        return [self._row(person) for person in self._people.everybody()]

    def counts(self) -> dict[str, int]:
        """How many are known in each workspace and app."""
        counts = dict.fromkeys((*self._workspaces, *self._apps), 0)
        for person in self._people.everybody():
            counts[person.place] = counts.get(person.place, 0) + 1
        return counts

    def put(self, order: Any) -> str:
        """New data of a person, in a workspace or an app by number; answers the mpid or the user id.

        In an app the first identity is the user id and the others become attributes, as mParticle forwards them.
        Raises BadPerson for anything but a person.
        """
        if not isinstance(order, dict) or set(order) - {
            "workspace", "app", "identities", "attributes", "consent_state", "events",
        }:  # fmt: skip
            raise BadPerson(
                "A person has a workspace or an app, identities, attributes, consent_state and events."
            )
        identities = _texts(order.get("identities"))
        attributes = _object(order.get("attributes"), "attributes")
        events = _events(order.get("events"))
        if order.get("app") is not None:
            app = _one_of(self._apps, order["app"])
            first = next(iter(identities))
            forwarded = {name: value for name, value in identities.items() if name != first}
            known, place = {USER_ID: identities[first]}, app
            attributes = {**forwarded, **attributes}
        else:
            known, place = identities, _one_of(self._workspaces, order.get("workspace", 0))
        consent = _object(order.get("consent_state"), "consent_state")
        person, _ = self._people.put(place, known, attributes=attributes, consent=consent, events=events)
        return person.id

    def _row(self, person: Person) -> dict[str, Any]:
        in_app = person.place in self._apps
        return {
            "workspace": None if in_app else person.place,
            "app": person.place if in_app else None,
            "id": person.id,
            "identities": dict(person.identities),
            "attributes": dict(person.attributes),
            "consent_state": person.consent,
            "events": list(person.events),
            "invented": person.invented,
            "blocked": person.blocked,
        }


def _one_of(places: Sequence[str], number: Any) -> str:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(places):
        raise BadPerson("A workspace or an app is given by its number, from 0.")
    return places[number]


def _texts(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not given:
        raise BadPerson("At least one identity is expected, by OpenDSR's names.")
    if not all(isinstance(value, str) and value for value in given.values()):
        raise BadPerson("An identity is a text that is not empty.")
    return given


def _object(given: Any, name: str) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadPerson(f"{name} is an object.")
    return given


def _events(given: Any) -> list[dict[str, Any]]:
    """As in a batch: `event_type` and `data`. Instead of a time a `month` ("2025-11") may be given."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(
        isinstance(row, dict) and isinstance(row.get("event_type"), str) for row in given
    ):
        raise BadPerson("events is a list of objects with an event_type.")
    return [_event(row) for row in given]


def _event(row: dict[str, Any]) -> dict[str, Any]:
    data = dict(_object(row.get("data"), "data"))
    if "month" in row:
        try:
            first = datetime.strptime(row["month"], "%Y-%m").replace(tzinfo=UTC)
        except (TypeError, ValueError):
            raise BadPerson("A month reads like 2025-11.") from None
        data.setdefault("timestamp_unixtime_ms", int(first.timestamp() * 1000))
    return {"event_type": row["event_type"], "data": data}
