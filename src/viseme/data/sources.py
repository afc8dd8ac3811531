"""Where corpora can be had: records on Zenodo, a repository with git-lfs, and mirrors with a list of files."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from viseme.data.fetch import Entry, Source, check_plan
from viseme.data.lfs import Lfs
from viseme.errors import InputError
from viseme.http import read
from viseme.remote import Remote

LIST_LIMIT = 50 * 10**6
MANIFEST = "MANIFEST.sha256"
"""The list of files in a mirror."""

_LINE = re.compile(r"([0-9a-fA-F]{64})\s+(\d{1,15})\s+(\S.*)")
_CHECKSUM = re.compile(r"(md5|sha256):([0-9a-f]{32}|[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Zenodo:
    """A record of Zenodo, which knows its files by MD5. Source: https://developers.zenodo.org, Records.

    Attributes:
        record: its number.
        api: where records are told of.
    """

    record: int
    api: str = "https://zenodo.org/api/records"

    @property
    def advice(self) -> str:
        """What to do where it fails."""
        return f"get it from https://zenodo.org/records/{self.record} by a browser"

    def entries(self) -> list[Entry]:
        """The record's files."""
        url = f"{self.api}/{self.record}"
        told = read("list of files", url, self.advice, limit=LIST_LIMIT, pause=time.sleep)
        try:
            return [_file(one) for one in json.loads(told)["files"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{url}: does not tell name, size, checksum and link of files; {self.advice}") from error

    def links(self, entries: Sequence[Entry]) -> list[Remote | InputError]:
        """As the record gave them."""
        return [Remote(one.path, one.url, one.size, one.digest, self.advice, one.algorithm) for one in entries]


@dataclass(frozen=True, slots=True)
class Mirror:
    """A folder on a web server, with a list of its files: a line each, `sha256  size  path`.

    Attributes:
        url: the folder's.
    """

    url: str

    def entries(self) -> list[Entry]:
        """The files in the list; empty lines and those that begin with `#` are passed over."""
        url = f"{self.url.rstrip('/')}/{MANIFEST}"
        advice = "give --url a folder that holds one, a line a file: sha256, size in bytes, path"
        text = read("list of files", url, advice, limit=LIST_LIMIT, pause=time.sleep)
        entries = []
        for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            found = _LINE.fullmatch(line.rstrip())
            if not found:
                raise InputError(f"{url}: line {number} is not sha256, size in bytes, path; mend it")
            path = found[3].removeprefix("./")
            link = f"{self.url.rstrip('/')}/{quote(path)}"
            entries.append(Entry(path, int(found[2]), found[1].lower(), url=link))
        return entries

    def links(self, entries: Sequence[Entry]) -> list[Remote | InputError]:
        """Each below the folder."""
        return [Remote(one.path, one.url, one.size, one.digest, "use another mirror") for one in entries]


@dataclass(frozen=True, slots=True)
class Offer:
    """A corpus that can be downloaded.

    Attributes:
        source: of its makers.
        only: patterns of the files that `viseme prepare` needs.
        actor: finds whose file it is in a path, here and in mirrors.
        prefix: of the actors' names, where the path says but the rest.
    """

    source: Source
    only: tuple[str, ...]
    actor: re.Pattern[str]
    prefix: str = ""

    def at(self, url: str | None) -> Offer:
        """The same from elsewhere: another git-lfs server where the address ends in `.git`, else a mirror."""
        if url is None:
            return self
        if isinstance(self.source, Lfs) and url.endswith(".git"):
            return replace(self, source=replace(self.source, repository=url))
        return replace(self, source=Mirror(url), only=("*",))

    def select(self, entries: Sequence[Entry], only: Sequence[str], actors: Sequence[str]) -> list[Entry]:
        """The files that match a pattern and are one of the actors', sorted by path.

        Args:
            entries: all there are.
            only: shell patterns of whole paths, `*` matching slashes too; `self.only` where none are given.
            actors: their names as `viseme prepare` will know them; all files where none are given.

        Raises:
            InputError: an actor of whom there is no file, or no file at all.
        """
        patterns = only or self.only
        chosen = [one for one in entries if any(fnmatchcase(one.path, pattern) for pattern in patterns)]
        by_actor = [(one, self._actor(one.path)) for one in chosen]
        known = {actor for _, actor in by_actor if actor}
        if strange := [actor for actor in actors if actor not in known]:
            there = ", ".join(sorted(known)[:5]) or "none"
            raise InputError(f"actor {strange[0]}: has no file there; actors with files are {there} and so on")
        if actors:
            chosen = [one for one, actor in by_actor if actor in actors]
        if not chosen:
            raise InputError(f"no file there matches {' or '.join(patterns)}; give other patterns by --only")
        return sorted(chosen, key=lambda one: one.path)

    def _actor(self, path: str) -> str:
        found = self.actor.search(path)
        return f"{self.prefix}{found[1]}" if found else ""


OFFERS: dict[str, Offer] = {
    "cremad": Offer(
        Lfs(
            "https://github.com/CheyneyComputerScience/CREMA-D/archive/refs/heads/master.tar.gz",
            "https://github.com/CheyneyComputerScience/CREMA-D.git",
            "add --url https://gitlab.com/cs-cooper-lab/crema-d-mirror.git, its makers' mirror, or try another day",
        ),
        ("VideoFlash/*.flv", "AudioWAV/*.wav"),
        re.compile(r"(?:^|/)(\d{4})_[A-Z]{3}_[A-Z]{3}_[A-Z]{2}\.\w+$"),
    ),
    "grid": Offer(Zenodo(3625687), ("s[0-9]*.zip",), re.compile(r"(?:^|/)(s\d{1,2})(?:/|\.zip$)")),
    "ravdess": Offer(Zenodo(1188976), ("Video_*.zip",), re.compile(r"(?:Actor_|-)(\d\d)\.(?:zip|mp4)$"), "Actor_"),
}
"""By the names under which `viseme prepare` reads them."""


def plan(
    corpus: str, url: str | None = None, only: Sequence[str] = (), actors: Sequence[str] = ()
) -> tuple[Source, list[Entry]]:
    """The source of a corpus, and which of its files are wanted.

    Raises:
        InputError: a corpus that is not offered, a list of files that cannot be had or leads out of its folder, or an
            empty choice.
    """
    if corpus not in OFFERS:
        raise InputError(
            f"{corpus}: cannot be downloaded by this command, only {', '.join(OFFERS)}; ask its makers, then use "
            "viseme prepare"
        )
    offer = OFFERS[corpus].at(url)
    entries = offer.source.entries()
    check_plan(entries, url or f"the list of {corpus}")
    return offer.source, offer.select(entries, only, actors)


def _file(told: Any) -> Entry:
    found = _CHECKSUM.fullmatch(told["checksum"])
    if not found or not isinstance(told["size"], int):
        raise ValueError("no checksum or no size")
    return Entry(str(told["key"]), told["size"], found[2], found[1], str(told["links"]["self"]))
