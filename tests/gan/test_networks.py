import pytest
import torch

from viseme.config.gan import DiscriminatorConfig, GanConfig, GeneratorConfig
from viseme.gan.discriminator import Discriminator, FaceAndMouth, build_discriminator, power_iteration
from viseme.gan.generator import Generator


def generator(identity: str = "skip", size: int = 32, **fields: object) -> Generator:
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
    frames = generator(identity, size)(photo, audio, noise, length=4).frames
    assert frames.shape == (2, 4, 3, size, size)


def test_with_skips_it_begins_as_the_photo_itself() -> None:
    photo, audio, noise = inputs()
    frames = generator("skip")(photo, audio, noise, length=2).frames
    torch.testing.assert_close(frames, photo[:, None].expand_as(frames))


def test_by_vector_alone_frames_are_pictures_in_range() -> None:
    photo, audio, noise = inputs()
    frames = generator("vector")(photo, audio, noise, length=2).frames
    assert float(frames.detach().abs().max()) <= 1


def test_sound_is_heard_in_its_order_and_never_before_its_time() -> None:
    network = generator("vector")
    photo, audio, noise = inputs()
    frames = network(photo, audio, noise, length=6).frames
    later = audio.clone()
    later[:, 4] += 3
    changed = network(photo, later, noise, length=6).frames
    torch.testing.assert_close(changed[:, :4], frames[:, :4])
    for t in (4, 5):  # at once, and in what the LSTM remembers
        assert not torch.allclose(changed[:, t], frames[:, t])


def test_noise_reaches_the_picture() -> None:
    network = generator("vector")
    photo, audio, noise = inputs()
    assert not torch.allclose(network(photo, audio, noise, 2).frames, network(photo, audio, noise + 1, 2).frames)


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


def test_the_papers_decoder_hears_through_the_lstm_alone() -> None:
    """With its output held still, sound changes nothing; with `film`, the frame's own sound still does."""
    photo, audio, noise = inputs()
    for decoder, still in (("plain", True), ("film", False)):
        network = generator("vector", decoder=decoder)
        for parameter in network.lstm.parameters():
            torch.nn.init.zeros_(parameter)
        assert torch.equal(network(photo, audio, noise, 2).frames, network(photo, audio + 1, noise, 2).frames) == still


def test_the_papers_decoder_has_no_modulation_and_half_the_state() -> None:
    network = generator("vector", decoder="plain")
    assert not [name for name, _ in network.named_parameters() if "film" in name]
    assert network.start.in_features == network.lstm.hidden_size == 12


@pytest.mark.parametrize("identity", ["skip", "vector"])
def test_a_backbone_s_embedding_reaches_the_picture(identity: str) -> None:
    network = generator(identity, backbone="lite0")
    torch.nn.init.normal_(network.head.weight, std=0.1)
    photo, audio, noise = inputs()
    frames = network(photo, audio, noise, 2).frames
    torch.nn.init.zeros_(network.identity.vector.weight)
    assert not torch.allclose(network(photo, audio, noise, 2).frames, frames)
    assert [name for name in network.state_dict() if "identity.stem" in name] == (
        ["identity.stem.weight", "identity.stem.bias"] if identity == "skip" else []
    )


def test_warping_begins_as_the_photo_itself_and_moves_it() -> None:
    network = generator("skip", warp=True)
    photo, audio, noise = inputs()
    torch.testing.assert_close(network(photo, audio, noise, 2).frames, photo[:, None].expand(-1, 2, -1, -1, -1))
    with torch.no_grad():
        network.head.bias[3] = 4.0  # 4 / 32 of 32 pixels
    made = network(photo, audio, noise, 1).frames[:, 0]
    torch.testing.assert_close(made[..., :-4], photo[..., 4:])


def discriminator(**fields: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_discriminator(GanConfig(discriminator=DiscriminatorConfig(width=4, audio_width=3, **fields)))  # type: ignore[arg-type]


def test_face_and_mouth_are_judged_apart() -> None:
    network = discriminator(mouth=True)
    assert isinstance(network, FaceAndMouth)
    face, photo, audio = torch.randn(2, 3, 3, 64, 64), torch.randn(2, 3, 64, 64), torch.randn(2, 3, 800)
    mouths, mouth = torch.randn(2, 3, 3, 32, 32), torch.randn(2, 3, 32, 32)
    logits = network(face, photo, audio, mouths, mouth)
    assert logits.shape == (2, 2)
    other = network(face, photo, audio, mouths + 1, mouth)
    assert torch.equal(other[:, 0], logits[:, 0])
    assert not torch.allclose(other[:, 1], logits[:, 1])


def largest(layer: torch.nn.Module) -> float:
    return float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2))  # type: ignore[operator, union-attr]


def test_spectral_norm_brings_each_layer_to_a_largest_singular_value_of_one() -> None:
    network = discriminator(spectral_norm=True, mouth=True)
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv3d)]
    assert len(layers) == 7 + 6  # of half the picture, one convolution fewer
    for _ in range(30):
        power_iteration(network)
    for layer in layers:
        assert largest(layer) == pytest.approx(1, rel=0.02)


def test_only_a_power_iteration_follows_the_singular_values() -> None:
    network = discriminator(spectral_norm=True)
    inputs_ = (torch.randn(2, 3, 3, 64, 64), torch.randn(2, 3, 64, 64), torch.randn(2, 3, 800))
    first = network(*inputs_)
    torch.testing.assert_close(network(*inputs_), first, rtol=0, atol=0)
    before = {name: value.clone() for name, value in network.named_buffers()}
    power_iteration(network)
    assert any(not torch.equal(value, before[name]) for name, value in network.named_buffers())


def test_without_spectral_norm_a_power_iteration_is_nothing() -> None:
    network = discriminator()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    power_iteration(network)
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
