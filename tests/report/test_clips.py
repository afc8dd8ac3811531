from __future__ import annotations

import pytest

from viseme.report.clips import chosen, shown
from viseme.report.media import Album
from viseme.report.systems import by_size, load_systems


@pytest.fixture
def groups(written):
    def make(*kinds):
        return by_size(load_systems({kind["name"]: written(**kind) for kind in kinds}))

    return make


def test_worst_median_and_best_are_those_of_the_first_system(groups):
    (group,) = groups({"name": "a"}, {"name": "b"})
    values = sorted((clip.values["mouth_correlation"], key) for key, clip in group.first.scored.items())
    assert chosen(group) == [("Worst", values[0][1]), ("Median", values[5][1]), ("Best", values[-1][1])]


def test_the_best_is_the_lowest_where_lower_is_better(groups):
    (group,) = groups({"name": "a", "metrics": ["lmd"]})
    values = {key: clip.values["lmd"] for key, clip in group.first.scored.items()}
    assert chosen(group)[-1] == ("Best", min(values, key=values.get))


def test_clips_that_all_systems_have_are_preferred(groups):
    (whole,) = groups({"name": "a"})
    worst = chosen(whole)[0][1]
    (group,) = groups({"name": "a"}, {"name": "b", "failed": {worst: "lost"}})
    assert worst not in [key for _, key in chosen(group)]


@pytest.mark.parametrize(("count", "ranks"), [(1, ["Only"]), (2, ["Worst", "Best"]), (3, ["Worst", "Median", "Best"])])
def test_few_clips_are_shown_once_each(groups, count, ranks):
    (group,) = groups({"name": "a", "actors": 1, "clips": count})
    found = chosen(group)
    assert [rank for rank, _ in found] == ranks
    assert len({key for _, key in found}) == count


def test_without_a_scored_clip_nothing_is_shown(groups):
    failed = {f"s1_{number:03d}": "lost" for number in range(2)}
    found = groups({"name": "a", "actors": 1, "clips": 2, "failed": failed})
    assert shown(found, Album()) == []


def test_truth_stands_first_and_controls_last(groups):
    found = groups(
        {"name": "still", "system": {"control": "frozen"}},
        {"name": "gan"},
        {"name": "truth", "system": {"control": "reencoded"}},
        {"name": "large", "system": {"size": 128}},
    )
    clip = shown(found, Album())[0]
    assert [tile.system.name for tile in clip.tiles] == ["truth", "gan", "large", "still"]
    assert [strip.system.name for strip in clip.strips] == ["gan", "large"]
    assert all(tile.video.uri for tile in clip.tiles)


def test_truths_frames_are_shown_once_below_the_last_system(groups):
    found = groups({"name": "a"}, {"name": "b"}, {"name": "c", "media": False})
    strips = shown(found, Album())[0].strips
    assert [(strip.system.name, strip.truth) for strip in strips] == [("a", False), ("b", True), ("c", False)]


def test_truth_plays_first_where_somebody_films_it(groups, tmp_path):
    asked = []

    def film(clip_id, size):
        asked.append((clip_id, size))
        path = tmp_path / "truth.mp4"
        path.write_bytes(b"\0\0\0\x18ftypisom truth")
        return path

    (first, *_) = shown(groups({"name": "a"}), Album(), film)
    assert [tile.system.name for tile in first.tiles] == ["truth", "a"]
    assert first.tiles[0].video.uri
    assert first.tiles[0].spark.own == first.tiles[1].spark.truth
    assert asked[0] == (first.clip_id, 64)
    assert len(asked) == 3
    asked.clear()
    shown(groups({"name": "a"}, {"name": "truth", "system": {"control": "reencoded"}}), Album(), film)
    assert asked == []


def test_players_stand_where_truths_mouth_is_widest(groups):
    found = groups({"name": "a", "actors": 1, "clips": 1})
    opening = found[0].first.scored["s1_000"].curves["opening_truth"]
    assert shown(found, Album())[0].widest == 1 + opening.index(max(opening))


def test_a_failed_clip_says_so_in_its_place(groups):
    found = groups(
        {"name": "a", "actors": 1, "clips": 1}, {"name": "b", "actors": 1, "clips": 1, "failed": {"s1_000": "lost"}}
    )
    tiles = shown(found, Album())[0].tiles
    assert tiles[1].video.reason == "Failed: lost"
    assert tiles[1].spark is None


def test_the_sparkline_spans_the_clip_as_the_playhead_does(groups):
    found = groups({"name": "a", "actors": 1, "clips": 1, "frames": 49})
    points = [tuple(map(float, point.split(","))) for point in shown(found, Album())[0].tiles[0].spark.own.split()]
    assert len(points) == 49
    assert points[0][0] == pytest.approx(100 * 1.5 / 50)
    assert points[-1][0] == pytest.approx(100 * 49.5 / 50)
    assert all(0 <= y <= 100 for _, y in points)
