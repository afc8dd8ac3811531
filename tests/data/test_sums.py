"""The list of SHA-256: a round trip, agreement with sha256sum, and what is no list."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from viseme.data.sums import SUMS, read_sums, write_sums
from viseme.errors import StoreError
from viseme.files import sha256


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_sums(tmp_path) == {}
    sums = {"shards/00000.safetensors": "0" * 64, "a name.json": "f" * 64}
    write_sums(tmp_path, sums)
    assert read_sums(tmp_path) == sums


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_sha256sum_reads_it(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text("{}")
    write_sums(tmp_path, {"store.json": sha256(tmp_path / "store.json")})
    assert subprocess.run(["sha256sum", "--quiet", "-c", SUMS], cwd=tmp_path, check=False).returncode == 0


@pytest.mark.parametrize("content", [b"abc  store.json\n", b"\xff\xfe", b"0" * 64 + b"store.json\n"])
def test_what_is_no_list_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SUMS).write_bytes(content)
    with pytest.raises(StoreError, match=SUMS):
        read_sums(tmp_path)
