"""A store begun before: what stays, what is made again, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from viseme.data.prepare import PrepareReport
from viseme.data.prepare_clip import Limits
from viseme.data.store import shard_path
from viseme.data.verify import verify
from viseme.errors import ConfigError, OutputError, StoreError


def test_a_second_run_touches_nothing(copy: Path, make: Callable[..., PrepareReport]) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    report = make(copy)
    assert (report.fresh, report.accepted, report.rejected) == (0, 12, 1)
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()} == before


def test_a_stopped_run_carries_on_to_the_same_bytes(
    copy: Path, whole: Path, make: Callable[..., PrepareReport], contents: Callable[[Path], dict[str, bytes]]
) -> None:
    (copy / "manifest.parquet").unlink()
    shard_path(copy, 1).unlink()
    shard_path(copy, 3).unlink()
    (copy / "shards" / ".00001.0a1b2c3d.safetensors").write_bytes(b"half of it")
    assert make(copy).fresh == 5
    assert contents(copy) == contents(whole)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("size", {"size": 64}),
        ("align", {"align": "frame"}),
        ("seed", {"seed": 1}),
        ("test_actors", {"test_actors": ["a0"]}),
        ("limits", {"limits": Limits(found=0.5)}),
    ],
)
def test_other_settings_are_refused_by_name(
    copy: Path,
    make: Callable[..., PrepareReport],
    field: str,
    change: dict[str, Any],
    contents: Callable[[Path], dict[str, bytes]],
) -> None:
    before = contents(copy)
    with pytest.raises(StoreError, match=f"prepared with {field} .*, now asked for"):
        make(copy, **change)
    assert contents(copy) == before


def test_another_list_of_clips_is_refused(
    copy: Path, videos: Path, tmp_path: Path, make: Callable[..., PrepareReport], write_clip: Callable[..., None]
) -> None:
    more = Path(shutil.copytree(videos, tmp_path / "more"))
    write_clip(more / "a0" / "another.mkv", 50)
    with pytest.raises(StoreError, match=r"begun with 13 clips, the corpus now lists 14"):
        make(copy, more)


def test_a_source_that_changed_has_its_shard_made_again(
    videos: Path, tmp_path: Path, make: Callable[..., PrepareReport], write_clip: Callable[..., None]
) -> None:
    src, store = Path(shutil.copytree(videos, tmp_path / "src")), tmp_path / "store"
    make(store, src)
    before = {path.name: path.read_bytes() for path in (store / "shards").iterdir()}
    write_clip(src / "a1/broken.mkv", 40)
    verify(store, sums=True)
    report = make(store, src)
    assert verify(store).compared == 0
    assert (report.fresh, report.accepted, report.rejected) == (4, 13, 0)
    changed = [name for name, content in before.items() if (store / "shards" / name).read_bytes() != content]
    assert len(changed) == 1


def test_a_touched_source_with_the_same_bytes_is_left_alone(
    videos: Path, tmp_path: Path, make: Callable[..., PrepareReport]
) -> None:
    src, store = Path(shutil.copytree(videos, tmp_path / "src")), tmp_path / "store"
    make(store, src)
    for path in src.rglob("*.mkv"):
        os.utime(path)
    assert make(store, src).fresh == 0


def test_a_damaged_shard_is_named(copy: Path, make: Callable[..., PrepareReport]) -> None:
    shard_path(copy, 2).write_bytes(shard_path(copy, 2).read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"00002.safetensors: damaged shard"):
        make(copy)
    shard_path(copy, 2).unlink()
    assert make(copy).fresh == 4


def test_a_shard_of_other_clips_is_named(copy: Path, make: Callable[..., PrepareReport]) -> None:
    shutil.copy(shard_path(copy, 1), shard_path(copy, 2))
    with pytest.raises(StoreError, match=r"00002.safetensors: holds other clips"):
        make(copy)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, make: Callable[..., PrepareReport]) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"holds other things \(thesis.tex\)"):
        make(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_two_writers_at_once_are_refused(tmp_path: Path, make: Callable[..., PrepareReport]) -> None:
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / "store").mkdir()
    other = os.open(tmp_path / "store", os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(OutputError, match="another prepare is writing it"):
        make(tmp_path / "store")
    os.close(other)
    assert make(tmp_path / "store").accepted == 12


def test_a_full_disk_keeps_the_shards_so_far(
    tmp_path: Path,
    whole: Path,
    make: Callable[..., PrepareReport],
    monkeypatch: pytest.MonkeyPatch,
    contents: Callable[[Path], dict[str, bytes]],
) -> None:
    synced: list[int] = []

    def fills(file: int) -> None:
        synced.append(file)
        if len(synced) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fills)
        with pytest.raises(OutputError, match="no room left"):
            make(tmp_path / "store")
    assert sorted(path.name for path in (tmp_path / "store" / "shards").iterdir()) == [
        "00000.safetensors",
        "00001.safetensors",
    ]
    assert make(tmp_path / "store").fresh == 5
    assert contents(tmp_path / "store") == contents(whole)


def test_a_store_begun_before_there_were_limits_of_quality_carries_on(
    copy: Path, whole: Path, make: Callable[..., PrepareReport]
) -> None:
    said = json.loads((copy / "store.json").read_text())
    del said["face"]
    said["limits"] = {name: said["limits"][name] for name in ("found", "frames", "seconds", "missing_sound")}
    (copy / "store.json").write_text(json.dumps(said))
    (copy / "shards" / "00001.safetensors").unlink()
    assert make(copy).fresh == 4
    with pytest.raises(StoreError, match="prepared with limits"):
        make(copy, limits=Limits(sharpness=50.0))
    with pytest.raises(StoreError, match="prepared with face 'largest', now asked for 'central'"):
        make(copy, face="central")


def test_a_face_that_is_no_choice_is_refused(tmp_path: Path, make: Callable[..., PrepareReport]) -> None:
    with pytest.raises(ConfigError, match="face 'prettiest': unknown; give largest or central"):
        make(tmp_path / "store", face="prettiest")
