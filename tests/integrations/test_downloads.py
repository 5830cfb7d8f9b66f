"""Results on their way in, against a server that says exactly what it is told to."""

from typing import Any

import pytest

from integrations import http
from integrations.errors import Rejected, TooLarge, UnexpectedAnswer
from integrations.models import Processor
from tests.integrations.odd_server import OddServer, answer, only


def stream(processor: Processor, odd: OddServer, **options: Any) -> Any:
    options.setdefault("limit_bytes", 10_000_000)
    return http.stream(
        processor,
        f"{odd.url}/v3/result",
        template="/{result}",
        headers={"Authorization": "Basic c2VjcmV0"},
        **options,
    )


def test_a_download_comes_in_pieces(odd_processor: Processor, odd: OddServer) -> None:
    odd.replies.append(answer(200, b"z" * 300_000, {"Content-Type": "application/zip"}))
    with stream(odd_processor, odd) as given:
        pieces = list(given.chunks)
    assert (given.status, given.headers["content-type"]) == (200, "application/zip")
    assert b"".join(pieces) == b"z" * 300_000
    assert max(map(len, pieces)) <= 65_536


def test_a_download_beyond_the_limit_is_cut_off(odd_processor: Processor, odd: OddServer) -> None:
    odd.replies.append(answer(200, b"z" * 300_000))
    received = []
    with stream(odd_processor, odd, limit_bytes=100_000) as given, pytest.raises(TooLarge):
        received.extend(given.chunks)
    assert sum(map(len, received)) <= 100_000


def test_a_download_that_ends_early_is_unexpected(odd_processor: Processor, odd: OddServer) -> None:
    odd.replies.append(only(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc"))
    with pytest.raises(UnexpectedAnswer), stream(odd_processor, odd) as given:
        list(given.chunks)


def test_a_download_that_is_left_unread_frees_its_connection(
    odd_processor: Processor, odd: OddServer
) -> None:
    odd.replies.extend([answer(200, b"z" * 300_000), answer(200, b"next")])
    with stream(odd_processor, odd):
        pass
    address = f"{odd.url}/v3/next"
    assert http.call(odd_processor, "GET", address, template="/next").body == b"next"


def test_a_redirect_is_followed_only_where_the_caller_says_so(
    odd_processor: Processor, odd: OddServer
) -> None:
    odd.replies.extend([answer(302, b"", {"Location": "/v3/there"}), answer(200, b"zip")])
    with stream(odd_processor, odd, may_follow=lambda url: url == f"{odd.url}/v3/there") as given:
        assert b"".join(given.chunks) == b"zip"
    odd.replies.append(answer(302, b"", {"Location": "https://elsewhere.example/x"}))
    with (
        pytest.raises(Rejected, match=r"elsewhere\.example"),
        stream(odd_processor, odd, may_follow=lambda _: False),
    ):
        pass
    odd.replies.append(answer(302, b"", {"Location": "/v3/there"}))
    with pytest.raises(UnexpectedAnswer), stream(odd_processor, odd):
        pass
    odd.replies.extend([answer(302, b"", {"Location": "/v3/there"})] * 4)
    with (
        pytest.raises(UnexpectedAnswer, match="circles"),
        stream(odd_processor, odd, may_follow=lambda _: True),
    ):
        pass
