"""Any folder of videos: the first folder below it names the actor, or a table `actors.csv` does."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from viseme.data.corpora.base import VIDEO_SUFFIXES, SourceClip, sorted_unique, source_root, walk_files
from viseme.errors import InputError

TABLE = "actors.csv"
"""Name of the table, in the folder itself."""
REQUIRED = ("file", "actor")
OPTIONAL = ("sentence", "emotion", "level", "audio")

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST = 120  # characters of a clip_id: it becomes part of file names


class Folder:
    """Videos of the user's own, or of a corpus that has no lister here."""

    name = "folder"
    title = "Any folder of videos; actors by folder or by actors.csv"
    licence = "that of your videos"
    citation = ""
    layout = (
        "**/*.mp4 and other video files; the actor is the first folder below the one given, or, if there is an "
        "actors.csv with columns file,actor[,sentence,emotion,level,audio], what it says"
    )

    def clips(self, root: str | os.PathLike[str]) -> list[SourceClip]:
        """A clip for every video; clip_id is its path without suffix, made safe as a file name.

        Without a table the actor is the first folder below `root`, whatever lies deeper, so that no person is split in
        two; videos directly in `root` belong to one actor of the folder's name. With a table every video must stand
        in it; a row with an empty actor leaves its video out.

        Raises:
            InputError: no folder, no video, or a table that does not fit the files.
        """
        folder = source_root(root)
        videos = list(walk_files(folder, VIDEO_SUFFIXES))
        if not videos:
            raise InputError(
                f"{root}: holds no videos; looked for {' '.join(sorted(VIDEO_SUFFIXES))} in all its folders"
            )
        table = folder / TABLE
        listed = _read_table(table) if table.is_file() else {}
        if listed:
            _check_files(table, videos, listed)
        ids = _clip_ids([video.relative_to(folder) for video in videos])
        clips = []
        for video in videos:
            relative = video.relative_to(folder)
            known = listed.get(_key(relative)) if listed else {"actor": _actor(relative, folder)}
            if known and known["actor"]:
                clips.append(_clip(ids[relative], video, known, table))
        if not clips:
            raise InputError(f"{table}: leaves out every video; give actors to some")
        return sorted_unique(clips)


def _actor(relative: Path, root: Path) -> str:
    return relative.parts[0] if len(relative.parts) > 1 else root.resolve().name


def _clip(clip_id: str, video: Path, known: dict[str, str], table: Path) -> SourceClip:
    audio = table.parent / known["audio"] if known.get("audio") else None
    if audio is not None and not audio.is_file():
        raise InputError(f"{table}: names the sound {known['audio']!r}, which is not there; correct the table")
    return SourceClip(
        clip_id=clip_id,
        actor=known["actor"],
        video=video,
        audio=audio,
        sentence=known.get("sentence", ""),
        emotion=known.get("emotion", ""),
        level=known.get("level", ""),
    )


def _read_table(path: Path) -> dict[str, dict[str, str]]:
    """Rows by file, as a path below the table's folder with forward slashes."""
    rows: dict[str, dict[str, str]] = {}
    for line, row in _rows(path):
        file = PurePosixPath(row["file"].replace("\\", "/"))
        if file.is_absolute() or ".." in file.parts or not file.parts:
            raise InputError(f"{path}, line {line}: {row['file']!r} is no path below the table's folder; correct it")
        key = _key(file)
        if key in rows:
            raise InputError(f"{path}, line {line}: {row['file']!r} stands there twice; remove one of the rows")
        rows[key] = row
    if not rows:
        raise InputError(f"{path}: has no rows; give one a video, or remove the table")
    return rows


def _key(path: PurePath) -> str:
    """One spelling of a name: file systems differ in how they write an accented letter."""
    return unicodedata.normalize("NFC", path.as_posix())


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by column, columns in lower case; comma, semicolon or tab between them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        header = text.split("\n", 1)[0]
        delimiter = max(",;\t", key=header.count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True)
        columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        missing = [name for name in REQUIRED if name not in columns]
        if missing:
            raise InputError(
                f"{path}: lacks the column {missing[0]!r}; its first line must name {', '.join(REQUIRED)} "
                f"and may name {', '.join(OPTIONAL)}"
            )
        reader.fieldnames = columns
        for row in reader:
            if None in row:
                raise InputError(f"{path}, line {reader.line_num}: more cells than columns; put commas between quotes")
            cells = {name: row[name].strip() for name in columns if name}
            if any(cells.values()):
                yield reader.line_num, cells
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{path}: is not CSV ({error}); save it as CSV in UTF-8") from error


def _check_files(table: Path, videos: list[Path], listed: dict[str, dict[str, str]]) -> None:
    there = {_key(video.relative_to(table.parent)) for video in videos}
    absent = [file for file in listed if file not in there]
    if absent:
        raise InputError(f"{table}: names {_some(absent)}, not there as a video; correct the table")
    unlisted = sorted(there - listed.keys())
    if unlisted:
        raise InputError(f"{table}: does not name {_some(unlisted)}; add a row, with an empty actor to leave one out")


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _clip_ids(paths: list[Path]) -> dict[Path, str]:
    """A safe name for each path; those that would be the same, letter case aside, get a hash of their path."""
    plain = {path: _safe(path) for path in paths}
    count = Counter(name.casefold() for name in plain.values())
    return {
        path: name if count[name.casefold()] == 1 and len(name) <= _LONGEST else f"{name[:_LONGEST]}_{_hash(path)}"
        for path, name in plain.items()
    }


def _safe(path: Path) -> str:
    name = unicodedata.normalize("NFC", "_".join((*path.parts[:-1], path.stem)))
    return re.sub(r"^[.-]", "_", _UNSAFE.sub("_", name))


def _hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.as_posix())).hexdigest()[:8]
