"""Every clip of a split gets its video: carried on when stopped, failures told, controls like models."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from viseme.data.audio import read_audio
from viseme.data.video import read_video
from viseme.errors import ConfigError, InputError, ModelError, OutputError, StoreError
from viseme.generation.controls import control
from viseme.generation.generate import generate_split
from viseme.generation.manifest import VideoManifest
from viseme.generation.writer import VideoWriter, read_provenance


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.mp4"))}


def test_every_clip_of_a_split_gets_its_video(painter, store, tmp_path: Path, streams, psnr) -> None:
    manifest = generate_split(painter, store, tmp_path / "videos", batch_size=4)
    assert [(row.clip_id, row.frames, row.status, row.batch) for row in manifest.clips] == [
        ("a0", 5, "ok", 0), ("a1", 7, "ok", 0), ("a2", 4, "ok", 0),
        ("b0", 6, "ok", 0), ("b1", 5, "ok", 1), ("c0", 4, "ok", 1),
    ]  # fmt: skip
    assert painter.calls == [["a0", "a1", "a2", "b0"], ["b1", "c0"]]
    assert VideoManifest.load(tmp_path / "videos") == manifest
    assert (manifest.total, manifest.failed, manifest.batch_size) == (6, [], 4)
    assert manifest.reference.fingerprint == store.fingerprint
    assert (manifest.reference.store, manifest.reference.split) == ("store", "test")
    assert manifest.seconds > 0
    assert manifest.frames_per_second == pytest.approx(25 / manifest.seconds)
    for row in manifest.clips:
        path = tmp_path / "videos" / row.file
        frames = read_video(path)
        assert len(frames) == row.frames == streams(path).frames
        assert psnr(frames[0], store.frame(row.clip_id, 0, size=32)) > 30
        heard = read_audio(path)[: 640 * row.frames]
        assert np.corrcoef(heard, store.audio(row.clip_id))[0, 1] > 0.99
        assert read_provenance(path)["clip_id"] == row.clip_id
    assert sorted(p.name for p in (tmp_path / "videos").iterdir()) == sorted(
        [r.file for r in manifest.clips] + ["manifest.json"]
    )


def test_a_path_will_do_for_a_store(painter, store, tmp_path: Path) -> None:
    assert len(generate_split(painter, store.path, tmp_path / "videos", limit=1).clips) == 1


def test_an_interrupted_split_is_carried_on_to_the_same_bytes(
    painter, store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate_split(painter, store, tmp_path / "once", batch_size=2, seed=4)
    write, written = VideoWriter.write, []

    def interrupting(self: VideoWriter, frame: np.ndarray) -> None:
        written.append(0)
        if len(written) == 20:
            raise KeyboardInterrupt
        write(self, frame)

    monkeypatch.setattr(VideoWriter, "write", interrupting)
    with pytest.raises(KeyboardInterrupt):
        generate_split(painter, store, tmp_path / "twice", batch_size=2, seed=4)
    monkeypatch.undo()
    halfway = VideoManifest.load(tmp_path / "twice")
    assert [row.clip_id for row in halfway.clips] == ["a0", "a1"]
    assert halfway.total == 6
    assert sorted(p.name for p in (tmp_path / "twice").iterdir()) == ["a0.mp4", "a1.mp4", "manifest.json"]
    painter.calls.clear()
    manifest = generate_split(painter, store, tmp_path / "twice", batch_size=2, seed=4)
    assert painter.calls == [["a2", "b0"], ["b1", "c0"]]
    assert len(manifest.clips) == 6
    assert digests(tmp_path / "twice") == digests(tmp_path / "once")
    assert set(digests(tmp_path / "once").values()).isdisjoint(
        digests_of_seed(painter, store, tmp_path / "other", seed=5).values()
    )


def digests_of_seed(painter, store, folder: Path, seed: int) -> dict[str, str]:
    generate_split(painter, store, folder, batch_size=2, seed=seed)
    return digests(folder)


def test_a_lost_video_takes_its_batch_along(painter, store, tmp_path: Path) -> None:
    generate_split(painter, store, tmp_path / "v", batch_size=2)
    before = digests(tmp_path / "v")
    (tmp_path / "v" / "b0.mp4").unlink()
    painter.calls.clear()
    generate_split(painter, store, tmp_path / "v", batch_size=2)
    assert painter.calls == [["a2", "b0"]]
    assert digests(tmp_path / "v") == before
    painter.calls.clear()
    generate_split(painter, store, tmp_path / "v", batch_size=2)
    assert painter.calls == []


def test_a_limit_can_grow_and_shrink(painter, store, tmp_path: Path) -> None:
    generate_split(painter, store, tmp_path / "all", batch_size=4)
    assert len(generate_split(painter, store, tmp_path / "v", batch_size=4, limit=2).clips) == 2
    assert len(generate_split(painter, store, tmp_path / "v", batch_size=4, limit=5).clips) == 5
    painter.calls.clear()
    generate_split(painter, store, tmp_path / "v", batch_size=4)
    assert painter.calls == [["b1", "c0"]]  # with the limit of 5 the first batch was whole already
    assert digests(tmp_path / "v") == digests(tmp_path / "all")
    shrunk = generate_split(painter, store, tmp_path / "v", batch_size=4, limit=2)
    assert [row.clip_id for row in shrunk.clips] == ["a0", "a1"]
    assert shrunk.total == 2


def test_shuffled_audio_is_another_clips(painter, store, tmp_path: Path) -> None:
    manifest = generate_split(painter, store, tmp_path / "v", shuffle_audio=1)
    assert manifest.system.shuffled_audio == 1
    made, failed = manifest.clips[:5], manifest.clips[5]
    assert all(row.audio_from != row.clip_id and row.status == "ok" for row in made)
    assert (failed.status, failed.file, failed.frames) == ("failed", "", 0)
    assert "no other clip" in failed.reason
    for row in made:
        heard = read_audio(tmp_path / "v" / row.file)
        other = store.audio(row.audio_from)
        length = min(640 * row.frames, len(other))
        assert np.corrcoef(heard[:length], other[:length])[0, 1] > 0.99
        assert np.abs(heard[length + 1500 : 640 * row.frames]).max(initial=0) < 0.02
    painter.calls.clear()
    assert generate_split(painter, store, tmp_path / "v", shuffle_audio=1) == manifest
    assert painter.calls == []  # what can never be made is not tried again


def test_a_clip_that_fails_is_told_and_tried_again(
    painter, store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate_split(painter, store, tmp_path / "good", batch_size=3)
    audio = type(store).audio

    def damaged(self: object, clip_id: str) -> np.ndarray:
        if clip_id == "a1":
            raise StoreError("store/shards/00000.safetensors: damaged")
        return audio(self, clip_id)

    monkeypatch.setattr(type(store), "audio", damaged)
    manifest = generate_split(painter, store, tmp_path / "v", batch_size=3)
    assert [row.clip_id for row in manifest.failed] == ["a1"]
    assert manifest.failed[0].reason == "store/shards/00000.safetensors: damaged"
    assert len(digests(tmp_path / "v")) == 5
    monkeypatch.undo()
    assert not generate_split(painter, store, tmp_path / "v", batch_size=3).failed
    assert digests(tmp_path / "v") == digests(tmp_path / "good")


def test_what_the_synthesizer_refuses_fails_its_batch_alone(painter, store, tmp_path: Path) -> None:
    synthesize = painter.synthesize

    def choosy(conditionings, rng):
        if any(c.clip_id == "b1" for c in conditionings):
            raise InputError("b1: not this one")
        yield from synthesize(conditionings, rng)

    painter.synthesize = choosy
    manifest = generate_split(painter, store, tmp_path / "v", batch_size=4)
    assert {row.clip_id: row.reason for row in manifest.failed} == dict.fromkeys(["b1", "c0"], "b1: not this one")
    assert set(digests(tmp_path / "v")) == {"a0.mp4", "a1.mp4", "a2.mp4", "b0.mp4"}


def test_a_broken_synthesizer_stops_everything(painter, store, tmp_path: Path) -> None:
    painter.synthesize = lambda conditionings, rng: iter(())
    with pytest.raises(ModelError, match="painter: synthesize stopped after 0 of 6 frames"):
        generate_split(painter, store, tmp_path / "v")
    assert [path.name for path in (tmp_path / "v").iterdir()] == ["manifest.json"]


def test_truths_landmarks_are_flagged_as_leaking(painter, store, tmp_path: Path) -> None:
    given = []
    synthesize = painter.synthesize
    painter.synthesize = lambda conditionings, rng: given.extend(conditionings) or synthesize(conditionings, rng)
    assert not generate_split(painter, store, tmp_path / "v").system.leaking
    assert all(c.landmarks is None for c in given)
    given.clear()
    painter.uses_landmarks = True
    manifest = generate_split(painter, store, tmp_path / "w")
    assert manifest.system.leaking
    for c in given:
        np.testing.assert_array_equal(c.landmarks, store.landmarks(c.clip_id, size=32))


@pytest.mark.parametrize("name", ["frozen", "reencoded", "shifted:2"])
def test_controls_run_like_models(store, tmp_path: Path, name: str, psnr) -> None:
    manifest = generate_split(control(name, store, 32), store, tmp_path / "v")
    assert (manifest.system.control, manifest.system.model_sha256, manifest.failed) == (name, None, [])
    truth = store.frames("a1", size=32)
    frames = read_video(tmp_path / "v" / "a1.mp4")
    assert psnr(frames, truth[[0] * 7] if name == "frozen" else truth) > 35
    heard, sound = read_audio(tmp_path / "v" / "a1.mp4")[: 640 * 7], store.audio("a1")
    delay = 1280 if name == "shifted:2" else 0
    assert np.corrcoef(heard[delay:], sound[: len(sound) - delay])[0, 1] > 0.99
    assert np.abs(heard[: max(0, delay - 600)]).max(initial=0) < 0.02


def test_settings_that_cannot_serve_are_one_line(painter, store, make_store, tmp_path: Path) -> None:
    for options, error, line in [
        ({"seed": -1}, ConfigError, "seed -1"),
        ({"shuffle_audio": -1}, ConfigError, "shuffle_audio -1"),
        ({"batch_size": 0}, ConfigError, "batch size 0"),
        ({"limit": 0}, ConfigError, "limit 0"),
        ({"split": "dev"}, StoreError, "split 'dev' holds no clips"),
    ]:
        with pytest.raises(error, match=line):
            generate_split(painter, store, tmp_path / "v", **options)
    painter.size = 48
    with pytest.raises(StoreError, match="painter makes frames of 48 pixels, which does not divide the store's 64"):
        generate_split(painter, store, tmp_path / "v")
    with pytest.raises(StoreError, match="not a store"):
        generate_split(painter, tmp_path, tmp_path / "v")
    assert not (tmp_path / "v").exists()


def test_a_full_disk_stops_the_split_in_one_line(
    painter, store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: VideoWriter, frame: np.ndarray) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(VideoWriter, "write", full)
    with pytest.raises(OutputError, match="no room left on the disk"):
        generate_split(painter, store, tmp_path / "v")
    assert [path.name for path in (tmp_path / "v").iterdir()] == ["manifest.json"]
    assert json.loads((tmp_path / "v" / "manifest.json").read_text())["clips"] == []
