from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from viseme.evaluation.cache import cache_dir, cached


class Counted:
    """Gives an array and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return {"a": np.arange(3) + self.calls, "more": np.zeros(1)}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_folder_follows_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_dir() == home / "viseme"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(home / "me"))
    assert cache_dir() == home / "me" / ".cache" / "viseme"
    monkeypatch.setenv("VISEME_CACHE", str(home / "elsewhere"))
    assert cache_dir() == home / "elsewhere"


def test_computed_once(home: Path) -> None:
    compute = Counted()
    first = cached("kind", (1, "x"), ("a",), compute)
    second = cached("kind", (1, "x"), ("a",), compute)
    assert compute.calls == 1
    assert list(second) == ["a"]
    assert second["a"].tolist() == first["a"].tolist() == [1, 2, 3]
    assert second["a"].dtype == first["a"].dtype


def test_another_key_is_another_file(home: Path) -> None:
    compute = Counted()
    for key in ((1, "x"), ("1", "x"), (1, "y")):
        cached("kind", key, ("a",), compute)
    assert compute.calls == 3
    assert len(list((home / "viseme" / "kind").iterdir())) == 3


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "other"])
def test_a_damaged_file_is_computed_again(home: Path, damage: str) -> None:
    compute = Counted()
    cached("kind", ("k",), ("a",), compute)
    (file,) = (home / "viseme" / "kind").iterdir()
    if damage == "other":
        np.savez(file, b=np.zeros(1))
    else:
        whole = file.read_bytes()
        file.write_bytes({"cut": whole[: len(whole) // 2], "noise": b"\x80\x04" * 50, "empty": b""}[damage])
    assert cached("kind", ("k",), ("a",), compute)["a"].tolist() == [2, 3, 4]
    assert cached("kind", ("k",), ("a",), compute)["a"].tolist() == [2, 3, 4]
    assert compute.calls == 2


def test_pickles_are_never_read(home: Path) -> None:
    compute = Counted()
    cached("kind", ("k",), ("a",), compute)
    (file,) = (home / "viseme" / "kind").iterdir()
    np.savez(file, a=np.array([{"an": "object"}], dtype=object))
    assert cached("kind", ("k",), ("a",), compute)["a"].tolist() == [2, 3, 4]


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(home: Path) -> None:
    (home / "viseme").write_text("in the way")
    compute = Counted()
    assert cached("kind", ("k",), ("a",), compute)["a"].tolist() == [1, 2, 3]
    assert cached("kind", ("k",), ("a",), compute)["a"].tolist() == [2, 3, 4]
