import numpy as np
import torch

from viseme.nn.images import luma, to_pixels, to_signed


def test_all_pixel_values_survive_the_round_trip() -> None:
    pixels = np.arange(256 * 3, dtype=np.uint16).reshape(1, 16, 16, 3).astype(np.uint8)
    signed = to_signed(pixels)
    assert signed.shape == (1, 3, 16, 16)
    assert float(signed.min()) == -1
    assert float(signed.max()) == 1
    np.testing.assert_array_equal(to_pixels(signed), pixels)


def test_what_lies_outside_is_clipped() -> None:
    picture = torch.tensor([-3.0, -1.0, 0.0, 1.0, 9.0]).reshape(1, 1, 5).expand(3, 1, 5)
    np.testing.assert_array_equal(to_pixels(picture)[0, :, 0], [0, 0, 128, 255, 255])


def test_luma_is_that_of_bt601_and_of_grey_the_grey_itself() -> None:
    pictures = torch.eye(3).reshape(3, 3, 1, 1)  # red, green, blue
    torch.testing.assert_close(luma(pictures).flatten(), torch.tensor([0.299, 0.587, 0.114]))
    grey = torch.linspace(-1, 1, 5).reshape(1, 1, 1, 5).expand(2, 3, 1, 5)
    torch.testing.assert_close(luma(grey), grey[:, :1])
