from __future__ import annotations

from viseme.evaluation.metrics import METRICS
from viseme.web import words
from viseme.web.limits import Limits
from viseme.web.messages import Model, Score, Seen
from viseme.web.studio import Progress, sentence

DENOISER = Model("ddpm", 64, 5.0, ("ddim",), "ddim", 10, 250)


def test_a_message_becomes_a_sentence_without_a_path() -> None:
    told = sentence("/tmp/a b/x.png: no face found; give a photo", {"/tmp/a b/x.png": "the photo"})
    assert told == "The photo: no face found; give a photo."
    assert sentence("x.png: has one frame", {"/tmp/x.png": "the video"}) == "The video: has one frame."


def test_costs_are_those_measured() -> None:
    told = words.costs([Model("gan", 64, 100.0), DENOISER])
    assert "| gan | 64 × 64 | 0.25 s | at once |" in told
    assert "| ddpm | 64 × 64 | 5.0 s | in 10 steps from noise (ddim) |" in told


def test_what_comes_from_outside_is_escaped() -> None:
    bad = "<script>"
    seen = Seen(2, 9, b"png")
    for html in (
        words.bar(Progress(bad, seen)),
        words.bar(Progress(bad, None)),
        words.said([bad]),
        words.refused(bad),
        words.table([], [bad]),
    ):
        assert bad not in html
        assert "&lt;script&gt;" in html


def test_a_bar_says_where_it_is_and_shows_the_frame() -> None:
    html = words.bar(Progress("gan", Seen(2, 9, b"png")))
    assert 'value="2" max="9"' in html
    assert "frame 2 of 9" in html
    assert "data:image/png;base64,cG5n" in html


def test_scores_stand_in_a_table_with_what_is_best() -> None:
    html = words.table([Score(METRICS["psnr"], 31.234, None), Score(METRICS["sharpness"], 9.0, 12.0)], ["One note."])
    assert "31.23 dB" in html
    assert (
        "<td>12.0</td><td>the reference&#x27;s own</td>" in html or "<td>12.0</td><td>the reference's own</td>" in html
    )
    assert "<li>One note.</li>" in html


def test_limits_are_told() -> None:
    told = words.taken(Limits(upload_mb=7, waiting=3))
    assert "7 MB" in told
    assert "3 may wait" in told
