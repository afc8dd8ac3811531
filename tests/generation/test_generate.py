from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viseme.data.audio import read_audio
from viseme.data.faces import default_backend, find_faces
from viseme.data.video import read_video
from viseme.errors import ConfigError, InputError, ModelError, OutputError, StoreError
from viseme.generation.controls import control
from viseme.generation.generate import generate_split, generate_talk
from viseme.generation.manifest import VideoManifest
from viseme.generation.photo import read_photo
from viseme.generation.writer import VideoWriter, read_provenance


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.mp4"))}


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.fixture
def face(portrait: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "face.png"
    Image.fromarray(portrait[0:300, 80:380]).save(path)
    return path


@pytest.fixture
def voice(write_wav, tone: np.ndarray) -> Path:
    return write_wav(tone)


# one photo and a voice


def test_a_photo_and_a_voice_become_a_video(painter, face: Path, voice: Path, tmp_path: Path, streams) -> None:
    out = tmp_path / "new" / "talk.mp4"
    talk = generate_talk(painter, face, voice, out, seed=3)
    assert (talk.path, talk.frames, talk.note) == (out, 13, "")  # 8000 samples are 12.5 frames
    assert talk.seconds > 0
    assert str(talk).startswith(f"{out}: 13 frames, synthesis ")
    seen = streams(out)
    assert (seen.frames, seen.rate) == (13, 25)
    assert seen.sound_seconds == pytest.approx(13 / 25, abs=1e-3)
    frames = read_video(out)
    assert psnr(frames[0], read_photo(face, 32).frame) > 30
    assert frames[6].mean() > frames[12].mean() + 10  # the painter brightens with the swelling tone
    assert read_provenance(out)["seed"] == 3
    assert read_provenance(out)["model_sha256"] == "ab" * 32
    heard = read_audio(out)[:8000]
    assert np.corrcoef(heard, read_audio(voice))[0, 1] > 0.99


def test_the_same_command_gives_the_same_bytes(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    made = [
        generate_talk(painter, face, voice, tmp_path / f"{n}.mp4", seed=seed).path.read_bytes()
        for n, seed in enumerate((1, 1, 2))
    ]
    assert made[0] == made[1] != made[2]


def test_notes_are_passed_on(painter, portrait: np.ndarray, write_wav, tmp_path: Path) -> None:
    face = Image.fromarray(portrait[0:300, 80:380])
    both = Image.new("RGB", (520, 300))
    both.paste(face.resize((200, 200)), (0, 50))
    both.paste(face, (220, 0))
    both.save(tmp_path / "two.png")
    silence = write_wav(np.zeros(6400, np.float32), "silence.wav")
    talk = generate_talk(painter, tmp_path / "two.png", silence, tmp_path / "talk.mp4")
    assert talk.frames == 10
    assert talk.note == "2 faces found, the largest is used; the sound is silent, the mouth has nothing to follow"
    assert str(talk).endswith(talk.note)


def test_inputs_that_cannot_serve_are_one_line_and_leave_nothing(
    painter, face: Path, voice: Path, write_wav, tmp_path: Path
) -> None:
    short = write_wav(np.full(3199, 0.1, np.float32), "short.wav")
    empty = write_wav(np.zeros(0, np.float32), "empty.wav")
    (tmp_path / "text.wav").write_text("not a sound")
    Image.new("RGB", (100, 100)).save(tmp_path / "blank.png")
    with VideoWriter(tmp_path / "clip.mp4", 32, np.zeros(9999, np.float32), metadata={}) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8))
    before = sorted(tmp_path.iterdir())
    cases = [
        (face, short, r"short\.wav: 0\.20 s of sound are too short; give 0\.2 s or more"),
        (face, empty, r"empty\.wav"),
        (face, tmp_path / "text.wav", r"text\.wav"),
        (face, tmp_path / "none.wav", r"none\.wav: no such file"),
        (face, face, r"face\.png"),
        (tmp_path / "blank.png", voice, r"blank\.png: no face found"),
        (tmp_path / "clip.mp4", voice, r"clip\.mp4: is not a picture"),
    ]
    for image, audio, line in cases:
        with pytest.raises(InputError, match=line) as caught:
            generate_talk(painter, image, audio, tmp_path / "talk.mp4")
        assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_outputs_that_cannot_serve_are_refused_first(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    for out, line in [
        (tmp_path / "talk.avi", r"written as MP4; give a name that ends in \.mp4"),
        (tmp_path, "give a name"),
        (face / "talk.mp4", "cannot be written"),
    ]:
        with pytest.raises(OutputError, match=line):
            generate_talk(painter, face, voice, out)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        generate_talk(painter, face, voice, tmp_path / "folder.mp4")
    with pytest.raises(ConfigError, match="seed -1"):
        generate_talk(painter, face, voice, tmp_path / "talk.mp4", seed=-1)


def test_an_input_is_never_overwritten(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    clip = generate_talk(painter, face, voice, tmp_path / "clip.mp4").path
    before = clip.read_bytes()
    with pytest.raises(OutputError, match="is an input too and would be lost"):
        generate_talk(painter, face, clip, clip)
    assert clip.read_bytes() == before
    assert generate_talk(painter, face, clip, tmp_path / "again.mp4").frames == 14  # AAC's last packet is whole


def test_an_interrupt_or_a_full_disk_leaves_nothing(
    painter, face: Path, voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = VideoWriter.write
    for error, told in [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(errno.ENOSPC, "No space left on device"), OutputError),
    ]:

        def failing(self: VideoWriter, frame: np.ndarray, error: BaseException = error) -> None:
            if self.frames == 5:
                raise error
            write(self, frame)

        monkeypatch.setattr(VideoWriter, "write", failing)
        with pytest.raises(told):
            generate_talk(painter, face, voice, tmp_path / "out" / "talk.mp4")
        assert not list((tmp_path / "out").iterdir())


def test_landmarks_go_to_models_that_take_them(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 32, (20, 68, 2)).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(InputError, match=r"points\.npy: painter is not driven by landmarks"):
        generate_talk(painter, face, voice, tmp_path / "talk.mp4", landmarks=tmp_path / "points.npy")
    painter.uses_landmarks = True
    with pytest.raises(InputError, match="painter is driven by landmarks; give a file"):
        generate_talk(painter, face, voice, tmp_path / "talk.mp4")
    given = []
    synthesize = painter.synthesize
    painter.synthesize = lambda conditionings, rng: given.extend(conditionings) or synthesize(conditionings, rng)
    generate_talk(painter, face, voice, tmp_path / "talk.mp4", landmarks=tmp_path / "points.npy")
    np.testing.assert_array_equal(given[0].landmarks, points[:13])
    painter.needs_landmarks = False
    generate_talk(painter, face, voice, tmp_path / "without.mp4")
    assert given[1].landmarks is None


@pytest.fixture
def moving(painter):
    """A painter that moves the photo's points to the right by the loudness, and keeps what drove it."""

    class Moving(type(painter)):
        uses_landmarks = has_regressor = True

        def landmarks_from_sound(self, audio: np.ndarray, points: np.ndarray) -> np.ndarray:
            return points + np.concatenate([audio, np.zeros_like(audio)], axis=1)[:, None]

        def synthesize(self, conditionings, rng):
            self.given = list(conditionings)
            return super().synthesize(conditionings, rng)

    return Moving()


def test_landmarks_are_moved_by_the_sound_from_the_photos_own(moving, face: Path, voice: Path, tmp_path: Path) -> None:
    for asked in (None, "sound"):
        generate_talk(moving, face, voice, tmp_path / "talk.mp4", landmarks=asked)
        points, driven = read_photo(face, 32).points, moving.given[0]
        np.testing.assert_array_equal(driven.landmarks, moving.landmarks_from_sound(driven.audio, points))
        assert np.ptp(driven.landmarks, axis=0).max() > 0.05


def test_landmarks_are_moved_by_a_driving_video(
    moving, face: Path, voice: Path, portrait: np.ndarray, tmp_path: Path
) -> None:
    """The portrait, wandering to the right by a pixel of the source each frame, after a photo half as large."""
    driver = tmp_path / "driver.mp4"
    with VideoWriter(driver, 300, np.zeros(640 * 14, np.float32), metadata={}) as writer:
        for t in range(14):
            writer.write(portrait[0:300, 80 - t : 380 - t])
    Image.open(face).resize((150, 150)).save(tmp_path / "half.png")
    half = tmp_path / "half.png"
    generate_talk(moving, half, voice, tmp_path / "talk.mp4", landmarks=driver)
    points, made = read_photo(half, 32).points, moving.given[0].landmarks
    assert made.shape == (13, 68, 2)
    np.testing.assert_array_equal(made[0], points)
    own = np.linalg.norm(points[45] - points[36])
    plain = read_photo(face, 32)
    assert own == pytest.approx(np.linalg.norm(plain.points[45] - plain.points[36]), rel=0.05)
    backend, pixels = default_backend(), np.array(Image.open(face))
    source = backend.landmarks(pixels, find_faces(pixels, backend)[0])
    step = own / np.linalg.norm(source[45] - source[36])  # a source pixel in the aligned photo
    moved = (made - made[0])[12].mean(axis=0)
    np.testing.assert_allclose(moved, (12 * step, 0), atol=0.3)
    before = driver.read_bytes()
    with pytest.raises(OutputError, match="is an input too and would be lost"):
        generate_talk(moving, face, voice, driver, landmarks=driver)
    assert driver.read_bytes() == before


# every clip of a split


def test_only_truth_leaks(moving, store, tmp_path: Path) -> None:
    for asked in (None, "sound", "truth"):
        manifest = generate_split(moving, store, tmp_path / str(asked), limit=2, landmarks=asked)
        assert manifest.system.leaking == (asked == "truth")
        for given in moving.given:
            truth = store.landmarks(given.clip_id, size=32)
            moved = moving.landmarks_from_sound(given.audio, truth[0])
            np.testing.assert_array_equal(given.landmarks, truth if asked == "truth" else moved)
    assert digests(tmp_path / "None") == digests(tmp_path / "sound")
    with pytest.raises(OutputError, match="videos of another run \\(leaking True, now False"):
        generate_split(moving, store, tmp_path / "truth", limit=2)


def test_every_clip_of_a_split_gets_its_video(painter, store, tmp_path: Path, streams) -> None:
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
def test_controls_run_like_models(store, tmp_path: Path, name: str) -> None:
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
