import pytest
import torch
from torch import nn

from viseme.nn.blocks import ResidualBlock
from viseme.nn.fusion import FUSIONS, CrossAttention, JointFusion, TokenFusion

SIGNALS = ("audio", "landmarks")


def embedded(seed: int = 0) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return {name: torch.randn((3, 16), generator=rng) for name in SIGNALS}


def test_cross_attention_agrees_with_torchs_own() -> None:
    torch.manual_seed(0)
    ours, theirs = CrossAttention(8, 2, 6), nn.MultiheadAttention(8, 2, kdim=6, vdim=6, batch_first=True)
    nn.init.normal_(ours.out.weight)
    nn.init.normal_(ours.out.bias)
    key, value = ours.key_value.weight.chunk(2)
    with torch.no_grad():
        theirs.q_proj_weight.copy_(ours.query.weight[:, :, 0, 0])
        theirs.k_proj_weight.copy_(key)
        theirs.v_proj_weight.copy_(value)
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
        theirs.out_proj.weight.copy_(ours.out.weight[:, :, 0, 0])
        theirs.out_proj.bias.copy_(ours.out.bias)
    x, tokens = torch.randn(3, 8, 4, 5), torch.randn(3, 7, 6)
    places = ours.norm(x).flatten(2).transpose(1, 2)
    expected = x + theirs(places, tokens, tokens)[0].transpose(1, 2).reshape(x.shape)
    torch.testing.assert_close(ours(x, tokens), expected, atol=1e-5, rtol=1e-5)


def test_a_new_block_that_attends_is_the_identity_until_it_has_learned() -> None:
    block = ResidualBlock(8, 8, 6, ["timestep"], attend=CrossAttention(8, 2, 4))
    x, given = torch.randn(2, 8, 4, 4), {"timestep": torch.randn(2, 6), "tokens": torch.randn(2, 3, 4)}
    torch.testing.assert_close(block(x, given), x)
    nn.init.normal_(block.attend.out.weight)
    assert not torch.allclose(block(x, given), x)


def test_one_film_a_signal_takes_the_embeddings_as_they_are() -> None:
    fusion, given = FUSIONS["film"](SIGNALS, 16), embedded()
    assert fusion.films == SIGNALS
    assert all(torch.equal(fusion(given)[name], given[name]) for name in SIGNALS)
    assert not fusion.state_dict()


def test_all_signals_leave_one_film() -> None:
    torch.manual_seed(0)
    fusion, given = JointFusion(SIGNALS, 16), embedded()
    assert fusion.films == ("joint",)
    expected = fusion.mlp(nn.functional.silu(torch.cat([given["audio"], given["landmarks"]], 1)))
    torch.testing.assert_close(fusion(given)["joint"], expected)
    assert expected.shape == (3, 16)


def test_tokens_are_four_a_signal_and_on_one_scale() -> None:
    torch.manual_seed(0)
    fusion, given = TokenFusion(SIGNALS, 16), embedded()
    given["landmarks"] = 1000 * given["landmarks"]
    tokens = fusion(given)["tokens"]
    assert tokens.shape == (3, 8, 4)
    torch.testing.assert_close(tokens.square().mean(2), torch.ones(3, 8), atol=0.1, rtol=0)


@pytest.mark.parametrize("kind", FUSIONS)
@pytest.mark.parametrize("changed", SIGNALS)
def test_every_signal_reaches_what_blocks_are_given(kind: str, changed: str) -> None:
    torch.manual_seed(0)
    fusion, given = FUSIONS[kind](SIGNALS, 16), embedded()
    before, after = fusion(given), fusion({**given, changed: given[changed] + 1})
    assert any(not torch.allclose(before[name], after[name]) for name in before)
