from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from viseme.report.figures import Line, draw, mean_line, openings, over_time
from viseme.report.systems import by_size, load_systems


def line(colour="system0", values=(0.0, 1.0, 0.5)):
    return Line("a", colour, np.arange(1.0, len(values) + 1), np.array(values))


def test_a_drawing_is_well_formed_and_takes_its_colours_from_the_page():
    svg = draw([line("truth"), line("system1")], "an axis", "g0")
    ElementTree.fromstring(svg.replace("&nbsp;", " "))
    assert "var(--system1)" in svg
    assert "var(--truth)" in svg
    assert not re.search(r"#fe01|#000000|<style|<metadata|http", svg)
    assert "an axis" in svg


def test_a_drawing_is_the_same_to_the_byte():
    assert draw([line()], "axis", "g0") == draw([line()], "axis", "g0")


def test_a_drawing_tells_the_page_its_width():
    svg = draw([line()], "axis", "g0")
    width = re.search(r'^<svg viewBox="0 0 (\S+) \S+" style="--width: (\S+)px"', svg)
    assert width
    assert width[1] == width[2] == "360"


def test_drawings_share_no_identifier():
    ids = [set(re.findall(r'\bid="([^"]+)"', draw([line()], "axis", prefix))) for prefix in ("g0", "g1")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_every_reference_inside_a_drawing_finds_its_target():
    svg = draw([line()], "axis", "g0")
    targets = re.findall(r"url\(#([^)]+)\)", svg) + re.findall(r'href="#([^"]+)"', svg)
    assert targets
    assert set(targets) <= set(re.findall(r'\bid="([^"]+)"', svg))


def test_curves_over_time_leave_out_truths_own_control(written):
    kinds = {"gan": {}, "truth": {"system": {"control": "reencoded"}}}
    (group,) = by_size(load_systems({name: written(name=name, **kind) for name, kind in kinds.items()}))
    figures = over_time(group, "g0")
    assert [figure.title for figure in figures] == [
        "Brightness", "Sharpness", "Likeness to the identity frame", "Mouth opening",
    ]  # fmt: skip
    assert figures[0].alt == "Brightness by frame, mean over clips: truth, gan."


def test_clips_of_different_length_are_averaged_as_far_as_half_of_them_go(written):
    system = load_systems({"a": written(name="a", actors=1, clips=3)})[0]
    clips = list(system.scored.values())
    for clip, length in zip(clips, (2, 4, 6), strict=True):
        clip.curves["brightness"] = [float(length)] * length
    (found,) = mean_line(system, "brightness", "brightness")
    assert found.frames.tolist() == [1, 2, 3, 4]
    assert found.values == pytest.approx([4.0, 4.0, 5.0, 5.0])


def test_openings_show_what_hears_something_on_one_scale(written):
    kinds = {"gan": {}, "deaf": {"system": {"shuffled_audio": 1}}, "still": {"system": {"control": "frozen"}}}
    (group,) = by_size(load_systems({name: written(name=name, **kind) for name, kind in kinds.items()}))
    figures = openings(group.systems, "s1_000", "g0")
    assert [figure.title for figure in figures] == ["gan", "deaf"]
    ticks = [re.findall(r"<text[^>]*>([0-9.]+)</text>", figure.svg) for figure in figures]
    assert ticks[0] == ticks[1]
    assert openings(group.systems, "absent", "g0") == []
