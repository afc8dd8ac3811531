import pytest
import torch
from torch import nn

from viseme.nn.blocks import FiLM, ResidualBlock, SelfAttention, group_norm, recompute_activations
from viseme.nn.embeddings import timestep_embedding


def test_film_is_scale_and_shift_by_a_linear_map_of_silu() -> None:
    torch.manual_seed(0)
    film, x, embedding = FiLM(6, 4), torch.randn(2, 4, 3, 3), torch.randn(2, 6)
    scale, shift = film.project(nn.functional.silu(embedding)).chunk(2, dim=1)
    expected = x * (1 + scale[:, :, None, None]) + shift[:, :, None, None]
    torch.testing.assert_close(film(x, embedding), expected)


def test_a_new_block_of_equal_width_is_the_identity() -> None:
    block = ResidualBlock(8, 8, 6, ["timestep"])
    x = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(block(x, {"timestep": torch.randn(2, 6)}), x)


@pytest.mark.parametrize(("resample", "side"), [(None, 8), ("up", 16), ("down", 4)])
def test_a_block_resamples_both_its_branches(resample: str | None, side: int) -> None:
    block = ResidualBlock(8, 12, 6, ["timestep", "audio"], resample=resample)  # type: ignore[arg-type]
    out = block(torch.randn(2, 8, 8, 8), {"timestep": torch.randn(2, 6), "audio": torch.randn(2, 6)})
    assert out.shape == (2, 12, side, side)


def test_every_signal_modulates_a_block() -> None:
    torch.manual_seed(0)
    block = ResidualBlock(8, 8, 6, ["timestep", "audio"])
    nn.init.normal_(block.conv_out.weight)
    embeddings = {"timestep": torch.randn(1, 6), "audio": torch.randn(1, 6)}
    x = torch.randn(1, 8, 4, 4)
    before = block(x, embeddings)
    for signal in embeddings:
        changed = block(x, {**embeddings, signal: torch.randn(1, 6)})
        assert not torch.allclose(changed, before)


def test_a_norm_before_every_film_undoes_the_scale_that_the_one_before_left() -> None:
    """With no statistics of its own left to move, a FiLM alike on all channels is all that the next norm takes away."""

    def made(film_norm: bool, scale: float) -> torch.Tensor:
        torch.manual_seed(0)
        block = ResidualBlock(8, 8, 6, ["timestep", "audio"], film_norm=film_norm)
        nn.init.normal_(block.conv_out.weight)
        with torch.no_grad():
            nn.init.zeros_(block.films["timestep"].project.weight)
            block.films["timestep"].project.bias.copy_(torch.tensor([scale - 1.0] * 8 + [0.5] * 8))
        return block(torch.randn(1, 8, 4, 4), {"timestep": torch.ones(1, 6), "audio": torch.ones(1, 6)})

    with torch.random.fork_rng():
        torch.testing.assert_close(made(True, 1.0), made(True, 9.0), atol=1e-4, rtol=1e-3)
        assert not torch.allclose(made(False, 1.0), made(False, 9.0), atol=0.1)
        assert not torch.allclose(made(False, 1.0), made(True, 1.0), atol=0.1)


def test_a_norm_before_every_film_agrees_with_its_formula_and_has_no_parameters() -> None:
    torch.manual_seed(0)
    names = ["timestep", "audio", "landmarks"]
    block, plain = (ResidualBlock(8, 8, 6, names, film_norm=film_norm) for film_norm in (True, False))
    assert {k: v.shape for k, v in block.state_dict().items()} == {k: v.shape for k, v in plain.state_dict().items()}
    nn.init.normal_(block.conv_out.weight)
    x, embeddings = torch.randn(2, 8, 4, 4), {name: torch.randn(2, 6) for name in names}
    h = block.conv_in(nn.functional.silu(block.norm_in(x)))
    for name in names:
        groups = h.reshape(2, 8, -1)  # eight groups of one channel
        mean, deviation = groups.mean(2, keepdim=True), (groups.var(2, correction=0, keepdim=True) + 1e-5).sqrt()
        h = block.films[name](((groups - mean) / deviation).reshape(h.shape), embeddings[name])
    torch.testing.assert_close(block(x, embeddings), x + block.conv_out(nn.functional.silu(h)), atol=1e-5, rtol=1e-5)


def test_attention_agrees_with_its_formula() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(8, heads=2)
    nn.init.normal_(attention.out.weight)
    x = torch.randn(1, 8, 3, 2)
    tokens = attention.norm(x).flatten(2).transpose(1, 2)[0]  # [6, 8]
    q, k, v = (tokens @ attention.qkv.weight[:, :, 0, 0].T + attention.qkv.bias).chunk(3, dim=1)
    heads = [torch.softmax(q[:, s] @ k[:, s].T / 4**0.5, dim=1) @ v[:, s] for s in (slice(0, 4), slice(4, 8))]
    out = torch.cat(heads, dim=1) @ attention.out.weight[:, :, 0, 0].T + attention.out.bias
    torch.testing.assert_close(attention(x)[0].flatten(1).T, x[0].flatten(1).T + out, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("channels", "groups"), [(192, 32), (48, 16), (20, 4), (7, 1)])
def test_groups_divide_the_channels(channels: int, groups: int) -> None:
    assert group_norm(channels).num_groups == groups


def test_timestep_zero_is_cosine_one_and_sine_zero() -> None:
    embedding = timestep_embedding(torch.tensor([0, 7]), 6)
    torch.testing.assert_close(embedding[0], torch.tensor([1.0, 1, 1, 0, 0, 0]))
    frequencies = 10_000 ** (-torch.arange(3) / 3)
    torch.testing.assert_close(embedding[1], torch.cat([(7 * frequencies).cos(), (7 * frequencies).sin()]))


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_recomputed_activations_give_the_same_gradients(dropout: float) -> None:
    def gradients(recomputed: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        network = nn.ModuleList([ResidualBlock(8, 16, 6, ["timestep"], dropout, resample) for resample in (None, "up")])
        nn.init.normal_(network[0].conv_out.weight)
        if recomputed:
            recompute_activations(network)
        x = torch.randn(2, 8, 4, 4, requires_grad=True)
        network[0](x, {"timestep": torch.randn(2, 6)}).square().sum().backward()
        assert x.grad is not None
        return [x.grad, *(p.grad for p in network[0].parameters() if p.grad is not None)]

    with torch.random.fork_rng():
        plain, again = gradients(False), gradients(True)
    assert len(plain) == len(again) > 8
    assert all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))


def test_recomputed_activations_are_not_kept() -> None:
    held = []
    for recomputed in (False, True):
        block, kept = ResidualBlock(8, 8, 6, ["timestep"]), []
        if recomputed:
            recompute_activations(block)
        with torch.autograd.graph.saved_tensors_hooks(lambda x, kept=kept: kept.append(x.numel()), lambda _: None):
            block(torch.randn(2, 8, 4, 4, requires_grad=True), {"timestep": torch.randn(2, 6)})
        held.append(sum(kept))
    assert held[1] < 0.3 * held[0]
