"""Warnings of a store: each is told where it holds, and not where it does not."""

from __future__ import annotations

import dataclasses

import pytest

from viseme.data.cautions import cautions
from viseme.data.inspect import describe
from viseme.data.manifest import ClipRow


def row(actor: int, number: int = 0, **changed: object) -> ClipRow:
    split = "val" if actor == 0 else "test" if actor == 1 else "train"
    clip = f"a{actor:02d}"
    plain = ClipRow(f"{clip}_{number}", clip, "", "joy", "", split, 2, "v.mp4", "", (), 1.0, 0, "ok", "")
    return dataclasses.replace(plain, **changed)


GOOD = [row(actor) for actor in range(22)]


def rejected(count: int) -> list[ClipRow]:
    return [row(2, 50 + n, status="rejected", reason="v.mp4: no face in any frame", frames=0) for n in range(count)]


@pytest.fixture
def told(plain_store, tmp_path):
    def tell(rows: list[ClipRow]) -> list[str]:
        store = plain_store(tmp_path, rows, 16)
        return cautions(describe(store), store.clips())

    return tell


def test_a_good_store_has_none(told):
    assert told(GOOD) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (GOOD[:21], "few people: 19 to train on, fewer than 20"),
        (GOOD[1:], "no clip is to choose by (split val)"),
        ([one for one in GOOD if one.split != "test"], "no clip is held out to score on (split test)"),
        (GOOD[:2], "no clip is to train on (split train)"),
        ([*GOOD, *(row(2, n) for n in range(1, 21))], "21 of 40 training clips are of a02"),
        ([*GOOD, *rejected(3)], "3 of 25 clips were rejected"),
        ([row(n, found=0.9) for n in range(22)], "no face was found in 10.0% of the frames"),
        ([*GOOD[:19], *(row(n, faces=2) for n in (19, 20, 21))], "3 of 22 clips show more than one face"),
        ([GOOD[0], row(1, emotion="fear"), *GOOD[2:]], "scored on but never trained on: fear"),
    ],
)
def test_each_is_told_alone(told, rows, said):
    (line,) = told(rows)
    assert line.startswith(said)
    assert "\n" not in line


def test_at_their_thresholds_they_are_silent(told):
    assert told([*GOOD, *(row(2, n) for n in range(1, 19)), *rejected(4)]) == []


def test_a_store_without_a_clip_says_that_alone(told):
    assert told(rejected(3)) == ["it holds no clip: nothing can be trained on or scored"]
    assert told([]) == ["it holds no clip: nothing can be trained on or scored"]


def test_one_actor_alone_is_few_people_not_a_majority(told):
    assert not any("training clips are of" in line for line in told([*GOOD[:2], row(2)]))
