import pytest
import torch

from viseme.gan.augmentation import DRAWS, augmented, draw_looks

MIDDLE = 0.5
"""The draw that changes nothing."""


def windows(count: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    frames = torch.rand((count, 3, 3, 16, 16), generator=rng) * 2 - 1
    return frames, frames[:, 0].clone(), torch.rand((count, 3, 68, 2), generator=rng) - 0.5


def looks(**changed: float) -> torch.Tensor:
    names = ("brightness", "saturation", "contrast", "x", "y")
    return torch.tensor([[changed.get(name, MIDDLE) for name in names]] * 2)


def test_the_middle_of_all_draws_changes_nothing() -> None:
    for given, made in zip(windows(), augmented(*windows(), looks(), 1.0), strict=True):
        torch.testing.assert_close(made, given)


def test_brightness_is_added() -> None:
    frames, *_ = windows()
    torch.testing.assert_close(augmented(*windows(), looks(brightness=1.0), 1.0)[0], frames + 0.5)
    torch.testing.assert_close(augmented(*windows(), looks(brightness=0.0), 0.5)[0], frames - 0.25)


def test_without_saturation_it_is_grey() -> None:
    frames, photo, _ = augmented(*windows(), looks(saturation=0.0), 1.0)
    torch.testing.assert_close(frames, windows()[0].mean(dim=2, keepdim=True).expand_as(frames))
    torch.testing.assert_close(photo, frames[:, 0])


def test_contrast_moves_each_picture_away_from_its_mean() -> None:
    frames, photo, landmarks = windows()
    mean = frames.mean(dim=(2, 3, 4), keepdim=True)
    made, *_ = augmented(frames, photo, landmarks, looks(contrast=1.0), 1.0)
    torch.testing.assert_close(made, mean + 1.5 * (frames - mean))


def test_the_picture_moves_by_whole_pixels_and_the_landmarks_with_it() -> None:
    frames, photo, landmarks = windows()
    made, made_photo, moved = augmented(frames, photo, landmarks, looks(x=1.0, y=0.0), 1.0)
    torch.testing.assert_close(made[..., :-2, 2:], frames[..., 2:, :-2])  # two right, two up: an eighth of 16
    assert float(made[..., -2:, :].abs().max()) == 0
    torch.testing.assert_close(made_photo, made[:, 0])
    torch.testing.assert_close(moved, landmarks + torch.tensor([0.25, -0.25]))


def test_the_gradient_comes_back_to_where_it_belongs() -> None:
    frames, photo, landmarks = windows()
    frames.requires_grad_(True)
    made, *_ = augmented(frames, photo, landmarks, looks(x=1.0), 1.0)
    made[:, 1, :, 5, 7].sum().backward()  # type: ignore[no-untyped-call]
    assert frames.grad is not None
    assert frames.grad[:, 1, :, 5, 5].min() > 0.9
    assert float(frames.grad[:, 0].abs().max()) == 0


def test_draws_are_seeded_and_each_window_has_its_own() -> None:
    one, same = (draw_looks(4, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, same)
    assert one.shape == (4, DRAWS)
    assert len({tuple(row) for row in one.tolist()}) == 4


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_strength_bounds_the_change(strength: float) -> None:
    frames, photo, landmarks = windows(count=64)
    *_, moved = augmented(frames, photo, landmarks, draw_looks(64, torch.Generator().manual_seed(0)), strength)
    furthest = float((moved - landmarks).abs().max()) * 8  # pixels
    assert furthest <= 16 / 8 * strength + 0.5 + 1e-5
    assert (furthest > 0) == (strength > 0)
