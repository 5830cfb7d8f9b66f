"""A processor's budget as the cases and people see it: how it stands, how long so much will take, and its memory."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from integrations import budget_store, send_slots
from integrations.account import Account
from integrations.budget_store import BUCKETS, FOOT, Books, Window
from integrations.types import BudgetState, Used

_SECOND = 1_000_000


class _Look(NamedTuple):
    """One read of the store: instants in its own microseconds, counts by the index of their bucket."""

    now: int
    tat: int
    busy: int
    next_call: int
    next_new: int
    calls: Mapping[int, int]
    new_requests: list[Mapping[int, int]]


def state(processor: Account) -> BudgetState:
    """The budget at this moment; nothing is taken from it.

    Raises NotSent where the store does not answer, and BudgetForgotten where it was emptied: see `rebuild`.
    """
    books = budget_store.open_books(processor)
    look = _look(books)
    return BudgetState(
        # A minute's calls are kept by their pace, so the bucket that is covered in part is left out of the picture.
        calls=_used(books.calls, look.calls, look.now, BUCKETS - 1),
        new_requests=tuple(
            _used(window, counts, look.now, BUCKETS)
            for window, counts in zip(books.windows, look.new_requests, strict=True)
        ),
        effort=round(100 * (FOOT + (1 - FOOT) * look.busy / books.pace.ramp)),
        wait_seconds=(look.next_call - look.now) / _SECOND,
        new_request_wait_seconds=(look.next_new - look.now) / _SECOND,
    )


def seconds_for(processor: Account, new_requests: int) -> float:
    """How long until so many new requests have left, from now, if nothing else is sent. Errors as of `state`."""
    books = budget_store.open_books(processor)
    look = _look(books)
    if new_requests <= 0:
        return 0.0
    left_at = send_slots.leaves_at(
        new_requests,
        at=look.next_new,
        busy=max(look.busy - max(look.next_new - look.tat, 0), 0),
        pace=books.pace,
        windows=[
            send_slots.Counts(
                bucket=window.bucket, share=window.share, counts=_counted(window, counts, look.now)
            )
            for window, counts in zip(books.windows, look.new_requests, strict=True)
        ],
    )
    return (left_at - look.now) / _SECOND


def rebuild(processor: Account, sent: Iterable[tuple[datetime, int]]) -> None:
    """Give the long windows that were forgotten their counts back: when (aware) how many new requests were sent.

    A window that is known stays as it is, so of two rebuilds at once the second changes nothing. Whoever never sent
    anything is rebuilt with nothing. Raises NotSent.
    """
    books = budget_store.open_books(processor)
    found = [(int(at.timestamp() * _SECOND), count) for at, count in sent]
    counts = [Counter[int]() for _ in books.windows]
    for window, counter in zip(books.windows, counts, strict=True):
        for at, count in found:
            counter[at // window.bucket] += count
    budget_store.run(budget_store.REBUILD, books, sent=[sorted(counter.items()) for counter in counts])


def _look(books: Books) -> _Look:
    now, tat, busy, next_call, next_new, calls, *windows = budget_store.run(budget_store.LOOK, books)
    return _Look(
        now, tat, busy, next_call, next_new, _by_index(calls), [_by_index(window) for window in windows]
    )


def _by_index(fields: list[Any]) -> dict[int, int]:
    pairs = zip(fields[::2], fields[1::2], strict=True)
    return {int(name): int(count) for name, count in pairs if name != b"since"}


def _counted(window: Window, counts: Mapping[int, int], now: int, buckets: int = BUCKETS) -> dict[int, int]:
    oldest = now // window.bucket - buckets
    return {index: count for index, count in counts.items() if index >= oldest}


def _used(window: Window, counts: Mapping[int, int], now: int, buckets: int) -> Used:
    return Used(window.limit, window.share, sum(_counted(window, counts, now, buckets).values()))
