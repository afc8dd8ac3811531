from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from efficientnet_lite_pytorch import EfficientNet

from viseme.errors import InputError
from viseme.evaluation.efficientnet import efficientnet_lite0
from viseme.evaluation.extractor import Extractor
from viseme.weights import located, read_state

EGYPTIAN_CAT, ESPRESSO = 285, 967
"""Classes of ImageNet."""


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return efficientnet_lite0(located("efficientnet-lite0"))


def square(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def test_features_tell_a_cat_from_a_coffee(extractor: Extractor) -> None:
    classifier = read_state("efficientnet-lite0", located("efficientnet-lite0"))
    for picture, expected in ((skimage.data.chelsea(), EGYPTIAN_CAT), (skimage.data.coffee(), ESPRESSO)):
        features = extractor(square(picture)[None])
        assert features.shape == (1, 1280)
        logits = features @ classifier["_fc.weight"].numpy().T + classifier["_fc.bias"].numpy()
        assert int(logits.argmax()) == expected


def test_features_are_what_the_package_s_network_pools(extractor: Extractor) -> None:
    # At 224 pixels nothing is resized.
    frames = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(located("efficientnet-lite0"), weights_only=True))
    pooled: list[torch.Tensor] = []
    network._fc.register_forward_pre_hook(lambda _module, inputs: pooled.append(inputs[0]))
    with torch.inference_mode():
        network((torch.from_numpy(frames).permute(0, 3, 1, 2).float() - 127) / 128)
    np.testing.assert_allclose(extractor(frames), pooled[0].numpy(), rtol=1e-4, atol=1e-5)


def test_the_batch_makes_no_difference(extractor: Extractor) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    np.testing.assert_allclose(extractor(frames, batch=2), extractor(frames), rtol=1e-4, atol=1e-5)


def test_weights_of_another_network(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"_fc.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(InputError, match="another network; give efficientnet-lite0") as error:
        efficientnet_lite0(path)
    assert "\n" not in str(error.value)
