"""Against a hub on the loopback that holds one checkpoint."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

from viseme import hub
from viseme.errors import InputError
from viseme.weights import PARTS, command, fetch, here, is_published, located

COMMIT = "c" * 40
WEIGHTS = b"weights" * 1000


@dataclass
class Hub:
    """What it holds and what it was asked for."""

    files: dict[str, bytes]
    status: int = 0
    asked: list[str] = field(default_factory=list)


def handler(ours: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(self.answered())

        def do_HEAD(self) -> None:
            self.answered()

        def answered(self) -> bytes:
            place, etag = self.path.partition("?")[0], ""
            ours.asked.append(place)
            if ours.status:
                self.send_error(ours.status)
                return b""
            if "/tree/" in place:
                listed = [{"type": "file", "oid": "0", "size": len(f), "path": n} for n, f in ours.files.items()]
                body = json.dumps(listed).encode()
            elif "/revision/" in place:
                body = json.dumps({"id": "toy/speech", "sha": COMMIT, "siblings": []}).encode()
            elif (name := place.rpartition("/")[2]) in ours.files:
                body, etag = ours.files[name], hashlib.sha256(ours.files[name]).hexdigest()
            else:
                self.send_error(404)
                return b""
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{etag}"')
            self.end_headers()
            return body

        def log_message(self, *_args: object) -> None:
            pass

    return Handler


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("no_proxy", "*")
    part = replace(PARTS["hubert"], hub="toy/speech", sha256=hashlib.sha256(WEIGHTS).hexdigest())
    monkeypatch.setitem(PARTS, "hubert", part)
    held = Hub({"config.json": b"{}", "preprocessor_config.json": b"{ }", "model.safetensors": WEIGHTS})
    held.files |= {"pytorch_model.bin": b"pickled", "README.md": b"read me"}
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler(held))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    endpoint = f"http://127.0.0.1:{listening.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield held
    close_session()
    listening.shutdown()
    thread.join()
    listening.server_close()


def refused(call: Callable[[], object], match: str) -> None:
    with pytest.raises(InputError, match=match) as error:
        call()
    assert "\n" not in str(error.value)


def test_fetched_once_and_nothing_pickled(ours: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    assert here("hubert") is None
    folder = fetch("hubert")
    assert sorted(path.name for path in folder.iterdir()) == sorted(hub.FILES)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert is_published("hubert", folder)
    assert not any("pytorch_model" in place for place in ours.asked)
    assert any(place.endswith(("refs/pr/2", "refs%2Fpr%2F2")) for place in ours.asked)
    ours.asked.clear()
    assert fetch("hubert") == here("hubert") == located("hubert") == folder
    assert ours.asked == []
    assert capfd.readouterr() == ("", "")


def test_a_checkpoint_that_is_another(ours: Hub) -> None:
    ours.files["model.safetensors"] = b"another"
    refused(lambda: fetch("hubert"), "^hubert: .*model.safetensors is another file .*audio.checkpoint=")


def test_a_checkpoint_without_safetensors(ours: Hub) -> None:
    del ours.files["model.safetensors"]
    refused(lambda: fetch("hubert"), "^hubert: toy/speech does not hold .* at refs/pr/2; .*audio.checkpoint=FOLDER")
    assert here("hubert") is None


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_hub_that_refuses(ours: Hub, status: int) -> None:
    ours.status = status
    refused(lambda: fetch("hubert"), "^hubert: toy/speech cannot be fetched .*; go online .*audio.checkpoint=FOLDER")


def test_offline(ours: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused(lambda: fetch("hubert"), "^hubert: toy/speech cannot be fetched .*; go online without HF_HUB_OFFLINE")
    assert ours.asked == []


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "installed", lambda: False)
    assert here("wav2vec2") is None
    assert command("wav2vec2") == "pip install 'viseme[speech]'"
    refused(lambda: fetch("wav2vec2"), "huggingface_hub is not installed; run `pip install 'viseme.speech.'`")
    refused(lambda: located("wav2vec2"), "its weights are not here; run `pip install 'viseme.speech.'`")


def test_a_folder_of_the_users(tmp_path: Path) -> None:
    assert located("whisper", tmp_path) == tmp_path
    refused(lambda: located("whisper", tmp_path / "none"), "no such folder; give model.safetensors")


def test_the_state_of_a_checkpoint() -> None:
    assert hub.revision_of("facebook/hubert-base-ls960") == "refs/pr/2"
    assert hub.revision_of("some/other") == "main"


def test_what_was_fetched_is_found_by_the_speech_encoders(ours: Hub) -> None:
    from viseme.audio.checkpoint import find

    folder = fetch("hubert")
    assert find("toy/speech", "") == folder
