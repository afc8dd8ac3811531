"""The bytes of a shard: a safetensors file that also says, in its metadata, what it holds and what was rejected.

Tensors of clip ID: "ID/frames" uint8 `[T,S,S,3]`, "ID/audio" int16 `[640 T]`, "ID/landmarks" float32 `[T,68,2]`. The
header is read here rather than by the safetensors package, so that one frame can be sliced out of a memory map in
microseconds, and so that a full disk is an `OSError` like any other.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from viseme.errors import StoreError
from viseme.files import written_aside

FRAMES, AUDIO, LANDMARKS = "frames", "audio", "landmarks"
ROWS = "viseme.rows"
"""The metadata key of the rows, as JSON."""

_DTYPES: dict[str, np.dtype[Any]] = {"U8": np.dtype("<u1"), "I16": np.dtype("<i2"), "F32": np.dtype("<f4")}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_LENGTH = 8
_LARGEST_HEADER = 100 * 2**20
_MOST_AXES, _LONGEST_AXIS = 4, 2**40


def shard_path(store: Path, number: int) -> Path:
    """Where a shard lies."""
    return store / "shards" / f"{number:05d}.safetensors"


def tensor_name(clip_id: str, kind: str) -> str:
    """The name of one of a clip's tensors."""
    return f"{clip_id}/{kind}"


class _Place(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    stop: int


class Shard:
    """A shard mapped into memory: read only, usable by many threads."""

    def __init__(self, path: Path, data: NDArray[np.uint8], places: Mapping[str, _Place], rows: Any) -> None:
        """Use `open_shard`."""
        self.path = path
        self.rows = rows
        """What was written as rows, as JSON gives it back."""
        self._data = data
        self._tensors: dict[str, NDArray[Any]] = {}
        self._places = places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def tensor(self, name: str) -> NDArray[Any]:
        """A read-only view of one tensor.

        Raises:
            StoreError: the shard holds no tensor of that name.
        """
        view = self._tensors.get(name)
        if view is None:
            place = self._places.get(name)
            if place is None:
                raise StoreError(f"{self.path}: damaged, it holds no {name}; remove it and run the same prepare again")
            view = self._data[place.start : place.stop].view(place.dtype).reshape(place.shape)
            self._tensors[name] = view
        return view


def open_shard(path: Path) -> Shard:
    """Map a shard, its header checked against the size of the file.

    Raises:
        StoreError: missing, cut short, or not a shard.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(_LENGTH), "little")
            if not 2 <= length <= min(size - _LENGTH, _LARGEST_HEADER):
                raise ValueError("its header is cut short")
            header = json.loads(file.read(length))
            if not isinstance(header, dict):
                raise ValueError("its header is no object")
            rows = json.loads(header.pop("__metadata__")[ROWS])
            places = {name: _placed(place) for name, place in header.items()}
            held = 0
            for place in sorted(places.values(), key=lambda place: (place.start, place.stop)):
                if place.start != held:
                    raise ValueError("its tensors do not follow one another")
                held = place.stop
            if size != _LENGTH + length + held:
                raise ValueError(f"it should have {_LENGTH + length + held} bytes and has {size}")
            data = np.zeros(0, np.uint8) if held == 0 else np.memmap(file, np.uint8, "r", _LENGTH + length)
    except FileNotFoundError as error:
        raise StoreError(f"{path}: shard is missing; run the same prepare again") from error
    except (ValueError, KeyError, TypeError, OSError, OverflowError, RecursionError) as error:
        what = str(error) if type(error) is ValueError else "its header makes no sense"
        raise StoreError(f"{path}: damaged shard, {what}; remove it and run the same prepare again") from error
    return Shard(path, np.asarray(data), places, rows)


def _placed(said: Mapping[str, Any]) -> _Place:
    dtype, shape = _DTYPES[said["dtype"]], tuple(int(n) for n in said["shape"])
    start, stop = (int(n) for n in said["data_offsets"])
    if len(shape) > _MOST_AXES or max(shape, default=0) > _LONGEST_AXIS:
        raise ValueError("the shapes of its tensors are none that it can hold")
    if start < 0 or min(shape, default=0) < 0 or stop - start != math.prod(shape) * dtype.itemsize:
        raise ValueError("the places of its tensors do not fit their shapes")
    return _Place(dtype, shape, start, stop)


class ShardWriter:
    """Takes tensors one after another, so that memory holds one clip and not a shard; see `shard_writer`."""

    def __init__(self, data: IO[bytes]) -> None:
        self._data = data
        self._header: dict[str, Any] = {}
        self._at = 0

    def add(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Add tensors by name. Wide types go first, so that each starts at a multiple of its item size."""
        for name in sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name)):
            tensor = tensors[name]
            stop = self._at + tensor.nbytes
            dtype = tensor.dtype.newbyteorder("<")
            self._header[name] = {"dtype": _NAMES[dtype], "shape": list(tensor.shape), "data_offsets": [self._at, stop]}
            self._data.write(np.ascontiguousarray(tensor, dtype=dtype).data)
            self._at = stop

    def finish(self, path: Path, rows: Any) -> None:
        """Write header and tensors to `path`, and see them on the disk."""
        metadata = {ROWS: json.dumps(rows, ensure_ascii=False, allow_nan=False)}
        text = json.dumps({"__metadata__": metadata, **self._header}, ensure_ascii=False, allow_nan=False).encode()
        text += b" " * (-len(text) % _LENGTH)
        self._data.seek(0)
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(_LENGTH, "little"))
            file.write(text)
            shutil.copyfileobj(self._data, file, 2**20)
            file.flush()
            os.fsync(file.fileno())


@contextlib.contextmanager
def shard_writer(path: Path, rows: Any) -> Iterator[ShardWriter]:
    """Write a shard whole or not at all; equal input gives equal bytes.

    Args:
        path: the shard.
        rows: JSON-like; read when the block ends, so that it may grow with the tensors.

    Raises:
        OutputError: no room, or no right to write.
    """
    with written_aside(path) as aside, tempfile.TemporaryFile(dir=path.parent) as data:
        writer = ShardWriter(data)
        yield writer
        writer.finish(aside, rows)


def write_shard(path: Path, tensors: Mapping[str, NDArray[Any]], rows: Any) -> None:
    """Write a shard whose tensors are at hand; as `shard_writer`."""
    with shard_writer(path, rows) as writer:
        writer.add(tensors)
