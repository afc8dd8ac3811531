"""Splits: fixed by seed and names, whatever the order, and complete."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viseme.data.split import SPLITS, divided_actors, split_actors
from viseme.errors import InputError

Clips = list[tuple[str, str]]


def corpus(sizes: dict[str, int]) -> Clips:
    return [(f"{actor}_{number:02d}", actor) for actor, count in sizes.items() for number in range(count)]


def equal(actors: int, clips: int = 10) -> Clips:
    return corpus({f"a{number:02d}": clips for number in range(actors)})


def actors_in(splits: dict[str, str], split: str) -> set[str]:
    return {clip_id.split("_")[0] for clip_id, where in splits.items() if where == split}


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.sampled_from([f"a{n}" for n in range(30)]), st.integers(1, 12), min_size=1),
    st.integers(0, 9),
    st.randoms(use_true_random=False),
)
def test_every_clip_has_one_split_and_no_actor_is_on_both_sides(sizes: dict[str, int], seed: int, random) -> None:  # type: ignore[no-untyped-def]
    clips = corpus(sizes)
    splits = split_actors(clips, seed)
    assert set(splits) == {clip_id for clip_id, _ in clips}
    assert set(splits.values()) <= set(SPLITS)
    held_out = actors_in(splits, "test") | actors_in(splits, "val")
    assert not held_out & (actors_in(splits, "train") | actors_in(splits, "seen"))
    assert not actors_in(splits, "test") & actors_in(splits, "val")
    assert actors_in(splits, "train")
    random.shuffle(clips)
    assert split_actors(clips, seed) == splits


def test_a_tenth_of_many_actors_is_held_out_and_nothing_is_seen() -> None:
    splits = split_actors(equal(91), seed=0)
    assert (len(actors_in(splits, "test")), len(actors_in(splits, "val"))) == (9, 9)
    assert "seen" not in splits.values()


def test_few_actors_give_a_tenth_of_each_training_actors_clips_as_seen() -> None:
    splits = split_actors(equal(10, clips=20), seed=0)
    seen = Counter(clip_id.split("_")[0] for clip_id, where in splits.items() if where == "seen")
    assert set(seen) == actors_in(splits, "train")
    assert set(seen.values()) == {2}


def test_actors_with_under_five_clips_give_no_seen() -> None:
    splits = split_actors(corpus({"a": 4, "b": 4, "c": 4, "d": 5}), seed=0, test_actors=["a"], val_actors=["b"])
    assert [clip_id.split("_")[0] for clip_id, where in splits.items() if where == "seen"] == ["d"]


def test_the_seed_draws_other_actors() -> None:
    assert len({frozenset(actors_in(split_actors(equal(30), seed), "test")) for seed in range(5)}) > 1


def test_named_actors_are_held_out() -> None:
    splits = split_actors(equal(10), seed=3, test_actors=("a04", "a07"), val_actors=("a01",))
    assert actors_in(splits, "test") == {"a04", "a07"}
    assert actors_in(splits, "val") == {"a01"}


@pytest.mark.parametrize("seed", range(8))
def test_an_actor_with_most_of_the_clips_stays_in_training(seed: int) -> None:
    splits = split_actors(corpus({"big": 100} | {f"a{n}": 20 for n in range(9)}), seed)
    assert "big" in actors_in(splits, "train")


def test_one_actor_is_trained_on_and_seen() -> None:
    assert Counter(split_actors(equal(1), 0).values()) == {"train": 9, "seen": 1}


def test_two_actors_give_train_and_val_or_the_test_that_is_named() -> None:
    assert set(split_actors(equal(2), 0).values()) == {"train", "seen", "val"}
    named = split_actors(equal(2), 0, test_actors=["a01"])
    assert actors_in(named, "test") == {"a01"}
    assert actors_in(named, "train") == {"a00"}
    assert "val" not in named.values()


def test_a_corpus_may_be_for_testing_alone() -> None:
    assert set(split_actors(equal(2), 0, test_actors=["a00", "a01"]).values()) == {"test"}


def test_unknown_actors_are_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"actor 's9' is not in the corpus; it knows a00, a01, a02"):
        split_actors(equal(3), 0, test_actors=["s9"])


def test_an_actor_cannot_be_held_out_twice() -> None:
    with pytest.raises(InputError, match=r"'a01' is named for test and for val"):
        split_actors(equal(3), 0, test_actors=["a01"], val_actors=["a01"])


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        ([("a", "train"), ("a", "seen"), ("b", "test"), ("c", "val")], {}),
        ([("a", "test"), ("a", "seen"), ("b", "val")], {"a": ["test", "seen"]}),
        ([("b", "test"), ("b", "val"), ("a", "val"), ("a", "train")], {"a": ["train", "val"], "b": ["val", "test"]}),
    ],
)
def test_actors_on_two_sides_are_found(pairs: Clips, found: dict[str, list[str]]) -> None:
    assert divided_actors(pairs) == found
    assert list(divided_actors(reversed(pairs))) == list(found)


@pytest.mark.parametrize("actors", [3, 12, 30])
def test_a_split_divides_no_actor(actors: int) -> None:
    clips = equal(actors)
    splits = split_actors(clips, seed=1)
    assert divided_actors((actor, splits[clip_id]) for clip_id, actor in clips) == {}
