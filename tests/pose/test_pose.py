import math

import pytest
import torch

from viseme.data.faces import MIRROR
from viseme.nn.warp import warp
from viseme.pose.pose import POSE, UNIT, flow_of, pose_of
from viseme.pose.prior import PosePrior


def face() -> torch.Tensor:
    """Landmarks `[1,68,2]` anywhere in the middle, lids and brows in order."""
    points = torch.rand((1, 68, 2), generator=torch.Generator().manual_seed(0)) - 0.5
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        points[0, upper, 1], points[0, lower, 1] = -0.2, -0.1
    return points


def held(points: torch.Tensor, roll: float, x: float, y: float) -> torch.Tensor:
    """Turned by `roll` radians about the middle of the picture, then shifted."""
    turn = torch.tensor([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
    return points @ turn + torch.tensor([x, y])


def test_a_photo_against_itself_is_no_pose() -> None:
    torch.testing.assert_close(pose_of(face()[:, None], face()), torch.zeros(1, 1, POSE), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("roll", "x", "y"), [(0.1, 0.05, -0.2), (-0.3, 0.0, 0.0), (3.0, 0.1, 0.1)])
def test_a_known_turn_and_shift_come_back(roll: float, x: float, y: float) -> None:
    expected = torch.tensor([[[roll, x, y, 0.0, 0.0]]]) / UNIT
    torch.testing.assert_close(pose_of(held(face(), roll, x, y)[:, None], face()), expected, rtol=1e-3, atol=1e-3)


def test_lids_and_brows_are_told_apart_from_the_head() -> None:
    shut, raised = face(), face()
    shut[:, [41, 40, 47, 46], 1] -= 0.06
    raised[:, 17:27, 1] -= 0.1
    poses = pose_of(torch.stack([held(points, 0.2, 0.1, 0.0) for points in (shut, raised)], dim=1), face())[0] * UNIT
    assert poses[:, :3].sub(torch.tensor([0.2, 0.1, 0.0])).abs().max() < 1e-4
    assert poses[0, 3] == pytest.approx(-0.06, abs=1e-4)
    assert poses[1, 4] == pytest.approx(-0.1, abs=1e-4)
    assert poses[1, 3] == pytest.approx(0, abs=1e-4)


def test_a_mirrored_face_turns_and_goes_the_other_way() -> None:
    def mirrored(points: torch.Tensor) -> torch.Tensor:
        return points[..., torch.as_tensor(MIRROR), :] * torch.tensor([-1.0, 1.0])

    moved = held(face(), 0.2, 0.1, -0.05)
    pose = pose_of(moved[:, None], face())
    other = pose_of(mirrored(moved)[:, None], mirrored(face()))
    torch.testing.assert_close(other, pose * torch.tensor([-1.0, -1, 1, 1, 1]), rtol=1e-3, atol=1e-3)


def test_the_photo_is_moved_to_where_the_landmarks_went() -> None:
    """A spot at a landmark of the photo is found at that landmark of the frame."""
    size, photo = 64, torch.tensor([[[10.0, -6.0], [-14.0, 3.0]]]) / 32
    pose = torch.tensor([[0.15, 0.1, -0.08, 0, 0]]) / UNIT
    place = torch.arange(size) * 2 / size - 1
    for x, y in photo[0].tolist():
        spot = torch.exp(-200 * ((place[:, None] - y) ** 2 + (place[None, :] - x) ** 2))[None, None]
        light = warp(spot, flow_of(pose, size))[0, 0]
        found = torch.stack([(light.sum(0) * place).sum(), (light.sum(1) * place).sum()]) / light.sum()
        torch.testing.assert_close(found, held(torch.tensor([[x, y]]), 0.15, 0.1, -0.08)[0], rtol=0, atol=0.01)


def test_the_prior_learns_a_process_and_draws_it() -> None:
    """x_t = 0.9 x_(t-1) + 0.1 e_t: it is told to its entropy, and what is drawn spreads as it does."""
    rng = torch.Generator().manual_seed(0)
    e, poses = 0.1 * torch.randn((2000, 50, POSE), generator=rng), [torch.zeros(2000, POSE)]
    for t in range(1, 50):
        poses.append(0.9 * poses[-1] + e[:, t])
    true, sound = torch.stack(poses, dim=1)[:, 30:], torch.zeros(40, 20, 3)
    torch.manual_seed(0)
    prior = PosePrior(3)
    optimizer = torch.optim.Adam(prior.parameters(), lr=3e-3)
    for few in true.split(40) * 6:
        optimizer.zero_grad()
        loss = prior(few, sound)
        loss.backward()
        optimizer.step()
    entropy = 0.5 * math.log(2 * math.pi * math.e * 0.1**2)
    assert float(loss.detach()) == pytest.approx(entropy, abs=0.05)
    drawn = prior.draw(torch.zeros(32, 150, 3), torch.Generator().manual_seed(1))
    assert not drawn[:, 0].any()
    assert float(drawn[:, 30:].std()) == pytest.approx(0.1 / math.sqrt(1 - 0.9**2), rel=0.35)


def test_a_prior_that_learned_nothing_stays_near_the_photo() -> None:
    torch.manual_seed(0)
    prior = PosePrior(3)
    torch.nn.init.normal_(prior.layers[-1].weight, std=3)
    assert prior.draw(torch.randn(2, 1500, 3), torch.Generator().manual_seed(0)).abs().max() < 1 / 0.02 + 25


def test_the_same_seed_draws_the_same() -> None:
    prior, sound = PosePrior(3), torch.randn(2, 12, 3)
    first, same, other = (prior.draw(sound, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
