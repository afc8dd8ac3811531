from types import SimpleNamespace

import pytest

from viseme.training.peers import Peers


def peers(count: int) -> Peers:
    made = Peers(SimpleNamespace(global_rank=0, world_size=1))  # type: ignore[arg-type]
    made.count = count
    return made


def test_a_scalar_is_averaged_over_the_processes_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [{"loss": 3.0, "noise_ratio/late": 1.5}, {"loss": 5.0}]

    def gather(told: list[dict[str, float]], own: dict[str, float], group: object) -> None:
        told[:] = [own, *others]

    monkeypatch.setattr("viseme.training.peers.dist.all_gather_object", gather)
    assert peers(3).mean({"loss": 1.0, "noise_ratio/early": 0.5}) == {
        "loss": 3.0,
        "noise_ratio/early": 0.5,
        "noise_ratio/late": 1.5,
    }


def test_one_process_has_its_own_means() -> None:
    assert peers(1).mean({"loss": 1.0}) == {"loss": 1.0}
    assert peers(1).mean({}) == {}
