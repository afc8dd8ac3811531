import pytest

from viseme.errors import ConfigError
from viseme.training.best import Best


def run(best: Best, *values: float, name: str = "loss") -> Best:
    for step, value in enumerate(values, start=1):
        best = best.after({name: value}, step)
    return best


def test_the_lowest_loss_is_the_best_and_a_tie_keeps_the_earlier() -> None:
    best = run(Best("loss"), 3.0, 1.0, 2.0, 1.0)
    assert best == Best("loss", value=1.0, step=2, since=2)


@pytest.mark.parametrize("name", ["snr", "rollout/psnr", "rollout/mouth_correlation_raw"])
def test_some_scalars_are_better_the_higher(name: str) -> None:
    assert run(Best(name), 1.0, 3.0, 2.0, name=name).step == 2


def test_nothing_is_better_than_before_where_it_is_not_a_number() -> None:
    assert run(Best("loss"), float("nan"), 5.0, float("-inf")) == Best("loss", 5.0, 2, 1)


def test_patience_counts_the_validations_in_vain() -> None:
    best = run(Best("loss"), 1.0, 2.0, 2.0)
    assert best.spent(2)
    assert not best.spent(3)
    assert not best.spent(0)
    assert not Best("loss").spent(1)
    assert not best.after({"loss": 0.5}, 9).spent(1)


def test_it_is_said_and_taken_up_again() -> None:
    best = run(Best("loss"), 1.0, 2.0)
    assert Best(**best.said()) == best


def test_an_unknown_scalar_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"best_by=lips: validation gives lip, loss"):
        Best("lips").after({"loss": 1.0, "lip": 2.0}, 1)
