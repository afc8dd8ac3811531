from __future__ import annotations

import numpy as np
import pytest

from viseme.report.breakdown import Part, actor_tables, clip_table, emotion_tables
from viseme.report.systems import by_size, load_systems


@pytest.fixture
def group(written):
    def make(*kinds):
        (found,) = by_size(load_systems({kind["name"]: written(**kind) for kind in kinds}))
        return found

    return make


def test_actors_stand_in_natural_order_with_their_means(group):
    found = group({"name": "a", "actors": 11, "clips": 2})
    table = actor_tables(found)[0]
    assert table.metric == "mouth_correlation"
    assert [row.part for row in table.rows] == [f"s{number}" for number in range(1, 12)]
    mean = found.systems[0].results.metrics["mouth_correlation"].by_actor["s10"]
    assert table.rows[9] == Part("s10", 2, (f"{mean:.3f}",))


def test_emotions_hold_the_means_of_their_clips(group):
    found = group({"name": "a", "emotions": ("anger", "happy", "")})
    table = emotion_tables(found)[0]
    assert [row.part for row in table.rows] == ["anger", "happy", "not named"]
    happy = [clip for clip in found.first.scored.values() if clip.emotion == "happy"]
    mean = np.mean([clip.values["mouth_correlation"] for clip in happy])
    assert table.rows[1] == Part("happy", len(happy), (f"{mean:.3f}",))


@pytest.mark.parametrize("emotions", [(), ("neutral",)])
def test_fewer_than_two_emotions_are_no_breakdown(group, emotions):
    assert emotion_tables(group({"name": "a", "emotions": emotions})) == []


def test_every_clip_has_its_row_and_every_hole_its_reason(group):
    found = group(
        {"name": "a", "missing": {"s1_002": {"mouth_correlation": "the mouth was never found"}}},
        {"name": "b", "failed": {"s1_000": "no face"}, "clips": 5},
    )
    rows = {row.part: row for row in clip_table(found).rows}
    assert len(rows) == 12
    value = found.first.scored["s1_000"].values["mouth_correlation"]
    assert rows["s1_000"] == Part("s1_000", 50, (f"{value:.3f}", ""), ("", "failed: no face"))
    assert rows["s1_002"].holes[0] == "the mouth was never found"
    assert rows["s1_010"].holes == ("", "not among its clips")


def test_without_the_metric_there_is_no_table_of_clips(group):
    failed = {f"s1_{number:03d}": "lost" for number in range(2)}
    assert clip_table(group({"name": "a", "actors": 1, "clips": 2, "failed": failed})) is None
