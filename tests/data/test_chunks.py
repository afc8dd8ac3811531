"""Chunks in several processes: the same bytes, and nothing left running when they are stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import viseme
from viseme.data import prepare as module
from viseme.data.prepare import PrepareReport, prepare
from viseme.data.store import Store
from viseme.errors import StoreError


def test_two_processes_give_the_same_bytes_as_one(
    whole: Path, tmp_path: Path, make: Callable[..., PrepareReport], contents: Callable[[Path], dict[str, bytes]]
) -> None:
    make(tmp_path / "store", jobs=2)
    assert contents(tmp_path / "store") == contents(whole)


PROGRAM = """
import sys
from viseme.data import prepare as module
module.CHUNK = 1
module.prepare("folder", sys.argv[1], sys.argv[2], size=32, test_actors=["a3"], jobs=2)
"""


def started(videos: Path, store: Path) -> subprocess.Popen[bytes]:
    """A run in a process (group) of its own that has finished at least one shard of thirteen."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(videos), str(store)],
        process_group=0,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(viseme.__file__).parents[1])},
    )
    until = time.monotonic() + 300
    while not list((store / "shards").glob("0*.safetensors")):
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.01)
    return process


def group(process: subprocess.Popen[bytes]) -> bool:
    """Whether anything of the process group is alive."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("how", ["terminal", "parent"])
def test_interrupted_it_stops_at_once_and_leaves_whole_shards(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    store = tmp_path / "store"
    process = started(videos, store)
    (os.killpg if how == "terminal" else os.kill)(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode in (-signal.SIGINT, 130), stderr.decode()
    assert stderr.decode().rstrip().endswith("KeyboardInterrupt")
    until = time.monotonic() + 60
    while group(process) and time.monotonic() < until:
        time.sleep(0.05)
    assert not group(process)
    monkeypatch.setattr(module, "CHUNK", 1)
    report = prepare("folder", videos, store, size=32, test_actors=["a3"], jobs=1)
    assert report.fresh < 13
    assert report.accepted == 12


@pytest.mark.parametrize("how", ["all", "parent"])
def test_killed_it_carries_on_to_the_same_store(
    videos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    contents: Callable[[Path], dict[str, bytes]],
    how: str,
) -> None:
    store = tmp_path / "store"
    process = started(videos, store)
    (os.killpg if how == "all" else os.kill)(process.pid, signal.SIGKILL)
    process.wait(timeout=120)
    with pytest.raises(StoreError, match="not finished"):
        Store.open(store)
    monkeypatch.setattr(module, "CHUNK", 1)
    arguments: dict[str, Any] = {"size": 32, "test_actors": ["a3"], "jobs": 1}
    assert prepare("folder", videos, store, **arguments).fresh < 13
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)
    prepare("folder", videos, tmp_path / "undisturbed", **arguments)
    assert contents(store) == contents(tmp_path / "undisturbed")
