from __future__ import annotations

import numpy as np
import pytest

from viseme.errors import InputError
from viseme.studies.noise import Ratios, read_ratios, write_ratios


def test_ratios_of_a_model_are_whole_and_the_same_again(runs, store, tmp_path):
    for name in ("a", "b"):
        write_ratios(str(runs["ddpm"]), store, tmp_path / f"{name}.json", count=4, seed=1)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    found = read_ratios(tmp_path / "a.json")
    assert found.timesteps == [0, 83, 166, 249]
    assert np.isfinite([*found.mean, *found.std]).all()
    assert min(found.mean) > 0
    assert found.mean[-1] == pytest.approx(1, abs=0.1)  # nearly all of x_t is noise there, whatever x0 is taken for


def test_a_model_without_noise(runs, store, tmp_path):
    with pytest.raises(InputError, match="no diffusion model"):
        write_ratios(str(runs["gan"]), store, tmp_path / "a.json")


def test_the_inner_timesteps_leave_out_both_ends():
    assert Ratios([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100], [9.0, *[1.0] * 9, 5.0], [0.0] * 11).inner == [1.0] * 9
    assert Ratios([0, 9], [3.0, 5.0], [0.0, 0.0]).inner == [3.0, 5.0]


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "a.json").write_text('{"mean": [1]}')
    with pytest.raises(InputError, match="no noise ratios"):
        read_ratios(tmp_path / "a.json")
