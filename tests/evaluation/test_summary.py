from __future__ import annotations

import pytest

from viseme.evaluation.results import ClipResult
from viseme.evaluation.summary import cautions, counts, summarise


def clip(clip_id: str, actor: str, value: float | None, truth: float | None = None) -> ClipResult:
    return ClipResult(
        clip_id=clip_id,
        actor=actor,
        video=f"{clip_id}.mp4",
        frames=10,
        status="scored",
        values={} if value is None else {"ofm": value},
        truth={} if truth is None else {"ofm": truth},
        missing={"ofm": "it is short"} if value is None else {},
        undetected={"candidate": 1, "truth": 0},
    )


FAILED = ClipResult("z", "c", None, 0, "failed", "z.mp4: no such file")


def test_means_over_the_clips_that_have_the_metric() -> None:
    found = summarise([clip("x", "a", 1, 3), clip("y", "a", 2, 5), clip("w", "b", None), FAILED], ["ofm", "psnr"], 0)
    assert list(found) == ["ofm"]
    assert (found["ofm"].mean, found["ofm"].truth, found["ofm"].n) == (1.5, 4, 2)
    assert found["ofm"].by_actor == {"a": 1.5}
    assert found["ofm"].better == "truth"


def test_an_interval_does_not_depend_on_the_other_metrics() -> None:
    clips = [clip(str(i), "a", i % 3) for i in range(9)]
    for one in clips:
        one.values["f_mse"] = one.values["ofm"]
    assert summarise(clips, ["ofm", "f_mse"], 0)["f_mse"] == summarise(clips, ["f_mse"], 0)["f_mse"]


def test_every_clip_is_counted() -> None:
    found = counts([clip("x", "a", 1), clip("y", "b", 1), FAILED])
    assert found == {
        "clips": 3,
        "scored": 2,
        "failed": 1,
        "frames": 20,
        "undetected": {"candidate": 2, "truth": 0},
    }


def test_few_actors_are_named() -> None:
    lines = cautions([clip("x", "a", 1), clip("y", "a", 2), clip("w", "b", 1)], ["ofm"])
    assert "With 2 actors, intervals resample clips within each; nothing is claimed beyond a and b." in lines
    assert any("b has a single clip" in line for line in lines)


def test_ten_actors_need_no_caution() -> None:
    clips = [ClipResult(f"c{i}", str(i), "v", 10, "scored", values={"ofm": 1.0}) for i in range(10)]
    assert cautions(clips, ["ofm"]) == []


@pytest.mark.parametrize(
    "line",
    [
        "1 of 4 clips failed and count in no mean.",
        "In 3 of 30 frames of the candidate no face was detected; landmarks there rest on the aligned box.",
        "OFM is missing for 1 clip: it is short.",
    ],
)
def test_cautions(line: str) -> None:
    assert line in cautions([clip("x", "a", 1), clip("y", "a", 2), clip("w", "b", None), FAILED], ["ofm"])
