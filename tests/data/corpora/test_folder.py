"""A folder of anybody's videos, with and without a table of actors."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viseme.data.corpora.folder import Folder, _clip_ids
from viseme.errors import InputError


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def table(root: Path, text: str) -> Path:
    (root / "actors.csv").write_bytes(text.encode())
    return root


def refused(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        Folder().clips(root)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_first_folder_is_the_actor(tmp_path: Path) -> None:
    root = tree(tmp_path / "mine", "ann/x.mp4", "ann/day 2/x.mov", "bob/x.webm", "loose.avi", "bob/x.txt")
    clips = {clip.clip_id: clip for clip in Folder().clips(root)}
    assert {clip_id: clip.actor for clip_id, clip in clips.items()} == {
        "ann_x": "ann",
        "ann_day_2_x": "ann",
        "bob_x": "bob",
        "loose": "mine",
    }
    assert clips["ann_day_2_x"].video == root / "ann/day 2/x.mov"


def test_clip_ids_are_safe_and_unique(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/b.mp4", "a_b.mp4", "a/B.mp4", "a/b.mov", "-x/y.mp4", "ü/é?*.mp4", "l" * 150 + ".mp4")
    clips = Folder().clips(root)
    ids = [clip.clip_id for clip in clips]
    assert len({clip_id.casefold() for clip_id in ids}) == len(clips) == 7
    assert sum(clip_id.lower().startswith("a_b_") for clip_id in ids) == 4
    assert "_x_y" in ids
    assert "ü_é_" in ids
    assert max(map(len, ids)) < 140
    assert ids == [clip.clip_id for clip in Folder().clips(root)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1), max_size=6, unique=True))
def test_any_names_give_ids_that_are_file_names(names: list[str]) -> None:
    paths = [Path("x", f"{name}.mp4") for name in names if name not in (".", "..")]
    ids = list(_clip_ids(paths).values())
    assert len({clip_id.casefold() for clip_id in ids}) == len(paths)
    assert not any(set(clip_id) & set('/\\:*?"<>| \n') for clip_id in ids)


def test_a_table_names_actors(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.mp4", "b/c.mp4", "d.mp4", "a.wav")
    text = 'File,actor,Age,sentence,emotion,level,audio\na.mp4,ann,31,"hello, you",HAP,HI,a.wav\n'
    table(root, "\ufeff" + text + "b\\c.mp4,bob,,,,,\r\nd.mp4,,,,,,\n,,,,,,\n")
    ann, bob = Folder().clips(root)
    assert (ann.clip_id, ann.actor, ann.sentence, ann.emotion, ann.level) == ("a", "ann", "hello, you", "HAP", "HI")
    assert ann.audio == root / "a.wav"
    assert (bob.clip_id, bob.actor, bob.audio) == ("b_c", "bob", None)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_any_spreadsheet(tmp_path: Path, delimiter: str) -> None:
    root = tree(tmp_path, "a.mp4")
    table(root, "file,actor,emotion\r\na.mp4,ann,SAD\r\n".replace(",", delimiter))
    assert [(clip.actor, clip.emotion) for clip in Folder().clips(root)] == [("ann", "SAD")]


def test_accents_spelt_in_two_ways_are_one_name(tmp_path: Path) -> None:
    root = table(tree(tmp_path, "e\u0301.mp4"), "file,actor\n\u00e9.mp4,ann\n")
    assert Folder().clips(root)[0].actor == "ann"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,who\na.mp4,ann\n", "lacks the column 'actor'"),
        ("", "lacks the column 'file'"),
        ("file,actor\n", "has no rows"),
        ("file,actor\na.mp4,\nb.mp4,\n", "leaves out every video"),
        ("file,actor\na.mp4,ann\n", "does not name b.mp4"),
        ("file,actor\na.mp4,ann\nb.mp4,bob\nc.mp4,cy\n", "names c.mp4"),
        ("file,actor\na.mp4,ann\na.mp4,bob\nb.mp4,bob\n", "line 3: 'a.mp4' stands there twice"),
        ("file,actor\n../a.mp4,ann\nb.mp4,bob\n", "line 2: '../a.mp4' is no path below"),
        ("file,actor\n/a.mp4,ann\nb.mp4,bob\n", "line 2"),
        ("file,actor\n,ann\nb.mp4,bob\n", "line 2"),
        ("file,actor,sentence\na.mp4,ann,hello, you\nb.mp4,bob,x\n", "line 2: more cells than columns"),
        ('file,actor\na.mp4,"ann\n', "is not CSV"),
        ("file,actor,audio\na.mp4,ann,a.wav\nb.mp4,bob,\n", "the sound 'a.wav', which is not there"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path: Path, text: str, words: str) -> None:
    assert words in refused(table(tree(tmp_path, "a.mp4", "b.mp4"), text))


def test_a_table_that_is_no_text_is_refused(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.mp4")
    (root / "actors.csv").write_bytes(b"file,actor\na.mp4,\xff\xfe\n")
    assert "UTF-8" in refused(root)
