from __future__ import annotations

import numpy as np
import pytest

from viseme.evaluation.results import ClipResult, Results
from viseme.generation.manifest import Reference, SystemInfo, VideoManifest, VideoRow
from viseme.studies.conflict import followed

RNG = np.random.default_rng(0)
TRUE = {name: RNG.random(length).tolist() for name, length in (("x", 40), ("y", 30))}


def results(openings):
    clips = [
        ClipResult(name, "a", f"{name}.mp4", len(own), "scored", curves={"opening": own, "opening_truth": TRUE[name]})
        for name, own in openings.items()
    ]
    return Results({}, {}, {}, {}, [], {}, clips)


@pytest.fixture
def crossed_folder(tmp_path):
    info = SystemInfo("m", "m", None, "1", None, 3, True, 32, 25, 12, 0)
    heard = {"x": "y", "y": "x"}
    rows = tuple(VideoRow(n, "a", f"{n}.mp4", 40, "ok", "", heard[n], 0, 0.1) for n in heard)
    VideoManifest(info, Reference("store", "f", "val"), 8, 2, rows).save(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("follows", "other"), [("audio", "landmarks"), ("landmarks", "audio")])
def test_a_mouth_that_copies_one_clip_is_known_to(store, crossed_folder, follows, other):
    copied = {"x": "y", "y": "x"} if follows == "audio" else {"x": "x", "y": "y"}
    crossed = results({name: TRUE[copied[name]] for name in TRUE})
    found = followed(crossed, results(TRUE), crossed_folder, store)
    assert found.actors == ["a", "a"]
    assert found.r[follows] == pytest.approx([1.0, 1.0])
    assert max(found.r[other]) < 0.9
    assert all((ahead > 0) == (follows == "audio") for ahead in found.ahead)


def test_a_clip_whose_sounds_truth_is_not_there_is_left_out(store, crossed_folder):
    crossed = results({"x": TRUE["x"]})
    assert followed(crossed, results({"x": TRUE["x"]}), crossed_folder, store).actors == []
