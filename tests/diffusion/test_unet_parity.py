"""Our U-Net, without signals, is diffusers' UNet2DModel: its blocks resample, scale and shift, attend in the middle.

What maps: the timestep's embedding (cosines first), every residual block with its FiLM, attention in the middle and at
chosen resolutions, the order of skips. What has no counterpart there: a FiLM for each further signal, and pixels folded
into channels.
"""

import pytest
import torch
from diffusers.models.unets.unet_2d import UNet2DModel

from viseme.diffusion.unet import UNet
from viseme.nn.blocks import ResidualBlock, SelfAttention

State = dict[str, torch.Tensor]


def linear(prefix: str, layer: torch.nn.Module) -> State:
    return {f"{prefix}.{name}": value for name, value in layer.state_dict().items()}


def residual(prefix: str, block: ResidualBlock) -> State:
    state = {
        **linear(f"{prefix}.norm1", block.norm_in),
        **linear(f"{prefix}.conv1", block.conv_in),
        **linear(f"{prefix}.time_emb_proj", block.films["timestep"].project),  # type: ignore[arg-type]
        **linear(f"{prefix}.norm2", block.norm_out),
        **linear(f"{prefix}.conv2", block.conv_out),
    }
    return state | (linear(f"{prefix}.conv_shortcut", block.skip) if isinstance(block.skip, torch.nn.Conv2d) else {})


def attention(prefix: str, layer: SelfAttention) -> State:
    """A 1x1 convolution is a linear layer; queries, keys and values stand one after another in ours."""
    state = linear(f"{prefix}.group_norm", layer.norm)
    weights, biases = layer.qkv.weight[:, :, 0, 0].chunk(3), layer.qkv.bias.chunk(3)  # type: ignore[union-attr]
    for name, weight, bias in zip("qkv", weights, biases, strict=True):
        state |= {f"{prefix}.to_{name}.weight": weight, f"{prefix}.to_{name}.bias": bias}
    return state | {
        f"{prefix}.to_out.0.weight": layer.out.weight[:, :, 0, 0],
        f"{prefix}.to_out.0.bias": layer.out.bias,
    }


def mapped(network: UNet, levels: int, blocks: int) -> State:
    """Our weights under the names that diffusers gives them."""
    state = {
        **linear("conv_in", network.stem),
        **linear("time_embedding.linear_1", network.embed_timestep[0]),
        **linear("time_embedding.linear_2", network.embed_timestep[2]),
        **residual("mid_block.resnets.0", network.middle_in),
        **attention("mid_block.attentions.0", network.attention),
        **residual("mid_block.resnets.1", network.middle_out),
        **linear("conv_norm_out", network.norm),
        **linear("conv_out", network.head),
    }
    for index, (block, attend) in enumerate(zip(network.down, network.attend_down, strict=True)):
        level, place = divmod(index, blocks + 1)
        name = "downsamplers.0" if place == blocks else f"resnets.{place}"
        state |= residual(f"down_blocks.{level}.{name}", block)  # type: ignore[arg-type]
        if isinstance(attend, SelfAttention):
            state |= attention(f"down_blocks.{level}.attentions.{place}", attend)
    for index, (stage, attend) in enumerate(zip(network.up, network.attend_up, strict=True)):
        level, place = divmod(index, blocks + 1)
        names = [f"resnets.{place}", "upsamplers.0"]
        for name, block in zip(names, stage, strict=False):  # type: ignore[arg-type]
            state |= residual(f"up_blocks.{level}.{name}", block)
        if isinstance(attend, SelfAttention):
            state |= attention(f"up_blocks.{level}.attentions.{place}", attend)
    return state


@pytest.mark.parametrize("attend", [(), (1,), (1, 2)])
@pytest.mark.parametrize(("multipliers", "blocks"), [((1, 2, 3), 2), ((1, 1, 2), 1)])
def test_the_same_weights_give_the_same_prediction(
    multipliers: tuple[int, ...], blocks: int, attend: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    base, heads, levels = 32, 4, len(multipliers)
    network = UNet(
        patch=1, base=base, multipliers=multipliers, blocks=blocks, heads=heads, dropout=0.1, pictures=2, signals={},
        attention=attend,
    ).eval()  # fmt: skip
    for parameter in network.parameters():  # what begins as zero would hide what it multiplies
        if parameter.ndim > 1 or not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    kinds = {
        way: tuple(f"Attn{way}Block2D" if level in attend else f"Resnet{way}sampleBlock2D" for level in range(levels))
        for way in ("Down", "Up")
    }
    reference = UNet2DModel(
        in_channels=9,
        out_channels=3,
        down_block_types=kinds["Down"],
        up_block_types=kinds["Up"][::-1],
        block_out_channels=tuple(base * multiplier for multiplier in multipliers),
        layers_per_block=blocks,
        downsample_type="resnet",
        upsample_type="resnet",
        dropout=0.1,
        attention_head_dim=base,
        attn_norm_num_groups=32,
        resnet_time_scale_shift="scale_shift",
    ).eval()
    for module in reference.modules():  # there heads are of one width everywhere, here of one number
        if hasattr(module, "to_q"):
            module.heads = heads
            module.scale = (module.to_q.out_features / heads) ** -0.5
    reference.load_state_dict(mapped(network, levels, blocks))
    x_t, pictures = torch.randn(2, 3, 32, 32), torch.randn(2, 6, 32, 32)
    timesteps = torch.tensor([3, 210])
    with torch.no_grad():
        ours = network(x_t, timesteps, pictures, {})
        theirs = reference(torch.cat([x_t, pictures], dim=1), timesteps).sample
    assert float(ours.std()) > 0.05
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in reference.parameters())
