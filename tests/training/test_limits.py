import pytest
import torch

from viseme.training.limits import available_memory, largest_that, matmul_peak, resident_peak


@pytest.mark.parametrize(("limit", "found"), [(100, 96), (8, 8), (7, None), (1000, 960)])
def test_the_largest_batch_is_found_within_an_eighth(limit: int, found: int | None) -> None:
    tried: list[int] = []

    def fits(count: int) -> bool:
        tried.append(count)
        return count <= limit

    assert largest_that(fits, 8) == found
    assert len(tried) < 14


def test_it_is_a_multiple_of_the_parts() -> None:
    found = largest_that(lambda count: count <= 100, 6, 6)
    assert found is not None
    assert found % 6 == 0
    assert 100 / 1.2 < found <= 100


def test_memory_is_told_in_bytes() -> None:
    before = resident_peak()
    held = torch.ones(50_000_000)
    assert resident_peak() - before > 0.5 * held.nbytes or before > 2 * held.nbytes
    available = available_memory()
    assert available is None or 2**20 < available < 2**50


def test_a_matrix_product_reaches_more_than_a_gigaflop(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1e9 < matmul_peak(torch.device("cpu"), "32-true") < 1e15
