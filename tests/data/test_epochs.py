from collections import Counter

import pytest

from viseme.data.epochs import Epochs
from viseme.data.manifest import OK, ClipRow


def clips(shards: int, each: int = 4) -> list[ClipRow]:
    return [clip(shard, n) for shard in range(shards) for n in range(each)]


def clip(shard: int, n: int) -> ClipRow:
    return ClipRow(f"{shard}-{n}", *[""] * 4, "train", 75, "", "", (), 1.0, shard, OK, "")


def walked(epochs: Epochs, place: int, steps: range) -> list[ClipRow]:
    return [epochs.row(step, place) for step in steps]


def test_every_place_sees_each_of_its_clips_once_an_epoch_in_another_order_each_time() -> None:
    epochs = Epochs(clips(12), places=3, at_once=2, seed=0)
    for place in range(3):
        first, second = ([row.clip_id for row in walked(epochs, place, range(at, at + 16))] for at in (0, 16))
        assert len(set(first)) == 16
        assert sorted(first) == sorted(second)
        assert first != second


def test_all_clips_are_seen_and_no_shard_by_two_places() -> None:
    epochs = Epochs(clips(12), places=3, at_once=2, seed=0)
    seen = [{row.shard for row in walked(epochs, place, range(16))} for place in range(3)]
    assert set.union(*seen) == set(range(12))
    assert sum(map(len, seen)) == 12
    assert seen == [epochs.shards(place) for place in range(3)]


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_a_place_reads_so_many_shards_at_a_time(at_once: int) -> None:
    epochs = Epochs(clips(6), places=1, at_once=at_once, seed=0)
    order = walked(epochs, 0, range(24))
    for start in range(0, 24, 4 * at_once):
        block = Counter(row.shard for row in order[start : start + 4 * at_once])
        assert sorted(block.values()) == [4] * at_once
    if at_once > 1:  # and mixes their clips
        assert len({row.shard for row in order[:4]}) > 1


def test_places_take_turns_where_shards_are_few() -> None:
    epochs = Epochs(clips(2), places=5, at_once=1, seed=0)
    drawn = [epochs.row(step, place) for step in range(4) for place in (0, 2, 4)]  # 12 of the first shard's 4 clips
    assert Counter(row.clip_id for row in drawn) == {f"0-{n}": 3 for n in range(4)}
    assert {epochs.row(step, place).shard for step in range(4) for place in (1, 3)} == {1}


def test_uneven_shards_are_dealt_so_that_places_have_as_many_clips() -> None:
    rows = [clip(0, n) for n in range(8)] + [clip(shard, 0) for shard in range(1, 9)]
    epochs = Epochs(rows, places=2, at_once=4, seed=0)
    assert epochs.shards(0) == {0}
    assert epochs.shards(1) == set(range(1, 9))


def test_another_seed_is_another_order() -> None:
    one, other = (Epochs(clips(12), places=1, at_once=3, seed=seed) for seed in (0, 1))
    assert walked(one, 0, range(48)) != walked(other, 0, range(48))
