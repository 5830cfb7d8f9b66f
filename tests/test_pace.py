"""The list of slow tests: written and read alike, and of tests that exist."""

from tests import pace


def test_what_is_written_is_read_again() -> None:
    text = pace.written(
        {"a.py::test_a": {"a.py::test_a[1]": 1.5, "a.py::test_a[2]": 0.5}, "b.py::test_b": {"": 0.01}}
    )
    assert pace.slow_tests(text) == {"a.py::test_a": 2.0}


def test_every_slow_test_exists() -> None:
    root = pace.SLOW.parent.parent
    listed = pace.slow_tests(pace.SLOW.read_text())
    assert listed
    for function in listed:
        module, _, name = function.rpartition("::")
        assert f"def {name}(" in (root / module.partition("::")[0]).read_text(), f"{function}: make pace"
