from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from viseme.errors import InputError
from viseme.evaluation import networks
from viseme.evaluation.networks import Network, opened
from viseme.files import sha256


@pytest.fixture(autouse=True)
def nothing_loaded() -> None:
    networks._loaded.cache_clear()


def frames(count: int) -> np.ndarray:
    """Frame t is all t."""
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 8, 8, 3))


@pytest.mark.parametrize(("name", "seen"), [("fid-inception", [*range(12)]), ("efficientnet-lite0", [0, 5, 10])])
def test_which_frames_a_network_is_shown(name: str, seen: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"fid-inception": "inception.inception", "efficientnet-lite0": "efficientnet.efficientnet_lite0"}[name]
    monkeypatch.setattr(f"viseme.evaluation.{place}", lambda _: lambda shown: shown[:, 0, 0, :1].astype(np.float32))
    assert Network(name, Path("w"), "").features(frames(12))[:, 0].tolist() == seen


def test_i3d_is_shown_windows_of_sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Video(SimpleNamespace):
        width = 400

        def __call__(self, clips: np.ndarray) -> np.ndarray:
            assert clips.shape[1:] == (16, 8, 8, 3)
            return clips[:, 0, 0, 0, :1].astype(np.float32)

    monkeypatch.setattr("viseme.evaluation.i3d.video_extractor", lambda _: Video())
    i3d = Network("i3d", Path("w"), "")
    assert i3d.features(frames(40))[:, 0].tolist() == [0, 16]
    assert i3d.features(frames(15)).shape == (0, 400)


def test_weights_are_told_by_their_content(tmp_path: Path) -> None:
    file = tmp_path / "w.pt"
    file.write_bytes(b"weights")
    assert opened("i3d", file) == Network("i3d", file, sha256(file))
    assert opened("efficientnet-lite0").sha256.startswith("57934424")
    with pytest.raises(InputError, match=r"absent\.pt: cannot be read"):
        opened("i3d", tmp_path / "absent.pt")
    with pytest.raises(InputError, match="viseme weights fid-inception"):
        opened("fid-inception")


def test_a_wrong_file_is_found_before_any_clip(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"rubbish")
    with pytest.raises(InputError, match=r"w\.pt"):
        opened("i3d", tmp_path / "w.pt").check()
