"""Sliding windows, counted the plain way: over every instant, one by one."""

from collections.abc import Sequence


def fullest(slots: Sequence[int], seconds: int) -> int:
    """The most that any window of so many seconds holds, wherever it begins (its end belongs to the next).

    `slots` are microseconds, in order.
    """
    most = first = 0
    for last, slot in enumerate(slots):
        while slot - slots[first] >= seconds * 1_000_000:
            first += 1
        most = max(most, last - first + 1)
    return most
