"""The people the vendors know: profiles by workspace (mParticle) and users by app (Leanplum), kept in the journal.

With the switch `strangers` at "known" whoever is asked about for the first time, and was never erased, is taken to
exist; at "unknown" only those who were put there do. Either way somebody erased stays away until new data comes in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from integrations.sandbox.clock import Clock
from integrations.sandbox.journal import Journal, Row
from integrations.sandbox.mparticle.names import PRIORITY
from integrations.sandbox.switches import Switchboard

Key = tuple[str, str]
Held = tuple[str, str, str]

USER_ID = "user_id"  # what Leanplum calls its one identity


@dataclass(slots=True, eq=False)
class Person:
    """`place` is a workspace or an app, `id` the mpid or the user id. Identities go by OpenDSR's names."""

    place: str
    id: str
    identities: dict[str, str]
    attributes: dict[str, Any] = field(default_factory=dict)
    consent: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    invented: bool = False
    blocked: bool = False
    gone_at: float | None = None  # virtual seconds; an erasure under way

    @property
    def key(self) -> Key:
        return self.place, self.id


class People:
    """Every method takes the lock of the journal; so does whoever changes a person directly, and says `changed`."""

    def __init__(self, journal: Journal, *, clock: Clock, board: Switchboard) -> None:
        self.lock = journal.lock
        self._journal = journal
        self._clock = clock
        self._board = board
        self._people: dict[Key, Person] = {}
        self._holders: dict[Held, dict[str, None]] = {}
        self._erased: set[Held] = set()
        self._load(journal.entries)
        journal.keep(self)

    def everybody(self) -> list[Person]:
        with self.lock:
            return [person for person in list(self._people.values()) if not self._is_gone(person)]

    def profile(self, place: str, mpid: str) -> Person | None:
        """By mpid alone, inventing nobody."""
        with self.lock:
            person = self._people.get((place, mpid))
            return None if person is None or self._is_gone(person) else person

    def matching(self, place: str, identities: Mapping[str, str]) -> list[Person]:
        """Everybody who has one of the identities, those first whom a stronger one names.

        The switch `login_identities` plays an identity strategy: whoever has one of these types is found by these
        types alone (docs.mparticle.com, "Data Subject Requests": a device id does not lead to a known customer).
        """
        login = self._board.now.login_identities
        found: dict[str, Person] = {}
        with self.lock:
            for name in ordered(identities):
                for identifier in list(self._holders.get((place, name, identities[name]), ())):
                    person = self._people[place, identifier]
                    if self._is_gone(person):
                        continue
                    if name in (*login, "mpid") or not any(known in person.identities for known in login):
                        found.setdefault(identifier, person)
        return list(found.values())

    def who(self, place: str, identities: Mapping[str, str]) -> Person | None:
        """The one person meant, who may come into being by being asked about."""
        with self.lock:
            found = self.matching(place, identities)
            if found:
                return self._completed(found[0], identities)
            if self._board.now.strangers == "unknown" or not identities:
                return None
            if any((place, name, value) in self._erased for name, value in identities.items()):
                return None
            return self._add(place, identities, invented=True)

    def put(
        self,
        place: str,
        identities: Mapping[str, str],
        *,
        attributes: Mapping[str, Any] | None = None,
        consent: Mapping[str, Any] | None = None,
        events: Sequence[dict[str, Any]] = (),
    ) -> tuple[Person, bool]:
        """New data of a person; whoever matches nobody comes into being (True), erased or not."""
        with self.lock:
            known = {"mpid": identities["mpid"]} if "mpid" in identities else identities
            found = self.matching(place, known)
            person = found[0] if found else self._add(place, identities, invented=False)
            if person.blocked:
                return person, False
            self._give(person, {name: value for name, value in identities.items() if name != "mpid"})
            _merge_attributes(person.attributes, attributes or {})
            for regulation, purposes in (consent or {}).items():
                person.consent.setdefault(regulation, {}).update(purposes or {})
            person.events.extend(events)
            person.gone_at = None
            self.changed(person)
            return person, not found

    def exchange(self, person: Person, name: str, value: str | None) -> None:
        """Another value for one identity; None takes it away."""
        with self.lock:
            old = person.identities.pop(name, None)
            if old is not None:
                self._holders.get((person.place, name, old), {}).pop(person.id, None)
            if value is not None:
                self._hold(person, name, value)
            self.changed(person)

    def erase(self, place: str, identities: Mapping[str, str]) -> int:
        """Remove everybody who matches, and remember who was erased; says how many there were."""
        with self.lock:
            found = self.matching(place, identities)
            self._remember(place, identities)
            for person in found:
                self.remove(person)
            return len(found)

    def remove(self, person: Person) -> None:
        with self.lock:
            key = USER_ID if USER_ID in person.identities else "mpid"
            self._remember(person.place, {**person.identities, key: person.id})
            del self._people[person.key]
            for name, value in {**person.identities, "mpid": person.id}.items():
                self._holders.get((person.place, name, value), {}).pop(person.id, None)
            place, identifier = person.key
            self._journal.mark(("person", place, identifier), lambda: {"gone": [place, identifier]})

    def changed(self, person: Person) -> None:
        self._journal.mark(("person", *person.key), lambda: {"person": asdict(person)})

    def clear(self) -> None:
        self._people.clear()
        self._holders.clear()
        self._erased.clear()

    def rows(self) -> Iterator[Row]:
        for person in self._people.values():
            yield {"person": asdict(person)}
        for held in self._erased:
            yield _erased_row(held)

    def _is_gone(self, person: Person) -> bool:
        """Whether an erasure that was under way has come to its end."""
        if person.gone_at is None or self._clock.now() < person.gone_at:
            return False
        self.remove(person)
        return True

    def _add(self, place: str, identities: Mapping[str, str], *, invented: bool) -> Person:
        given = {name: value for name, value in identities.items() if name != "mpid"}
        identifier = identities.get(USER_ID) or identities.get("mpid") or self._new_mpid(place, given)
        person = Person(place=place, id=identifier, identities={}, invented=invented)
        self._people[person.key] = person
        self._holders.setdefault((place, "mpid", identifier), {})[identifier] = None
        self._give(person, given)
        self.changed(person)
        return person

    def _new_mpid(self, place: str, identities: Mapping[str, str]) -> str:
        """A signed 64-bit number, negative for about half of the people, and never used before."""
        for number in range(1_000_000):
            seed = f"{place} {sorted(identities.items())} {number}".encode()
            mpid = str(int.from_bytes(hashlib.sha256(seed).digest()[:8], signed=True))
            if (place, mpid) not in self._people and (place, "mpid", mpid) not in self._erased:
                return mpid
        raise RuntimeError("no mpid is left")

    def _completed(self, person: Person, identities: Mapping[str, str]) -> Person:
        """Somebody invented has whatever else is asked of them, unless it is somebody else's or was erased."""
        if person.invented and self._board.now.strangers == "known":
            free = {
                name: value
                for name, value in identities.items()
                if name not in person.identities
                and name != "mpid"
                and not self._holders.get((person.place, name, value))
                and (person.place, name, value) not in self._erased
            }
            if free:
                self._give(person, free)
                self.changed(person)
        return person

    def _give(self, person: Person, identities: Mapping[str, str]) -> None:
        for name, value in identities.items():
            if name not in person.identities:
                self._hold(person, name, value)

    def _hold(self, person: Person, name: str, value: str) -> None:
        person.identities[name] = value
        self._holders.setdefault((person.place, name, value), {})[person.id] = None

    def _remember(self, place: str, identities: Mapping[str, str]) -> None:
        for name, value in identities.items():
            held = (place, name, value)
            if held not in self._erased:
                self._erased.add(held)
                self._journal.mark(("erased", *held), partial(_erased_row, held))

    def _load(self, entries: list[Row]) -> None:
        for entry in entries:
            if "person" in entry:
                person = Person(**entry["person"])
                self._people[person.key] = person
            elif "gone" in entry:
                self._people.pop((entry["gone"][0], entry["gone"][1]), None)
            elif "erased" in entry:
                place, name, value = entry["erased"]
                self._erased.add((place, name, value))
        for person in self._people.values():
            for name, value in {**person.identities, "mpid": person.id}.items():
                self._holders.setdefault((person.place, name, value), {})[person.id] = None


def ordered(identities: Mapping[str, str]) -> list[str]:
    """The names of the identities, the one first that decides."""
    return sorted(identities, key=lambda name: PRIORITY.index(name) if name in PRIORITY else len(PRIORITY))


def _erased_row(held: Held) -> Row:
    return {"erased": list(held)}


def _merge_attributes(attributes: dict[str, Any], new: Mapping[str, Any]) -> None:
    """A null takes an attribute away."""
    for name, value in new.items():
        if value is None:
            attributes.pop(name, None)
        else:
            attributes[name] = value
