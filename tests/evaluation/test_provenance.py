from __future__ import annotations

from datetime import datetime

import pytest

from viseme.evaluation.provenance import command, provenance


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["/usr/bin/viseme", "evaluate", "/data/ours/", "--out", "r.json"], "viseme evaluate ours --out r.json"),
        (["viseme", "--reference=/data/store", "--seed=3"], "viseme --reference=store --seed=3"),
        (["viseme", "ours=/a/b/c.json", "/odd=name/x"], "viseme ours=c.json x"),
        (["viseme", "/"], "viseme /"),
    ],
)
def test_no_folder_of_this_machine_is_named(arguments: list[str], line: str) -> None:
    assert command(arguments) == line


def test_provenance() -> None:
    found = provenance(4)
    assert found["seed"] == 4
    assert found["opencv"]
    assert found["dlib"]
    assert datetime.fromisoformat(found["created"]).tzinfo
    assert set(found) >= {"viseme", "python", "torch", "machine", "command"}
