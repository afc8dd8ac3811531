import numpy as np
import pytest
import torch

from viseme.diffusion.motion import beginning, grey, moved_on, recoloured
from viseme.evaluation.quality import luma
from viseme.nn.images import to_pixels


def pictures(count: int = 3, channels: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.rand((count, channels, 8, 8), generator=torch.Generator().manual_seed(seed)) * 1.2 - 0.6


def test_the_oldest_frame_leaves_and_the_newest_comes_last() -> None:
    frames = pictures(count=4)
    identity = pictures(count=1, seed=1)
    motion = beginning(identity, 3)
    assert torch.equal(motion, torch.cat([identity] * 3, dim=1))
    for frame in frames:
        motion = moved_on(motion, frame[None])
    assert torch.equal(motion[0], torch.cat([*frames[1:]]))


def test_one_motion_frame_is_the_frame_before() -> None:
    one, other = pictures(), pictures(seed=1)
    assert torch.equal(beginning(one, 1), one)
    assert torch.equal(moved_on(one, other), other)


def test_grey_frames_are_luma_in_three_equal_channels() -> None:
    motion = pictures(channels=6)
    made = grey(motion)
    assert made.shape == motion.shape
    for first in (0, 3):
        frame, seen = motion[:, first : first + 3], made[:, first : first + 3]
        assert torch.equal(seen, seen[:, :1].expand_as(seen))
        # Against the metrics' own luma, of the same picture in 8 bits.
        np.testing.assert_allclose((seen[:, 0].numpy() + 1) * 127.5, luma(to_pixels(frame)), atol=0.51)


def test_hues_of_one_luma_cannot_be_told_apart_once_grey() -> None:
    red = torch.tensor([0.5, 0.0, 0.0])[None, :, None, None].expand(1, 3, 2, 2)
    blue = torch.tensor([0.0, 0.0, 0.5 * 0.299 / 0.114])[None, :, None, None].expand(1, 3, 2, 2)
    torch.testing.assert_close(grey(red), grey(blue))


def test_recoloured_frames_have_the_identity_frames_mean_and_deviation() -> None:
    identity, frames = pictures(), pictures(seed=1) * torch.tensor([0.5, 0.9, 1.3])[None, :, None, None] + 0.1
    made = recoloured(frames, identity)
    torch.testing.assert_close(made.mean(dim=(2, 3)), identity.mean(dim=(2, 3)))
    torch.testing.assert_close(made.std(dim=(2, 3)), identity.std(dim=(2, 3)))


def test_a_gain_and_an_offset_a_channel_are_undone() -> None:
    identity = pictures()
    gain, offset = torch.tensor([[0.7], [1.0], [1.4]]), torch.tensor([[0.2], [0.0], [-0.1]])
    torch.testing.assert_close(recoloured(identity * gain[..., None] + offset[..., None], identity), identity)


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_a_flat_frame_takes_the_mean_and_stays_flat(level: float) -> None:
    identity = pictures()
    made = recoloured(torch.full_like(identity, level), identity)
    torch.testing.assert_close(made, identity.mean(dim=(2, 3), keepdim=True).expand_as(made), atol=1e-2, rtol=0)


def test_what_leaves_the_range_is_held_to_it() -> None:
    identity = torch.where(pictures() > 0, 1.0, -1.0)
    frames = pictures(seed=1) ** 3
    assert float(recoloured(frames, identity).abs().max()) == 1
