"""A training run as a page."""

from __future__ import annotations

import re

import numpy as np

from viseme.report.figures import Line
from viseme.report.media import Album
from viseme.report.run_page import render_run

PNG = b"\x89PNG\r\n\x1a\n"


def page(**changed):
    line = Line("train", "system0", np.arange(5.0), np.arange(5.0))
    settings = {
        "title": "gan",
        "facts": {"step": "5"},
        "warnings": [],
        "panels": {"loss": [line], "lip": [line]},
        "pictures": [],
        "videos": [],
        "album": Album(),
    }
    return render_run(**{**settings, **changed})


def test_curves_have_headings_axes_and_a_legend():
    text = page()
    assert text.count("<figure role=") == 2
    assert "loss by step: train." in text
    assert ">step<" in text
    assert 'class="system0"' in text
    identifiers = re.findall(r'\bid="([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers))
    assert text == page()


def test_a_single_point_is_seen():
    lone = Line("val", "system1", np.array([200.0]), np.array([1.0]))
    assert "<use" in page(panels={"loss": [lone]})


def test_names_from_outside_are_escaped():
    text = page(title="<script>x</script>", facts={"<b>": "<i>"}, warnings=["a <u> b"])
    for tag in ("<script>", "<b>", "<i>", "<u>"):
        assert tag not in text


def test_samples_are_set_in_and_what_cannot_be_says_why(tmp_path):
    good, bad = tmp_path / "step-000002.png", tmp_path / "step-000001.png"
    good.write_bytes(PNG + b"rest")
    bad.write_bytes(b"text")
    video = tmp_path / "step-000002.mp4"
    video.write_bytes(b"\0\0\0\x18ftypmp42")
    text = page(pictures=[good, bad], videos=[video])
    assert text.count("data:image/png;base64,") == 1
    assert text.count("data:video/mp4;base64,") == 1
    assert "step-000001.png is not what its name says." in text


def test_a_run_without_anything_says_so():
    text = page(panels={})
    assert "Nothing was logged yet." in text
    assert "no samples yet" in text
