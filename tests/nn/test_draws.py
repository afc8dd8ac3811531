from dataclasses import fields

import pytest
import torch

from viseme.nn.draws import Share, divided, rand, randint, randn
from viseme.types import Batch


def share(rows: range, whole: int = 8, seed: int = 5) -> Share:
    made = Share(whole, rows)
    made.manual_seed(seed)
    return made


def batch(count: int) -> Batch:
    return Batch(*(torch.arange(count, dtype=torch.float32) + 100 * field for field in range(len(fields(Batch)))))


def drawn(rng: torch.Generator, count: int) -> list[torch.Tensor]:
    """One of each kind, one after another, as an objective draws them."""
    return [
        randint(250, (count,), rng),
        randn((count, 3, 2), rng),
        rand((count, 1), rng),
        rand((count,), rng, torch.float64),
    ]


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_sample_draws_the_same_wherever_it_is_learned_from(processes: int) -> None:
    whole = drawn(torch.Generator().manual_seed(5), 8)
    for rank in range(processes):
        rows = range(rank, 8, processes)
        for own, all_of_them in zip(drawn(share(rows), len(rows)), whole, strict=True):
            assert torch.equal(own, all_of_them[list(rows)])


def test_whole_numbers_lie_below_the_limit() -> None:
    numbers = randint(3, (200,), torch.Generator().manual_seed(0))
    assert set(numbers.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("rng", [torch.Generator().manual_seed(5), share(range(1, 16, 2), 16)])
def test_parts_of_a_batch_draw_what_the_batch_draws(rng: torch.Generator) -> None:
    parts = [(part, drawn(own, 2)) for part, own in divided(batch(8), rng, 4)]
    again = [drawn(own, 2) for _, own in divided(batch(8), rng, 4)]
    assert str([numbers for _, numbers in parts]) == str(again)
    assert torch.equal(torch.cat([part.mouth for part, _ in parts]), batch(8).mouth)
    for kind, whole in enumerate(drawn(rng, 8)):
        assert torch.equal(torch.cat([numbers[kind] for _, numbers in parts]), whole)


def test_a_batch_in_one_part_is_itself() -> None:
    rng, whole = torch.Generator(), batch(3)
    assert list(divided(whole, rng, 1)) == [(whole, rng)]


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(ValueError, match="8 samples"):
        list(divided(batch(8), torch.Generator(), 3))
    with pytest.raises(ValueError, match="5 samples are drawn for, and 4"):
        rand((5,), share(range(0, 8, 2)))
