from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from viseme.errors import ModelError
from viseme.nn.weights import check_weights, load_weights, read_model, save_model


def test_a_model_survives_its_file(tmp_path: Path) -> None:
    network, path = nn.Linear(3, 2), tmp_path / "model.safetensors"
    save_model(path, network, {"kind": "gan"}, {"steps": 5}, torch.float32)
    file = read_model(path)
    assert (file.config, file.training) == ({"kind": "gan"}, {"steps": 5})
    other = nn.Linear(3, 2)
    load_weights(other, file.weights, "model")
    torch.testing.assert_close(other.state_dict(), network.state_dict(), rtol=0, atol=0)


def test_half_precision_weights_load_as_float32(tmp_path: Path) -> None:
    network, path = nn.Linear(3, 2), tmp_path / "model.safetensors"
    save_model(path, network, {}, {}, torch.float16)
    other = nn.Linear(3, 2)
    load_weights(other, read_model(path).weights, "model")
    assert other.weight.dtype == torch.float32
    torch.testing.assert_close(other.weight, network.weight, rtol=1e-3, atol=1e-4)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    network = nn.Linear(3, 2)
    for name in ("a", "b"):
        save_model(tmp_path / f"{name}.safetensors", network, {"x": 1, "y": 2}, {"z": 3}, torch.float32)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_other_architectures_are_refused_naming_three_keys() -> None:
    weights = {name: torch.zeros(1) for name in ("a", "b", "c", "d", "weight")}
    with pytest.raises(ModelError) as caught:
        load_weights(nn.Linear(3, 2), weights, "odd.safetensors")
    line = str(caught.value)
    assert "odd.safetensors: weights of another architecture: bias is missing, a is unknown, b is unknown" in line
    assert "(6 differ)" in line


def test_weights_are_checked_against_a_network_that_holds_none() -> None:
    with torch.device("meta"):
        network = nn.Linear(3, 2)
    check_weights(network, nn.Linear(3, 2).state_dict(), "same")
    with pytest.raises(ModelError, match=r"weight is \(2, 4\), wanted \(2, 3\)"):
        check_weights(network, nn.Linear(4, 2).state_dict(), "other")


def test_bad_files_are_one_clear_line(tmp_path: Path) -> None:
    text = tmp_path / "text.safetensors"
    text.write_text("not weights", encoding="ascii")
    foreign = tmp_path / "foreign.safetensors"
    save_file({"x": torch.zeros(1)}, foreign)
    cut = tmp_path / "cut.safetensors"
    save_model(cut, nn.Linear(30, 20), {}, {}, torch.float32)
    cut.write_bytes(cut.read_bytes()[:-100])
    for path, says in (
        (tmp_path / "missing.safetensors", "no such file"),
        (text, "not a whole safetensors file"),
        (cut, "not a whole safetensors file"),
        (foreign, "not weights of viseme"),
    ):
        with pytest.raises(ModelError, match=says) as caught:
            read_model(path)
        assert "\n" not in str(caught.value)
