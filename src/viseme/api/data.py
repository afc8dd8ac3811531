"""Corpora and stores: what is known, brought here, rendered, prepared, and cared for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from viseme.files import AnyPath

if TYPE_CHECKING:
    from viseme.data.corpora.base import Corpus
    from viseme.data.fetch import Entry, Fetched
    from viseme.data.prepare import PrepareReport
    from viseme.data.store import Store
    from viseme.data.verify import Verification
    from viseme.generation.export import ExportReport


def corpora(name: str | None = None) -> list[Corpus]:
    """The corpora that `prepare` reads, or the one of that name. Raises `InputError` for an unknown name."""
    from viseme.data.corpora import CORPORA, corpus_named

    return [corpus_named(name)] if name is not None else [CORPORA[known] for known in sorted(CORPORA)]


def plan_download(
    corpus: str, *, url: str | None = None, only: Sequence[str] = (), actors: Sequence[str] = ()
) -> list[Entry]:
    """The files that `download` would bring, sorted by path. Raises as it does."""
    from viseme.data.sources import plan

    return plan(corpus, url, only, actors)[1]


def download(
    corpus: str,
    dest: AnyPath,
    *,
    url: str | None = None,
    only: Sequence[str] = (),
    actors: Sequence[str] = (),
    jobs: int = 4,
) -> Fetched:
    """Bring a corpus below `dest`, `jobs` files at a time, each checked by size and digest; what is here is kept.

    Args:
        corpus: `cremad`, `grid` or `ravdess`.
        dest: a folder, made if need be.
        url: a mirror's folder with `MANIFEST.sha256`, or for `cremad` a repository ending in `.git`; the makers' own
            where left out.
        only: shell patterns of paths; by default what `prepare` needs.
        actors: their names, if not all are wanted.
        jobs: files at a time.

    Raises:
        InputError: a corpus that is not offered, a list of files that cannot be had, or an empty choice. Files that
            fail by themselves are told in the result.
        OutputError: no room on the disk, or no right to write.
    """
    from viseme.data.fetch import fetch
    from viseme.data.sources import plan

    source, entries = plan(corpus, url, only, actors)
    return fetch(source, entries, Path(dest), jobs)


def synthetic(
    out: AnyPath,
    *,
    actors: int = 4,
    clips: int = 4,
    seed: int = 0,
    size: int = 256,
    layout: str | None = None,
    jobs: int | None = None,
) -> int:
    """Write a corpus of rendered talking faces with known truth; returns the number of clips in it.

    With `layout` (`cremad`, `grid`, `lrw`, `mead`, `ravdess`) they are written as that corpus ships its own, without
    the truth.
    """
    if layout is not None:
        from viseme.data.synthetic.fixtures import synthesize_layout

        return synthesize_layout(out, layout, actors, clips, seed=seed, size=size, jobs=jobs)
    from viseme.data.synthetic.make import synthesize_corpus

    return synthesize_corpus(out, actors, clips, seed=seed, size=size, jobs=jobs)


def prepare(
    corpus: str,
    src: AnyPath,
    store: AnyPath,
    *,
    size: int = 128,
    align: str = "clip",
    face: str = "largest",
    test_actors: Sequence[str] = (),
    val_actors: Sequence[str] = (),
    seed: int = 0,
    jobs: int | None = None,
    engine: str = "loky",
) -> PrepareReport:
    """Turn a folder of videos into a store of aligned clips, split by actor.

    Finished shards are kept, so that a second call carries on where the first stopped. The `jobs` workers are processes
    of this machine, or with the engine `ray` those of a cluster.
    """
    from viseme.data.prepare import prepare as run

    return run(
        corpus,
        src,
        store,
        size=size,
        align=align,
        face=face,
        test_actors=test_actors,
        val_actors=val_actors,
        seed=seed,
        jobs=jobs,
        engine=engine,
    )


def verify_store(store: AnyPath, *, sums: bool = False) -> Verification:
    """Read a whole store, a folder or a URL, and name all its faults.

    With `sums` the SHA-256 of its files is written beside them where there is none; later calls compare with it.
    """
    from viseme.data.verify import verify as run

    return run(store, sums=sums)


def merge_stores(stores: Sequence[AnyPath], out: AnyPath, *, prefix: bool = False) -> Store:
    """Write a store of all clips of several that have the same settings; splits stay as they are.

    `prefix` puts the corpus's name before clip ids and actors.
    """
    from viseme.data.merge import merge as run

    return run(stores, out, prefix=prefix)


def export_store(store: AnyPath, out: AnyPath, *, crf: int = 12, jobs: int | None = None) -> ExportReport:
    """Write a store's clips as MP4, WAV and landmarks, with tables that `prepare` of the corpus `folder` reads back.

    A second call carries on where the first stopped.
    """
    from viseme.generation.export import export as run

    return run(store, out, crf=crf, jobs=jobs)
