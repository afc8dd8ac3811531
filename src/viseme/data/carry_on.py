"""What a store holds already: settings that must be the same, shards that stay, and a lock against a second writer."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from viseme.data.corpora import SourceClip
from viseme.data.manifest import OK, ClipRow
from viseme.data.prepare_clip import Limits, source_sha256
from viseme.data.shards import FRAMES, open_shard, shard_path, tensor_name
from viseme.data.store import StoreInfo, read_info, write_info
from viseme.errors import OutputError, StoreError


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the store's folder against a second writer; the lock goes with the process, however it ends."""
    try:
        (folder / "shards").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        yield
        return
    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"{folder}: another prepare is writing it; wait for its end") from error
        except OSError:  # a network folder without locks
            pass
        yield
    finally:
        os.close(held)


def begin(folder: Path, info: StoreInfo) -> None:
    """Write `store.json`, or see that the one there says the same; sweep what a killed run left aside."""
    if not (folder / "store.json").exists():
        odd = [name for name in os.listdir(folder) if not name.startswith(".") and name != "shards"]
        if odd:
            raise OutputError(f"{folder}: holds other things ({sorted(odd)[0]}); choose a new or an empty folder")
        write_info(folder, info)
    begun = read_info(folder)
    # limits that came later were none to a store begun before; their defaults are meant to refuse nothing that it holds
    begun = dataclasses.replace(begun, limits={**dataclasses.asdict(Limits()), **begun.limits})
    if begun.listing != info.listing:
        raise StoreError(
            f"{folder}: begun with {begun.clips} clips, the corpus now lists {info.clips} or other ones, which would "
            "change the split; prepare into a new store"
        )
    for field in dataclasses.fields(StoreInfo):
        was, wanted = getattr(begun, field.name), getattr(info, field.name)
        if field.name != "version" and was != wanted:
            raise StoreError(
                f"{folder}: prepared with {field.name} {was!r}, now asked for {wanted!r}; use the same settings or a "
                "new store"
            )
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove what killed workers left aside."""
    for left in (*folder.glob(".*"), *(folder / "shards").glob(".*.safetensors")):
        if left.suffix in (".json", ".parquet", ".safetensors"):
            left.unlink(missing_ok=True)


def finished(folder: Path, number: int, chunk: Sequence[SourceClip], splits: Sequence[str]) -> list[ClipRow] | None:
    """The rows of a shard that is there and still true of its sources; None where it is to be made."""
    path = shard_path(folder, number)
    if not path.exists():
        return None
    shard = open_shard(path)
    try:
        rows = [ClipRow(**{**row, "crop": tuple(row["crop"])}) for row in shard.rows]
    except TypeError as error:
        raise StoreError(f"{path}: damaged shard, its rows make no sense; remove it and run again") from error
    expected = [(clip.clip_id, split) for clip, split in zip(chunk, splits, strict=True)]
    names = {tensor_name(row.clip_id, FRAMES) for row in rows if row.status == OK}
    if [(row.clip_id, row.split) for row in rows] != expected or not names <= set(shard):
        raise StoreError(f"{path}: holds other clips than it should; remove it and run the same prepare again")
    written = path.stat().st_mtime_ns
    return None if any(_stale(row, clip, written) for row, clip in zip(rows, chunk, strict=True)) else rows


def _stale(row: ClipRow, clip: SourceClip, written: int) -> bool:
    """Whether a source could not be read, or has changed since its shard was written."""
    try:
        touched = max(path.stat().st_mtime_ns for path in (clip.video, clip.audio) if path is not None)
        return not row.sha256 or (touched > written and source_sha256(clip) != row.sha256)
    except OSError:
        return False
