"""The SHA-256 of a store's files, in a list that `sha256sum -c` reads: by it a flipped bit in a picture is known."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from viseme.errors import StoreError
from viseme.files import write_text

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def read_sums(store: Path) -> dict[str, str]:
    """Hexadecimal SHA-256 by path below the store, with forward slashes; empty where the store has no list.

    Raises:
        StoreError: it is no such list.
    """
    path = store / SUMS
    lines: list[str] = []
    try:
        with contextlib.suppress(FileNotFoundError):
            lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read; remove it, and write it again by `viseme store verify`") from error
    found = [_LINE.fullmatch(line) for line in lines]
    if not all(found):
        line = lines[found.index(None)]
        raise StoreError(f"{path}: {line[:60]!r} is no SHA-256 and file; remove it, and write it again")
    return {match[2]: match[1] for match in found if match}


def write_sums(store: Path, sums: Mapping[str, str]) -> None:
    """Write the list, files in the order of their names."""
    write_text(store / SUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))
