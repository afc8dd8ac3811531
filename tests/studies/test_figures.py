from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from viseme.studies.figures import Drawing, palette
from viseme.studies.panels import Curve, Curves, Dot, Dots, Heat, Picture, Pointed
from viseme.studies.paper.boxes import Boxes
from viseme.studies.paper.graph import Graph
from viseme.studies.pareto import Point, Trade

FRAMES = np.arange(1.0, 31.0)
PANELS = [
    Curves(
        "brightness", [Curve("plain", "muted", FRAMES, FRAMES), Curve("cure", "system0", FRAMES, 2 * FRAMES, FRAMES)]
    ),
    Curves("steps", [Curve("leading", "system1", [10, 100], [0.1, 0.2])], "steps", powers=True, named=True),
    Dots("drift", [Dot("plain", 1.0, 0.5, 1.5), Dot("cure", 0.1, -0.1, 0.3, "system2")], 0.0),
    Heat("sharpness", ["a", "b"], ["10", "20"], np.array([[1.0, 2.0], [np.nan, 3.25]]), 2, "steps"),
    Picture("frame", np.zeros((4, 8, 3), np.uint8)),
    Pointed("points", np.zeros((8, 8, 3), np.uint8), np.array([[1, 2], [3, 4]], np.float32)),
    Curves("keyed", [Curve("training", "system0", [1, 2], [0.1, 0.1])], keyed=True),
    Boxes("net", Graph({"x": (4,), "a": (8, 2)}, {"a": 12_345}, {("x", "a"): None}), {"x": (0, 0), "a": (1, 1)}),
    Trade("trade", [Point("fast", 9.0, 0.1, 0.9), Point("good", 1.0, 0.9, 0.1)], {"fast": 31, "good": 32}, 0.5),
]


@pytest.fixture
def drawing():
    return Drawing("try", "Title", "what it shows", PANELS, 2)


def test_in_the_page_it_has_the_pages_colours_alone(drawing):
    svg = drawing.inline().svg
    assert "var(--system0)" in svg
    assert "#fe01" not in svg
    assert all(name.startswith("try-") for name in re.findall(r'\bid="([^"]+)"', svg))
    for text in ("brightness", "plain", "3.25", "leading", "training", "8 × 2", "0.01 M", "31"):
        assert text in svg
    assert "nan" not in svg


def test_files_are_whole_and_in_real_colours(drawing, tmp_path):
    drawing.save(tmp_path)
    svg = (tmp_path / "try.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(svg)
    assert palette()["system0"] in svg
    assert "var(" not in svg
    assert (tmp_path / "try.png").read_bytes().startswith(b"\x89PNG")


def test_equal_numbers_equal_bytes(drawing, tmp_path):
    drawing.save(tmp_path / "one")
    drawing.save(tmp_path / "two")
    for name in ("try.svg", "try.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert drawing.inline() == drawing.inline()


def test_a_single_value_can_be_drawn():
    panels = [Heat("h", ["a"], ["1"], np.array([[2.0]]), 0), Dots("d", [Dot("a", 1, 1, 1)])]
    assert Drawing("one", "t", "a", panels).inline().svg


def test_the_palette_is_the_pages_light_one():
    assert palette()["page"] == "#fdfcfa"
    assert len(set(palette())) == len(palette())


def test_long_names_leave_room_for_the_dots(tmp_path):
    name = "a very long name of a variant, with all that was changed of it: the signal"
    Drawing("long", "t", "a", [Dots("d", [Dot(name, 1, 0.5, 1.5)])] * 2, 2).save(tmp_path)  # a warning is an error
