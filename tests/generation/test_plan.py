from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viseme.errors import StoreError
from viseme.generation.plan import derangement, plan


@given(count=st.integers(2, 60), seed=st.integers(0, 2**32))
def test_a_derangement_moves_everything(count: int, seed: int) -> None:
    order = derangement(count, np.random.default_rng(seed))
    assert sorted(order) == list(range(count))
    assert not (order == np.arange(count)).any()


def test_all_derangements_are_equally_likely() -> None:
    rng = np.random.default_rng(0)
    seen = Counter(tuple(derangement(4, rng)) for _ in range(9000))
    assert len(seen) == 9
    assert all(850 < times < 1150 for times in seen.values())


def test_one_place_has_none() -> None:
    with pytest.raises(ValueError, match="no derangement"):
        derangement(1, np.random.default_rng(0))


def test_every_clip_drives_itself_in_order(store) -> None:
    jobs = plan(store, "test")
    assert [job.clip_id for job in jobs] == ["a0", "a1", "a2", "b0", "b1", "c0"]
    assert all(job.audio_from == job.clip_id and not job.reason for job in jobs)
    assert [job.frames for job in jobs] == [5, 7, 4, 6, 5, 4]
    assert jobs[0].file == "a0.mp4"


def test_shuffled_sound_stays_with_the_actor_and_leaves_its_clip(store) -> None:
    jobs = plan(store, "test", shuffle_audio=5)
    for job in jobs[:5]:
        assert job.audio_from != job.clip_id
        assert job.audio_from[0] == job.actor
    assert sorted(job.audio_from for job in jobs[:5]) == [job.clip_id for job in jobs[:5]]
    assert "actor c has no other clip" in jobs[5].reason
    assert plan(store, "test", shuffle_audio=5) == jobs
    assert len({tuple(j.audio_from for j in plan(store, "test", shuffle_audio=s)) for s in range(20)}) == 2


def test_the_limit_does_not_change_whose_sound_a_clip_gets(store) -> None:
    assert plan(store, "test", 3, limit=2) == plan(store, "test", 3)[:2]
    assert plan(store, "test", limit=99) == plan(store, "test")


def test_a_split_without_clips_names_those_with(store) -> None:
    with pytest.raises(StoreError, match="split 'val' holds no clips; splits with clips: test"):
        plan(store, "val")


def test_what_cannot_be_made_has_its_reason(make_store) -> None:
    store = make_store([("good", "a", 4), ("short", "a", 1)])
    reasons = {job.clip_id: job.reason for job in plan(store, "test")}
    assert reasons.pop("good") == ""
    assert "1 frame" in reasons.pop("short")
    assert not reasons
