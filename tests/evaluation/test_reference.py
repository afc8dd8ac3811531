from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from viseme.data.faces import default_backend
from viseme.errors import InputError, StoreError
from viseme.evaluation.reading import Look
from viseme.evaluation.reference import StoreReference, open_reference


def looks(size: int) -> dict[str, Look]:
    return {"a": Look(Fraction(25), size, size)}


def test_a_store(tiny) -> None:
    found = open_reference(tiny.path)
    assert (found.name, found.fingerprint, found.divided) == ("faces", tiny.store.fingerprint, True)
    assert [clip.clip_id for clip in found.clips] == [row.clip_id for row in tiny.store.clips()]
    assert (found.candidates, found.videos) == (None, {})
    assert found.facts("test") == {
        "store": "faces",
        "kind": "store",
        "fingerprint": tiny.store.fingerprint,
        "split": "test",
        "actors": ["c"],
        "size": 64,
    }
    assert len(found.curve()) == 12


def test_a_folder_of_videos(truth_videos: Path) -> None:
    found = open_reference(truth_videos)
    assert (found.name, found.divided, found.candidates) == ("ours", False, None)
    assert [(clip.clip_id, clip.actor, clip.split) for clip in found.clips] == [
        (f"c_{number}", "unknown", "all") for number in range(3)
    ]
    assert set(found.videos) == {"c_0", "c_1", "c_2"}
    assert found.facts("all")["actors"] == ["unknown"]
    assert found.curve().size == 0
    assert found.calibration(64, default_backend()) == "the reference has no training clips"


def test_pairs_of_the_same_videos_are_the_same_truth_wherever_they_lie(truth_videos: Path, tmp_path: Path) -> None:
    for file in truth_videos.iterdir():
        (tmp_path / "true").mkdir(exist_ok=True)
        (tmp_path / "true" / file.name).write_bytes(file.read_bytes())
    rows = [f"ours/{number}.mp4,true/c_{number}.mkv" for number in range(3)]
    (tmp_path / "pairs.csv").write_text("\n".join(["candidate,reference", *rows]), encoding="utf-8")
    folder, pairs = open_reference(truth_videos), open_reference(tmp_path / "pairs.csv")
    assert pairs.fingerprint == folder.fingerprint
    assert pairs.candidates["c_2"] == tmp_path / "ours" / "2.mp4"
    (tmp_path / "true" / "c_1.mkv").write_bytes(b"another")
    assert open_reference(tmp_path / "pairs.csv").fingerprint != folder.fingerprint


def test_a_manifest_and_a_csv_say_who_speaks(truth_videos: Path, tmp_path: Path) -> None:
    named = tmp_path / "named.csv"
    named.write_text(f"candidate,reference,actor\na.mp4,{truth_videos / 'c_0.mkv'},anna\n", encoding="utf-8")
    assert [clip.actor for clip in open_reference(named).clips] == ["anna"]
    made = tmp_path / "made"
    made.mkdir()
    rows = [
        {"clip_id": "a", "actor": "ben", "file": "a.mkv", "status": "ok", "reason": ""},
        {"clip_id": "b", "actor": "ben", "file": "", "status": "failed", "reason": "no sound"},
    ]
    value = {"schema": 1, "system": {}, "reference": {"split": "test"}, "clips": rows}
    (made / "manifest.json").write_text(json.dumps(value), encoding="utf-8")
    assert [(clip.clip_id, clip.actor) for clip in open_reference(made).clips] == [("a", "ben"), ("b", "ben")]


@pytest.mark.parametrize(
    ("candidate", "resample", "size"),
    [(None, False, 64), (32, False, 32), (64, True, 64), (48, True, 48), (128, True, 64)],
)
def test_sizes_of_a_store(tiny, candidate: int | None, resample: bool, size: int) -> None:
    assert StoreReference(tiny.store).size({}, candidate, resample) == size


@pytest.mark.parametrize("candidate", [48, 128])
def test_sizes_that_a_store_does_not_give(tiny, candidate: int) -> None:
    with pytest.raises(InputError, match=f"frames of 64 pixels give no truth at {candidate}, .* or give --resample"):
        StoreReference(tiny.store).size({}, candidate, False)


def test_sizes_of_videos(truth_videos: Path) -> None:
    found = open_reference(truth_videos)
    assert found.size(looks(64), None, False) == 64
    assert found.size(looks(64), 64, False) == 64
    assert found.size(looks(64), 32, True) == 32
    assert found.size(looks(64), 256, True) == 64
    with pytest.raises(InputError, match="true videos have 64 pixels a side and the videos 32; resize one, or give"):
        found.size(looks(64), 32, False)
    with pytest.raises(InputError, match="none of its true videos can be read"):
        found.size({}, 32, True)


def test_what_is_no_reference(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text("{}")
    with pytest.raises(StoreError, match="damaged"):
        open_reference(tmp_path)
    (tmp_path / "store.json").unlink()
    with pytest.raises(InputError, match=r"not a store \(no store.json\), and holds no true videos"):
        open_reference(tmp_path)
    with pytest.raises(InputError, match="not a store, nor a folder of true videos, nor a CSV"):
        open_reference(tmp_path / "nowhere")
    (tmp_path / "a.mp4").write_bytes(b"\x00\xff\xfe")
    with pytest.raises(InputError, match=r"a.mp4: "):
        open_reference(tmp_path / "a.mp4")
