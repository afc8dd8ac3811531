import pytest
import torch

from viseme.config import load_config
from viseme.diffusion.unet import UNet

PAPER_64 = {"base": 192, "multipliers": (1, 2, 3, 4), "blocks": 3, "heads": 8, "dropout": 0.1}
PAPER_128 = {"base": 256, "multipliers": (1, 1, 2, 3, 4), "blocks": 2, "heads": 4, "dropout": 0.0}
AUDIO, LANDMARKS = {"audio": 5 * 256}, {"landmarks": 68 * 2}


@pytest.mark.parametrize(
    ("shape", "signals", "millions"),
    [
        (PAPER_64, {}, 265.13),
        (PAPER_64, AUDIO, 294.17),
        (PAPER_128, {}, 382.43),
        (PAPER_128, AUDIO, 426.78),
        (PAPER_128, {**AUDIO, **LANDMARKS}, 469.95),
    ],
)
def test_the_same_code_with_the_papers_numbers_has_the_papers_parameters(
    shape: dict[str, object], signals: dict[str, int], millions: float
) -> None:
    with torch.device("meta"):
        network = UNet(patch=1, pictures=2, signals=signals, **shape)  # type: ignore[arg-type]
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


def small(**kwargs: int) -> UNet:
    torch.manual_seed(0)
    fields = {"patch": 1, "base": 16, "multipliers": (1, 2), "blocks": 1, "heads": 2, "dropout": 0.0, **kwargs}
    network = UNet(pictures=2, signals={"audio": 5}, **fields)  # type: ignore[arg-type]
    for parameter in network.parameters():  # what begins as zero would hide what it is fed
        torch.nn.init.normal_(parameter, std=0.1)
    return network


@pytest.mark.parametrize("patch", [1, 2])
def test_what_comes_out_has_the_frames_shape_and_depends_on_all_that_goes_in(patch: int) -> None:
    network = small(patch=patch)
    x, t = torch.randn(2, 3, 16, 16), torch.tensor([3, 200])
    pictures, audio = torch.randn(2, 6, 16, 16), torch.randn(2, 5)
    out = network(x, t, pictures, {"audio": audio})
    assert out.shape == x.shape
    for changed in (
        network(x + 1, t, pictures, {"audio": audio}),
        network(x, t + 20, pictures, {"audio": audio}),
        network(x, t, pictures + 1, {"audio": audio}),
        network(x, t, pictures, {"audio": audio + 1}),
    ):
        assert not torch.allclose(changed, out)


def test_signals_embedded_once_serve_as_well() -> None:
    network = small()
    x, t = torch.randn(2, 3, 16, 16), torch.tensor([3, 200])
    pictures, signals = torch.randn(2, 6, 16, 16), {"audio": torch.randn(2, 5)}
    torch.testing.assert_close(
        network.denoise(x, t, pictures, network.embed_signals(signals)), network(x, t, pictures, signals)
    )


def test_a_sample_does_not_see_its_neighbours() -> None:
    network = small().eval()
    x, t = torch.randn(2, 3, 16, 16), torch.tensor([3, 200])
    pictures, audio = torch.randn(2, 6, 16, 16), torch.randn(2, 5)
    both = network(x, t, pictures, {"audio": audio})
    alone = network(x[1:], t[1:], pictures[1:], {"audio": audio[1:]})
    torch.testing.assert_close(both[1:], alone, atol=1e-4, rtol=1e-4)


def test_the_bundled_preset_fits_its_budget() -> None:
    from viseme.families import count_parameters

    assert 2 * count_parameters(load_config("tiny_ddpm")) < 20e6  # bytes in half precision
    assert 2 * count_parameters(load_config("tiny_gan")) < 20e6
