"""`evaluate` on videos and references of all kinds, broken ones among them: every clip is accounted for."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from viseme.errors import InputError
from viseme.evaluation.evaluate import evaluate
from viseme.evaluation.results import Results

WriteVideo = Callable[[Path, np.ndarray], Path]
RNG = np.random.default_rng(3)
CLIPS = {name: RNG.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8) for name in "abcd"}


@pytest.fixture
def folders(tmp_path: Path, write_video: WriteVideo) -> tuple[Path, Path]:
    """Candidate and truth: the same four videos of noise."""
    for name, frames in CLIPS.items():
        write_video(tmp_path / "ours" / f"{name}.mkv", frames)
        write_video(tmp_path / "true" / f"{name}.mkv", frames)
    return tmp_path / "ours", tmp_path / "true"


def scored(videos: Path, reference: Path, metrics: tuple[str, ...] = ("psnr",), **more: bool) -> Results:
    return evaluate(videos, reference, videos.parent / "results.json", metrics=metrics, jobs=1, **more)


def reasons(found: Results) -> dict[str, str]:
    return {clip.clip_id: clip.reason for clip in found.failed}


def slow(path: Path, frames: np.ndarray) -> None:
    """A video of 12.5 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25, 2))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def test_two_folders_by_name(folders: tuple[Path, Path]) -> None:
    found = scored(*folders, metrics=("psnr", "ssim", "f_mse"))
    assert found.metrics["psnr"].mean == 100
    assert found.metrics["ssim"].mean == pytest.approx(1)
    assert found.metrics["f_mse"].mean == found.metrics["f_mse"].truth
    assert found.system == {"name": "ours", "size": 16, "fps": 25}
    assert (found.reference["store"], found.reference["kind"], found.reference["split"]) == ("true", "folder", "all")
    assert found.metrics["psnr"].by_actor == {"unknown": 100}
    assert any(note.startswith("Who speaks is not known for 4 of 4 clips") for note in found.notes)
    assert str(folders[0].parent) not in (folders[0].parent / "results.json").read_text(encoding="utf-8")


def test_a_csv_of_pairs_gives_the_same_numbers(folders: tuple[Path, Path], tmp_path: Path) -> None:
    ours = folders[0]
    for name, other in zip("abcd", "wxyz", strict=True):
        (ours / f"{name}.mkv").rename(ours / f"{other}.mkv")
    (ours / "left over.mp4").touch()
    rows = [f"ours/{other}.mkv,true/{name}.mkv,{name.upper()}" for name, other in zip("abcd", "wxyz", strict=True)]
    (tmp_path / "pairs.csv").write_text("\n".join(["candidate,reference,actor", *rows]), encoding="utf-8")
    found = scored(ours, tmp_path / "pairs.csv")
    assert found.metrics["psnr"].by_actor == {"A": 100, "B": 100, "C": 100, "D": 100}
    assert [clip.video for clip in found.clips] == [f"ours/{other}.mkv" for other in "wxyz"]
    assert "Not scored, being no clip of the reference: left over.mp4." in found.notes


def test_a_csv_with_missing_files(folders: tuple[Path, Path], tmp_path: Path) -> None:
    ours, true = folders
    (ours / "a.mkv").unlink()
    (true / "b.mkv").unlink()
    rows = [f"ours/{name}.mkv,true/{name}.mkv" for name in "abcd"]
    (tmp_path / "pairs.csv").write_text("\n".join(["candidate,reference", *rows]), encoding="utf-8")
    found = scored(ours, tmp_path / "pairs.csv")
    assert reasons(found) == {
        "a": "a.mkv: no such file; make it again, or mend what names it",
        "b": "truth's b.mkv: no such file; check the path",
    }
    assert found.counts["scored"] == 2


def test_names_that_match_in_part_are_all_accounted_for(folders: tuple[Path, Path]) -> None:
    ours, true = folders
    (ours / "a.mkv").rename(ours / "z.mkv")
    found = scored(ours, true)
    assert reasons(found) == {"a": "no video stands for it"}
    assert "Not scored, being no clip of the reference: z.mkv." in found.notes
    assert found.counts == {"clips": 4, "scored": 3, "failed": 1, "frames": 9, "undetected": {}}


def test_names_that_do_not_match(folders: tuple[Path, Path], tmp_path: Path, write_video: WriteVideo) -> None:
    write_video(tmp_path / "other" / "z.mkv", CLIPS["a"])
    with pytest.raises(InputError, match="no video here is named after a clip of the reference"):
        scored(tmp_path / "other", folders[1])


def test_one_broken_video_on_either_side_fails_alone(folders: tuple[Path, Path]) -> None:
    ours, true = folders
    (ours / "a.mkv").write_bytes((ours / "a.mkv").read_bytes()[:300])
    (true / "b.mkv").write_text("no video")
    found = scored(ours, true)
    assert set(reasons(found)) == {"a", "b"}
    assert reasons(found)["a"].startswith("a.mkv: ")
    assert reasons(found)["b"].startswith("truth's b.mkv: cannot be opened as video")
    assert found.metrics["psnr"].n == 2


def test_an_odd_size_fails_alone_even_where_it_comes_first(folders: tuple[Path, Path], write_video: WriteVideo) -> None:
    ours, true = folders
    write_video(ours / "a.mkv", CLIPS["a"][:, ::2, ::2])
    write_video(true / "b.mkv", CLIPS["b"][:, ::2, ::2])
    write_video(ours / "c.mkv", CLIPS["c"][:, :12])
    found = scored(ours, true)
    assert found.system["size"] == 16
    assert reasons(found) == {
        "a": "a.mkv: has 8x8 pixels where 16x16 are scored; resize it, or allow it by --resample",
        "b": "truth's b.mkv: has 8x8 pixels where 16x16 are scored; resize it, or allow it by --resample",
        "c": "c.mkv: has 16x12 pixels, and square frames are scored; crop it to the face",
    }


def test_other_sizes_are_refused_at_once_or_scored_at_the_smaller_if_asked(
    folders: tuple[Path, Path], write_video: WriteVideo
) -> None:
    ours, true = folders
    for name, frames in CLIPS.items():
        write_video(ours / f"{name}.mkv", frames.reshape(4, 8, 2, 8, 2, 3).mean(axis=(2, 4)).round().astype(np.uint8))
    with pytest.raises(InputError, match="true videos have 16 pixels a side and the videos 8; resize one, or give"):
        scored(ours, true)
    found = scored(ours, true, resample=True)
    assert found.metrics["psnr"].mean > 50
    assert (found.system["size"], found.reference["resampled"]) == (8, {"size": 4})
    assert "resampled" not in found.system
    assert "Resampled as asked, videos of the truth: 4 of 4 from another size than 8 pixels." in found.notes


def test_another_rate_is_refused_or_resampled_if_asked(folders: tuple[Path, Path]) -> None:
    ours, true = folders
    slow(ours / "a.mkv", CLIPS["a"][::2])
    found = scored(ours, true)
    assert reasons(found) == {
        "a": "a.mkv: has 12.5 frames a second where 25 are scored; convert it, or allow it by --resample"
    }
    found = scored(ours, true, resample=True)
    assert found.counts["scored"] == 4
    assert found.system["resampled"] == {"rate": 1}
    note = "Resampled as asked, videos of the candidate: 1 of 4 from another rate than 25 frames a second."
    assert note in found.notes
    assert found.clips[0].values["psnr"] < 100


@pytest.mark.parametrize("side", [0, 1])
def test_another_rate_of_all_is_refused_at_once(folders: tuple[Path, Path], side: int) -> None:
    for name, frames in CLIPS.items():
        slow(folders[side] / f"{name}.mkv", frames[::2])
    with pytest.raises(InputError, match=r"no video here has 25 frames a second \(the first has 12.5\); convert them"):
        scored(*folders)


def test_single_frames_on_either_side_fail_alone(folders: tuple[Path, Path], write_video: WriteVideo) -> None:
    ours, true = folders
    write_video(true / "a.mkv", CLIPS["a"][:1])
    write_video(true / "b.mkv", CLIPS["b"][:2])
    write_video(ours / "b.mkv", CLIPS["b"][:1])
    found = scored(ours, true)
    assert reasons(found) == {
        "a": "a: truth has a single frame, and frame 0 is never scored",
        "b": "b.mkv: has a single frame, and frame 0 is never scored; give the whole clip",
    }


def test_a_frame_less_than_truth_is_counted(folders: tuple[Path, Path], write_video: WriteVideo) -> None:
    write_video(folders[0] / "a.mkv", CLIPS["a"][:3])
    found = scored(*folders)
    assert found.clips[0].frames == 2
    assert "In 1 of 4 clips the video is a frame shorter than truth; the frames it has count." in found.notes


def test_a_black_video_has_finite_numbers_or_reasons(tiny, truth_videos: Path, tmp_path: Path, write_video) -> None:
    for number in range(3):
        write_video(tmp_path / "ours" / f"c_{number}.mkv", np.zeros((13, 64, 64, 3), np.uint8))
    found = scored(tmp_path / "ours", truth_videos, ("psnr", "lmd", "mouth_correlation", "csim", "sharpness_drift"))
    assert found.counts["scored"] == 3
    assert found.counts["undetected"] == {"candidate": 36, "truth": 0}
    assert found.metrics["psnr"].mean < 20
    assert found.metrics["mouth_correlation"].mean == 0
    assert set(found.clips[0].missing) == {"csim", "sharpness_drift"}
    assert "The reference has no training clips, so that mouth correlation is the raw r." in found.notes
    assert any("CSIM has no scale: the reference has no training clips" in note for note in found.notes)
