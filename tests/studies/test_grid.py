from __future__ import annotations

import pytest

from viseme.errors import ConfigError
from viseme.studies.grid import cells


def test_every_combination_is_a_cell():
    found = cells(["sampling.steps=2, 5", "loss.l1=0.1,0.2,3"])
    assert len(found) == 6
    assert found[0].fields == ("sampling.steps=2", "loss.l1=0.1")
    assert found[1].title == "steps 2, l1 0.2"
    assert found[5].sampling == ("sampling.steps=5",)
    assert found[5].training == ("loss.l1=3",)


def test_values_are_read_as_yaml():
    found = cells(["sampling.without=[audio],[]", "model.landmarks=true,false", "sampling.sampler=ddim,ddpm"])
    assert found[0].fields == (
        'sampling.without=["audio"]',
        "model.landmarks=true",
        "sampling.sampler=ddim",
    )
    assert len(found) == 8


@pytest.mark.parametrize(
    ("grid", "says"),
    [
        (["sampling.steps"], "write it as field=value"),
        (["sampling.steps="], "write it as field=value"),
        (["=2,3"], "write it as field=value"),
        (["a.b=[2"], "write it as field=value"),
        (["a.b=2,2"], "a value is given twice"),
        (["a.b=2", "a.b=3"], "a.b is given twice"),
        ([f"a.b={','.join(map(str, range(65)))}"], "65 combinations, 64 at most"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(grid, says):
    with pytest.raises(ConfigError, match=says):
        cells(grid)
