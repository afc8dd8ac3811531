"""The layers of a network that dlib serialized, read by a grammar of the few kinds known here; no code is run.

dlib writes an integer as a byte (its high bit the sign, its low four the number of bytes) and those bytes, lowest
first; a real number as integers m and e of m 2^e; a text as its length and its bytes; a truth value as "0" or "1"; a
tensor as version 2, four dimensions and IEEE floats. A network is the loss, the versions of all layers from the last
to the first, the input, then the layers from the first to the last, each followed by three truth values and by three
tensors of training, here empty. Source: serialize.h, dnn/core.h, dnn/layers.h, dnn/tensor.h, dnn/input.h of dlib.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from viseme.errors import InputError
from viseme.weights import known

LOSS = "loss_metric_2"
INPUT = "input_rgb_image_sized"
FIELDS = {
    "con_4": "p iiiiiii aa rrrr",
    "affine_": "p aa i",
    "relu_": "",
    "add_prev_": "",
    "max_pool_2": "iiiiii",
    "avg_pool_2": "iiiiii",
    "fc_2": "ii p aa i rrrr",
}
"""What follows each kind's name: p parameters, i an integer, a where a share of the parameters lies, r a real number.

con: filters, height and width of the kernel, strides and paddings (y, x); pooling: height, width, strides, paddings;
fc: outputs, inputs, whether it has a bias. The real numbers are multipliers of learning rate and weight decay.
"""
LONGEST_NAME = 64
LARGEST_EXPONENT = 900
"""With a mantissa of 64 bits still a finite double."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    Attributes:
        kind: a key of `FIELDS`.
        sizes: its integers, in the order of `FIELDS`.
        parameters: float32 `[P]`, empty where it has none.
    """

    kind: str
    sizes: tuple[int, ...]
    parameters: Tensor


@dataclass(frozen=True, slots=True)
class DlibNetwork:
    """A network for square RGB pictures.

    Attributes:
        side: height and width in pixels.
        mean: of red, green and blue, taken off before values of 0 to 255 are divided by 256.
        layers: from the first to the last.
    """

    side: int
    mean: tuple[float, float, float]
    layers: tuple[Layer, ...]


def read_dlib(name: str, path: Path) -> DlibNetwork:
    """The network in the file of a part of the registry.

    Raises:
        InputError: the file is missing, cut short, longer than the published one, or holds anything but such a network.
    """
    part = known(name)
    try:
        with path.open("rb") as file:
            data = file.read(part.size + 1)
        return _network(_Reader(data))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give {part.file} as published") from error
    except _UnreadableError as error:
        raise InputError(f"{path}: is no network of dlib ({error}); give {part.file} as published") from error


def _network(file: _Reader) -> DlibNetwork:
    file.expect(1)
    if (loss := file.text()) != LOSS:
        raise _UnreadableError(f"{loss} in the place of {LOSS}")
    file.real(), file.real()  # its margin and its threshold
    while (version := file.integer()) != 3:  # the first layer's, the only one of three
        if version not in (1, 2):
            raise _UnreadableError(f"a layer of version {version}")
    if (given := file.text()) != INPUT:
        raise _UnreadableError(f"{given} in the place of {INPUT}")
    mean = (file.real(), file.real(), file.real())
    side = file.integer()
    file.expect(side)
    layers = [file.layer()]
    file.expect(1)  # one picture stays one picture
    while not file.ended:
        layers.append(file.layer())
    return DlibNetwork(side, mean, tuple(layers))


class _UnreadableError(ValueError):
    """What is wrong with the bytes."""


class _Reader:
    """Reads one thing after another, and nothing that is not there."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    @property
    def ended(self) -> bool:
        return self.at == len(self.data)

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise _UnreadableError("cut short")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self) -> int:
        (head,) = self.take(1)
        count = head & 0x0F
        if head & 0x70 or not 1 <= count <= 8:
            raise _UnreadableError(f"no integer at byte {self.at - 1}")
        value = int.from_bytes(self.take(count), "little")
        return -value if head & 0x80 else value

    def expect(self, value: int) -> None:
        if (found := self.integer()) != value:
            raise _UnreadableError(f"{found} in the place of {value} before byte {self.at}")

    def real(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        if exponent > LARGEST_EXPONENT:  # infinity and NaN are written as 32000 and more
            raise _UnreadableError(f"no finite number before byte {self.at}")
        return math.ldexp(mantissa, exponent)

    def text(self) -> str:
        length = self.integer()
        name = self.take(length).decode("latin-1") if 0 <= length <= LONGEST_NAME else ""
        if not name.isidentifier():
            raise _UnreadableError(f"no name before byte {self.at}")
        return name

    def tensor(self) -> Tensor:
        """float32, flat."""
        self.expect(2)
        count = 1
        for _ in range(4):
            size = self.integer()
            if size < 0:
                raise _UnreadableError(f"a negative dimension before byte {self.at}")
            count *= size
        values = torch.frombuffer(bytearray(self.take(4 * count)), dtype=torch.float32) if count else torch.zeros(0)
        if not bool(values.isfinite().all()):
            raise _UnreadableError(f"numbers that are not finite before byte {self.at}")
        return values

    def layer(self) -> Layer:
        kind = self.text()
        if kind not in FIELDS:
            raise _UnreadableError(f"unknown layer {kind}")
        sizes, parameters = [], torch.zeros(0)
        for field in FIELDS[kind].replace(" ", ""):
            if field == "p":
                parameters = self.tensor()
            elif field == "i":
                sizes.append(self.integer())
            elif field == "a":
                self.expect(1)
                for _ in range(4):
                    self.integer()
            else:
                self.real()
        if self.take(3).strip(b"01"):
            raise _UnreadableError(f"no truth value before byte {self.at}")
        for _ in range(3):
            if self.tensor().numel():
                raise _UnreadableError("it was saved in the midst of training")
        return Layer(kind, tuple(sizes), parameters)
