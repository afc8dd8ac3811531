from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d, batch_norm, conv3d, interpolate, max_pool3d, pad

from viseme.errors import InputError
from viseme.evaluation import i3d
from viseme.evaluation.i3d import I3D, Same, VideoExtractor, video_extractor, windows

PUBLIC = {
    "Conv3d_1a_7x7.conv3d.weight": (64, 3, 7, 7, 7),
    "Conv3d_1a_7x7.bn.weight": (64,),
    "Conv3d_1a_7x7.bn.bias": (64,),
    "Conv3d_1a_7x7.bn.running_mean": (64,),
    "Conv3d_1a_7x7.bn.running_var": (64,),
    "Conv3d_2b_1x1.conv3d.weight": (64, 64, 1, 1, 1),
    "Conv3d_2c_3x3.conv3d.weight": (192, 64, 3, 3, 3),
    "Mixed_3b.b0.conv3d.weight": (64, 192, 1, 1, 1),
    "Mixed_3b.b1a.conv3d.weight": (96, 192, 1, 1, 1),
    "Mixed_3b.b1b.conv3d.weight": (128, 96, 3, 3, 3),
    "Mixed_3b.b2a.conv3d.weight": (16, 192, 1, 1, 1),
    "Mixed_3b.b2b.conv3d.weight": (32, 16, 3, 3, 3),
    "Mixed_3b.b3b.conv3d.weight": (32, 192, 1, 1, 1),
    "Mixed_4b.b1b.conv3d.weight": (208, 96, 3, 3, 3),
    "Mixed_4c.b0.conv3d.weight": (160, 512, 1, 1, 1),
    "Mixed_4d.b2a.bn.running_var": (24,),
    "Mixed_4e.b1b.conv3d.weight": (288, 144, 3, 3, 3),
    "Mixed_4f.b0.conv3d.weight": (256, 528, 1, 1, 1),
    "Mixed_5b.b3b.conv3d.weight": (128, 832, 1, 1, 1),
    "Mixed_5c.b1b.conv3d.weight": (384, 192, 3, 3, 3),
    "logits.conv3d.weight": (400, 1024, 1, 1, 1),
    "logits.conv3d.bias": (400,),
}
"""Of pytorch-i3d's published state dict."""

State = dict[str, Tensor]


def drawn(name: str, shape: torch.Size, rng: torch.Generator) -> Tensor:
    """Weights that keep activations alive through the network's depth."""
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if name.endswith("running_var"):
        return 0.5 + torch.rand(shape, generator=rng)
    if len(shape) == 1:
        return float(name.endswith("bn.weight")) + 0.1 * torch.randn(shape, generator=rng)
    return torch.randn(shape, generator=rng) * (2 / shape[1:].numel()) ** 0.5


@pytest.fixture(scope="module")
def state() -> State:
    with torch.device("meta"):
        network = I3D()
    rng = torch.Generator().manual_seed(0)
    return {name: drawn(name, value.shape, rng) for name, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def file(state: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "rgb_imagenet.pt"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def extractor(file: Path) -> VideoExtractor:
    return video_extractor(file)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames of 32 pixels, a fiftieth of the work."""
    monkeypatch.setattr(i3d, "SIDE", 32)


def clips(count: int, length: int) -> np.ndarray:
    """Smooth, moving, not square, of different colours."""
    rng = np.random.default_rng(1)
    coarse = torch.from_numpy(rng.normal(size=(count, 3, 4, 5, 6)).astype(np.float32))
    fine = interpolate(coarse, (length, 40, 52), mode="trilinear")
    colours = torch.linspace(0, 60, count).view(-1, 1, 1, 1, 1)
    return (100 + colours + 60 * fine).clamp(0, 255).byte().permute(0, 2, 3, 4, 1).numpy()


def plainly(state: State, shown: Tensor) -> Tensor:
    """The network by itself, for 16 frames of 224 pixels, where every strided size is even: padding in numbers."""

    def unit(x: Tensor, name: str, stride: int = 1, before: int = 0, after: int = 0) -> Tensor:
        x = conv3d(pad(x, [before, after] * 3), state[f"{name}.conv3d.weight"], stride=stride)
        moments = state[f"{name}.bn.running_mean"], state[f"{name}.bn.running_var"]
        return batch_norm(x, *moments, state[f"{name}.bn.weight"], state[f"{name}.bn.bias"], eps=0.001).relu()

    def block(x: Tensor, name: str) -> Tensor:
        pooled = max_pool3d(x, 3, stride=1, padding=1)
        inner = [unit(unit(x, f"{name}.b{i}a"), f"{name}.b{i}b", before=1, after=1) for i in (1, 2)]
        return torch.cat([unit(x, f"{name}.b0"), *inner, unit(pooled, f"{name}.b3b")], dim=1)

    lowest = -torch.inf
    x = unit(shown, "Conv3d_1a_7x7", stride=2, before=2, after=3)
    x = max_pool3d(pad(x, (0, 1, 0, 1), value=lowest), (1, 3, 3), stride=(1, 2, 2))
    x = unit(unit(x, "Conv3d_2b_1x1"), "Conv3d_2c_3x3", before=1, after=1)
    x = max_pool3d(pad(x, (0, 1, 0, 1), value=lowest), (1, 3, 3), stride=(1, 2, 2))
    x = block(block(x, "Mixed_3b"), "Mixed_3c")
    x = max_pool3d(pad(x, (0, 1, 0, 1, 0, 1), value=lowest), 3, stride=2)
    for letter in "bcdef":
        x = block(x, f"Mixed_4{letter}")
    x = max_pool3d(x, 2, stride=2)
    x = block(block(x, "Mixed_5b"), "Mixed_5c")
    x = avg_pool3d(x, (2, 7, 7), stride=1)
    return conv3d(x, state["logits.conv3d.weight"], state["logits.conv3d.bias"]).squeeze(4).squeeze(3).mean(dim=2)


def test_the_state_dict_is_the_published_one(state: State) -> None:
    assert {name: tuple(state[name].shape) for name in PUBLIC} == PUBLIC
    counters = [name for name in state if name.endswith("num_batches_tracked")]
    assert (len(state), len(counters)) == (344, 57)
    learnt = [value for name, value in state.items() if "running" not in name and name not in counters]
    assert sum(value.numel() for value in learnt) == 12_697_264  # 12,287,264 and the logits' 410,000


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "zeros"),
    [
        (224, 7, 2, (2, 3)),
        (16, 7, 2, (2, 3)),
        (9, 7, 2, (3, 3)),
        (112, 3, 2, (0, 1)),
        (5, 3, 2, (1, 1)),
        (14, 2, 2, (0, 0)),
        (5, 2, 2, (0, 1)),
        (3, 3, 1, (1, 1)),
        (8, 1, 1, (0, 0)),
    ],
)
def test_same_padding(size: int, kernel: int, stride: int, zeros: tuple[int, int]) -> None:
    for axis in range(3):
        kernels, strides, shape = [1, 1, 1], [1, 1, 1], [2, 3, 4]
        kernels[axis], strides[axis], shape[axis] = kernel, stride, size
        padded = Same(tuple(kernels), tuple(strides))(torch.ones(1, 1, *shape))
        line = padded[0, 0].movedim(axis, -1)[0, 0].tolist()
        assert line == [0.0] * zeros[0] + [1.0] * size + [0.0] * zeros[1]
        assert padded.numel() == torch.Size(shape).numel() // size * len(line)


def test_features_are_those_of_a_plain_network(state: State, extractor: VideoExtractor) -> None:
    frames = clips(2, 16)[1]
    found = extractor.one(frames)
    large = interpolate(torch.from_numpy(frames).permute(0, 3, 1, 2).float(), (224, 224), mode="bilinear")
    with torch.inference_mode():
        (expected,) = plainly(state, (large / 255 * 2 - 1).movedim(0, 1)[None])
    assert (extractor.name, extractor.width, found.shape, found.dtype) == ("i3d", 400, (400,), np.float32)
    assert found.std() > 0.1  # else anything would agree
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-4 * found.std())


@pytest.mark.usefixtures("small")
def test_the_batch_makes_no_difference(extractor: VideoExtractor) -> None:
    shown = clips(5, 17)
    features = extractor(shown)
    assert features.shape == (5, 400)
    for batch in (2, 5):
        np.testing.assert_allclose(extractor(shown[::-1], batch)[::-1], features, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(extractor.one(shown[3]), features[3], rtol=1e-5, atol=1e-5)
    assert np.linalg.norm(features[0] - features[1]) > 1


@pytest.mark.usefixtures("small")
def test_the_order_of_frames_matters(extractor: VideoExtractor) -> None:
    forth = clips(1, 16)
    assert np.linalg.norm(extractor(forth) - extractor(forth[:, ::-1])) > 0.1


def test_steps_of_time_are_pooled_by_twos_then_averaged() -> None:
    with torch.device("meta"):
        network = I3D()
    network = network.to_empty(device="cpu").eval().requires_grad_(False)
    steps = torch.tensor([1.0, 5.0, 7.0]).view(1, 1, 3, 1, 1).expand(1, 1024, 3, 2, 2)
    for name, _ in list(network.named_children()):
        if name != "logits":
            setattr(network, name, torch.nn.Identity())
    network.logits.conv3d.weight[:] = 1 / 1024
    network.logits.conv3d.bias[:] = 0
    torch.testing.assert_close(network(steps), torch.full((1, 400), 4.5))


def test_nothing_trains(extractor: VideoExtractor) -> None:
    assert not any(module.training for module in extractor.network.modules())
    assert not any(weight.requires_grad for weight in extractor.network.parameters())


@pytest.mark.usefixtures("small")
def test_too_short_a_clip(extractor: VideoExtractor) -> None:
    assert np.isfinite(extractor(clips(1, 9))).all()
    with pytest.raises(InputError, match=r"clips of 8 frames are too short for I3D; give 9 or more"):
        extractor(clips(1, 8))


def test_no_clips_no_features(extractor: VideoExtractor) -> None:
    assert extractor(np.zeros((0, 16, 8, 8, 3), dtype=np.uint8)).shape == (0, 400)


@pytest.mark.parametrize("shape", [(16, 8, 8, 3), (1, 16, 3, 8, 8), (1, 16, 8, 8, 4)])
def test_other_shapes_are_refused(extractor: VideoExtractor, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\[N,T,H,W,3\]"):
        extractor(np.zeros(shape, dtype=np.uint8))
    with pytest.raises(ValueError, match="float32"):
        extractor(np.zeros((1, 16, 8, 8, 3), dtype=np.float32))


@pytest.mark.usefixtures("small")
def test_a_file_of_2018(state: State, extractor: VideoExtractor, tmp_path: Path) -> None:
    """Without counters of steps, ordered, in the format before zip."""
    path = tmp_path / "rgb_imagenet.pt"
    old = OrderedDict((name, value) for name, value in state.items() if not name.endswith("num_batches_tracked"))
    torch.save(old, path, _use_new_zipfile_serialization=False)
    assert len(old) == 287
    np.testing.assert_array_equal(video_extractor(path)(clips(1, 9)), extractor(clips(1, 9)))


def test_windows_lie_side_by_side() -> None:
    frames = np.arange(50, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 4, 3), dtype=np.uint8)
    found = windows(frames)
    assert found.shape == (3, 16, 2, 4, 3)
    assert np.shares_memory(found, frames)
    np.testing.assert_array_equal(found[:, :, 0, 0, 0], np.arange(48).reshape(3, 16))
    assert windows(frames, length=25).shape == (2, 25, 2, 4, 3)
    assert windows(frames[:15]).shape == (0, 16, 2, 4, 3)
    with pytest.raises(ValueError, match="at least one frame, not 0"):
        windows(frames, length=0)


def refused(path: Path, says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        video_extractor(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert "give I3D's plain state dict" in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("Conv3d_1a_7x7.conv3d.weight", torch.zeros(64, 2, 7, 7, 7), "another network"),
        ("logits.conv3d.bias", None, "another network"),
        ("Mixed_6a.b0.conv3d.weight", torch.zeros(1), "another network"),
        ("logits.conv3d.bias", "text", "another network"),
        ("logits.conv3d.bias", torch.zeros(400).to_sparse(), "another network|no whole file"),
        ("logits.conv3d.bias", torch.zeros(400, device="meta"), "another network|no whole file"),
        ("Mixed_4d.b2a.conv3d.weight", torch.full((24, 512, 1, 1, 1), torch.nan), "Mixed_4d.b2a.conv3d.weight is not"),
        ("Mixed_5c.b0.bn.running_mean", torch.full((384,), torch.inf), "running_mean is not finite"),
        ("Mixed_5c.b0.bn.running_var", torch.full((384,), -1.0), "running_var, a variance, is negative"),
        (3, torch.zeros(3), "no dictionary of tensors"),
    ],
)
def test_weights_that_do_not_serve(state: State, tmp_path: Path, name: str, value: object, says: str) -> None:
    path = tmp_path / "other.pt"
    changed = {**state, name: value}
    torch.save({key: kept for key, kept in changed.items() if kept is not None}, path)
    refused(path, says)


def test_files_that_are_none(file: Path, tmp_path: Path) -> None:
    refused(tmp_path / "missing.pt", "No such file")
    refused(tmp_path, "Is a directory")
    path = tmp_path / "damaged.pt"
    whole = file.read_bytes()
    for content in (b"", b"<html>404</html>", whole[: len(whole) // 2], whole[:-1000]):
        path.write_bytes(content)
        refused(path, "is no whole file")
    torch.save([torch.zeros(3)], path)
    refused(path, "no dictionary of tensors")


def test_code_in_a_file_does_not_run(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "hostile.pt"
    torch.save({"logits.conv3d.bias": Hostile()}, path)
    refused(path, "is no whole file of plain tensors")
    path.write_bytes(pickle.dumps(Hostile()))
    refused(path, "is no whole file of plain tensors")
    assert not (tmp_path / "ran").exists()


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "i3d_torchscript.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    refused(path, "is TorchScript, a program, which viseme does not run")
