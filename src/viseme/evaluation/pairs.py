"""A CSV that says which candidate stands for which true video, where their names do not."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from viseme.errors import InputError

NEEDED = ("candidate", "reference")
COLUMNS = (*NEEDED, "actor")


@dataclass(frozen=True, slots=True)
class Pair:
    """One row.

    Attributes:
        clip_id: the true video's path below the folder that holds all of them, `s1/a.mp4` being `s1_a`.
        candidate, reference: videos, as absolute paths.
        actor: who speaks, empty where the row does not say.
    """

    clip_id: str
    candidate: Path
    reference: Path
    actor: str


def read_pairs(path: str | os.PathLike[str]) -> list[Pair]:
    """The rows of a CSV with the columns `candidate,reference` and perhaps `actor`; paths are relative to the CSV.

    Whether the videos are there is not asked: each row without one is a clip that fails.

    Raises:
        InputError: not readable as CSV in UTF-8, another header, an empty cell, no rows, or a video named twice.
    """
    place = Path(path).name
    rows = _rows(Path(path))
    folder = Path(os.path.abspath(path)).parent
    found: list[tuple[int, Path, Path, str]] = []
    lines: dict[tuple[str, Path], int] = {}
    for line, row in rows:
        files = {name: Path(os.path.normpath(folder / row[name])) for name in NEEDED}
        for name, file in files.items():
            if before := lines.get((name, file)):
                raise InputError(
                    f"{place}: line {line} names the {name} {row[name]} of line {before} again; keep one of the two"
                )
            lines[name, file] = line
        found.append((line, files["candidate"], files["reference"], row.get("actor", "")))
    root = Path(os.path.commonpath([reference.parent for _, _, reference, _ in found]))
    pairs: dict[str, Pair] = {}
    for line, candidate, reference, actor in found:
        clip_id = "_".join(reference.relative_to(root).with_suffix("").parts)
        if clip_id in pairs:
            raise InputError(f"{place}: line {line} gives a second clip {clip_id}; rename one of the two true videos")
        pairs[clip_id] = Pair(clip_id, candidate, reference, actor)
    return sorted(pairs.values(), key=lambda pair: pair.clip_id)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells of each row, checked."""
    place = path.name
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [name.strip() for name in reader.fieldnames or []]
            if not set(NEEDED) <= set(header) or not set(header) <= set(COLUMNS) or len(set(header)) != len(header):
                raise InputError(
                    f"{place}: begins with {','.join(header)[:80]!r}; its first line must be candidate,reference "
                    "or candidate,reference,actor"
                )
            reader.fieldnames = header
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a CSV of pairs") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{place}: is not CSV in UTF-8 ({error}); write candidate,reference a line") from error
    checked = []
    for line, row in rows:
        if None in row or None in row.values() or not all(row[name].strip() for name in NEEDED):
            raise InputError(f"{place}: line {line} does not have one cell for each of {','.join(header)}; mend it")
        checked.append((line, {name: cell.strip() for name, cell in row.items()}))
    if not checked:
        raise InputError(f"{place}: holds no pairs; write candidate,reference a line")
    return checked
