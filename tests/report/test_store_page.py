"""A store as a page: everything in it, nothing from elsewhere, and names from outside as text."""

from __future__ import annotations

import dataclasses
import re

import pytest

from viseme.data.inspect import describe
from viseme.data.look import look
from viseme.data.manifest import ClipRow
from viseme.report.media import Album
from viseme.report.store_page import FEW, MOST, render_store

EVIL = '<script>x</script>"&'


def row(clip_id: str, actor: str = "a", split: str = "train", **known: object) -> ClipRow:
    plain = ClipRow(clip_id, actor, "", "", "", split, 20, f"{clip_id}.mp4", "", (), 1.0, 0, "ok", "")
    return dataclasses.replace(plain, **known)


def bad(clip_id: str, reason: str = "no face in any frame", **known: object) -> ClipRow:
    reason = f"{clip_id}.mp4: {reason}"
    return row(clip_id, **{"status": "rejected", "frames": 0, "found": 0.0, "reason": reason, **known})


@pytest.fixture
def page(plain_store, tmp_path):
    def render(rows: list[ClipRow], source=None, album=None, **changed) -> str:
        store = plain_store(tmp_path / "store", rows, 16, **changed)
        seen = look(store, describe(store), source)
        facts, warnings = {"licence": changed.get("licence", "")}, changed.get("test_actors", ())
        return render_store("store", facts, warnings, seen, album or Album(), source is not None)

    return render


def cells(text: str, region: str) -> list[list[str]]:
    """The rows of a table by the name of its region."""
    body = text.split(f'aria-label="{region}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", one) for one in body.strip().splitlines()]


def test_what_it_holds_adds_up(page):
    rows = [
        row("c1", "s2", emotion="joy", sentence="hello"),
        row("c2", "s10", emotion="joy", sentence="hello"),
        row("c3", "s10", "test", sentence="you", frames=3000),
        bad("c4", actor="s2"),
    ]
    text = page(rows)
    assert cells(text, "By split") == [["train", "2", "2", "0.03"], ["test", "1", "1", "2.00"]]
    assert cells(text, "By actor") == [
        ["s2", "1", "", "0.01", "1", "100.0%"],
        ["s10", "1", "1", "2.01", "0", "100.0%"],
    ]
    assert cells(text, "By emotion") == [["joy", "2", "", "0.03"], ["not known", "", "1", "2.00"]]
    assert cells(text, "By sentence") == [["hello", "2", "", "0.03"], ["you", "", "1", "2.00"]]
    assert "2 actors, 1 to 2 clips, median 1.5." in text
    assert "1 clip of 4, by reason. No pictures" in text
    assert "<h3>No face in any frame</h3>" in text


def test_it_is_whole_and_the_same_every_time(page):
    rows = [row("c1"), row("c2", frames=40), bad("c3")]
    text = page(rows)
    assert text == page(rows)
    assert not re.search(r'(?:src|href)="(?!data:|#)', text)
    assert "@import" not in text
    assert "url(" not in text
    identifiers = re.findall(r'\bid="([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(identifiers)
    assert text.count("<img ") == text.count(' alt="') == 4 + 4 + 1  # two strips, and the worst by length


def test_landmarks_lie_over_frames_and_can_be_put_away(page):
    text = page([row("c1")])
    paths = re.findall(r'<path d="((?:M[\d.]+ [\d.]+h\.01){68})"/>', text)
    assert len(paths) == 4
    assert paths[0].startswith("M53.1 128.1h")  # 8.5 and 20.5 of 16 pixels
    assert '<input type="checkbox" id="landmarks" checked>' in text
    assert "main:has(#landmarks:not(:checked)) .points" in text


def test_names_from_outside_are_text(page):
    rows = [
        row("c0", EVIL, emotion=EVIL, sentence=EVIL),
        row("c1", EVIL, EVIL),
        bad("c2", EVIL, source=EVIL, actor=EVIL),
    ]
    text = page(rows, licence=EVIL, test_actors=(EVIL,))
    assert text.count("&lt;script&gt;") > 8
    assert "<script" not in text


def test_long_tables_fold_and_very_long_ones_are_cut(page):
    rows = [row(f"c{n}", f"a{n % 30}", sentence=f"word {n:04d}") for n in range(MOST + 7)]
    text = page(rows)
    assert "<summary>30 actors</summary>" in text
    assert f"<summary>{MOST + 7} sentences</summary>" in text
    assert f"{MOST + 7} sentences, 1 clip each." in text
    assert len(cells(text, "By sentence")) == MOST
    assert "7 rows more" in text
    assert "<summary>" not in page([row(f"c{n}", f"a{n}") for n in range(FEW)])


def test_clips_without_known_actors_are_not_listed_as_people(page):
    text = page([row(f"c{n}", f"c{n}") for n in range(40)])
    assert "who speaks is not known" in text
    assert 'aria-label="By actor"' not in text


def test_every_reject_is_named_with_and_without_its_source(page, tmp_path):
    rows = [row("c1"), *(bad(f"x{n:02d}", f"a face in only {n}% of its frames") for n in range(30)), bad("y")]
    text = page(rows)
    assert all(f"x{n:02d}.mp4: a face in only {n}% of its frames" in text for n in range(30))
    assert "A face in only …% of its frames" in text
    assert "<summary>30 clips by name</summary>" in text
    given = page(rows, source=tmp_path)
    assert all(f"x{n:02d}.mp4" in given for n in range(30))
    assert given.count("No picture: no such file; check the path") == 24 + 1
    assert "30 clips, of which 24 shown." in given
    assert "<summary>6 clips by name</summary>" in given


def test_past_the_weight_allowed_pictures_are_named(page):
    text = page([row("c1"), row("c2", frames=40)], album=Album(limit=200))
    assert text.count("would make this page heavier") > 4
    assert len(page([row("c1")], album=Album(limit=0))) < 60_000


def test_limits_and_the_worst_clip_stand_beside_each_measure(page):
    rows = [row("c1", found=0.92, loudness=-20.0), row("c2", loudness=-30.0)]
    text = page(rows, limits={"found": 0.9, "loudness": -60})
    assert "2 clips, median −25.0 dBFS." in text
    assert "Rejected under −60 dBFS." in text
    assert "Worst: <b>c2</b>, −30.0 dBFS" in text
    assert "Worst: <b>c1</b>, 0.920" in text
    assert text.count('class="limit"') == 1  # -60 is too far from -20 to -30
    assert "All 2 clips: 0.80 s." in text


@pytest.mark.parametrize("rows", [[], [bad("c1"), bad("c2", "its sound is silent")]])
def test_a_store_without_a_clip_says_so(page, rows):
    text = page(rows)
    assert "No clip was accepted." in text
    assert "There is no clip to show." in text
    assert "There is no clip to measure." in text
    assert ("No clip was rejected." in text) == (not rows)
