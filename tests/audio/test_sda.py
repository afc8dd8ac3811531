from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from viseme.audio import sda
from viseme.audio.sda import WIDTH, SdaEncoder, SdaNetwork, read_sda
from viseme.errors import InputError
from viseme.types import SAMPLES_PER_FRAME, Float32

FRAME = SAMPLES_PER_FRAME
BIAS = "encoder.cl.0.bias"


def weights(seed: int = 0) -> dict[str, Tensor]:
    """Random weights that let sound through all layers, with the counters that the published file has too."""
    rng = torch.Generator().manual_seed(seed)
    state = {}
    for name, value in SdaNetwork().state_dict().items():
        noise = torch.randn(value.shape, generator=rng)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            state[name] = 0.5 + noise.abs()
        elif value.ndim > 1:
            state[name] = noise * (2 / value[0].numel()) ** 0.5
        else:
            state[name] = 0.1 * noise + (".0.weight" in name)
    return state


def published(path: Path, state: dict[str, Tensor], old: bool = True, **others: object) -> Path:
    """A file of the published one's form, small."""
    content = {"encoder": OrderedDict(state), "encoder_id": OrderedDict(a=torch.zeros(3)), "generator": OrderedDict()}
    content |= {"mean_face": np.arange(136.0).reshape(68, 2), "img_size": (128, 96), "sequential_noise": True}
    content |= {"audio_rate": 16000, "video_rate": 25, "audio_feat_len": np.float64(0.2), **others}
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    return path


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SdaEncoder:
    return SdaEncoder(published(tmp_path_factory.mktemp("sda") / "crema.dat", weights()))


def noise(samples: int, seed: int = 0) -> Float32:
    return np.random.default_rng(seed).normal(0, 0.08, samples).astype(np.float32)


def one_by_one(state: dict[str, Tensor], audio: Float32, frames: int) -> Float32:
    """The same features from the equations, window by window, in float64."""
    w = {name: value.double() for name, value in state.items()}
    sound = F.pad(torch.from_numpy(audio[: frames * FRAME]).double(), (1280, frames * FRAME + 3200))
    hidden, features = [torch.zeros(256).double(), torch.zeros(256).double()], []
    for t in range(frames):
        x = sound[640 * t : 640 * t + 3200][None, None]
        for i, (stride, padding) in enumerate([(16, 32), (2, 1), (2, 1), (2, 1), (5, 3), (1, 0)]):
            x = F.conv1d(x, w[f"encoder.cl.{i}.weight"], w[f"encoder.cl.{i}.bias"], stride, padding)
            if i < 5:
                bn = f"encoder.activations.{i}.0."
                mean, var = w[bn + "running_mean"][:, None], w[bn + "running_var"][:, None]
                x = (x - mean) / (var + 1e-5).sqrt() * w[bn + "weight"][:, None] + w[bn + "bias"][:, None]
                x = x.clamp(min=0)
        x = x.tanh().flatten()
        for layer in (0, 1):
            h = hidden[layer]
            a = (w[f"rnn.weight_ih_l{layer}"] @ x + w[f"rnn.bias_ih_l{layer}"]).chunk(3)
            b = (w[f"rnn.weight_hh_l{layer}"] @ h + w[f"rnn.bias_hh_l{layer}"]).chunk(3)
            reset, update = (a[0] + b[0]).sigmoid(), (a[1] + b[1]).sigmoid()
            x = hidden[layer] = (1 - update) * (a[2] + reset * b[2]).tanh() + update * h
        features.append(x)
    return torch.stack(features).float().numpy()


def refused(call: Callable[[], object], match: str) -> None:
    with pytest.raises(InputError, match=match) as error:
        call()
    assert "\n" not in str(error.value)


def test_the_architecture_is_the_published_one() -> None:
    network = SdaNetwork()
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_490_896
    x = torch.zeros(1, 1, 3200)
    shapes = [(x := convolution(x)).shape[1:] for convolution in network.encoder.cl]
    assert shapes == [(16, 200), (32, 100), (64, 50), (128, 25), (256, 5), (256, 1)]


@pytest.mark.parametrize(("frames", "samples"), [(1, 640), (7, 7 * 640), (7, 7 * 640 - 333), (9, 100), (4, 9999)])
def test_it_agrees_with_the_equations_window_by_window(encoder: SdaEncoder, frames: int, samples: int) -> None:
    audio = noise(samples)
    features = encoder(audio, frames)
    assert features.shape == (frames, encoder.width) == (frames, WIDTH)
    assert features.dtype == np.float32
    assert features.std() > 0.05
    np.testing.assert_allclose(features, one_by_one(weights(), audio, frames), atol=1e-4)


def test_missing_sound_is_silence_and_sound_past_the_last_frame_is_not_heard(encoder: SdaEncoder) -> None:
    audio = noise(5 * FRAME)
    np.testing.assert_array_equal(encoder(audio[:1000], 5), encoder(np.r_[audio[:1000], np.zeros(2200, "f4")], 5))
    np.testing.assert_array_equal(encoder(audio, 3), encoder(audio[: 3 * FRAME], 3))
    np.testing.assert_array_equal(encoder(np.zeros(0, np.float32), 4), encoder(np.zeros(4 * FRAME, np.float32), 4))
    assert encoder(audio, 0).shape == (0, WIDTH)


def centred() -> dict[str, Tensor]:
    """Weights that answer the middle fifth of the window alone, and a GRU without memory."""
    state = weights()
    middle = state["encoder.cl.5.weight"]
    state["encoder.cl.5.weight"] = middle * torch.tensor([0.0, 0, 1, 0, 0])
    for layer in (0, 1):
        state[f"rnn.weight_hh_l{layer}"].zero_()
        state[f"rnn.bias_ih_l{layer}"][WIDTH : 2 * WIDTH] = -50  # the update gate stays shut
    return state


@pytest.mark.parametrize("samples", [40 * FRAME, 40 * FRAME - 217, 39 * FRAME + 1])
def test_an_impulse_is_heard_in_its_frame(tmp_path: Path, samples: int) -> None:
    encode = SdaEncoder(published(tmp_path / "crema.dat", centred()))
    quiet = noise(samples, seed=1) * 0.01
    for at in (0, 1, 320, 639, 640, samples // 2, samples // 2 + 317, samples - 640, samples - 320, samples - 1):
        struck = quiet.copy()
        struck[at] += 1
        change = np.abs(encode(struck, 40) - encode(quiet, 40)).sum(axis=1)
        assert abs(int(change.argmax()) - at // FRAME) <= 1
        if at % FRAME == 320:
            assert change.argmax() == at // FRAME


@pytest.mark.parametrize("t", [0, 1, 20, 38, 39])
def test_two_frames_ahead_and_no_more_are_heard(encoder: SdaEncoder, t: int) -> None:
    quiet = noise(40 * FRAME, seed=1)
    struck = quiet.copy()
    struck[t * FRAME + 320] += 1
    change = np.abs(encoder(struck, 40) - encoder(quiet, 40)).max(axis=1)
    assert np.flatnonzero(change > 1e-5)[0] == max(t - 2, 0)
    with torch.inference_mode():  # without the GRU, which remembers, two frames behind as well
        windows = [torch.from_numpy(np.pad(sound, 1280)).unfold(0, 3200, 640) for sound in (quiet, struck)]
        codes = [encoder._network.encoder(some) for some in windows]
    differ = (codes[1] - codes[0]).abs().amax(dim=1) > 1e-5
    assert differ.nonzero().flatten().tolist() == list(range(max(t - 2, 0), min(t + 2, 39) + 1))


def test_chunks_change_nothing(encoder: SdaEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = noise(63 * FRAME - 100)
    whole = encoder(audio, 63)
    for chunk in (1, 7, 21, 62):
        monkeypatch.setattr(sda, "CHUNK", chunk)
        np.testing.assert_allclose(encoder(audio, 63), whole, atol=1e-5)


@pytest.mark.parametrize("old", [False, True])
def test_the_published_form_and_safetensors_are_one(tmp_path: Path, old: bool) -> None:
    state = weights()
    block = torch.cat([value.flatten() for name, value in state.items() if name.startswith("rnn")])
    for name in [name for name in state if name.startswith("rnn")]:  # as a GPU leaves them: views of one block
        shape = state[name].shape
        state[name], block = block[: shape.numel()].view(shape), block[shape.numel() :]
    read = read_sda(first := published(tmp_path / "crema.dat", state, old=old))
    assert {name for name in state if "num_batches" not in name} == set(read)
    assert all(torch.equal(value, state[name]) for name, value in read.items())
    save_file(read, tmp_path / "sda.safetensors")
    one, other = SdaEncoder(first), SdaEncoder(tmp_path / "sda.safetensors")
    assert one.fingerprint == other.fingerprint
    np.testing.assert_array_equal(one(noise(6400), 10), other(noise(6400), 10))


def test_a_file_written_on_a_gpu_by_older_torch_and_numpy(tmp_path: Path) -> None:
    path = published(tmp_path / "crema.dat", weights())
    written = path.read_bytes()
    for ours, theirs in (
        (b"ctorch\nFloatStorage\n", b"ctorch.cuda\nFloatStorage\n"),
        (b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0"),
        (b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"),
    ):
        assert ours in written
        written = written.replace(ours, theirs)
    path.write_bytes(written)
    assert all(torch.equal(value, weights()[name]) for name, value in read_sda(path).items())


def test_the_fingerprint_is_of_the_weights(tmp_path: Path, encoder: SdaEncoder) -> None:
    state = weights()
    del state["encoder.activations.0.0.num_batches_tracked"]  # older torch writes none
    assert SdaEncoder(published(tmp_path / "crema.dat", state)).fingerprint == encoder.fingerprint
    state["rnn.bias_hh_l1"][3] += 1e-3
    assert SdaEncoder(published(tmp_path / "crema.dat", state)).fingerprint != encoder.fingerprint
    assert (encoder.name, encoder.width, len(encoder.fingerprint)) == ("sda", 256, 64)


def test_no_global_random_number_is_drawn(tmp_path: Path) -> None:
    path = published(tmp_path / "crema.dat", weights())
    before = torch.get_rng_state()
    SdaEncoder(path)
    assert torch.equal(torch.get_rng_state(), before)


class Hostile:
    """What a pickle can do to whoever opens it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("place", ["encoder", "generator", "mean_face"])
def test_code_in_a_file_never_runs(tmp_path: Path, old: bool, place: str) -> None:
    before = torch.serialization.get_safe_globals()
    for content in (Hostile(tmp_path / "ran"), np.array([Hostile(tmp_path / "ran")], dtype=object)):
        published(tmp_path / "crema.dat", weights(), old, **{place: content})
        refused(lambda: read_sda(tmp_path / "crema.dat"), "no whole file of plain tensors; give crema.dat as published")
    assert not (tmp_path / "ran").exists()
    assert set(torch.serialization.get_safe_globals()) == set(before)


def test_a_dictionary_with_overlaid_methods_is_read_all_the_same(tmp_path: Path) -> None:
    content = OrderedDict(encoder=OrderedDict(weights()))
    vars(content)["get"] = vars(content["encoder"])["keys"] = 3
    torch.save(content, tmp_path / "crema.dat")
    assert len(read_sda(tmp_path / "crema.dat")) == 40


@pytest.mark.parametrize("old", [False, True])
def test_damaged_files(tmp_path: Path, old: bool) -> None:
    path = published(tmp_path / "crema.dat", weights(), old)
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], whole[: len(whole) // 2], whole[:-1000], bytes(1000)):
        path.write_bytes(damaged)
        refused(lambda: read_sda(path), "no whole file of plain tensors; give crema.dat as published")
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 221171678\n")
    refused(lambda: read_sda(path), "is git LFS's note of where the file lies")
    refused(lambda: read_sda(tmp_path / "none.dat"), "cannot be read [(]No such file")
    refused(lambda: read_sda(tmp_path), "cannot be read")


def test_damaged_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "sda.safetensors"
    save_file(weights(), path)
    for damaged in (b"", path.read_bytes()[:2000], path.read_bytes()[:-1], bytes(1000)):
        path.write_bytes(damaged)
        refused(lambda: read_sda(path), "is not a whole safetensors file; give crema.dat")
    refused(lambda: read_sda(tmp_path / "none.safetensors"), "cannot be read [(]No such file")
    (tmp_path / "folder.safetensors").mkdir()
    refused(lambda: read_sda(tmp_path / "folder.safetensors"), "cannot be read")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({BIAS: torch.zeros(17)}, r"encoder.cl.0.bias is \(17,\), wanted \(16,\)"),
        ({BIAS: torch.tensor([float("nan")] * 16)}, "encoder.cl.0.bias is not finite"),
        ({BIAS: torch.tensor([0.0] * 15 + [float("inf")])}, "encoder.cl.0.bias is not finite"),
        ({BIAS: torch.zeros(16, dtype=torch.int32)}, "encoder.cl.0.bias is torch.int32, wanted float32"),
        ({BIAS: torch.zeros(16).to(torch.float8_e4m3fn)}, "encoder.cl.0.bias is torch.float8_e4m3fn, wanted float32"),
        ({BIAS: torch.full([16], 1e300, dtype=torch.float64)}, "encoder.cl.0.bias is not finite"),
        ({BIAS: torch.zeros(16, device="meta")}, "encoder.cl.0.bias is no plain tensor"),
        ({BIAS: torch.zeros(16).to_sparse()}, "plain tensor"),
        ({BIAS: [0.0] * 16}, "encoder.cl.0.bias is no plain tensor"),
        ({"fc\n.weight": torch.zeros(3)}, r"'fc\\n.weight' is unknown"),
        ({3: torch.zeros(3)}, "3 is unknown"),
    ],
)
def test_weights_that_cannot_serve(tmp_path: Path, change: dict[str, Tensor], match: str) -> None:
    path = published(tmp_path / "crema.dat", {**weights(), **change}, old=False)
    refused(lambda: read_sda(path), match)


@pytest.mark.parametrize("content", [{}, [1], torch.zeros(3), {"encoder": torch.zeros(3)}, {"generator": {}}])
def test_files_without_the_encoder(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "crema.dat")
    refused(lambda: read_sda(tmp_path / "crema.dat"), "holds no speech encoder; give crema.dat as published")
    torch.save({"encoder": {"a": torch.zeros(1)}}, tmp_path / "crema.dat")
    refused(lambda: read_sda(tmp_path / "crema.dat"), "encoder.cl.0.weight is missing, ")


def test_weights_that_overflow_are_refused(tmp_path: Path) -> None:
    state = weights()
    state["encoder.activations.0.0.running_var"] -= 100
    encode = SdaEncoder(published(tmp_path / "crema.dat", state))
    refused(lambda: encode(noise(6400), 10), "crema.dat: gives features that are not finite; give crema.dat")


@pytest.mark.parametrize("sound", [np.zeros((2, 800)), np.array([0.0, np.nan]), np.array([np.inf])])
def test_no_sound_is_refused(encoder: SdaEncoder, sound: np.ndarray) -> None:
    with pytest.raises(ValueError, match="speech features need sound of one channel"):
        encoder(sound.astype(np.float32), 3)
