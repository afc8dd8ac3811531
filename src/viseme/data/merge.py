"""Several stores of the same settings into one, clips and splits as they are."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from viseme import __version__
from viseme.data.manifest import OK, ClipRow, is_safe_id, write_manifest
from viseme.data.mirror import is_remote
from viseme.data.shards import AUDIO, FRAMES, LANDMARKS, shard_path, shard_writer, tensor_name
from viseme.data.split import divided_actors
from viseme.data.store import Store, StoreInfo, write_info
from viseme.data.verify import tensor_faults
from viseme.errors import InputError, OutputError, StoreError
from viseme.files import AnyPath, written_aside
from viseme.progress import progress

SAME = ("size", "fps", "rate", "align", "detector", "limits")
"""Settings that must be equal: by them a frame of one store means what a frame of another does."""


def merge(stores: Sequence[AnyPath], out: AnyPath, *, prefix: bool = False) -> Store:
    """Write a store of all clips of several, whole or not at all; equal input gives equal bytes.

    Splits stay: where actors of one store are held out, they are in the merged one. Of settings that may differ,
    `corpus` and `licence` are joined by ` + `, actors named for a split are those of all stores, and `seed` is that of
    the first store, since the split is no longer one draw.

    Args:
        stores: two or more, folders or URLs.
        out: a new or an empty folder.
        prefix: put the corpus's name before clip ids and actors, for corpora that use the same names. Stores of one
            corpus still share their actors then.

    Returns:
        The merged store.

    Raises:
        InputError: fewer than two stores.
        StoreError: not a store; settings that differ; a clip_id in two stores; an actor who would be trained on and
            held out; a damaged shard.
        OutputError: `out` holds something, or cannot be written.
    """
    opened = [Store.open(store) for store in stores]
    if len(opened) < 2:
        raise InputError("merge: give two stores or more, and the folder to write")
    target = _new_folder(out)
    _check_settings(stores, opened)
    renamed = [[_renamed(row, store.info.corpus, prefix) for row in store.rows] for store in opened]
    _check_clips(stores, renamed, prefix)
    _check_actors(stores, renamed)
    with written_aside(target) as aside:
        try:
            rows = list(_copied(opened, renamed, aside))
            write_info(aside, _merged_info(opened, rows, prefix))
            write_manifest(aside, rows)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
    return Store.open(target)


def _new_folder(out: AnyPath) -> Path:
    if is_remote(out):
        raise OutputError(f"{out}: stores are written into folders; write one here, then copy it there")
    target = Path(os.path.abspath(out))
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise OutputError(f"{out}: is there already; choose a new or an empty folder")
    return target


def _check_settings(paths: Sequence[AnyPath], stores: Sequence[Store]) -> None:
    first = stores[0].info
    for path, store in zip(paths[1:], stores[1:], strict=True):
        for name in SAME:
            one, other = getattr(first, name), getattr(store.info, name)
            if one != other:
                raise StoreError(
                    f"{paths[0]} has {name} {one!r}, {path} has {other!r}; prepare one of them again to match the other"
                )


def _prefixed(name: str, corpus: str) -> str:
    return f"{corpus.replace(' + ', '-')}_{name}"


def _renamed(row: ClipRow, corpus: str, prefix: bool) -> ClipRow:
    if not prefix:
        return row
    return dataclasses.replace(row, clip_id=_prefixed(row.clip_id, corpus), actor=_prefixed(row.actor, corpus))


def _check_clips(paths: Sequence[AnyPath], rows: Sequence[Sequence[ClipRow]], prefix: bool) -> None:
    at: dict[str, AnyPath] = {}
    twice: dict[str, tuple[AnyPath, AnyPath]] = {}
    for path, held in zip(paths, rows, strict=True):
        for row in held:
            if not is_safe_id(row.clip_id):
                raise StoreError(f"{path}: {row.clip_id[:80]!r} would be a clip_id, but is no name for a file")
            if row.clip_id in at:
                twice[row.clip_id] = (at[row.clip_id], path)
            at[row.clip_id] = path
    if twice:
        names = [*itertools.islice(sorted(twice), 5), *(["..."] if len(twice) > 5 else [])]
        one, other = twice[names[0]]
        advice = "" if prefix else ", or --prefix where they are of different corpora"
        raise StoreError(
            f"{one} and {other} both hold {', '.join(names)} ({len(twice)} in all); prepare one of them without these"
            f"{advice}"
        )


def _check_actors(paths: Sequence[AnyPath], rows: Sequence[Sequence[ClipRow]]) -> None:
    accepted = [(path, row) for path, held in zip(paths, rows, strict=True) for row in held if row.status == OK]
    divided = divided_actors((row.actor, row.split) for _, row in accepted)
    for actor, splits in divided.items():
        where = {row.split: path for path, row in reversed(accepted) if row.actor == actor}
        places = " and in ".join(f"{split} of {where[split]}" for split in splits)
        raise StoreError(
            f"actor {actor!r} would stand in {places}; prepare one of them again with --test-actors or --val-actors "
            "so that the actor is on one side"
        )


def _copied(stores: Sequence[Store], renamed: Sequence[Sequence[ClipRow]], out: Path) -> Iterator[ClipRow]:
    """Copy all shards under new numbers; the rows as they now are."""
    todo: list[tuple[Store, int, list[tuple[ClipRow, ClipRow]]]] = []
    for store, rows in zip(stores, renamed, strict=True):
        by_shard: dict[int, list[tuple[ClipRow, ClipRow]]] = defaultdict(list)
        for row, new in zip(store.rows, rows, strict=True):
            by_shard[row.shard].append((row, new))
        todo += [(store, number, by_shard[number]) for number in sorted(by_shard)]
    with progress("merge", len(todo), "shards") as advance:
        for number, (store, old, pairs) in enumerate(todo):
            new_rows = [dataclasses.replace(new, shard=number) for _, new in pairs]
            with shard_writer(shard_path(out, number), [dataclasses.asdict(row) for row in new_rows]) as writer:
                shard = store.shard(old)
                for (row, _), new in zip(pairs, new_rows, strict=True):
                    if row.status != OK:
                        continue
                    for what in tensor_faults(shard, row, store.info.size):
                        raise StoreError(f"{shard.path}: {what}; run viseme store verify {store.path}")
                    writer.add(
                        {
                            tensor_name(new.clip_id, kind): shard.tensor(tensor_name(row.clip_id, kind))
                            for kind in (FRAMES, AUDIO, LANDMARKS)
                        }
                    )
            yield from new_rows
            advance(1)


def _merged_info(stores: Sequence[Store], rows: Sequence[ClipRow], prefix: bool) -> StoreInfo:
    infos = [store.info for store in stores]

    def named(field: str) -> tuple[str, ...]:
        pairs = ((actor, info.corpus) for info in infos for actor in getattr(info, field))
        return tuple(sorted({_prefixed(actor, corpus) if prefix else actor for actor, corpus in pairs}))

    return dataclasses.replace(
        infos[0],
        corpus=" + ".join(dict.fromkeys(info.corpus for info in infos)),
        licence=" + ".join(dict.fromkeys(info.licence for info in infos)),
        test_actors=named("test_actors"),
        val_actors=named("val_actors"),
        clips=len(rows),
        listing=hashlib.sha256(json.dumps([info.listing for info in infos]).encode()).hexdigest(),
        version=__version__,
    )
