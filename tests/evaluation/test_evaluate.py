from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from viseme.data.faces import default_backend
from viseme.data.store import Store
from viseme.errors import ConfigError, InputError, OutputError
from viseme.evaluation import clip as clip_module
from viseme.evaluation import evaluate as module
from viseme.evaluation.background import calibration_of
from viseme.evaluation.evaluate import evaluate
from viseme.evaluation.features import Features
from viseme.evaluation.finished import Finished
from viseme.evaluation.identity import csim
from viseme.evaluation.metrics import METRICS
from viseme.evaluation.results import Results, load
from viseme.evaluation.truth import opened

WriteVideo = Callable[[Path, np.ndarray], Path]
QUICK = ["psnr", "ofm", "f_mse", "brightness_drift"]


def numbers(results: Results) -> dict[str, object]:
    """All but the time, the command and where it was written."""
    return {key: value for key, value in asdict(results).items() if key != "provenance"}


@pytest.fixture(scope="module")
def results(tiny, truth_videos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path]:
    out = tmp_path_factory.mktemp("scored") / "results.json"
    return evaluate(truth_videos, tiny.path, out, jobs=1), out


def test_truth_against_itself(results: tuple[Results, Path]) -> None:
    found, _ = results
    assert list(found.metrics) == [name for name in METRICS if name in found.metrics]
    assert set(found.metrics) >= {
        "psnr",
        "ssim",
        "mouth_lmd",
        "mean_curve_raw",
        "opening_spread",
        "csim",
        "sharpness_drift",
    }
    assert found.metrics["psnr"].mean == 100
    assert found.metrics["mouth_correlation"].mean == pytest.approx(1)
    assert found.metrics["mouth_correlation"].low == pytest.approx(1)
    assert found.metrics["ofm"].mean == found.metrics["ofm"].truth > 0
    assert found.metrics["lmd"].by_actor == {"c": pytest.approx(0, abs=1e-4)}
    assert "Frames equal to truth's have no finite PSNR and count 100 dB." in found.notes


def test_identity_is_that_of_frame_zero(results: tuple[Results, Path], tiny) -> None:
    backend, frames = default_backend(), tiny.store.frames("c_1")
    scale = calibration_of(tiny.store, 64, backend)
    described = Features(frames[:2].repeat(5, axis=0), backend).descriptors  # of frames 0 and 1
    by_hand = csim(described[1], described[0], scale)
    assert results[0].clips[1].curves["identity_truth"][0] == pytest.approx(by_hand, rel=1e-5)
    assert results[0].clips[1].curves["identity"][0] == pytest.approx(by_hand, rel=1e-5)


def test_what_was_scored_is_said(results: tuple[Results, Path], tiny) -> None:
    found, _ = results
    assert found.counts == {
        "clips": 3,
        "scored": 3,
        "failed": 0,
        "frames": 36,
        "undetected": {"candidate": 0, "truth": 0},
    }
    assert found.name == "ours"
    assert found.system["size"] == 64
    assert found.reference["store"] == "faces"
    assert found.reference["fingerprint"] == tiny.store.fingerprint
    assert (found.reference["split"], found.reference["actors"]) == ("test", ["c"])
    assert any("nothing is claimed beyond c" in note for note in found.notes)
    assert [clip.clip_id for clip in found.clips] == ["c_0", "c_1", "c_2"]


def test_the_file_holds_what_was_returned_and_no_folder_of_this_machine(results: tuple[Results, Path]) -> None:
    found, out = results
    assert load(out) == found
    text = out.read_text(encoding="utf-8")
    assert json.loads(text)["schema"] == 1
    assert str(out.parent) not in text
    assert out.parent.parent.as_posix() not in text


def test_pictures_and_videos_are_found_from_the_results(results: tuple[Results, Path]) -> None:
    found, out = results
    for clip in found.clips:
        assert clip.strip
        assert clip.thumbnail
        assert clip.video
        assert cv2.imread(str(out.parent / clip.strip)).shape == (128, 8 * 64, 3)
        assert cv2.imread(str(out.parent / clip.thumbnail)).shape == (64, 64, 3)
        assert (out.parent / clip.video).is_file()
    assert sorted(p.name for p in out.parent.iterdir()) == ["results.json", "results_strips"]


def test_jobs_do_not_change_the_numbers(
    results: tuple[Results, Path], tiny, truth_videos: Path, tmp_path: Path
) -> None:
    found = evaluate(truth_videos, tiny.path, tmp_path / "results.json", jobs=2)
    first, second = numbers(results[0]), numbers(found)
    for one, other in zip(first["clips"], second["clips"], strict=True):  # type: ignore[call-overload]
        one.pop("video"), other.pop("video")
    assert first == second


def test_broken_videos_are_counted_with_their_reason(tiny, write_video: WriteVideo, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    write_video(folder / "c_0.mkv", tiny.store.frames("c_0")[:, ::-1])
    (folder / "c_1.mp4").write_text("no video")
    found = evaluate(folder, tiny.path, tmp_path / "results.json", metrics=QUICK, jobs=1)
    assert found.counts["scored"] == 1
    assert found.counts["failed"] == 2
    reasons = {clip.clip_id: clip.reason for clip in found.failed}
    assert reasons["c_1"].startswith("c_1.mp4: cannot be opened as video")
    assert reasons["c_2"] == "no video stands for it"
    assert found.counts["undetected"] == {}  # no metric of these looks for a face
    assert found.metrics["psnr"].n == 1
    assert "2 of 3 clips failed and count in no mean." in found.notes
    assert str(tmp_path) not in (tmp_path / "results.json").read_text(encoding="utf-8")


def test_other_lengths_and_sizes_fail_alone(tiny, write_video: WriteVideo, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    write_video(folder / "c_0.mkv", tiny.store.frames("c_0")[:12])  # one frame short: its 11 scored frames count
    write_video(folder / "c_1.mkv", tiny.store.frames("c_1")[:10])
    write_video(folder / "c_2.mkv", tiny.store.frames("c_2", size=32))
    found = evaluate(folder, tiny.path, tmp_path / "results.json", metrics=QUICK, jobs=1)
    assert [(clip.status, clip.frames) for clip in found.clips] == [("scored", 11), ("failed", 0), ("failed", 0)]
    assert "10 frames at 25 a second where truth has 13" in found.clips[1].reason
    assert "32x32 pixels where 64x64 are scored" in found.clips[2].reason
    assert any("a frame shorter" in note for note in found.notes)


def test_no_readable_video_at_all_still_gives_results(tiny, tmp_path: Path) -> None:
    (tmp_path / "dead").mkdir()
    for clip in ("c_0", "c_1", "c_2"):
        (tmp_path / "dead" / f"{clip}.mp4").write_text("no video")
    found = evaluate(tmp_path / "dead", tiny.path, tmp_path / "results.json", jobs=1)
    assert (found.counts["failed"], found.metrics, found.system["size"]) == (3, {}, None)
    assert load(tmp_path / "results.json") == found


def test_truth_is_taken_at_the_candidate_s_size(tiny, write_video: WriteVideo, tmp_path: Path) -> None:
    for clip in ("c_0", "c_1", "c_2"):
        write_video(tmp_path / "small" / f"{clip}.mkv", tiny.store.frames(clip, size=32))
    found = evaluate(tmp_path / "small", tiny.path, tmp_path / "results.json", metrics=QUICK, jobs=1)
    assert found.system["size"] == 32
    assert found.metrics["psnr"].mean == 100


def test_a_manifest_s_words_come_through(tiny, write_video: WriteVideo, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    write_video(folder / "c_0.mkv", tiny.store.frames("c_0"))
    rows = [{"clip_id": "c_0", "file": "c_0.mkv", "status": "ok", "reason": ""}]
    rows += [{"clip_id": "c_1", "file": "", "status": "failed", "reason": "no other clip"}]
    rows += [{"clip_id": "c_2", "file": "c_2.mkv", "status": "ok", "reason": ""}]
    system = {"name": "tiny", "size": 64, "leaking": True, "control": None, "crf": 12}
    reference = {"store": "faces", "fingerprint": "another", "split": "test"}
    value = {"schema": 1, "system": system, "reference": reference, "clips": rows, "seconds": 1.0}
    (folder / "manifest.json").write_text(json.dumps(value), encoding="utf-8")
    found = evaluate(folder, tiny.path, tmp_path / "results.json", metrics=QUICK, jobs=1)
    assert found.system == {**system, "fps": 25}
    assert {clip.clip_id: clip.reason for clip in found.failed} == {
        "c_1": "not generated: no other clip",
        "c_2": "c_2.mkv: no such file; make it again, or mend what names it",
    }
    assert any("another store" in note for note in found.notes)


def test_a_stopped_evaluation_carries_on(
    tiny, truth_videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate(truth_videos, tiny.path, tmp_path / "whole" / "results.json", metrics=QUICK, jobs=1)
    measured, seen = clip_module._measured, []

    def stopping(task, *rest):
        seen.append(task.clip.clip_id)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return measured(task, *rest)

    monkeypatch.setattr(clip_module, "_measured", stopping)
    out = tmp_path / "again" / "results.json"
    with pytest.raises(KeyboardInterrupt):
        evaluate(truth_videos, tiny.path, out, metrics=QUICK, jobs=1)
    assert not out.exists()
    again = evaluate(truth_videos, tiny.path, out, metrics=QUICK, jobs=1)
    assert seen == ["c_0", "c_1", "c_2", "c_2"]
    assert numbers(again) == numbers(whole)
    assert not Finished(out).folder.exists()


def test_a_clip_made_anew_is_scored_anew(
    tiny, write_video: WriteVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "ours", tmp_path / "results.json"
    write_video(folder / "c_0.mkv", tiny.store.frames("c_0"))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            evaluate(folder, tiny.path, out, metrics=["psnr"], jobs=1)
    write_video(folder / "c_0.mkv", 255 - tiny.store.frames("c_0"))
    assert evaluate(folder, tiny.path, out, metrics=["psnr"], jobs=1).metrics["psnr"].mean < 20


def test_store_without_that_size(tiny, write_video: WriteVideo, tmp_path: Path) -> None:
    write_video(tmp_path / "ours" / "c_0.mkv", np.zeros((13, 48, 48, 3), np.uint8))
    with pytest.raises(InputError, match="frames of 64 pixels give no truth at 48"):
        evaluate(tmp_path / "ours", tiny.path, tmp_path / "results.json", jobs=1)


def test_empty_split(tiny, tmp_path: Path) -> None:
    value = {"schema": 1, "system": {}, "reference": {"split": "val"}, "clips": []}
    (tmp_path / "manifest.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(InputError, match="has no clips in split 'val'; its splits are test, train"):
        evaluate(tmp_path, tiny.path, tmp_path / "results.json", jobs=1)


def test_bad_arguments(tiny, truth_videos: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is a folder; name a file in it"):
        evaluate(truth_videos, tiny.path, tmp_path, jobs=1)
    with pytest.raises(InputError, match="not a store"):
        evaluate(truth_videos, tmp_path, tmp_path / "results.json", jobs=1)
    with pytest.raises(InputError, match="no metric is called fvdd"):
        evaluate(truth_videos, tiny.path, tmp_path / "results.json", metrics=["fvdd"])
    with pytest.raises(ConfigError, match="jobs 0: give 1 or more"):
        evaluate(truth_videos, tiny.path, tmp_path / "results.json", jobs=0)


def test_a_damaged_shard_fails_its_clips(tiny, truth_videos: Path, tmp_path: Path) -> None:
    copy = tmp_path / "damaged"
    (copy / "shards").mkdir(parents=True)
    for file in ("store.json", "manifest.parquet"):
        (copy / file).write_bytes((tiny.path / file).read_bytes())
    shard = (tiny.path / "shards" / "00000.safetensors").read_bytes()
    (copy / "shards" / "00000.safetensors").write_bytes(shard[: len(shard) // 2])
    opened.cache_clear()
    found = evaluate(truth_videos, copy, tmp_path / "results.json", metrics=["psnr"], jobs=1)
    opened.cache_clear()
    assert found.counts["failed"] == 3
    assert "damaged shard" in found.clips[0].reason
    assert Store.open(tiny.path).fingerprint == found.reference["fingerprint"]


def test_a_video_that_may_not_be_read_fails_alone(
    tiny, truth_videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> str:
        if path.stem == "c_1":
            raise PermissionError(13, "Permission denied")
        return "0"

    monkeypatch.setattr(clip_module, "sha256", refused)
    found = evaluate(truth_videos, tiny.path, tmp_path / "results.json", metrics=["psnr"], jobs=1)
    assert [clip.reason for clip in found.failed] == ["c_1.mkv: cannot be read (Permission denied); check the disk"]


def test_opencv_s_threads_are_left_as_they_were(tiny, truth_videos: Path, tmp_path: Path) -> None:
    before = cv2.getNumThreads()
    evaluate(truth_videos, tiny.path, tmp_path / "results.json", metrics=["psnr"], jobs=1)
    assert cv2.getNumThreads() == before
