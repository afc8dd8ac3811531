from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from viseme.errors import InputError
from viseme.generation.manifest import Reference, SystemInfo, VideoManifest, VideoRow

SYSTEM = SystemInfo("m", "tiny", "00ff", "0.1.0", None, None, False, 64, 25, 12, 0, {"steps": 6, "noise": "fresh"})
ROWS = (
    VideoRow("a", "x", "a.mp4", 11, "ok", "", "a", 0, 2.0),
    VideoRow("b", "x", "", 0, "failed", "no sound", "b", 0, 0.0),
    VideoRow("c", "y", "c.mp4", 31, "ok", "", "c", 1, 3.0),
)
MANIFEST = VideoManifest(SYSTEM, Reference("grid", "f00d", "test"), 8, 3, ROWS)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    MANIFEST.save(tmp_path)
    assert VideoManifest.load(tmp_path) == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_speed_counts_made_frames_and_synthesis_alone(tmp_path: Path) -> None:
    assert MANIFEST.seconds == 5.0
    assert MANIFEST.frames_per_second == pytest.approx((10 + 30) / 5.0)
    assert [row.clip_id for row in MANIFEST.failed] == ["b"]
    MANIFEST.save(tmp_path)
    value = json.loads((tmp_path / "manifest.json").read_text())
    assert (value["schema"], value["seconds"], value["frames_per_second"]) == (1, 5.0, 8.0)
    assert replace(MANIFEST, clips=()).frames_per_second is None


def test_fields_of_later_versions_are_passed_over(tmp_path: Path) -> None:
    MANIFEST.save(tmp_path)
    path = tmp_path / "manifest.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "colour": "red"}))
    assert VideoManifest.load(tmp_path) == MANIFEST


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda v: {**v, "schema": 9}, "is of schema 9, this version reads 1"),
        (lambda v: [], "is of schema None"),
        (lambda v: {**v, "system": {}}, "system.name: field required"),
        (lambda v: {**v, "total": "many"}, "total: input should be a valid integer"),
        (lambda v: {**v, "clips": [{**v["clips"][0], "status": "maybe"}]}, r"clips\.0\.status"),
    ],
)
def test_other_manifests_are_refused_in_one_line(tmp_path: Path, change, line: str) -> None:
    MANIFEST.save(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(InputError, match=line) as caught:
        VideoManifest.load(tmp_path)
    assert "\n" not in str(caught.value)
    assert "manifest.json" in str(caught.value)


def test_a_missing_or_broken_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give a folder of generated videos"):
        VideoManifest.load(tmp_path)
    for content in (b'{"schema": 1', b"\xff\xfe", b"[" * 100_000):
        (tmp_path / "manifest.json").write_bytes(content)
        with pytest.raises(InputError, match="is not JSON"):
            VideoManifest.load(tmp_path)
