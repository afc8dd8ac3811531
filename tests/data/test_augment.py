from dataclasses import fields, replace

import torch

from viseme.data.augment import ColourJitter, augment
from viseme.data.faces import MIRROR
from viseme.types import Batch


def batch(count: int = 6) -> Batch:
    rng = torch.Generator().manual_seed(0)
    return Batch(
        identity=torch.rand((count, 3, 8, 8), generator=rng) * 2 - 1,
        motion=torch.rand((count, 3, 8, 8), generator=rng) * 2 - 1,
        frames=torch.rand((count, 2, 3, 8, 8), generator=rng) * 2 - 1,
        audio=torch.rand((count, 2, 5), generator=rng),
        landmarks=torch.rand((count, 2, 68, 2), generator=rng) * 2 - 1,
        mouth=(torch.rand((count, 2, 1, 8, 8), generator=rng) > 0.5).float(),
        identity_landmarks=torch.rand((count, 68, 2), generator=rng) * 2 - 1,
        landmarks_before=torch.rand((count, 3, 68, 2), generator=rng) * 2 - 1,
    )


def test_without_strength_nothing_changes() -> None:
    given = batch()
    made = augment(given, flip=0.0, colour=0.0, rng=torch.Generator())
    for field in fields(Batch):
        assert torch.equal(getattr(made, field.name), getattr(given, field.name))


def test_all_pictures_of_a_window_are_mirrored_together() -> None:
    given = batch()
    made = augment(given, flip=1.0, colour=0.0, rng=torch.Generator())
    for name in ("identity", "motion", "frames", "mouth"):
        assert torch.equal(getattr(made, name), getattr(given, name).flip(-1))
    assert torch.equal(made.audio, given.audio)


def test_mirrored_landmarks_mark_the_mirrored_pixels() -> None:
    """Point i at pixel column x lies, mirrored, at column W - 1 - x under its partner's number."""
    given, width = batch(), 8
    made = augment(given, flip=1.0, colour=0.0, rng=torch.Generator())
    for before, after in (
        (given.landmarks, made.landmarks),
        (given.identity_landmarks, made.identity_landmarks),
    ):
        columns, mirrored = ((points[..., 0] + 1) / 2 * width for points in (before, after))
        torch.testing.assert_close(mirrored, width - 1 - columns[..., torch.as_tensor(MIRROR)])
        torch.testing.assert_close(after[..., 1], before[..., torch.as_tensor(MIRROR), 1])


def test_mirroring_twice_is_nothing() -> None:
    given = batch()
    twice = augment(
        augment(given, flip=1.0, colour=0.0, rng=torch.Generator()), flip=1.0, colour=0.0, rng=torch.Generator()
    )
    torch.testing.assert_close(twice.landmarks, given.landmarks)
    assert torch.equal(twice.frames, given.frames)


def test_half_of_the_windows_are_mirrored() -> None:
    given = batch(400)
    made = augment(given, flip=0.5, colour=0.0, rng=torch.Generator().manual_seed(0))
    same = (made.identity == given.identity).flatten(1).all(dim=1)
    assert 0.4 < float(same.float().mean()) < 0.6


def test_colour_changes_alike_in_all_pictures_of_a_window_and_stays_in_range() -> None:
    jitter = ColourJitter(2, 0.3, torch.Generator().manual_seed(0))
    flat = torch.full((2, 3, 4, 4), 0.2)
    one, many = jitter(flat), jitter(flat[:, None].expand(-1, 5, -1, -1, -1))
    torch.testing.assert_close(many, one[:, None].expand_as(many))
    assert not torch.allclose(one[0], one[1])
    assert float(jitter(batch(2).frames * 9).abs().max()) <= 1


def test_every_motion_frame_changes_as_the_window_does() -> None:
    given = batch()
    three = replace(given, motion=torch.cat([given.frames[:, 1], given.frames[:, 0], given.identity], dim=1))
    made = augment(three, flip=0.5, colour=0.3, rng=torch.Generator().manual_seed(0))
    assert torch.equal(made.motion, torch.cat([made.frames[:, 1], made.frames[:, 0], made.identity], dim=1))
    assert not torch.equal(made.identity, given.identity)


def test_the_same_generator_gives_the_same_windows() -> None:
    made = [augment(batch(), flip=0.5, colour=0.2, rng=torch.Generator().manual_seed(4)) for _ in range(2)]
    for field in fields(Batch):
        assert torch.equal(getattr(made[0], field.name), getattr(made[1], field.name))
