"""Stores elsewhere: a URL that fsspec knows (`s3://`, `gs://`, `https://`), read through a mirror in the user's cache.

A mirror is a store's folder in which shards appear as they are first read, each fetched whole. It is named by the
content of settings and manifest, so that a store that changes elsewhere gets a new one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from viseme.data.manifest import MANIFEST
from viseme.data.shards import shard_path
from viseme.data.sums import SUMS, read_sums
from viseme.errors import StoreError, VisemeError
from viseme.files import cache_dir, sha256, write_json, written_aside

INFO = "store.json"
ORIGIN = "origin.json"
"""In a mirror: the URL it is a mirror of."""

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Whether it is a URL."""
    return "://" in os.fspath(path)


def store_folder(path: str | os.PathLike[str]) -> Path:
    """The folder to read a store from: the path itself, or for a URL its mirror, settings and manifest in place.

    Raises:
        StoreError: no such protocol, or there is no store, or it cannot be reached.
        OutputError: the cache cannot be written.
    """
    url = os.fspath(path)
    if not is_remote(url):
        return Path(url)
    files, root = _filesystem(url)
    if "file" in _protocols(files):
        return Path(root)
    held = {name: _read(files, f"{root}/{name}", url) for name in (INFO, MANIFEST, SUMS)}
    if held[INFO] is None:
        raise StoreError(f"{url}: not a store (no {INFO}); give the URL of a folder that `viseme prepare` wrote")
    said = hashlib.sha256(url.encode())
    for name, content in held.items():
        said.update(f"\n{name} {hashlib.sha256(content or b'').hexdigest()}".encode())
    name = re.sub(r"[^\w.-]+", "_", root.rstrip("/").rpartition("/")[2])[:100].lstrip(".") or "store"
    folder = _mirrors() / said.hexdigest()[:16] / name
    for name, content in held.items():
        if content is not None and not (folder / name).is_file():
            with written_aside(folder / name) as aside:
                aside.write_bytes(content)
    if not (folder / ORIGIN).is_file():
        write_json(folder / ORIGIN, {"url": url})
    return folder


def origin(folder: Path) -> str | None:
    """The URL that a folder of the cache is a mirror of; None for any other folder.

    Raises `StoreError` where it does not say.
    """
    path = folder / ORIGIN
    if not folder.absolute().is_relative_to(_mirrors().absolute()) or not path.is_file():
        return None
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder}: damaged mirror; remove the folder, and open the store by its URL again") from error


def fetched(store: Path, number: int) -> Path:
    """Where a shard lies; in a mirror it is fetched first, and checked by size and, where known, by SHA-256.

    Several processes may fetch one shard at a time; each brings it whole.

    Raises:
        StoreError: it is not there, cannot be reached, or came otherwise than it should.
        OutputError: the cache cannot be written.
    """
    path = shard_path(store, number)
    if path.is_file() or (url := origin(store)) is None:
        return path
    name = path.relative_to(store).as_posix()
    known = read_sums(store).get(name)
    files, root = _filesystem(url)
    with written_aside(path) as aside:
        with _told(f"{url}/{name}"):
            size = files.size(f"{root}/{name}")
            files.get_file(f"{root}/{name}", str(aside))
            came = aside.stat().st_size
        if size is not None and came != size:
            raise StoreError(f"{url}/{name}: {came} of {size} bytes came; run the same command again")
        if known is not None and sha256(aside) != known:
            raise StoreError(f"{url}/{name}: is another file than its {SUMS} says; have the store verified there")
    return path


class FetchAhead:
    """Brings shards of a store that is elsewhere before they are read; of one that is here it does nothing.

    What fails is left to whoever reads the shard, who tries again and tells.
    """

    FETCHES = 4
    """Shards that are brought at a time."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(self.FETCHES) if origin(store) is not None else None
        self._asked: set[int] = set()

    def ask(self, numbers: Iterable[int]) -> None:
        """Bring these, each once, while the caller goes on."""
        if self._pool:
            for number in set(numbers) - self._asked:
                self._asked.add(number)
                self._pool.submit(fetched, self._store, number)

    def __enter__(self) -> FetchAhead:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _mirrors() -> Path:
    return cache_dir() / "stores"


def _filesystem(url: str) -> tuple[Any, str]:
    """The file system and the path in it."""
    from fsspec.core import url_to_fs

    protocol = url.partition("://")[0]
    try:
        files, root = url_to_fs(url)
    except ImportError as error:
        package = _PACKAGES.get(protocol, "what its file system needs")
        raise StoreError(f"{url}: {protocol}:// needs another package; pip install {package}") from error
    except Exception as error:  # each file system has errors of its own
        raise StoreError(f"{url}: no URL that can be read ({_line(error)}); give s3://, gs:// or https://") from error
    return files, str(root).rstrip("/")


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)


def _read(files: Any, path: str, url: str) -> bytes | None:
    """A small file; None where there is none."""
    with _told(url):
        try:
            content: bytes = files.cat_file(path)
            return content
        except FileNotFoundError:
            return None


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    """Whatever a file system raises, in one line."""
    try:
        yield
    except VisemeError:
        raise
    except FileNotFoundError as error:
        raise StoreError(f"{url}: is not there; copy the store whole") from error
    except Exception as error:  # each file system has errors of its own
        raise StoreError(
            f"{url}: cannot be read ({_line(error)}); check the URL, your rights and the network"
        ) from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
