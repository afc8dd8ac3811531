from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pytorch_fid.inception
import torch
from pytorch_fid.fid_score import calculate_frechet_distance
from torch import Tensor
from torch_fidelity import FeatureExtractorInceptionV3

from viseme.errors import InputError
from viseme.evaluation.extractor import Extractor
from viseme.evaluation.frechet import frechet_distance, gaussian
from viseme.evaluation.inception import inception

FRAMES = 4


def drawn(name: str, shape: torch.Size, rng: torch.Generator) -> Tensor:
    """Weights that keep activations alive through the network's depth."""
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if name.endswith("running_var"):
        return 0.5 + torch.rand(shape, generator=rng)
    if name.endswith(("bn.weight", "bn.bias", "running_mean", "fc.bias")):
        return float(name.endswith("bn.weight")) + 0.1 * torch.randn(shape, generator=rng)
    return torch.randn(shape, generator=rng) * (2 / shape[1:].numel()) ** 0.5


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Random weights under the names and in the shapes of pytorch-fid's file."""
    with torch.device("meta"):
        network = pytorch_fid.inception._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    rng = torch.Generator().manual_seed(0)
    return {name: drawn(name, value.shape, rng) for name, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def file(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "pt_inception-2015-12-05-6726825d.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Two sets of four, smooth and of different colours, not square."""
    rng = np.random.default_rng(1)
    coarse = rng.normal(size=(2 * FRAMES, 3, 5, 6)).astype(np.float32)
    coarse[FRAMES:] = 0.7 * coarse[FRAMES:] + 0.4
    fine = torch.nn.functional.interpolate(torch.from_numpy(coarse), (40, 52), mode="bicubic")
    return (127 + 60 * fine).clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


@pytest.fixture(scope="module")
def extractor(file: Path) -> Extractor:
    return inception(file)


@pytest.fixture(scope="module")
def features(extractor: Extractor, frames: np.ndarray) -> np.ndarray:
    return extractor(frames)


@pytest.fixture(scope="module")
def theirs(state: dict[str, Tensor], frames: np.ndarray) -> np.ndarray:
    """pytorch-fid's own pool3 features on the same weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytorch_fid.inception, "load_state_dict_from_url", lambda *_args, **_kwargs: state)
        network = pytorch_fid.inception.InceptionV3([3]).eval()
    shown = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        return network(shown)[0].flatten(1).numpy()


def test_the_file_has_the_published_form(state: dict[str, Tensor]) -> None:
    assert len(state) == 566
    assert state["fc.weight"].shape == (1008, 2048)


def test_features_are_pytorch_fid_s(features: np.ndarray, theirs: np.ndarray) -> None:
    assert features.shape == (2 * FRAMES, 2048)
    assert features.dtype == np.float32
    assert features.std() > 0.1  # else anything would agree
    np.testing.assert_allclose(features, theirs, rtol=1e-4, atol=1e-4 * features.std())


@pytest.mark.filterwarnings("ignore:The `disp` argument is deprecated:DeprecationWarning")
def test_fid_is_pytorch_fid_s(features: np.ndarray, theirs: np.ndarray) -> None:
    # Seen along two directions: with more numbers than frames its root of a singular matrix loses digits.
    directions = np.random.default_rng(2).normal(size=(2048, 2))
    ours = frechet_distance(*(gaussian(part @ directions) for part in np.split(features, 2)))
    moments = []
    for part in np.split(theirs.astype(np.float64) @ directions, 2):
        moments += [part.mean(axis=0), np.cov(part, rowvar=False)]
    assert ours == pytest.approx(calculate_frechet_distance(*moments), rel=1e-4)
    assert ours > 1


def test_tensorflow_s_resizing_is_torch_fidelity_s(file: Path, frames: np.ndarray, features: np.ndarray) -> None:
    network = FeatureExtractorInceptionV3("fid", ["2048"], feature_extractor_weights_path=str(file))
    with torch.inference_mode():
        (expected,) = network(torch.from_numpy(frames[:2]).permute(0, 3, 1, 2))
    ours = inception(file, "tensorflow1")
    assert ours.name == "fid-inception/tensorflow1"
    found = ours(frames[:2])
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6, atol=1e-6)
    assert not np.allclose(found, features[:2], rtol=1e-3)  # the choice matters


def test_the_batch_makes_no_difference(extractor: Extractor, frames: np.ndarray, features: np.ndarray) -> None:
    found = extractor(frames[:FRAMES][::-1], batch=3)[::-1]
    np.testing.assert_allclose(found, features[:FRAMES], rtol=1e-5, atol=1e-5)
    reference = gaussian(features[FRAMES:, :200])
    distances = [frechet_distance(gaussian(part[:, :200]), reference) for part in (found, features[:FRAMES])]
    assert distances[0] == pytest.approx(distances[1], rel=1e-6)


def test_no_frames_no_features(extractor: Extractor) -> None:
    assert extractor(np.zeros((0, 8, 8, 3), dtype=np.uint8)).shape == (0, 2048)


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 3, 8, 8), (1, 8, 8, 4)])
def test_other_shapes_are_refused(extractor: Extractor, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\[N,H,W,3\]"):
        extractor(np.zeros(shape, dtype=np.uint8))
    with pytest.raises(ValueError, match="float32"):
        extractor(np.zeros((1, 8, 8, 3), dtype=np.float32))


def test_weights_of_another_network(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"fc.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(InputError, match=r"another network; give pt_inception") as error:
        inception(path)
    assert "\n" not in str(error.value)
