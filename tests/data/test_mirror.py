"""Stores by URL: the same clips, each shard fetched once and whole, and what goes wrong on the way in one line."""

from __future__ import annotations

import pickle
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest

from viseme.data.mirror import ORIGIN, FetchAhead, is_remote, origin, store_folder
from viseme.data.shards import shard_path
from viseme.data.store import Store, write_info
from viseme.data.sums import SUMS
from viseme.data.verify import verify
from viseme.errors import StoreError

URL = "memory://bucket/voices"
Remote = fsspec.AbstractFileSystem


@pytest.fixture
def remote(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """That store at URL, and a cache of this test's own."""
    monkeypatch.setenv("VISEME_CACHE", str(tmp_path / "cache"))
    files = fsspec.filesystem("memory")
    for path in whole.rglob("*"):
        if path.is_file():
            files.pipe_file(f"/bucket/voices/{path.relative_to(whole).as_posix()}", path.read_bytes())
    yield files
    files.rm("/bucket", recursive=True)


@pytest.fixture
def fetches(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are fetched whole."""
    seen: list[str] = []
    get_file = type(remote).get_file

    def noted(self: Remote, path: str, *arguments: object, **options: object) -> None:
        seen.append(path.rpartition("/")[2])
        get_file(self, path, *arguments, **options)

    monkeypatch.setattr(type(remote), "get_file", noted)
    return seen


def test_the_same_clips_as_in_the_folder(whole: Path, fetches: list[str]) -> None:
    here, there = Store.open(whole), Store.open(URL)
    assert fetches == []
    assert (there.info, there.rows, there.fingerprint) == (here.info, here.rows, here.fingerprint)
    assert there.path.name == "voices"
    for row in here.clips():
        np.testing.assert_array_equal(there.frames(row.clip_id), here.frames(row.clip_id))
        np.testing.assert_array_equal(there.audio(row.clip_id), here.audio(row.clip_id))
        np.testing.assert_array_equal(there.landmarks(row.clip_id), here.landmarks(row.clip_id))
    assert fetches == [f"{number:05d}.safetensors" for number in range(4)]


def test_a_shard_is_fetched_when_read_and_once(fetches: list[str]) -> None:
    first = Store.open(URL)
    clip_id = first.clips()[0].clip_id
    first.frame(clip_id, 0)
    Store.open(URL).frame(clip_id, 0)
    pickle.loads(pickle.dumps(first)).frame(clip_id, 0)
    assert fetches == ["00000.safetensors"]
    pickle.loads(pickle.dumps(first)).frame(first.clips()[-1].clip_id, 0)
    assert fetches == ["00000.safetensors", "00003.safetensors"]


def test_what_was_read_is_there_without_a_network(remote: Remote) -> None:
    store = Store.open(URL)
    assert verify(URL).faults == ()
    remote.rm("/bucket", recursive=True)
    remote.pipe_file("/bucket/other", b"")
    assert len(Store.open(store.path).frames(store.clips()[0].clip_id)) == 10
    with pytest.raises(StoreError, match=r"memory://bucket/voices: not a store"):
        Store.open(URL)


def test_a_store_that_changed_is_another_mirror(whole: Path, remote: Remote, tmp_path: Path) -> None:
    before = store_folder(URL)
    shutil.copytree(whole, tmp_path / "changed")
    info = Store.open(whole).info
    write_info(tmp_path / "changed", type(info)(**{f: getattr(info, f) for f in info.__slots__} | {"seed": 7}))
    remote.pipe_file("/bucket/voices/store.json", (tmp_path / "changed" / "store.json").read_bytes())
    assert store_folder(URL) != before
    assert Store.open(URL).info.seed == 7
    assert Store.open(before).info.seed == 0


def test_a_shard_cut_short_on_the_way_is_not_kept(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(URL)
    clip_id = store.clips()[0].clip_id

    def cut(self: Remote, path: str, target: str, **_: object) -> None:
        Path(target).write_bytes(self.cat_file(path)[:-1])

    with monkeypatch.context() as patch:
        patch.setattr(type(remote), "get_file", cut)
        with pytest.raises(StoreError, match=r"memory://bucket/voices/shards/00000.safetensors: \d+ of \d+ bytes came"):
            store.frames(clip_id)
    assert list((store.path / "shards").iterdir()) == []
    assert len(store.frames(clip_id)) == 10


def test_a_shard_that_is_another_than_its_sum_says(copy: Path, remote: Remote) -> None:
    verify(copy, sums=True)
    remote.pipe_file(f"/bucket/voices/{SUMS}", (copy / SUMS).read_bytes())
    content = bytearray(shard_path(copy, 0).read_bytes())
    content[-1] ^= 1
    remote.pipe_file("/bucket/voices/shards/00000.safetensors", bytes(content))
    store = Store.open(URL)
    with pytest.raises(StoreError, match="another file than its SHA256SUMS says"):
        store.frames(store.clips()[0].clip_id)
    assert not shard_path(store.path, 0).exists()
    assert [fault.where for fault in verify(URL).faults] == ["shards/00000.safetensors"]


def test_a_missing_shard(remote: Remote) -> None:
    remote.rm_file("/bucket/voices/shards/00002.safetensors")
    assert [fault.where for fault in verify(URL).faults] == ["shards/00002.safetensors"]
    store = Store.open(URL)
    with pytest.raises(StoreError, match=r"shards/00002.safetensors: is not there"):
        store.shard(2)


def test_whatever_a_file_system_raises_is_one_line(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no\ncredentials")

    monkeypatch.setattr(type(remote), "cat_file", refuse)
    with pytest.raises(StoreError, match=r"cannot be read \(no credentials\)"):
        Store.open(URL)


@pytest.mark.parametrize(
    ("url", "says"),
    [("odd://bucket/store", "no URL that can be read"), ("memory://nothing/here", "not a store")],
)
def test_urls_that_lead_nowhere(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        Store.open(url)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(_: str) -> None:
        raise ImportError("Install s3fs")

    monkeypatch.setattr("fsspec.core.url_to_fs", lacking)
    with pytest.raises(StoreError, match=r"s3:// needs another package; pip install s3fs"):
        Store.open("s3://bucket/store")


def test_a_file_url_is_a_folder(whole: Path) -> None:
    assert is_remote(f"file://{whole}")
    assert store_folder(f"file://{whole}") == whole
    assert not is_remote(whole)


def test_a_folder_outside_the_cache_names_no_origin(copy: Path) -> None:
    (copy / ORIGIN).write_text('{"url": "memory://elsewhere"}')
    assert origin(copy) is None


def test_no_sums_of_a_url(remote: Remote) -> None:
    with pytest.raises(StoreError, match="written into folders"):
        verify(URL, sums=True)


def test_shards_are_brought_before_they_are_read(fetches: list[str]) -> None:
    store = Store.open(URL)
    with FetchAhead(store.path) as ahead:
        ahead.ask([1, 3])
        ahead.ask([3, 1, 1])
        _wait_for(lambda: all(shard_path(store.path, number).is_file() for number in (1, 3)))
    assert sorted(fetches) == ["00001.safetensors", "00003.safetensors"]
    store.shard(1)
    assert len(fetches) == 2


def test_nothing_is_brought_of_a_store_that_is_here(whole: Path) -> None:
    with FetchAhead(whole) as ahead:
        ahead.ask(1 // 0 for _ in range(1))  # would fail if it were looked at


def test_what_could_not_be_brought_is_told_to_who_reads_it(remote: Remote) -> None:
    store = Store.open(URL)
    remote.rm("/bucket/voices/shards/00001.safetensors")
    with FetchAhead(store.path) as ahead:
        ahead.ask([1])
    with pytest.raises(StoreError, match="is not there"):
        store.shard(1)


def _wait_for(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not true() and time.monotonic() < ends:
        time.sleep(0.01)
    assert true()
