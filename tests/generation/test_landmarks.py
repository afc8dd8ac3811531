from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viseme.errors import InputError
from viseme.generation.landmarks import photo_source, read_landmarks, split_source

POINTS = np.random.default_rng(0).uniform(0, 64, (6, 68, 2)).astype(np.float32)


def csv(points: np.ndarray, heading: str = "") -> str:
    return heading + "".join(",".join(f"{v:.6f}" for v in row.ravel()) + "\n" for row in points)


def test_both_formats_give_the_same_points(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", POINTS.astype(np.float64))
    (tmp_path / "p.csv").write_text(csv(POINTS, heading="x0,y0,...\n"))
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbf" + csv(POINTS).encode())
    for name in ("p.npy", "p.csv", "bom.csv"):
        points = read_landmarks(tmp_path / name, 4)
        assert points.dtype == np.float32
        np.testing.assert_allclose(points, POINTS[:4], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("p.txt", "1", r"are read from \.csv"),
        ("p.csv", "", r"holds \[0, 68, 2\]|holds 0 frames"),
        ("p.csv", "1,2,3\n", "line 1 has 3 numbers, not 136"),
        ("p.csv", csv(POINTS[:1]) + "a,b\n", "line 2 is not numbers"),
        ("p.csv", csv(np.full((6, 68, 2), np.nan)), "not finite"),
        ("p.csv", csv(POINTS[:3]), "holds 3 frames, the sound lasts 6"),
        ("p.csv", "\udcff", "holds no landmarks"),
        ("p.npy", "not an array", "holds no landmarks"),
        ("p.npy", "", "holds no landmarks"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, name: str, content: str, line: str) -> None:
    (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=line) as caught:
        read_landmarks(tmp_path / name, 6)
    assert "\n" not in str(caught.value)


def test_arrays_of_other_shapes_and_pickles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.npy"
    np.save(path, POINTS[:, :5])
    with pytest.raises(InputError, match=r"holds \[6, 5, 2\], expected \[T,68,2\]"):
        read_landmarks(path, 6)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="holds no landmarks"):
        read_landmarks(path, 6)
    with pytest.raises(InputError, match=r"none\.npy: cannot be read \(No such file"):
        read_landmarks(tmp_path / "none.npy", 6)


def kinds(painter: Any) -> tuple[Any, Any, Any]:
    """A model that takes no landmarks, one that does, and one that moves them by the sound."""

    def like(**more: Any) -> Any:
        return type(painter.name, (type(painter),), more)()

    moving = like(uses_landmarks=True, has_regressor=True, landmarks_from_sound=lambda self, audio, points: points)
    return painter, like(uses_landmarks=True), moving


def test_where_landmarks_come_from(painter) -> None:
    without, driven, moving = kinds(painter)
    assert photo_source(without, None) == split_source(without, None) == ""
    assert photo_source(moving, None) == photo_source(moving, "sound") == "sound"
    assert split_source(moving, None) == split_source(moving, "sound") == "sound"
    assert split_source(driven, None) == split_source(driven, "truth") == split_source(moving, "truth") == "truth"
    for model in (driven, moving):
        for file, source in (("a.npy", "points"), (Path("a.CSV"), "points"), ("a.mp4", "video")):
            assert photo_source(model, file) == source
        for file in ("./sound", "./truth", Path("sound"), Path("truth")):
            assert photo_source(model, file) == "video"


def test_landmarks_that_cannot_be_had_are_one_line(painter) -> None:
    without, driven, moving = kinds(painter)
    for source, model, asked, line in [
        (photo_source, without, "sound", "sound: painter is not driven by landmarks; leave --landmarks out"),
        (split_source, without, "truth", "truth: painter is not driven by landmarks; leave --landmarks out"),
        (photo_source, driven, None, "give a file of them or a driving video with --landmarks"),
        (photo_source, driven, "sound", "trained without a regressor"),
        (split_source, driven, "sound", "trained without a regressor"),
        (photo_source, moving, "truth", "a photo has no true landmarks"),
        (split_source, moving, "a.mp4", "--landmarks a.mp4: every clip of a store needs its own"),
        (split_source, driven, Path("sound"), "every clip of a store needs its own"),
    ]:
        with pytest.raises(InputError, match=line) as caught:
            source(model, asked)
        assert "\n" not in str(caught.value)
