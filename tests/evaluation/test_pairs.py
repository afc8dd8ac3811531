from __future__ import annotations

from pathlib import Path

import pytest

from viseme.errors import InputError
from viseme.evaluation.pairs import Pair, read_pairs


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "reference,candidate,actor\ntrue/s2/a.mp4,ours/2.mp4,s2\n true/s1/a.mp4,ours/1.mp4,\n")
    assert read_pairs(path) == [
        Pair("s1_a", tmp_path / "ours/1.mp4", tmp_path / "true/s1/a.mp4", ""),
        Pair("s2_a", tmp_path / "ours/2.mp4", tmp_path / "true/s2/a.mp4", "s2"),
    ]


def test_clips_are_named_alike_for_every_system(tmp_path: Path) -> None:
    first = read_pairs(written(tmp_path, "candidate,reference\ngan/x.mp4,true/a.mp4\ngan/y.mp4,true/b.mp4\n"))
    other = read_pairs(written(tmp_path, "candidate,reference\r\n\r\nd/2.avi,./true/b.mp4\r\nd/1.avi,true/a.mp4\r\n"))
    assert [pair.clip_id for pair in first] == [pair.clip_id for pair in other] == ["a", "b"]


def test_a_spreadsheet_s_byte_order_mark_and_quotes(tmp_path: Path) -> None:
    path = written(tmp_path, 'candidate,reference\n"a, b.mp4",true.mp4\n', "utf-8-sig")
    assert read_pairs(path)[0].candidate == tmp_path / "a, b.mp4"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ours/a.mp4,true/a.mp4\n", "begins with 'ours/a.mp4,true/a.mp4'; its first line must be candidate,reference"),
        ("candidate,reference,speaker\na,b,c\n", "its first line must be"),
        ("candidate,reference,reference\na,b,c\n", "its first line must be"),
        ("", "its first line must be"),
        ("candidate,reference\n", "holds no pairs"),
        ("candidate,reference\na.mp4\n", "line 2 does not have one cell for each of candidate,reference"),
        ("candidate,reference\na.mp4,b.mp4,c\n", "line 2 does not have one cell"),
        ("candidate,reference\na.mp4,b.mp4\n ,c.mp4\n", "line 3 does not have one cell"),
        ("candidate,reference\na.mp4,t/1.mp4\na.mp4,t/2.mp4\n", "line 3 names the candidate a.mp4 of line 2 again"),
        ("candidate,reference\na.mp4,t/1.mp4\nb.mp4,./t/1.mp4\n", "line 3 names the reference ./t/1.mp4 of line 2"),
        ("candidate,reference\na.mp4,t/1.mp4\nb.mp4,t/1.avi\n", "line 3 gives a second clip 1"),
        ('candidate,reference\n"a.mp4,b.mp4\n', "is not CSV in UTF-8"),
    ],
)
def test_what_is_no_list_of_pairs(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_pairs(written(tmp_path, text))
    assert str(caught.value).startswith("pairs.csv: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_encoding(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not CSV in UTF-8"):
        read_pairs(written(tmp_path, "candidate,reference\nä.mp4,b.mp4\n", "latin-1"))
