"""Which actor is trained on, chosen by, or held out: fixed by seed, never by the order in which clips are listed.

Actors who hold over twice the usual number of clips are the last to be held out, since that could take most of a small
corpus away from training.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from statistics import median

from viseme.errors import InputError

SPLITS = ("train", "val", "test", "seen")
FEW_ACTORS = 20
"""Under this many actors there is also `seen`: clips of training actors that are kept out of training."""


def split_actors(
    clips: Iterable[tuple[str, str]],
    seed: int,
    test_actors: Sequence[str] = (),
    val_actors: Sequence[str] = (),
) -> dict[str, str]:
    """The split of each clip, by clip_id: `train`, `val`, `test` or `seen`.

    `test` is the actors named, or a tenth of them (at least one where there are three or more). `val` is the actors
    named, or a tenth (at least one), as long as an actor remains to train on. Where actors are fewer than twenty, a
    tenth of the clips of each training actor who has five or more (at least one) is `seen`.

    Args:
        clips: (clip_id, actor) pairs, in any order.
        seed: another seed holds out other actors.
        test_actors: actors to hold out for testing.
        val_actors: actors to choose by.

    Raises:
        InputError: an actor named is not in the corpus, or is named for both.
    """
    by_actor: dict[str, list[str]] = defaultdict(list)
    for clip_id, actor in clips:
        by_actor[actor].append(clip_id)
    _check_names(by_actor, test_actors, val_actors)
    count = len(by_actor)
    order = _held_out_order(by_actor, seed)

    test = set(test_actors)
    if not test and count >= 3:
        test = set([actor for actor in order if actor not in val_actors][: _tenth(count)])
    val = set(val_actors)
    if not val:
        left = [actor for actor in order if actor not in test]
        val = set(left[: min(_tenth(count), len(left) - 1)])

    splits: dict[str, str] = {}
    for actor, ids in by_actor.items():
        where = "test" if actor in test else "val" if actor in val else "train"
        splits.update(dict.fromkeys(ids, where))
        if where == "train" and count < FEW_ACTORS and len(ids) >= 5:
            splits.update(dict.fromkeys(_shuffled(ids, seed)[: _tenth(len(ids))], "seen"))
    return splits


def divided_actors(clips: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Actors on more than one side of the split, each with the splits they stand in, in the order of `SPLITS`.

    Sides are `val`, `test`, and `train` together with `seen`. `clips` is (actor, split) pairs.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for actor, split in clips:
        found[actor].add(split)
    sides = {actor: len({"train" if split == "seen" else split for split in held}) for actor, held in found.items()}
    return {actor: [split for split in SPLITS if split in found[actor]] for actor in sorted(found) if sides[actor] > 1}


def _check_names(known: Collection[str], test: Sequence[str], val: Sequence[str]) -> None:
    for actor in (*test, *val):
        if actor not in known:
            names = ", ".join(sorted(known)[:20]) + (", ..." if len(known) > 20 else "")
            raise InputError(f"actor {actor!r} is not in the corpus; it knows {names}")
    if both := sorted(set(test) & set(val)):
        raise InputError(f"actor {both[0]!r} is named for test and for val; name it for one of them")


def _held_out_order(by_actor: dict[str, list[str]], seed: int) -> list[str]:
    """Actors as they are to be held out: shuffled by seed, those with over twice the median number of clips last."""
    if not by_actor:
        return []
    usual = median(len(ids) for ids in by_actor.values())
    return sorted(_shuffled(by_actor, seed), key=lambda actor: len(by_actor[actor]) > 2 * usual)


def _shuffled(names: Iterable[str], seed: int) -> list[str]:
    """Names in an order that depends on names and seed alone, the same on every machine and Python."""
    return sorted(names, key=lambda name: (hashlib.sha256(f"{seed}/{name}".encode()).digest(), name))


def _tenth(count: int) -> int:
    """A tenth, halves upwards, at least one."""
    return max(1, (count + 5) // 10)
