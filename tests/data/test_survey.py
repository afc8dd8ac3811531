"""How clips are spread: counts that add up, values with the limits that hold for them, rejects under one reason."""

from __future__ import annotations

import dataclasses
import math

import pytest

from viseme.data.inspect import Reject
from viseme.data.manifest import ClipRow
from viseme.data.survey import by_reason, counts, distributions


def row(clip_id: str, split: str = "train", frames: int = 50, **known: object) -> ClipRow:
    plain = ClipRow(clip_id, clip_id[0], "", "", "", split, frames, f"{clip_id}.mp4", "", (), 1.0, 0, "ok", "")
    return dataclasses.replace(plain, **known)


def test_counts_add_up_by_value_and_split():
    rows = [
        row("a0", emotion="joy"),
        row("a1", emotion="fear", frames=25),
        row("a2", "test", emotion="joy"),
        row("a3", emotion=None),
    ]
    joy, *others = counts(rows, "emotion")
    assert (joy.value, joy.clips, joy.frames) == ("joy", {"train": 1, "test": 1}, 100)
    assert [(one.value, one.clips) for one in others] == [("", {"train": 1}), ("fear", {"train": 1})]


@pytest.mark.parametrize("nothing", ["", None])
def test_what_no_clip_knows_is_not_counted(nothing):
    assert counts([row("a0", sentence=nothing)], "sentence") == ()
    assert counts([], "sentence") == ()


def test_limits_stand_on_the_side_that_rejects():
    rows = [
        row("a0", frames=25, jitter=1.0, face_width=100.0, loudness=-20.0, faces=1, clipping=0.0, sharpness=9.0),
        row("a1", frames=75, jitter=1.5, face_width=300.0, loudness=-30.0, faces=2, clipping=0.01, sharpness=8.0),
    ]
    limits = {"found": 0.9, "frames": 10, "seconds": 60, "face_width": 32, "jitter": 0.05, "loudness": -60}
    found = {one.measure: one for one in distributions(rows, {**limits, "clipping": 0.05, "sharpness": 3})}
    assert {name: (one.least, one.most) for name, one in found.items()} == {
        "length": (0.4, 60),
        "found": (0.9, None),
        "faces": (None, None),
        "face_width": (32, None),
        "jitter": (None, 5),
        "sharpness": (3, None),
        "loudness": (-60, None),
        "clipping": (None, 0.05),
    }
    assert found["length"].values.tolist() == [1, 3]
    assert (found["loudness"].worst, found["loudness"].value) == ("a1", -30)
    assert found["jitter"].values.tolist() == [1.0, 0.5]  # per cent of the width
    assert found["jitter"].worst == "a0"


def test_what_is_not_known_or_no_number_is_left_out():
    rows = [row("a0"), row("a1", loudness=math.nan), row("a2", loudness=-3.0), row("a3", jitter=1.0, face_width=0.0)]
    found = {one.measure: one for one in distributions(rows, {"found": math.nan, "loudness": "x"})}
    assert set(found) == {"length", "found", "face_width", "loudness"}
    assert found["loudness"].values.tolist() == [-3]
    assert found["found"].least is found["loudness"].least is None
    assert distributions([], {}) == ()


def test_rejects_that_differ_in_numbers_have_one_reason():
    def reject(name: str, reason: str) -> Reject:
        return Reject(name, "a", f"a/{name}.flv", reason)

    rejected = [
        reject("c1", "a/c1.flv: its sound is quiet: -70.6 dBFS, less than -60"),
        reject("c2", "a/c2.flv: its sound is quiet: -61.0 dBFS, less than -60"),
        reject("c3", "wav/c3.wav: its sound is silent"),
        reject("c4", "a/c4.flv: its sound is silent"),
        reject("c5", "a/c5.flv: its sound is silent"),
        reject("c6", ""),
    ]
    silent, quiet, nothing = by_reason(rejected)
    assert silent.reason == "its sound is silent"
    assert [(one.clip_id, reason) for one, reason in silent.clips] == [("c3", ""), ("c4", ""), ("c5", "")]
    assert quiet.reason == "its sound is quiet: … dBFS, less than -60"
    assert quiet.clips[0][1] == "its sound is quiet: -70.6 dBFS, less than -60"
    assert nothing.reason == "no reason was recorded"
    assert by_reason([]) == ()


def test_a_reason_may_hold_anything():
    (group,) = by_reason([Reject("x", "a", "100%: 3.mp4", "100%: 3.mp4: \\1 of {2} clips: <b>")])
    assert group.reason == "\\1 of {2} clips: <b>"
    assert by_reason([Reject("x", "a", None, None)])[0].reason == "no reason was recorded"  # type: ignore[arg-type]
