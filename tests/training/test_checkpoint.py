from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from viseme.errors import ModelError
from viseme.training.checkpoint import global_random_state, load_tree, save_tree, set_global_random_state

TREE = {
    "model": {"weight": torch.arange(6.0).reshape(2, 3), "none": None},
    "optimizer": {
        "state": {0: {"step": torch.tensor(3.0)}, 1: {"step": 4}},
        "param_groups": [{"params": [0, 1], "lr": 0.1}],
    },
    "flag": True,
}


def test_a_tree_survives_with_its_integer_keys(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    save_tree(path, TREE, {"step": 3})
    tree, about = load_tree(path)
    assert about == {"step": 3}
    assert torch.equal(tree["model"].pop("weight"), torch.arange(6.0).reshape(2, 3))
    assert torch.equal(tree["optimizer"]["state"][0].pop("step"), torch.tensor(3.0))
    assert tree == {
        "model": {"none": None},
        "optimizer": {"state": {0: {}, 1: {"step": 4}}, "param_groups": [{"params": [0, 1], "lr": 0.1}]},
        "flag": True,
    }


def test_the_state_of_an_optimizer_survives(tmp_path: Path) -> None:
    def learned(steps: int) -> tuple[torch.nn.Linear, torch.optim.AdamW]:
        torch.manual_seed(0)
        network = torch.nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
        for _ in range(steps):
            optimizer.zero_grad()
            network(torch.ones(1, 3)).square().sum().backward()
            optimizer.step()
        return network, optimizer

    network, optimizer = learned(3)
    save_tree(tmp_path / "c.safetensors", {"o": optimizer.state_dict(), "m": network.state_dict()}, {})
    tree, _ = load_tree(tmp_path / "c.safetensors")
    other, other_optimizer = learned(0)
    other.load_state_dict(tree["m"])
    other_optimizer.load_state_dict(tree["o"])
    for part in (optimizer, other_optimizer):
        part.step()  # with the gradients of the last step, or none: both must agree on what is kept
    torch.testing.assert_close(other_optimizer.state_dict()["state"][0]["exp_avg"], tree["o"]["state"][0]["exp_avg"])


def test_bad_checkpoints_are_one_clear_line(tmp_path: Path) -> None:
    foreign, cut = tmp_path / "foreign.safetensors", tmp_path / "cut.safetensors"
    save_file({"x": torch.zeros(1)}, foreign)
    save_tree(cut, TREE, {})
    cut.write_bytes(cut.read_bytes()[:-10])
    for path, says in ((tmp_path / "gone.safetensors", "no such"), (foreign, "schema 1"), (cut, "damaged")):
        with pytest.raises(ModelError, match=says) as caught:
            load_tree(path)
        assert "\n" not in str(caught.value)


def test_torchs_own_random_state_carries_on() -> None:
    with torch.random.fork_rng():
        state = global_random_state()
        first = torch.rand(3)
        set_global_random_state(state)
        assert torch.equal(torch.rand(3), first)
