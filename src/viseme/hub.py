"""Checkpoints of the Hugging Face hub, in the cache that its library keeps and all its users share.

`HF_HOME` says where that cache lies, `HF_ENDPOINT` which server answers, `HF_HUB_OFFLINE=1` that none is asked.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from viseme.errors import InputError
from viseme.files import sha256
from viseme.parts import PARTS, Part

FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
"""What is fetched of a checkpoint: never a pickled file."""
INSTALL = "pip install 'viseme[speech]'"


def installed() -> bool:
    """Whether the hub's library is here."""
    return importlib.util.find_spec("huggingface_hub") is not None


def revision_of(checkpoint: str) -> str:
    """The state of a checkpoint that is used: what its part says, or else `main`."""
    return next((part.revision for part in PARTS.values() if part.hub == checkpoint), "main")


def cached(part: Part) -> Path | None:
    """The folder of a part's checkpoint; None where a file of it, or the hub's library, is not here."""
    if not installed():
        return None
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(part.hub, file, revision=part.revision) for file in FILES]
    folders = [Path(path).parent for path in found if isinstance(path, str)]
    return folders[0] if len(folders) == len(FILES) else None


def fetch(part: Part) -> Path:
    """Bring a part's checkpoint into the hub's cache, or carry on; what is there already is not asked for again.

    Raises:
        InputError: no library, no way to the hub, no such files there, or others than known.
    """
    if not installed():
        raise InputError(f"{part.name}: huggingface_hub is not installed; run `{INSTALL}`")
    folder = cached(part) or _fetched(part)
    if part.sha256 and sha256(folder / part.file) != part.sha256:
        raise InputError(
            f"{part.name}: {folder / part.file} is another file than the one known by its SHA-256; remove it and run "
            f"the same command again, or use it all the same by `--set audio.checkpoint={folder}`"
        )
    return folder


def _fetched(part: Part) -> Path:
    from huggingface_hub import snapshot_download

    advice = f"go online without HF_HUB_OFFLINE, or {by_hand(part)}"
    try:
        with _quiet():
            snapshot_download(part.hub, revision=part.revision, allow_patterns=list(FILES))
    except Exception as error:  # its own errors, those of its HTTP library, and the system's
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
        raise InputError(f"{part.name}: {part.hub} cannot be fetched ({reason}); {advice}") from error
    folder = cached(part)
    if folder is None:
        raise InputError(f"{part.name}: {part.hub} does not hold {', '.join(FILES)} at {part.revision}; {advice}")
    return folder


def by_hand(part: Part) -> str:
    """What to do with a checkpoint that came another way."""
    return f"give a folder with {', '.join(FILES)} by `--set audio.kind={part.name} --set audio.checkpoint=FOLDER`"


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars where nobody looks."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    shown = not sys.stderr.isatty() and not are_progress_bars_disabled()
    if shown:
        disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            enable_progress_bars()
