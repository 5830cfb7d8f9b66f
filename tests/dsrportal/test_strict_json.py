from typing import Any

import pytest

from dsrportal.strict_json import Malformed, read, read_object


@pytest.mark.parametrize(
    ("raw", "document"),
    [
        (b'{"a": [1, null, true, "\\u00e4 \xc3\xa4"]}', {"a": [1, None, True, "ä ä"]}),
        (b" \n[] ", []),
        (b'{"a": {"x": 1}, "b": {"x": 2}}', {"a": {"x": 1}, "b": {"x": 2}}),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'"back\\\\u0000slash"', "back\\u0000slash"),
    ],
)
def test_json_is_read(raw: bytes, document: Any) -> None:
    assert read(raw) == document


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        (b"<html></html>", "not_json"),
        (b'{"a": 1', "not_json"),
        (b'{"a": 1} {}', "not_json"),
        (b"{'a': 1}", "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        ('{"a": "ä"}'.encode("latin-1"), "not_json"),
        ('{"a": 1}'.encode("utf-16"), "not_json"),
        (b'{"a": "\x00"}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"1" * 5000, "not_json"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"b": [{"a": 1, "\\u0061": 1}]}', "duplicate_key"),
        (b'{"a": NaN}', "not_a_number"),
        (b'{"a": -Infinity}', "not_a_number"),
        (b'{"a": "x\\u0000"}', "unstorable_text"),
        (b'[{"a": [{"\\ud800": 1}]}]', "unstorable_text"),
        (b'"\\udfff"', "unstorable_text"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(raw: bytes, problem: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read(raw)
    assert refusal.value.problem == problem


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"1", b"null", b"true"])
def test_an_object_is_an_object(raw: bytes) -> None:
    with pytest.raises(Malformed, match="not_an_object"):
        read_object(raw)
