"""`viseme store` from the command line."""

from __future__ import annotations

import json
import shutil

import fsspec
import numpy as np

from viseme.data.store import Store


def test_a_whole_store(cli, store):
    outcome = cli("store", "verify", store)
    assert (outcome.code, outcome.err) == (0, "")
    head, numbers = (line.split() for line in outcome.out.splitlines())
    assert dict(zip(head, numbers, strict=True))["faults"] == "0"
    told = json.loads(cli("store", "verify", store, "--json").out)
    assert (told["clips"], told["faults"]) == (12, [])


def test_a_line_a_fault_and_1(cli, store, tmp_path):
    bad = shutil.copytree(store, tmp_path / "bad")
    (bad / "shards" / "00000.safetensors").unlink()
    (bad / "shards" / "odd.safetensors").write_bytes(b"")
    outcome = cli("store", "verify", bad)
    assert outcome.code == 1
    assert "2 faults" in outcome.line
    assert [line.partition(":")[0] for line in outcome.out.splitlines()[2:]] == [
        "shards/00000.safetensors",
        "shards/odd.safetensors",
    ]


def test_sums_are_written_and_compared(cli, store, tmp_path):
    mine = shutil.copytree(store, tmp_path / "mine")
    assert cli("store", "verify", mine, "--sums").code == 0
    (mine / "store.json").write_text((mine / "store.json").read_text() + "\n")
    outcome = cli("store", "verify", mine)
    assert outcome.code == 1
    assert "store.json: is not the file that SHA256SUMS tells" in outcome.out


def test_merge(cli, store, tmp_path):
    shutil.copytree(store, tmp_path / "a")
    outcome = cli("store", "merge", tmp_path / "a", store, tmp_path / "out")
    assert outcome.code == 2
    assert "both hold" in outcome.line
    said = json.loads((tmp_path / "a" / "store.json").read_text())
    (tmp_path / "a" / "store.json").write_text(json.dumps({**said, "corpus": "mine"}))
    outcome = cli("store", "merge", tmp_path / "a", store, tmp_path / "out", "--prefix")
    assert outcome.out == f"{tmp_path / 'out'}: 24 clips of 8 actors\n"
    assert cli("store", "verify", tmp_path / "out").code == 0


def test_merge_of_one(cli, store, tmp_path):
    outcome = cli("store", "merge", store, tmp_path / "out")
    assert outcome.code == 2
    assert "two stores" in outcome.line


def test_an_export_is_read_back_by_prepare(cli, store, tmp_path):
    files = tmp_path / "files"
    outcome = cli("store", "export", store, files, "--jobs", 1)
    assert outcome.code == 0
    assert outcome.out.startswith(f"{files}: 12 clips, ")
    assert "0 of the clips new" in cli("store", "export", store, files, "--jobs", 1).out
    asked = ("--size", 64, "--test-actors", "a003", "--jobs", 1)
    assert cli("prepare", "folder", files, tmp_path / "again", *asked).code == 0
    before, again = Store.open(store), Store.open(tmp_path / "again")
    told = [[(row.clip_id, row.actor, row.sentence, row.frames) for row in one.clips()] for one in (before, again)]
    assert told[0] == told[1]
    off = []
    for row in before.clips():
        np.testing.assert_allclose(again.audio(row.clip_id), before.audio(row.clip_id), atol=1.1 / 32767)
        off.append(np.linalg.norm(again.landmarks(row.clip_id) - before.landmarks(row.clip_id), axis=-1))
    assert np.median(np.concatenate(off)) < 1  # pixel of 64


def test_what_is_no_store_is_2(cli, tmp_path):
    for arguments in (("verify", tmp_path), ("export", tmp_path, tmp_path / "x"), ("merge", tmp_path, "b", "c")):
        outcome = cli("store", *arguments)
        assert outcome.code == 2
        assert "not a store" in outcome.line


def test_stores_by_url(cli, store, tmp_path):
    """Each command that reads a store takes a URL with both its slashes."""
    files = fsspec.filesystem("memory")
    for path in store.rglob("*"):
        if path.is_file() and "features" not in path.parts:
            files.pipe_file(f"/lab/store/{path.relative_to(store).as_posix()}", path.read_bytes())
    url = "memory://lab/store"
    try:
        assert cli("store", "verify", url).code == 0
        assert json.loads(cli("inspect", url, "--json").out)["facts"]["clips"] == 12
        videos = tmp_path / "videos"
        assert cli("generate", "control:frozen", "--data", url, "--out", videos, "--limit", 1).code == 0
        scored = cli(
            "evaluate", videos, "--reference", url, "--out", tmp_path / "r.json", "--metrics", "psnr", "--jobs", 1
        )
        assert scored.code in (0, 1)
        assert json.loads((tmp_path / "r.json").read_text())["counts"]["scored"] == 1
        outcome = cli("train", "tiny_gan", "--data", "memory://lab/none", "--out", tmp_path / "run")
        assert outcome.code == 2
        assert "memory://lab/none: not a store" in outcome.line
        outcome = cli("study", "drift", "--data", url, "--dry-run")
        assert outcome.code == 0
    finally:
        files.rm("/lab", recursive=True)
