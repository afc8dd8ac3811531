"""A repository that keeps its media in git-lfs, fetched without git: pointers by its archive, links by its server.

Source: git-lfs's specification of pointers (docs/spec.md) and of the batch API (docs/api/batch.md).
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from viseme.data.fetch import Entry
from viseme.errors import InputError
from viseme.http import Refused, one_line, read
from viseme.remote import Remote

MEDIA_TYPE = "application/vnd.git-lfs+json"
POINTER_LIMIT = 1024
"""Bytes; a pointer is shorter by the specification."""
ARCHIVE_LIMIT = 200 * 10**6
UNPACKED_LIMIT = 4 * 10**9
ANSWER_LIMIT = 10**7

_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n")


def parse_pointer(blob: bytes) -> tuple[str, int] | None:
    """SHA-256 and size in bytes of the media that a pointer stands for; None where it is none."""
    found = _POINTER.fullmatch(blob)
    return (found[1].decode(), int(found[2])) if found else None


def _small_files(packed: bytes) -> Iterator[tuple[str, bytes]]:
    """Path and body of every file in a `.tar.gz` that may be a pointer; raises where the archive is not whole."""
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as unpacked:
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:
            for member in archive:
                if unpacked.tell() > UNPACKED_LIMIT:
                    raise tarfile.TarError("it unpacks to more than a list of files")
                if member.isfile() and member.size < POINTER_LIMIT and (blob := archive.extractfile(member)):
                    yield member.name, blob.read()
        unpacked.read(tarfile.RECORDSIZE)  # up to the checksum at its end


@dataclass(frozen=True, slots=True)
class Lfs:
    """A repository's media in git-lfs.

    Attributes:
        archive: address of a `.tar.gz` of the repository, with pointers in the place of media.
        repository: address of a repository whose server has them, ending in `.git`.
        advice: what to do where it has not.
    """

    archive: str
    repository: str
    advice: str

    def entries(self) -> list[Entry]:
        """All files of which the archive has pointers, by their paths in the repository."""
        packed = read("list of files", self.archive, self.advice, limit=ARCHIVE_LIMIT, pause=time.sleep)
        try:
            entries = [
                Entry(path.partition("/")[2], pointer[1], pointer[0])
                for path, blob in _small_files(packed)
                if (pointer := parse_pointer(blob))
            ]
        except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, RecursionError) as error:
            raise InputError(f"{self.archive}: is no whole archive ({one_line(error)}); {self.advice}") from error
        if not entries:
            raise InputError(f"{self.archive}: holds no pointers of git-lfs; {self.advice}")
        return entries

    def links(self, entries: Sequence[Entry]) -> list[Remote | InputError]:
        """One call of the batch API: each file's link, or the error that the server tells of it."""
        objects = {entry.digest: entry.size for entry in entries}
        wanted = [{"oid": oid, "size": size} for oid, size in objects.items()]
        body = {"operation": "download", "transfers": ["basic"], "objects": wanted, "hash_algo": "sha256"}
        url = f"{self.repository}/info/lfs/objects/batch"
        answer = read(
            "links of git-lfs",
            url,
            self.advice,
            limit=ANSWER_LIMIT,
            pause=time.sleep,
            headers={"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE},
            data=json.dumps(body).encode(),
        )
        try:
            told = {one["oid"]: one for one in json.loads(answer)["objects"]}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{url}: does not answer as a git-lfs server; {self.advice}") from error
        return [self._link(entry, told.get(entry.digest), url) for entry in entries]

    def _link(self, entry: Entry, told: Any, url: str) -> Remote | InputError:
        try:
            if error := told.get("error"):
                code, message = int(error["code"]), one_line(error["message"])
                return Refused(f"{entry.path}: {url} answers {code} ({message}); {self.advice}", code=code)
            action = told["actions"]["download"]
            headers = tuple((str(key), str(value)) for key, value in (action.get("header") or {}).items())
            link = str(action["href"])
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            return InputError(f"{entry.path}: {url} gives no link to it; {self.advice}")
        return Remote(entry.path, link, entry.size, entry.digest, self.advice, headers=headers)
