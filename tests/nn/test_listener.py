import torch
from torch import nn

from viseme.config.sections import AudioConfig
from viseme.nn.listener import WIDTH, Listener, build_listener


def test_one_vector_a_frame_whatever_the_leading_shape() -> None:
    torch.manual_seed(0)
    listener = Listener(bands=40)
    audio = torch.randn(2, 3, 5 * 4 * 40) / 4
    whole = listener(audio)
    assert whole.shape == (2, 3, WIDTH)
    torch.testing.assert_close(listener(audio[1, 2]), whole[1, 2], rtol=1e-5, atol=1e-6)


def test_it_hears_when_not_only_what() -> None:
    torch.manual_seed(0)
    listener = Listener(bands=20)
    columns = torch.randn(1, 20, 20)
    assert (listener(columns.flatten(1)) - listener(columns.flip(1).flatten(1))).abs().max() > 1e-3


def test_only_a_learned_encoder_has_parameters() -> None:
    listener, width = build_listener(AudioConfig(kind="learned"), 800)
    assert (type(listener), width) == (Listener, WIDTH)
    identity, width = build_listener(AudioConfig(), 800)
    assert (type(identity), width, list(identity.parameters())) == (nn.Identity, 800, [])
