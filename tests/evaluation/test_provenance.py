from __future__ import annotations

import hashlib
from datetime import datetime

import pytest

from viseme.evaluation.provenance import command, provenance, weights


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["/usr/bin/viseme", "evaluate", "/data/ours/", "--out", "r.json"], "viseme evaluate ours --out r.json"),
        (["viseme", "--reference=/data/store", "--seed=3"], "viseme --reference=store --seed=3"),
        (["viseme", "ours=/a/b/c.json", "/odd=name/x"], "viseme ours=c.json x"),
        (["viseme", "/"], "viseme /"),
        (["/lib/viseme/__main__.py", "evaluate", "/data/my videos"], "viseme evaluate 'my videos'"),
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
    assert set(found) >= {"viseme", "python", "numpy", "scipy", "torch", "av", "machine", "command"}
    assert set(found["weights"]) == {"dlib's 68 points", "dlib's descriptor"}


def test_the_weights_are_those_that_dlib_loads() -> None:
    from viseme.data.faces import _model_path

    with open(_model_path("shape_predictor_68_face_landmarks.dat"), "rb") as file:
        assert dict(weights())["dlib's 68 points"] == hashlib.file_digest(file, "sha256").hexdigest()
