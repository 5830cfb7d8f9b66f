"""Pace of the suite: which tests are slow, so that they start first and the daily loop can do without them.

`slow.txt` beside this file has the seconds of every test function that took longer than SLOW_SECONDS on average over
its parameters. `make pace` measures the whole suite and writes it anew.
"""

import gc
import os
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest

SLOW: Final = Path(__file__).with_name("slow.txt")
SLOW_SECONDS: Final = 0.15
WRITE: Final = "PORTAL_TEST_PACE"

_seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))


def function_of(nodeid: str) -> str:
    """The test without its parameters."""
    return nodeid.partition("[")[0]


def slow_tests(text: str) -> dict[str, float]:
    """Seconds by test function, as `written` has them."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return {function: float(seconds) for seconds, function in pairs}


def written(seconds: dict[str, dict[str, float]]) -> str:
    """A line for each function that is slow on average: all its seconds, and its name."""
    slow = {
        function: sum(each.values())
        for function, each in seconds.items()
        if sum(each.values()) / len(each) > SLOW_SECONDS
    }
    return "".join(f"{slow[function]:8.2f} {function}\n" for function in sorted(slow))


class Pace:
    """The pytest plugin. Modules with the most slow seconds come first, so that no worker ends with one alone."""

    def __init__(self) -> None:
        self.slow = slow_tests(SLOW.read_text())

    # Before pytest chooses by marker.
    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        if function_of(item.nodeid) in self.slow:
            item.add_marker("slow")

    # After pytest-django, which has another order in mind.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        by_module: dict[str, float] = defaultdict(float)
        for function, seconds in self.slow.items():
            by_module[function.partition("::")[0]] += seconds
        items.sort(key=lambda item: -by_module[item.nodeid.partition("::")[0]])

    def pytest_collection_finish(self) -> None:
        # What was collected lives until the end: without this each full collection walks over all of it again.
        gc.collect()
        gc.freeze()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        _seconds[function_of(report.nodeid)][report.nodeid] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if WRITE in os.environ and "PYTEST_XDIST_WORKER" not in os.environ and exitstatus == 0:
            SLOW.write_text(written(_seconds))
