from __future__ import annotations

import json
from pathlib import Path

import pytest

from viseme.errors import InputError
from viseme.evaluation.listing import list_videos


def test_a_manifest_says_who_speaks(tmp_path: Path) -> None:
    rows = [{"clip_id": "a", "actor": "s1", "file": "a.mp4", "status": "ok", "reason": ""}]
    value = {"schema": 1, "system": {}, "reference": {"split": "test"}, "clips": rows}
    (tmp_path / "manifest.json").write_text(json.dumps(value), encoding="utf-8")
    found = list_videos(tmp_path)
    assert (found.actors, found.files) == ({"a": "s1"}, {"a": tmp_path / "a.mp4"})
    assert found.system == {"name": tmp_path.name}


def test_names_are_not_looked_at_where_something_else_says_what_is_what(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        (tmp_path / name).touch()
    assert list_videos(tmp_path, named=False).files == {}
    with pytest.raises(InputError, match=r"a.mkv and a.mp4 both stand for clip a; keep one"):
        list_videos(tmp_path)
