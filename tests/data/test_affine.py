"""Moved windows: pictures, mouth boxes and landmarks stay on one another."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import torch
from torch.nn import functional as F

from viseme.data.affine import Affine, moved
from viseme.types import Batch

SIZE = 32


def blob(points: torch.Tensor) -> torch.Tensor:
    """A soft bright spot at each of `[...,2]` in pixels, `[...,3,SIZE,SIZE]`."""
    place = torch.arange(SIZE)
    x, y = points[..., 0, None, None], points[..., 1, None, None]
    spot = torch.exp(-((place - x).square() + (place[:, None] - y).square()) / 8) * 2 - 1
    return spot[..., None, :, :].expand(*points.shape[:-1], 3, SIZE, SIZE)


def windows(count: int = 3) -> Batch:
    """Every picture shows a spot at its first landmark, and the mouth box is around it."""
    rng = torch.Generator().manual_seed(0)
    pixels = torch.rand((count, 4, 68, 2), generator=rng) * 10 + 11
    spots = blob(pixels[:, :, 0])
    place = torch.arange(SIZE)
    near = [(place - pixels[:, 2:, 0, axis, None]).abs() <= 3.5 for axis in (0, 1)]
    marks = pixels / SIZE * 2 - 1
    return Batch(
        identity=spots[:, 0],
        motion=spots[:, 1],
        frames=spots[:, 2:],
        audio=torch.zeros(count, 2, 5),
        landmarks=marks[:, 2:],
        mouth=(near[1][..., None] & near[0][..., None, :]).float()[:, :, None],
        identity_landmarks=marks[:, 0],
        landmarks_before=marks[:, :1],
    )


def centre(pictures: torch.Tensor) -> torch.Tensor:
    """Where the light of `[...,C,SIZE,SIZE]` is, `[...,2]` in pixels."""
    light = (pictures - pictures.amin(dim=(-2, -1), keepdim=True)).mean(dim=-3)
    place, total = torch.arange(SIZE), light.sum(dim=(-2, -1))
    return (
        torch.stack([(light.sum(dim=-2) * place).sum(-1), (light.sum(dim=-1) * place).sum(-1)], dim=-1)
        / total[..., None]
    )


def test_the_identity_changes_nothing() -> None:
    given = windows()
    made = moved(given, Affine().draw(3, torch.Generator()))
    for field in fields(Batch):
        torch.testing.assert_close(getattr(made, field.name), getattr(given, field.name), atol=1e-5, rtol=0)


def test_pictures_landmarks_and_mouth_boxes_move_together() -> None:
    made = moved(windows(), Affine(rotation=15, scale=0.1, shift=0.05).draw(3, torch.Generator().manual_seed(2)))
    for pictures, marks in ((made.frames, made.landmarks[:, :, 0]), (made.identity, made.identity_landmarks[:, 0])):
        torch.testing.assert_close(centre(pictures), (marks + 1) / 2 * SIZE, atol=0.15, rtol=0)
    torch.testing.assert_close(centre(made.mouth), (made.landmarks[:, :, 0] + 1) / 2 * SIZE, atol=0.6, rtol=0)
    assert set(made.mouth.unique().tolist()) == {0.0, 1.0}


def test_motion_frames_move_as_the_window_does() -> None:
    given = windows()
    same = Batch(**{**{f.name: getattr(given, f.name) for f in fields(Batch)}, "motion": given.frames[:, 0]})
    made = moved(same, Affine(rotation=10, shift=0.1).draw(3, torch.Generator().manual_seed(1)))
    assert torch.equal(made.motion, made.frames[:, 0])
    assert not torch.equal(made.motion, given.frames[:, 0])


def test_a_shift_by_whole_pixels_is_that_shift() -> None:
    given = windows()
    matrix = torch.tensor([[[1.0, 0.0, 4 / SIZE], [0.0, 1.0, -6 / SIZE]]]).expand(3, -1, -1)
    made = moved(given, matrix)
    torch.testing.assert_close(made.frames[..., :-3, 2:], given.frames[..., 3:, :-2], atol=1e-5, rtol=0)
    torch.testing.assert_close(made.landmarks, given.landmarks + torch.tensor([4 / SIZE, -6 / SIZE]))


def test_a_quarter_turn_is_torchs_own() -> None:
    given = windows()
    matrix = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]]).expand(3, -1, -1)  # x to y, clockwise as seen
    torch.testing.assert_close(moved(given, matrix).frames, given.frames.rot90(-1, (-2, -1)), atol=1e-5, rtol=0)


def test_draws_keep_to_their_ranges_and_fill_them() -> None:
    matrices = Affine(rotation=10, scale=0.2, shift=0.1).draw(4000, torch.Generator().manual_seed(0))
    angles = torch.rad2deg(torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    factors = torch.linalg.det(matrices[:, :, :2]).sqrt()
    for values, low, high in ((angles, -10, 10), (factors, 1 / 1.2, 1.2), (matrices[:, :, 2], -0.2, 0.2)):
        assert low <= float(values.min()) < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < float(values.max()) <= high
    assert abs(float(factors.log().mean())) < 0.01 * math.log(1.2) * 5


def test_the_same_generator_gives_the_same_windows() -> None:
    drawn = [Affine(5, 0.1, 0.1).draw(3, torch.Generator().manual_seed(7)) for _ in "ab"]
    assert torch.equal(moved(windows(), drawn[0]).frames, moved(windows(), drawn[1]).frames)


def test_what_is_bent_takes_its_landmarks_along() -> None:
    affine, rng = Affine(rotation=10, shift=0.05, bend=0.05), torch.Generator().manual_seed(3)
    given, matrices, bends = windows(), affine.draw(3, rng), affine.draw_bends(3, rng)
    made, straight = moved(given, matrices, bends), moved(given, matrices)
    for pictures, marks in ((made.frames, made.landmarks[:, :, 0]), (made.identity, made.identity_landmarks[:, 0])):
        torch.testing.assert_close(centre(pictures), (marks + 1) / 2 * SIZE, atol=0.35, rtol=0)
    assert float((made.landmarks - straight.landmarks).abs().max()) * SIZE / 2 > 0.7
    assert torch.equal(made.mouth.unique(), torch.tensor([0.0, 1.0]))
    assert Affine(rotation=10).draw_bends(3, rng) is None


def test_a_bend_keeps_to_its_range() -> None:
    bends = Affine(bend=0.05).draw_bends(2000, torch.Generator().manual_seed(0))
    assert bends is not None
    assert 0.0999 < float(bends.abs().max()) <= 0.1


def test_larger_pictures_are_reduced_and_stay_sharper() -> None:
    """A spot a pixel wide, moved by half a pixel: read at its own size it is blurred, read at twice that it is less."""
    rng = torch.Generator().manual_seed(1)
    fine = (torch.rand((3, 4, 3, 2 * SIZE, 2 * SIZE), generator=rng) * 2 - 1).mean(dim=2, keepdim=True)
    fine = fine.expand(-1, -1, 3, -1, -1)
    coarse = F.avg_pool2d(fine.flatten(0, 1), 2).unflatten(0, (3, 4))
    half = torch.tensor([[[1.0, 0.0, 1 / SIZE], [0.0, 1.0, 1 / SIZE]]]).expand(3, -1, -1)
    sharp = {}
    for name, pictures in (("fine", fine), ("coarse", coarse)):
        shown = replace(windows(), identity=pictures[:, 0], motion=pictures[:, 1], frames=pictures[:, 2:])
        made = moved(shown, half)
        assert made.frames.shape[-1] == SIZE
        torch.testing.assert_close(made.landmarks, windows().landmarks + 1 / SIZE)
        sharp[name] = float(made.frames.diff(dim=-1).square().mean())
    assert sharp["fine"] > 1.3 * sharp["coarse"]
