from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from viseme.errors import OutputError
from viseme.generation.manifest import MANIFEST, Reference, SystemInfo, VideoManifest, VideoRow
from viseme.generation.plan import Job
from viseme.generation.resume import kept_batches

SYSTEM = SystemInfo("m", "tiny", "00ff", "0.1.0", None, None, False, 64, 25, 12, 0, {"steps": 6})
WANTED = VideoManifest(SYSTEM, Reference("grid", "f00d" * 16, "test"), 2, 3)
BATCHES = [[Job("a", "x", 4, "a"), Job("b", "x", 4, "b")], [Job("c", "y", 4, "c")]]


def row(clip_id: str, batch: int, **changes: object) -> VideoRow:
    made = VideoRow(clip_id, "x", f"{clip_id}.mp4", 4, "ok", "", clip_id, batch, 1.0)
    return replace(made, **changes)  # type: ignore[arg-type]


ROWS = (row("a", 0), row("b", 0), row("c", 1))


def left(folder: Path, rows: tuple[VideoRow, ...], videos: str = "abc", **changes: object) -> None:
    """What an earlier call left behind."""
    folder.mkdir(exist_ok=True)
    for clip_id in videos:
        (folder / f"{clip_id}.mp4").touch()
    replace(WANTED, clips=rows, **changes).save(folder)  # type: ignore[arg-type]


def test_nothing_is_kept_of_nothing(tmp_path: Path) -> None:
    assert kept_batches(tmp_path / "new", WANTED, BATCHES) == {}


def test_whole_batches_are_kept(tmp_path: Path) -> None:
    left(tmp_path, ROWS)
    assert kept_batches(tmp_path, WANTED, BATCHES) == {0: list(ROWS[:2]), 1: [ROWS[2]]}


@pytest.mark.parametrize(
    ("rows", "videos"),
    [
        (ROWS, "ac"),
        (ROWS[1:], "abc"),
        ((row("a", 0, audio_from="b"), *ROWS[1:]), "abc"),
        ((row("a", 0, status="failed", reason="no luck", file=""), *ROWS[1:]), "bc"),
        ((row("a", 0), row("b", 1), row("c", 1)), "abc"),
        ((row("a", 0), row("d", 0), row("c", 1)), "abc"),
    ],
)
def test_batches_with_a_gap_are_made_again(tmp_path: Path, rows: tuple[VideoRow, ...], videos: str) -> None:
    left(tmp_path, rows, videos)
    assert 0 not in kept_batches(tmp_path, WANTED, BATCHES)


def test_what_can_never_be_made_is_no_gap(tmp_path: Path) -> None:
    left(tmp_path, (row("a", 0, status="failed", reason="alone", file=""), *ROWS[1:]), "bc")
    never = [[Job("a", "x", 4, "", "alone"), BATCHES[0][1]], BATCHES[1]]
    assert set(kept_batches(tmp_path, WANTED, never)) == {0, 1}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"system": replace(SYSTEM, name="other")}, "name 'other', now 'm'"),
        ({"system": replace(SYSTEM, model_sha256="1234")}, "model_sha256 '1234', now '00ff'"),
        ({"system": replace(SYSTEM, seed=1)}, "seed 1, now 0"),
        ({"system": replace(SYSTEM, shuffled_audio=1)}, "shuffled_audio 1, now None"),
        ({"system": replace(SYSTEM, sampling={"steps": 50})}, "sampling {'steps': 50}, now {'steps': 6}"),
        ({"system": replace(SYSTEM, version="0.0.9")}, "version '0.0.9', now '0.1.0'"),
        ({"reference": Reference("grid", "beef" * 16, "test")}, "store 'beefbeefbeef', now 'f00df00df00d'"),
        ({"reference": Reference("grid", "f00d" * 16, "seen")}, "split 'seen', now 'test'"),
        ({"batch_size": 8}, "batch size 8, now 2"),
    ],
)
def test_videos_of_another_run_are_never_mixed(tmp_path: Path, change: dict, line: str) -> None:
    left(tmp_path, ROWS, **change)
    with pytest.raises(OutputError) as caught:
        kept_batches(tmp_path, WANTED, BATCHES)
    assert f"holds videos of another run ({line})" in str(caught.value)


def test_a_store_that_was_moved_is_the_same(tmp_path: Path) -> None:
    left(tmp_path, ROWS, reference=Reference("moved", "f00d" * 16, "test"))
    assert set(kept_batches(tmp_path, WANTED, BATCHES)) == {0, 1}


def test_unknown_weights_are_never_taken_for_the_same(tmp_path: Path) -> None:
    nameless = replace(WANTED, system=replace(SYSTEM, model_sha256=None))
    left(tmp_path, ROWS, system=nameless.system)
    assert kept_batches(tmp_path, nameless, BATCHES) == {}
    control = replace(WANTED, system=replace(SYSTEM, model_sha256=None, control="frozen"))
    left(tmp_path, ROWS, system=control.system)
    assert set(kept_batches(tmp_path, control, BATCHES)) == {0, 1}


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b.mp4").touch()
    with pytest.raises(OutputError, match=rf"holds b\.mp4, but no {MANIFEST}; choose an empty folder"):
        kept_batches(tmp_path, WANTED, BATCHES)
    with pytest.raises(OutputError, match=r"b\.mp4: is a file"):
        kept_batches(tmp_path / "b.mp4", WANTED, BATCHES)
    (tmp_path / MANIFEST).write_text(json.dumps({"schema": 2}))
    with pytest.raises(OutputError, match="is of schema 2"):
        kept_batches(tmp_path, WANTED, BATCHES)
