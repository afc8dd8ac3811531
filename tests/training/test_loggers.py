import torch

from viseme.training.loggers import Means


def test_a_scalar_that_some_steps_do_not_tell_is_the_mean_over_those_that_do() -> None:
    means = Means()
    means.add({"loss": torch.tensor(1.0), "noise_ratio/late": torch.tensor(1.5)})
    means.add({"loss": torch.tensor(3.0)})
    assert means.take() == {"loss": 2.0, "noise_ratio/late": 1.5}
    assert means.take() == {}
