"""The corpora known, each a list of source clips with their metadata. One more is a class and a line in `CORPORA`."""

from __future__ import annotations

from viseme.data.corpora.base import Corpus, SourceClip
from viseme.data.corpora.cremad import CremaD
from viseme.data.corpora.folder import Folder
from viseme.data.corpora.grid import Grid
from viseme.data.corpora.lrw import Lrw
from viseme.data.corpora.mead import Mead
from viseme.data.corpora.ravdess import Ravdess
from viseme.data.corpora.synthetic import Synthetic
from viseme.errors import InputError

CORPORA: dict[str, Corpus] = {
    corpus.name: corpus for corpus in (CremaD(), Grid(), Lrw(), Mead(), Ravdess(), Folder(), Synthetic())
}
"""By their names on the command line."""


def corpus_named(name: str) -> Corpus:
    """The corpus of that name; `InputError` naming the known ones otherwise."""
    if name not in CORPORA:
        raise InputError(f"{name}: no such corpus; known are {', '.join(sorted(CORPORA))}")
    return CORPORA[name]


__all__ = ["CORPORA", "Corpus", "SourceClip", "corpus_named"]
