from __future__ import annotations

import email.utils
import time

import pytest

from viseme.http import Refused, ask, insist, one_line, read


def fetched(loopback, path: str, waited: list[float], limit: int = 100) -> bytes:
    return read("list", f"{loopback.url}{path}", "ask for it", limit=limit, pause=waited.append)


def test_a_document_is_read_whole(loopback):
    loopback.put("/list", b"one\ntwo\n")
    assert fetched(loopback, "/list", []) == b"one\ntwo\n"
    assert fetched(loopback, "/list", [], limit=8) == b"one\ntwo\n"
    with pytest.raises(Refused, match=r"gives more than 7 bytes; ask for it$"):
        fetched(loopback, "/list", [], limit=7)


def test_a_document_that_breaks_off_is_not_taken_for_whole(loopback):
    waited: list[float] = []
    loopback.put("/list", b"one\ntwo\n", cut=4)
    with pytest.raises(Refused, match=r"broke off .*; try again later, or ask for it$"):
        fetched(loopback, "/list", waited)
    assert waited == [1, 4, 16]


def test_a_busy_server_is_asked_again(loopback):
    waited: list[float] = []
    loopback.put("/list", b"x", busy=2, retry="5")
    assert fetched(loopback, "/list", waited) == b"x"
    assert waited == [5, 5]


def test_the_servers_message_is_told_on_one_line(loopback):
    loopback.put("/list", b'{"message": "no\\n such\\u001b[2J  list."}', status=404)
    with pytest.raises(Refused, match=r"^list: .* answers 404 Not Found \(no such\[2J list\); try again") as error:
        fetched(loopback, "/list", [])
    assert (error.value.code, error.value.again) == (404, False)
    for body in (b'{"message": 3}', b"[]", b"{", b"[" * 10_000):
        loopback.put("/list", body, status=404)
        with pytest.raises(Refused, match=r"answers 404 Not Found; try again"):
            fetched(loopback, "/list", [])


@pytest.mark.parametrize("url", ["file:///etc/passwd", "", "list", "http://a b/", "http://[::1", "http://x:y/"])
def test_no_http_address(url):
    with pytest.raises(Refused, match=r"is no http address|cannot be reached"):
        ask("list", url, "ask for it")


def test_a_try_that_got_something_is_no_failure():
    waited: list[float] = []
    came = iter([0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2])

    def attempt() -> None:
        raise Refused("broke off", again=True)

    with pytest.raises(Refused):
        insist(attempt, lambda: next(came), waited.append)
    assert waited == [1, 1, 1, 1, 4, 16]


def test_one_line():
    assert one_line(" a\n\tb\x00c ") == "a bc"
    assert len(one_line("x" * 1000)) == 200


@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_a_redirect_out_of_http_is_not_followed(loopback, scheme):
    loopback.put("/list", b"", status=302, location=loopback.url.replace("http", scheme) + "/secret")
    loopback.put("/secret", b"secret")
    with pytest.raises(Refused, match=r"^list: .* 302 Found.*; try again later, or ask for it$") as error:
        fetched(loopback, "/list", [])
    assert not error.value.again
    assert loopback.paths() == ["/list"]


def test_a_redirect_within_http_is_followed_and_a_circle_is_not(loopback):
    loopback.put("/old", b"", status=302, location=f"{loopback.url}/list")
    loopback.put("/list", b"one")
    assert fetched(loopback, "/old", []) == b"one"
    loopback.put("/old", b"", status=302, location=f"{loopback.url}/old")
    with pytest.raises(Refused, match="answers 302"):
        fetched(loopback, "/old", [])


@pytest.mark.parametrize(("seconds", "least", "most"), [(30, 25, 30), (86_400, 60, 60), (-60, 1, 1)])
def test_a_busy_server_may_name_a_date(loopback, seconds, least, most):
    waited: list[float] = []
    loopback.put("/list", b"x", busy=1, retry=email.utils.formatdate(time.time() + seconds, usegmt=True))
    assert fetched(loopback, "/list", waited) == b"x"
    assert least <= waited[0] <= most


@pytest.mark.parametrize("odd", ["soon", "Mon, 99 Nov 2026 99:99:99 GMT", "-5", "1e9", "\u00b2"])
def test_a_wait_that_is_none_is_passed_over(loopback, odd):
    waited: list[float] = []
    loopback.put("/list", b"x", busy=1, retry=odd)
    assert fetched(loopback, "/list", waited) == b"x"
    assert waited == [1]
