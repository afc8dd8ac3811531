from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch.nn import functional as F
from torchvision.models import ResNet18_Weights, resnet18

from viseme.errors import InputError
from viseme.nn.identity import Backbone, EmbeddingEncoder, IdentityEncoder, build_backbone
from viseme.weights import located


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    backbone = build_backbone("lite0")
    assert backbone is not None
    backbone.take_pretrained()
    return backbone


@pytest.fixture
def photo() -> torch.Tensor:
    return torch.rand((2, 3, 224, 224), generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_lite0_gives_what_the_package_s_network_pools(lite0: Backbone, photo: torch.Tensor) -> None:
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(located("efficientnet-lite0"), weights_only=True))
    with torch.inference_mode():
        expected = network.extract_features(((photo + 1) * 127.5 - 127) / 128).mean(dim=(2, 3))
        torch.testing.assert_close(lite0(photo), expected, rtol=1e-3, atol=1e-4)


def test_resnet18_gives_what_torchvision_s_does_before_its_classifier(photo: torch.Tensor, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = resnet18(weights=None).eval()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    backbone = build_backbone("resnet18")
    assert backbone is not None
    backbone.take_pretrained(tmp_path / "weights.pth")
    told = ResNet18_Weights.IMAGENET1K_V1.transforms()
    mean, std = (torch.tensor(numbers).view(1, 3, 1, 1) for numbers in (told.mean, told.std))
    network.fc = torch.nn.Identity()
    with torch.inference_mode():
        torch.testing.assert_close(backbone(photo), network(((photo + 1) / 2 - mean) / std), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [16, 64])
def test_small_photos_are_enlarged(lite0: Backbone, photo: torch.Tensor, size: int) -> None:
    small = photo[:, :, :size, :size]
    large = F.interpolate(small, size=(224, 224), mode="bilinear", align_corners=False)
    with torch.inference_mode():
        torch.testing.assert_close(lite0(small), lite0(large), rtol=1e-3, atol=1e-3)


def test_training_mode_changes_nothing_and_no_photo_rests_on_another(lite0: Backbone, photo: torch.Tensor) -> None:
    before = {name: value.clone() for name, value in lite0.state_dict().items()}
    with torch.inference_mode():
        both = lite0.train()(photo)
        torch.testing.assert_close(lite0(photo[:1]), both[:1], rtol=1e-4, atol=1e-4)
    assert not any(module.training for module in lite0.modules())
    torch.testing.assert_close(lite0.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("tuned", [False, True])
def test_it_learns_where_it_is_tuned(tuned: bool) -> None:
    backbone = build_backbone("resnet18", tuned=tuned)
    assert backbone is not None
    encoder = EmbeddingEncoder(backbone, 7)
    found = encoder(torch.rand((2, 3, 32, 32)) * 2 - 1)
    assert found.vector.shape == (2, 7)
    assert found.maps == []
    found.vector.sum().backward()  # type: ignore[no-untyped-call]
    learned = {name for name, parameter in encoder.named_parameters() if parameter.grad is not None}
    assert ("backbone.network.conv1.weight" in learned) == tuned
    assert "vector.weight" in learned
    assert learned == {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}


def test_with_feature_maps_beside_it() -> None:
    encoder = IdentityEncoder([16, 8, 4], 7, build_backbone("resnet18"))
    found = encoder(torch.rand((2, 3, 16, 16)) * 2 - 1)
    assert found.vector.shape == (2, 7)
    assert [tuple(each.shape[1:]) for each in found.maps] == [(16, 4, 4), (8, 8, 8), (4, 16, 16)]


def test_none_is_none() -> None:
    assert build_backbone("none") is None


def test_the_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    backbone = build_backbone("resnet18")
    assert backbone is not None
    with pytest.raises(InputError, match=r"another network; give resnet18-f37072fd\.pth"):
        backbone.take_pretrained(tmp_path / "other.pth")


def test_weights_that_are_not_here_name_the_way_to_them_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    backbone = build_backbone("resnet18")
    assert backbone is not None
    with pytest.raises(InputError) as caught:
        backbone.take_pretrained()
    assert "viseme weights resnet18" in str(caught.value)
    assert "model.backbone=lite0" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_knows_a_face_better_than_pixels_do(lite0: Backbone) -> None:
    """Two crops of one portrait are nearer to each other than to a cat, and a grey square is far from all."""
    import skimage.data

    def seen(picture: np.ndarray) -> torch.Tensor:
        signed = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.inference_mode():
            found: torch.Tensor = lite0(signed)
        return found

    astronaut, cat = skimage.data.astronaut(), skimage.data.chelsea()
    one, other = seen(astronaut[:300, 100:400]), seen(astronaut[20:320, 90:390])
    near = F.cosine_similarity(one, other).item()
    assert near > 0.8
    assert near > F.cosine_similarity(one, seen(cat[:300, 50:350])).item() + 0.2
