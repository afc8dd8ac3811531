"""Weights that are fetched, taken from a file, kept, found and read."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import viseme
from viseme import weights
from viseme.errors import InputError, OutputError
from viseme.evaluation.syncnet import SyncNet, load_syncnet
from viseme.files import sha256
from viseme.remote import Remote
from viseme.weights import PARTS, Part, command, fetch, fingerprint, here, is_published, located, read_state, take

NAME = "toy"
STATE = {"a.weight": torch.arange(6.0).reshape(2, 3).T, "a.count": torch.tensor(3)}  # one of them not contiguous


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "viseme" / "weights"


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The pickled file as its makers would have published it."""
    path = tmp_path_factory.mktemp("toy") / "toy.pth"
    torch.save(STATE, path)
    return path.read_bytes()


def add(monkeypatch: pytest.MonkeyPatch, body: bytes = b"", **changes: str) -> Part:
    part = Part(NAME, "tests", "toy.pth", len(body), hashlib.sha256(body).hexdigest(), "CC0", "http://127.0.0.1/about")
    part = replace(part, **changes)
    monkeypatch.setitem(PARTS, NAME, part)
    return part


def refused(call: Callable[[], object], match: str) -> str:
    """The one line that a call is refused with."""
    with pytest.raises(InputError, match=match) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value)


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "download", lambda *_: pytest.fail("the network was asked"))


def test_fetched_and_kept_as_safetensors(cache: Path, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    part = add(monkeypatch, body, url="https://127.0.0.1/toy.pth")
    asked: list[Remote] = []

    def download(remote: Remote, target: Path) -> None:
        asked.append(remote)
        target.parent.mkdir(parents=True)
        target.write_bytes(body)

    monkeypatch.setattr(weights, "download", download)
    assert here(NAME) is None
    kept = fetch(NAME)
    assert kept == cache / "toy.safetensors" == located(NAME) == here(NAME)
    advice = "see http://127.0.0.1/about, then run `viseme weights toy --path toy.pth`"
    assert asked == [Remote(NAME, part.url, part.size, part.sha256, advice)]
    assert sorted(path.name for path in cache.iterdir()) == ["toy.safetensors", "toy.safetensors.sha256"]
    state = read_state(NAME, kept)
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[key], STATE[key]) and state[key].dtype == STATE[key].dtype for key in STATE)
    with safe_open(kept, framework="numpy") as file:
        origin = json.loads(file.metadata()["viseme"])
    assert origin == {"part": NAME, "file": "toy.pth", "sha256": part.sha256, "viseme": viseme.__version__}
    assert (cache / "toy.safetensors.sha256").read_text() == f"{sha256(kept)}  toy.safetensors\n"
    before = kept.read_bytes()
    offline(monkeypatch)
    assert fetch(NAME) == kept
    (cache / "toy.pth").write_bytes(body)
    take(NAME, cache / "toy.pth")
    assert kept.read_bytes() == before
    assert not (cache / "toy.pth").exists()


def test_taken_from_a_file(cache: Path, tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    part = add(monkeypatch, body)
    offline(monkeypatch)
    (tmp_path / "mine.bin").write_bytes(body)
    kept = take(NAME, tmp_path / "mine.bin")
    assert kept == cache / "toy.safetensors" == located(NAME) == fetch(NAME)
    assert is_published(NAME, kept)
    assert fingerprint(NAME, kept) == part.sha256 == fingerprint(NAME, tmp_path / "mine.bin")
    assert (tmp_path / "mine.bin").read_bytes() == body


@pytest.mark.parametrize("change", ["tensors", "note", "no note", "header", "cut", "another part"])
def test_a_kept_file_that_was_changed_is_noticed(
    cache: Path, tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    part = add(monkeypatch, body)
    (tmp_path / "mine.bin").write_bytes(body)
    kept = take(NAME, tmp_path / "mine.bin")
    note, whole = cache / "toy.safetensors.sha256", kept.read_bytes()
    if change == "tensors":
        kept.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif change == "note":
        note.write_text("0" * 64 + "  toy.safetensors\n")
    elif change == "no note":
        note.unlink()
    elif change == "header":
        save_file({"a": torch.zeros(1)}, kept, {"viseme": "[]"})
    elif change == "cut":
        kept.write_bytes(whole[:9])
    else:
        monkeypatch.setitem(PARTS, NAME, replace(part, sha256="0" * 64))
    assert not is_published(NAME, kept)
    assert fingerprint(NAME, kept) == sha256(kept)
    if change != "another part":
        refused(lambda: fetch(NAME), "can only be had by hand")
        assert is_published(NAME, take(NAME, tmp_path / "mine.bin"))


def test_a_cache_of_an_earlier_version_serves_and_is_converted(
    cache: Path, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch, body)
    cache.mkdir(parents=True)
    (cache / "toy.pth").write_bytes(body)
    assert here(NAME) == located(NAME) == cache / "toy.pth"
    assert is_published(NAME, located(NAME))
    assert torch.equal(read_state(NAME, located(NAME))["a.weight"], STATE["a.weight"])
    assert fetch(NAME) == cache / "toy.safetensors" == located(NAME)
    assert not (cache / "toy.pth").exists()
    (cache / "toy.safetensors").unlink()
    (cache / "toy.pth").write_bytes(b"torn")
    refused(lambda: fetch(NAME), "can only be had by hand")


def test_another_file_is_not_taken(cache: Path, tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, body)
    (tmp_path / "mine.bin").write_bytes(body[:-5])
    refused(lambda: take(NAME, tmp_path / "mine.bin"), f"is not toy.pth .*{len(body) - 5} bytes instead of {len(body)}")
    (tmp_path / "mine.bin").write_bytes(body[::-1])
    refused(lambda: take(NAME, tmp_path / "mine.bin"), "is not toy.pth as published .its SHA-256 differs")
    refused(lambda: take(NAME, tmp_path / "none.bin"), "no such file; give toy.pth")
    refused(lambda: take("lpips-heads", tmp_path / "mine.bin"), "run `pip install torchmetrics`")
    refused(lambda: take("wav2vec2", tmp_path), "audio.checkpoint=FOLDER")
    assert not cache.exists()


def test_a_published_file_that_is_hostile_runs_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"a": Hostile(tmp_path / "ran")}, tmp_path / "mine.bin")
    add(monkeypatch, (tmp_path / "mine.bin").read_bytes())
    refused(lambda: take(NAME, tmp_path / "mine.bin"), "no whole file of plain tensors")
    assert not (tmp_path / "ran").exists()
    assert not cache.exists()


def test_a_cache_that_cannot_be_written(
    cache: Path, tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch, body)
    (tmp_path / "mine.bin").write_bytes(body)
    cache.parent.mkdir(parents=True)
    cache.write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        take(NAME, tmp_path / "mine.bin")


def test_syncnet_from_a_file_to_scores_offline(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, with weights drawn here in the place of the published ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        drawn = SyncNet().state_dict()
    source = tmp_path / "syncnet_v2.model"
    torch.save(drawn, source)
    published = replace(PARTS["syncnet"], size=source.stat().st_size, sha256=sha256(source))
    monkeypatch.setitem(PARTS, "syncnet", published)
    offline(monkeypatch)
    take("syncnet", source)
    source.unlink()
    network = load_syncnet(located("syncnet"))
    assert all(torch.equal(value, drawn[name]) for name, value in network.state_dict().items() if "batches" not in name)
    refused(lambda: load_syncnet(located("lpips-heads")), "are not SyncNet's weights")


def test_sda_is_kept_by_its_own_reader(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from viseme.audio.sda import SdaEncoder, SdaNetwork

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        content = {"encoder": SdaNetwork().state_dict(), "mean_face": np.zeros(3), "rates": [1, 2]}
    torch.save(content, tmp_path / "crema.dat")
    digest = sha256(tmp_path / "crema.dat")
    monkeypatch.setitem(PARTS, "sda", replace(PARTS["sda"], sha256=digest))
    original = SdaEncoder(tmp_path / "crema.dat")
    assert take("sda", tmp_path / "crema.dat") == cache / "sda.safetensors" == located("sda")
    kept = SdaEncoder(located("sda"))
    sound = np.sin(np.arange(6400, dtype=np.float32) / 9)
    assert kept.fingerprint == original.fingerprint
    assert np.array_equal(kept(sound, 10), original(sound, 10))


def test_a_missing_part_names_the_command_that_brings_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(lambda: located("fid-inception"), "its weights are not here; run `viseme weights fid-inception`$")
    refused(lambda: located("fid-inception", instead="leave it"), "run `viseme weights fid-inception`, or leave it$")
    refused(lambda: located("sda"), "crema.dat can only be had by hand.*`viseme weights sda --path crema.dat`$")
    refused(lambda: located("sda", instead="leave it"), "crema.dat`, or leave it$")
    refused(lambda: fetch("sda"), "crema.dat can only be had by hand")
    add(monkeypatch, package="toy-weights", inside="toy_weights_that_nobody_has/toy.pth")
    refused(lambda: located(NAME), "run `pip install toy-weights`$")
    refused(lambda: located("arcface"), "known are fid-inception")
    assert command("sda") == "viseme weights sda --path crema.dat"


def test_the_file_that_the_user_names_comes_first(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(b"any")
    assert located("fid-inception", tmp_path / "mine.pth") == tmp_path / "mine.pth"
    assert not is_published("fid-inception", tmp_path / "mine.pth")
    refused(lambda: located("fid-inception", tmp_path), "no such file; give pt_inception")


class Hostile:
    """Calls something when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_state_is_read_as_written(tmp_path: Path) -> None:
    torch.save({"a": torch.arange(3.0)}, tmp_path / "state.pth")
    assert read_state("fid-inception", tmp_path / "state.pth")["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("old", [False, True])
def test_code_in_a_file_never_runs(tmp_path: Path, old: bool) -> None:
    torch.save({"a": Hostile(tmp_path / "ran")}, tmp_path / "state.pth", _use_new_zipfile_serialization=not old)
    refused(lambda: read_state("fid-inception", tmp_path / "state.pth"), "no whole file of plain tensors; give pt_inc")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Hostile(tmp_path / "ran")))
    refused(lambda: read_state("fid-inception", tmp_path / "plain.pth"), "no whole file of plain tensors")
    assert not (tmp_path / "ran").exists()


def test_states_that_cannot_serve(tmp_path: Path) -> None:
    path = tmp_path / "state.pth"
    for content in ([torch.zeros(1)], {}, {"a": 1}, {"a": torch.zeros(1), "b": "text"}):
        torch.save(content, path)
        refused(lambda: read_state("fid-inception", path), "holds no dictionary of tensors")
    torch.save({"a": torch.tensor([1, float("nan")])}, path)
    refused(lambda: read_state("fid-inception", path), "a is not finite")
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], bytes(100)):
        path.write_bytes(damaged)
        refused(lambda: read_state("fid-inception", path), "no whole file of plain tensors")
    refused(lambda: read_state("fid-inception", tmp_path / "none.pth"), "cannot be read")
    refused(lambda: read_state("fid-inception", tmp_path / "none.safetensors"), "cannot be read")
    (tmp_path / "torn.safetensors").write_bytes(whole)
    refused(lambda: read_state("fid-inception", tmp_path / "torn.safetensors"), "no whole file of plain tensors")
