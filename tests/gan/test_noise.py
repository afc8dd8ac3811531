import pytest
import torch

from viseme.gan.noise import NoiseStream, remembered


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_without_memory_nothing_is_changed() -> None:
    white = torch.randn((2, 5, 3), generator=rng())
    assert remembered(white, 0.0) is white


def test_full_memory_is_one_vector_a_clip() -> None:
    white = torch.randn((2, 5, 3), generator=rng())
    torch.testing.assert_close(remembered(white, 1.0), white[:, :1].expand_as(white))


@pytest.mark.parametrize("memory", [0.5, 0.95])
def test_each_frame_is_standard_normal_and_neighbours_correlate_as_told(memory: float) -> None:
    z = remembered(torch.randn((20_000, 4, 1), generator=rng()), memory)[..., 0]
    torch.testing.assert_close(z.std(dim=0), torch.ones(4), rtol=0.03, atol=0)
    torch.testing.assert_close(z.mean(dim=0), torch.zeros(4), rtol=0, atol=0.03)
    r = torch.corrcoef(z.T)
    assert float(r[1, 2]) == pytest.approx(memory, abs=0.02)
    assert float(r[0, 3]) == pytest.approx(memory**3, abs=0.02)


@pytest.mark.parametrize("memory", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("pieces", [(21,), (8, 8, 5), (1,) * 21, (3, 11, 7)])
def test_how_many_are_taken_at_a_time_changes_nothing(memory: float, pieces: tuple[int, ...]) -> None:
    whole = NoiseStream(2, 21, 3, memory, rng()).take(21)
    stream = NoiseStream(2, 21, 3, memory, rng())
    assert torch.equal(torch.cat([stream.take(piece) for piece in pieces], dim=1), whole)


def test_no_more_can_be_taken_than_there_is() -> None:
    stream = NoiseStream(1, 4, 3, 0.5, rng())
    stream.take(3)
    with pytest.raises(ValueError, match="2 frames of noise are asked for, and 1 are left"):
        stream.take(2)


def test_a_model_without_noise_takes_none() -> None:
    assert NoiseStream(2, 9, 0, 0.5, rng()).take(9).shape == (2, 9, 0)
