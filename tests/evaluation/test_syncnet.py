from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from viseme.audio.mfcc import mfcc
from viseme.errors import InputError
from viseme.evaluation.av_sync import av_sync, valid_distances
from viseme.evaluation.syncnet import SyncNet, embed_faces, embed_sound, face_windows, load_syncnet, window_count

SHAPES = {
    "netcnnaud": {0: (64, 1, 3, 3), 4: (192, 64, 3, 3), 8: (384, 192, 3, 3), 11: (256, 384, 3, 3)}
    | {14: (256, 256, 3, 3), 18: (512, 256, 5, 4)},
    "netcnnlip": {0: (96, 3, 5, 7, 7), 4: (256, 96, 1, 5, 5), 8: (256, 256, 1, 3, 3), 11: (256, 256, 1, 3, 3)}
    | {14: (256, 256, 1, 3, 3), 18: (512, 256, 1, 6, 6)},
    "netfcaud": {0: (512, 512), 3: (1024, 512)},
    "netfclip": {0: (512, 512), 3: (1024, 512)},
}
"""Weights of the published file: of each convolution and linear layer, by place. A norm follows all but the last."""


def published_state(seed: int = 0) -> OrderedDict[str, Tensor]:
    """Random weights under the names and in the shapes of `syncnet_v2.model`."""
    rng = torch.Generator().manual_seed(seed)
    state: OrderedDict[str, Tensor] = OrderedDict()
    for part, layers in SHAPES.items():
        for place, shape in layers.items():
            fan_in = int(np.prod(shape[1:]))
            name = f"{part}.{place}"
            state[f"{name}.weight"] = torch.randn(shape, generator=rng) * (2 / fan_in) ** 0.5
            state[f"{name}.bias"] = torch.randn(shape[0], generator=rng) * 0.1
            if place == 3:
                continue
            norm = f"{part}.{place + 1}"
            state[f"{norm}.weight"] = 1 + 0.2 * torch.randn(shape[0], generator=rng)
            state[f"{norm}.bias"] = 0.1 * torch.randn(shape[0], generator=rng)
            state[f"{norm}.running_mean"] = 0.2 * torch.randn(shape[0], generator=rng)
            state[f"{norm}.running_var"] = 0.5 + torch.rand(shape[0], generator=rng)
            state[f"{norm}.num_batches_tracked"] = torch.tensor(7)
    # raw pixels and cepstra are large: the first norms of the trained network have seen them
    state["netcnnlip.1.running_var"] *= 2e4
    state["netcnnaud.1.running_var"] *= 3e2
    return state


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("syncnet") / "syncnet_v2.model"
    torch.save(published_state(), path, _use_new_zipfile_serialization=False)  # as old as the published file
    return path


@pytest.fixture(scope="module")
def network(weights: Path) -> SyncNet:
    return load_syncnet(weights)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (11, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return np.random.default_rng(4).normal(0, 0.1, 11 * 640).astype(np.float32)


def plain(state: dict[str, Tensor], part: str, x: Tensor) -> Tensor:
    """One stream written out layer by layer after the published table; x is one window."""
    lip = part == "lip"
    convolve, pool = (F.conv3d, F.max_pool3d) if lip else (F.conv2d, F.max_pool2d)
    audio_steps = [(1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (1, 0)]  # stride, padding
    lip_steps = [((1, 2, 2), 0), ((1, 2, 2), (0, 1, 1)), *[(1, (0, 1, 1))] * 3, (1, 0)]
    pools = (
        {0: ((1, 3, 3), (1, 2, 2), 0), 4: ((1, 3, 3), (1, 2, 2), (0, 1, 1)), 14: ((1, 3, 3), (1, 2, 2), 0)}
        if lip
        else {4: ((3, 3), (1, 2), 0), 14: ((3, 3), (2, 2), 0)}
    )

    def normed(name: str, x: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        mean, var, gain, bias = (
            state[f"{name}.{key}"].view(shape) for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * gain + bias

    for place, (stride, padding) in zip(SHAPES[f"netcnn{part}"], lip_steps if lip else audio_steps, strict=True):
        name = f"netcnn{part}.{place}"
        x = convolve(x, state[f"{name}.weight"], state[f"{name}.bias"], stride, padding)
        x = normed(f"netcnn{part}.{place + 1}", x).clamp(min=0)
        if place in pools:
            x = pool(x, *pools[place])
    x = x.flatten(1)
    assert x.shape == (1, 512)
    head = f"netfc{part}"
    x = normed(f"{head}.1", x @ state[f"{head}.0.weight"].T + state[f"{head}.0.bias"]).clamp(min=0)
    return x @ state[f"{head}.3.weight"].T + state[f"{head}.3.bias"]


def test_the_published_names_and_shapes_are_all_and_nothing_else() -> None:
    own, published = SyncNet().state_dict(), published_state()
    assert {name: tuple(value.shape) for name, value in own.items()} == {
        name: tuple(value.shape) for name, value in published.items()
    }
    # four bytes each are the 54.6 MB of the published file
    assert sum(value.numel() for value in own.values() if value.is_floating_point()) == 13_640_256


def test_both_streams_agree_with_the_table_window_by_window(
    network: SyncNet, frames: np.ndarray, sound: np.ndarray
) -> None:
    state = published_state()
    windows = window_count(len(frames), len(sound))
    assert windows == 6
    faces, cepstra = face_windows(frames), mfcc(sound)
    lips, heard = embed_faces(network, faces, windows), embed_sound(network, cepstra, windows)
    assert lips.shape == heard.shape == (6, 1024)
    assert lips.dtype == heard.dtype == np.float32
    for i in (0, 3, 5):
        film = torch.tensor(faces[i : i + 5]).float().permute(3, 0, 1, 2)[None]
        np.testing.assert_allclose(lips[i], plain(state, "lip", film)[0], atol=1e-4)
        columns = torch.tensor(cepstra[4 * i : 4 * i + 20].T).float()[None, None]
        np.testing.assert_allclose(heard[i], plain(state, "aud", columns)[0], atol=1e-4)
    assert lips.std(axis=0).max() > 1e-2  # they do depend on what is shown and heard
    assert heard.std(axis=0).max() > 1e-2


def test_embeddings_do_not_depend_on_the_batch(network: SyncNet, frames: np.ndarray, sound: np.ndarray) -> None:
    faces, cepstra = face_windows(frames), mfcc(sound)
    whole, heard = embed_faces(network, faces, 6), embed_sound(network, cepstra, 6)
    for batch in (1, 4):
        np.testing.assert_allclose(embed_faces(network, faces, 6, batch), whole, atol=2e-6 * np.abs(whole).max())
        np.testing.assert_allclose(embed_sound(network, cepstra, 6, batch), heard, atol=2e-6 * np.abs(heard).max())


def test_a_short_clip_gives_a_reason_instead_of_a_score(network: SyncNet, frames: np.ndarray) -> None:
    windows = window_count(4, 4 * 640)
    lips = embed_faces(network, face_windows(frames[:4]), windows)
    heard = embed_sound(network, mfcc(np.zeros(4 * 640, np.float32)), windows)
    assert lips.shape == heard.shape == (0, 1024)
    with pytest.raises(ValueError, match="need a clip of 21 frames"):
        av_sync(valid_distances(lips, heard))


@pytest.mark.parametrize(("frames", "samples", "windows"), [(75, 48_000, 70), (75, 47_999, 69), (70, 48_000, 65)])
def test_windows_are_those_of_the_shorter_stream(frames: int, samples: int, windows: int) -> None:
    assert window_count(frames, samples) == windows
    assert len(mfcc(np.zeros(samples, np.float32))) >= 4 * (windows - 1) + 20


@pytest.mark.parametrize("size", [64, 128, 224])
def test_faces_are_bgr_and_bilinear(size: int) -> None:
    picture = np.random.default_rng(size).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    faces = face_windows(picture)
    assert faces.shape == (2, 224, 224, 3)
    assert faces.dtype == np.uint8
    places = np.clip((np.arange(224) + 0.5) * size / 224 - 0.5, 0, size - 1)
    low = np.minimum(places.astype(int), size - 2)
    part = places - low
    blue = picture[1, :, :, 2].astype(float)
    rows = blue[low] * (1 - part)[:, None] + blue[low + 1] * part[:, None]
    expected = rows[:, low] * (1 - part) + rows[:, low + 1] * part
    assert np.abs(faces[1, :, :, 0] - expected).max() <= 1
    if size == 224:
        np.testing.assert_array_equal(faces[0], cv2.cvtColor(picture[0], cv2.COLOR_RGB2BGR))


def test_frames_and_cepstra_of_another_form_are_refused(network: SyncNet) -> None:
    with pytest.raises(ValueError, match="uint8"):
        face_windows(np.zeros((2, 64, 64, 3), np.float32))
    with pytest.raises(ValueError, match="need 10 faces"):
        embed_faces(network, np.zeros((9, 224, 224, 3), np.uint8), 6)
    with pytest.raises(ValueError, match="faces"):
        embed_faces(network, np.zeros((12, 64, 64, 3), np.uint8), 6)
    with pytest.raises(ValueError, match="need 40 columns"):
        embed_sound(network, np.zeros((39, 13)), 6)
    with pytest.raises(ValueError, match="13 cepstra"):
        embed_sound(network, np.zeros((13, 80)), 6)


def test_a_file_of_today_or_without_batch_counters_loads_alike(
    network: SyncNet, tmp_path: Path, sound: np.ndarray
) -> None:
    state = {name: value for name, value in published_state().items() if not name.endswith("tracked")}
    torch.save(state, tmp_path / "new.model")
    again = load_syncnet(tmp_path / "new.model")
    cepstra = mfcc(sound)
    np.testing.assert_array_equal(embed_sound(again, cepstra, 6), embed_sound(network, cepstra, 6))
    assert not again.training
    assert not any(value.is_meta for value in again.state_dict().values())


class Harmful:
    """Unpickled without restriction, it would touch a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_nothing_from_outside_is_executed(tmp_path: Path) -> None:
    torch.save({"netcnnaud.0.weight": Harmful(tmp_path / "touched")}, tmp_path / "evil.model")
    (tmp_path / "plain.model").write_bytes(pickle.dumps(Harmful(tmp_path / "touched")))
    for name in ("evil.model", "plain.model"):
        with pytest.raises(InputError, match=f"{name}: is no whole file of plain tensors"):
            load_syncnet(tmp_path / name)
    assert not (tmp_path / "touched").exists()


def damaged(change: str) -> object:
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in SyncNet().state_dict().items()}
    state: dict[str | int, object] = {
        name: torch.ones(()).expand(shape) for name, shape in shapes.items()
    }  # small on disk
    if change == "missing":
        del state["netfclip.3.bias"]
    elif change == "unknown":
        state["netfclip.4.bias"] = torch.zeros(3)
    elif change == "number":
        state = {0: torch.zeros(3), **state}
    elif change == "shape":
        state["netcnnlip.0.weight"] = torch.zeros(96, 3, 5, 7, 5)
    elif change == "nan":
        state["netfcaud.0.bias"] = torch.tensor([torch.nan]).expand(512)
    elif change == "text":
        state["netfcaud.0.bias"] = "weights"
    elif change == "integers":
        state["netfcaud.0.bias"] = torch.zeros(512, dtype=torch.int64)
    return [1, 2] if change == "list" else state


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("missing", "netfclip.3.bias"),
        ("unknown", "netfclip.4.bias"),
        ("number", "0 is unknown"),
        ("shape", "netcnnlip.0.weight"),
        ("nan", "netfcaud.0.bias"),
        ("text", "holds no dictionary of tensors"),
        ("integers", "netfcaud.0.bias"),
        ("list", "holds no dictionary"),
    ],
)
def test_other_weights_are_refused_in_one_line(change: str, says: str, tmp_path: Path) -> None:
    torch.save(damaged(change), tmp_path / "other.model")
    with pytest.raises(InputError, match=says) as caught:
        load_syncnet(tmp_path / "other.model")
    assert "\n" not in str(caught.value)


def test_what_is_damaged_above_is_sound_without_the_damage(tmp_path: Path) -> None:
    torch.save(damaged("nothing"), tmp_path / "sound.model")
    assert isinstance(load_syncnet(tmp_path / "sound.model"), SyncNet)


def test_a_missing_or_cut_file_is_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_syncnet(tmp_path / "none.model")
    with pytest.raises(InputError, match="cannot be read"):
        load_syncnet(tmp_path)
    data = weights.read_bytes()
    for length in (0, 1000, len(data) - 5):
        (tmp_path / "cut.model").write_bytes(data[:length])
        with pytest.raises(InputError, match="no whole file"):
            load_syncnet(tmp_path / "cut.model")
