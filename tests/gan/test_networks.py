import pytest
import torch

from viseme.config.gan import DiscriminatorConfig, GeneratorConfig
from viseme.gan.discriminator import Discriminator
from viseme.gan.generator import Generator


def generator(identity: str = "skip", size: int = 32, **fields: int) -> Generator:
    torch.manual_seed(0)
    config = GeneratorConfig(identity=identity, width=8, max_width=16, hidden=12, noise=3, **fields)  # type: ignore[arg-type]
    return Generator(config, size, audio_width=7)


def inputs(batch: int = 2, heard: int = 6, size: int = 32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    photo = torch.rand((batch, 3, size, size), generator=rng) * 2 - 1
    return photo, torch.randn((batch, heard, 7), generator=rng), torch.randn((batch, heard, 3), generator=rng)


@pytest.mark.parametrize("identity", ["skip", "vector"])
@pytest.mark.parametrize("size", [16, 32, 128])
def test_it_draws_the_last_frames_heard(identity: str, size: int) -> None:
    photo, audio, noise = inputs(size=size)
    frames = generator(identity, size)(photo, audio, noise, length=4)
    assert frames.shape == (2, 4, 3, size, size)


def test_with_skips_it_begins_as_the_photo_itself() -> None:
    photo, audio, noise = inputs()
    frames = generator("skip")(photo, audio, noise, length=2)
    torch.testing.assert_close(frames, photo[:, None].expand_as(frames))


def test_by_vector_alone_frames_are_pictures_in_range() -> None:
    photo, audio, noise = inputs()
    frames = generator("vector")(photo, audio, noise, length=2)
    assert float(frames.detach().abs().max()) <= 1


def test_sound_is_heard_in_its_order_and_never_before_its_time() -> None:
    network = generator("vector")
    photo, audio, noise = inputs()
    frames = network(photo, audio, noise, length=6)
    later = audio.clone()
    later[:, 4] += 3
    changed = network(photo, later, noise, length=6)
    torch.testing.assert_close(changed[:, :4], frames[:, :4])
    for t in (4, 5):  # at once, and in what the LSTM remembers
        assert not torch.allclose(changed[:, t], frames[:, t])


def test_noise_reaches_the_picture() -> None:
    network = generator("vector")
    photo, audio, noise = inputs()
    assert not torch.allclose(network(photo, audio, noise, 2), network(photo, audio, noise + 1, 2))


def test_carrying_the_state_equals_hearing_it_all() -> None:
    network = generator("vector", layers=2)
    photo, audio, noise = inputs()
    identity = network.identity(photo)
    whole, _ = network.listen(identity, audio, noise)
    first, state = network.listen(identity, audio[:, :4], noise[:, :4])
    second, _ = network.listen(identity, audio[:, 4:], noise[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(
        torch.cat([network.draw(identity, first), network.draw(identity, second)], dim=1), network.draw(identity, whole)
    )


@pytest.mark.parametrize(("length", "size"), [(1, 16), (5, 32), (16, 64)])
def test_the_discriminator_judges_any_length(length: int, size: int) -> None:
    torch.manual_seed(0)
    network = Discriminator(DiscriminatorConfig(width=4, audio_width=3), size, audio_width=7)
    logits = network(torch.randn(2, length, 3, size, size), torch.randn(2, 3, size, size), torch.randn(2, length, 7))
    assert logits.shape == (2,)


def test_the_discriminator_sees_frames_their_order_photo_and_sound() -> None:
    torch.manual_seed(0)
    network = Discriminator(DiscriminatorConfig(width=4, audio_width=3), 32, audio_width=7)
    frames, photo, audio = torch.randn(2, 6, 3, 32, 32), torch.randn(2, 3, 32, 32), torch.randn(2, 6, 7)
    logits = network(frames, photo, audio)
    for changed in (
        network(frames.flip(1), photo, audio),
        network(frames + 0.5, photo, audio),
        network(frames, photo + 0.5, audio),
        network(frames, photo, audio + 0.5),
    ):
        assert not torch.allclose(changed, logits)
