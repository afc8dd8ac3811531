from __future__ import annotations

import pytest

from viseme.errors import ConfigError
from viseme.web.limits import Limits, load_limits


def test_limits_are_set_by_name() -> None:
    found = load_limits(["waiting=3", "sound_seconds=2.5"])
    assert (found.waiting, found.sound_seconds) == (3, 2.5)
    assert found.upload_mb == Limits().upload_mb


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("wating=3", "did you mean waiting"),
        ("waiting=0", "waiting"),
        ("megapixels=900", "megapixels"),
        ("sound_seconds=.nan", "sound_seconds"),
        ("waiting", "field=value"),
    ],
)
def test_what_cannot_be_a_limit_is_refused(given: str, line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        load_limits([given])
