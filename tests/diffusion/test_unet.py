import pytest
import torch

from viseme.config import load_config
from viseme.diffusion.unet import UNet
from viseme.nn.fusion import FUSIONS, CrossAttention

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


def driven(kind: str, optional: tuple[str, ...] = ()) -> UNet:
    torch.manual_seed(0)
    network = UNet(
        patch=1,
        base=16,
        multipliers=(1, 1, 2),
        blocks=1,
        heads=2,
        dropout=0.0,
        pictures=2,
        signals={"audio": 5, "landmarks": 3},
        optional=optional,
        fusion=FUSIONS[kind],
    )
    for name, parameter in network.named_parameters():  # tokens are few, and looked at in few places
        torch.nn.init.normal_(parameter, std=1.0 if "fusion" in name or ".attend." in name else 0.1)
    return network


def given() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    signals = {"audio": torch.randn(2, 5), "landmarks": torch.randn(2, 3)}
    return torch.randn(2, 3, 16, 16), torch.tensor([3, 200]), torch.randn(2, 6, 16, 16), signals


@pytest.mark.parametrize("kind", FUSIONS)
@pytest.mark.parametrize("name", ["audio", "landmarks"])
def test_an_absent_signal_counts_for_nothing_and_its_learned_vector_for_it(kind: str, name: str) -> None:
    network = driven(kind, optional=(name,))
    x, t, pictures, signals = given()
    absent = {name: torch.tensor([True, False])}
    full, without = network(x, t, pictures, signals), network(x, t, pictures, signals, absent)
    torch.testing.assert_close(without[1], full[1])
    assert not torch.allclose(without[0], full[0], atol=1e-4)
    other = {**signals, name: signals[name] + torch.tensor([[1.0], [0.0]])}
    torch.testing.assert_close(network(x, t, pictures, other, absent), without)
    with torch.no_grad():
        network.null[name].add_(1)
    learned = network(x, t, pictures, signals, absent)
    torch.testing.assert_close(learned[1], full[1])
    assert not torch.allclose(learned[0], without[0], atol=1e-4)


@pytest.mark.parametrize("kind", FUSIONS)
def test_both_signals_reach_the_prediction_however_they_are_fused(kind: str) -> None:
    network = driven(kind)
    x, t, pictures, signals = given()
    before = network(x, t, pictures, signals)
    for name in signals:
        changed = network(x, t, pictures, {**signals, name: signals[name] + 1})
        assert not torch.allclose(changed, before, atol=1e-4)


def test_only_what_may_be_absent_has_a_vector_and_only_low_resolutions_have_tokens() -> None:
    plain = set(driven("film").state_dict())
    assert set(driven("film", optional=("audio",)).state_dict()) - plain == {"null.audio"}
    network = driven("token")
    attends = [isinstance(block.attend, CrossAttention) for block in network.down]
    assert attends == [False, False, True, False, True]  # 16, to 8, 8, to 4, 4
    assert network.middle_in.attend is not None
    assert network.middle_out.attend is not None


@pytest.mark.parametrize(("kind", "millions"), [("film", 469.95), ("joint", 431.12), ("token", 414.36)])
def test_the_landmark_model_with_its_signals_fused(kind: str, millions: float) -> None:
    with torch.device("meta"):
        network = UNet(patch=1, pictures=2, signals={**AUDIO, **LANDMARKS}, fusion=FUSIONS[kind], **PAPER_128)  # type: ignore[arg-type]
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)
