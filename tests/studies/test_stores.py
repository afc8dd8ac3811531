from __future__ import annotations

import numpy as np
import pytest

from viseme.data.store import Store
from viseme.errors import StoreError
from viseme.studies.stores import by_turns, few_clips, joined_clips, without


@pytest.fixture
def few(store, tmp_path):
    few_clips(store, tmp_path / "few", split="test", clips=2, size=32, frames=20)
    return Store.open(tmp_path / "few")


def test_few_clips_are_the_first_of_the_split_cut_and_reduced(store, few):
    whole = Store.open(store)
    rows = few.clips("test")
    assert [row.clip_id for row in rows] == [row.clip_id for row in whole.clips("test")[:2]]
    for row in rows:
        assert row.frames == 20
        np.testing.assert_array_equal(few.frames(row.clip_id), whole.frames(row.clip_id, 0, 20, size=32))
        np.testing.assert_array_equal(few.audio(row.clip_id), whole.audio(row.clip_id)[: 20 * 640])
        np.testing.assert_array_equal(few.landmarks(row.clip_id), whole.landmarks(row.clip_id, size=32)[:20])


def test_training_clips_stay_for_the_scales_of_scores(store, few):
    whole = Store.open(store)
    assert [row.clip_id for row in few.clips("train")] == [row.clip_id for row in whole.clips("train")]


def test_equal_calls_give_equal_stores(store, few, tmp_path):
    few_clips(store, tmp_path / "again", split="test", clips=2, size=32, frames=20)
    assert Store.open(tmp_path / "again").fingerprint == few.fingerprint
    few_clips(store, tmp_path / "other", split="test", clips=2, size=32, frames=21)
    assert Store.open(tmp_path / "other").fingerprint != few.fingerprint


def test_joined_clips_follow_one_another_in_picture_and_sound(store, tmp_path):
    whole = Store.open(store)
    joined_clips(store, tmp_path / "joined", clips=1, size=64, frames=90)
    long = Store.open(tmp_path / "joined")
    (row,) = long.clips("test")
    first = whole.row(row.clip_id.removesuffix("_joined"))
    second = [other for other in whole.clips(first.split) if other.actor == first.actor][1]
    length = row.frames
    assert first.frames < length == 90 < first.frames + second.frames
    frames, audio = long.frames(row.clip_id), long.audio(row.clip_id)
    rest = length - first.frames
    np.testing.assert_array_equal(frames[: first.frames], whole.frames(first.clip_id))
    np.testing.assert_array_equal(frames[first.frames :], whole.frames(second.clip_id, 0, rest))
    np.testing.assert_array_equal(audio[first.frames * 640 :], whole.audio(second.clip_id)[: rest * 640])
    assert len(long.landmarks(row.clip_id)) == length


def test_too_little_to_join(store, tmp_path):
    with pytest.raises(StoreError, match="no held-out actor has 9000 frames"):
        joined_clips(store, tmp_path / "joined", clips=1, size=64, frames=9000)


def test_an_empty_split(store, tmp_path):
    with pytest.raises(StoreError, match="'nobody' holds no clips"):
        few_clips(store, tmp_path / "few", split="nobody", clips=1, size=64)


def test_a_signal_taken_away_leaves_all_else(few, tmp_path):
    clip_id = few.clips("test")[0].clip_id
    for signal in ("audio", "landmarks"):
        without(few.path, tmp_path / signal, signal=signal)
    silent, still = Store.open(tmp_path / "audio"), Store.open(tmp_path / "landmarks")
    assert not silent.audio(clip_id).any()
    np.testing.assert_array_equal(silent.landmarks(clip_id), few.landmarks(clip_id))
    assert (still.landmarks(clip_id) == few.landmarks(clip_id)[0]).all()
    np.testing.assert_array_equal(still.audio(clip_id), few.audio(clip_id))
    for changed in (silent, still):
        np.testing.assert_array_equal(changed.frames(clip_id), few.frames(clip_id))
    trained = few.clips("train")[0].clip_id
    np.testing.assert_array_equal(silent.audio(trained), few.audio(trained))
    np.testing.assert_array_equal(still.landmarks(trained), few.landmarks(trained))


def test_turns(store):
    rows = by_turns(Store.open(store).clips())
    actors = sorted({row.actor for row in rows})
    assert [row.actor for row in rows[: len(actors)]] == actors
    assert len({row.clip_id for row in rows}) == len(Store.open(store).clips())
