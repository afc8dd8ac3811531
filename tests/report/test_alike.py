from __future__ import annotations

from viseme.report.alike import unlike
from viseme.report.systems import load_systems


def said(written, **provenances):
    return unlike(load_systems({name: written(name=name, provenance=own) for name, own in provenances.items()}))


def test_versions_that_differ_are_said_in_one_line_with_whose_they_are(written):
    (line,) = said(written, a={}, b={"viseme": "0.2.0", "opencv": "5.0"}, c={})
    assert line.startswith(
        "The systems were not measured alike: viseme 0.1.0 (a and c) and 0.2.0 (b); "
        "OpenCV 4.12.0 (a and c) and 5.0 (b)."
    )
    assert "\n" not in line


def test_networks_are_told_apart_by_their_weights_where_both_were_measured_with_them(written):
    mine, other = {"weights": {"i3d": "ab" * 32}}, {"weights": {"i3d": "cd" * 32}}
    (line,) = said(written, a=mine, b=other, c={"weights": {}})
    assert "i3d abababab… (a) and cdcdcdcd… (b)." in line
    assert said(written, a=mine, c={"weights": {}}) == []


def test_what_no_number_depends_on_is_not_held_against_them(written):
    assert said(written, a={"machine": "one", "python": "3.11.0", "seed": 1}, b={"machine": "two"}) == []


def test_a_version_that_is_not_recorded_differs_from_one_that_is(written):
    (line,) = said(written, a={}, b={"viseme": None})
    assert "viseme 0.1.0 (a) and unrecorded (b)" in line
