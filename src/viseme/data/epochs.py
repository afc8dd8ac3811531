"""Which clip each place of a batch learns from at a step: shards a few at a time, each clip once an epoch.

Windows drawn at random from a large corpus open a shard each. Here every place of the batch has shards of its own,
walks through them in a shuffled order, and shuffles the clips of a few of them together. So a process reads the shards
of its places alone, and a clip depends on seed, step and place, not on how many processes there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from viseme.data.manifest import ClipRow


class Epochs:
    """The order of some clips.

    Args:
        rows: the clips.
        places: samples of a batch.
        at_once: shards whose clips a place shuffles together.
        seed: of the order.

    Shards are dealt out so that all places have about as many clips; where there are fewer shards than places, places
    take turns in one order. A place with fewer clips begins its next epoch sooner.
    """

    def __init__(self, rows: Sequence[ClipRow], places: int, at_once: int, seed: int) -> None:
        self.places, self.at_once, self.seed = places, at_once, seed
        shards: dict[int, list[ClipRow]] = {}
        for row in rows:
            shards.setdefault(row.shard, []).append(row)
        self._decks: list[list[list[ClipRow]]] = [[] for _ in range(min(places, len(shards)))]
        held = [0] * len(self._decks)
        for number in sorted(shards, key=lambda number: (-len(shards[number]), number)):
            least = held.index(min(held))
            self._decks[least].append(shards[number])
            held[least] += len(shards[number])
        self._epoch = lru_cache(maxsize=2 * len(self._decks))(self._shuffled)

    def row(self, step: int, place: int) -> ClipRow:
        """The clip that a place learns from at a step."""
        deck, turn = place % len(self._decks), place // len(self._decks)
        turns = len(range(deck, self.places, len(self._decks)))
        epoch, at = divmod(step * turns + turn, sum(map(len, self._decks[deck])))
        return self._epoch(deck, epoch)[at]

    def shards(self, place: int) -> set[int]:
        """Numbers of the shards that a place reads."""
        return {rows[0].shard for rows in self._decks[place % len(self._decks)]}

    def _shuffled(self, deck: int, epoch: int) -> list[ClipRow]:
        rng = np.random.default_rng([self.seed, deck, epoch])
        shards = [self._decks[deck][at] for at in rng.permutation(len(self._decks[deck]))]
        order: list[ClipRow] = []
        for start in range(0, len(shards), self.at_once):
            rows = [row for shard in shards[start : start + self.at_once] for row in shard]
            order += [rows[at] for at in rng.permutation(len(rows))]
        return order
