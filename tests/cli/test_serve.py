from __future__ import annotations

import socket
import sys

import pytest

gradio = pytest.importorskip("gradio", reason="gradio is not installed")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--user", "me"], "go together"),
        (["--certificate", "chain.pem"], "go together"),
        (["--set", "wating=3"], "did you mean waiting"),
        (["--port", "70000"], "65535"),
    ],
)
def test_what_cannot_be_served_is_one_line(cli, arguments, line) -> None:
    told = cli("serve", *arguments)
    assert told.code == 2
    assert line in told.line


def test_a_port_in_use_is_told_before_models_are_loaded(cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        told = cli("serve", "--port", taken.getsockname()[1])
    assert told.code == 2
    assert "give another --port" in told.line


def test_a_model_that_is_none_is_told(cli) -> None:
    told = cli("serve", "tiny_gun", "--port", "0")
    assert told.code == 2
    assert "tiny_gun: no such model" in told.line


def test_without_gradio_one_line_says_what_to_install(cli, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    told = cli("serve")
    assert told.code == 2
    assert "pip install 'viseme[web]'" in told.line
