from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from viseme.errors import ModelError, OutputError
from viseme.training.checkpoint import Snapshot, load_tree, save_tree

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


def test_a_snapshot_keeps_what_was_while_the_network_learns_on(tmp_path: Path) -> None:
    weight = torch.zeros(3)
    snapshot = Snapshot.take({"weight": weight}, {})
    weight += 1
    snapshot.write(tmp_path / "kept.safetensors")
    assert torch.equal(load_tree(tmp_path / "kept.safetensors")[0]["weight"], torch.zeros(3))


def test_a_full_disk_is_one_line_and_leaves_the_file_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept.safetensors"
    save_tree(path, TREE, {"step": 1})
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("viseme.nn.weights.save_file", full)
    with pytest.raises(OutputError, match="no room left"):
        save_tree(path, TREE, {"step": 2})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
