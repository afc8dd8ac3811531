"""Against an encoder of its own, written here from dlib's description, and against the published network."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from viseme.errors import InputError
from viseme.nn.dlib_file import read_dlib
from viseme.weights import located

PART = "dlib-descriptor"


def integer(value: int) -> bytes:
    digits = abs(value).to_bytes(max(1, math.ceil(abs(value).bit_length() / 8)), "little")
    return bytes([len(digits) | (0x80 if value < 0 else 0)]) + digits


def integers(*values: int) -> bytes:
    return b"".join(integer(value) for value in values)


def real(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integers(int(mantissa * 2**24), exponent - 24)


def text(value: str) -> bytes:
    return integer(len(value)) + value.encode("ascii")


def tensor(*values: float) -> bytes:
    shape = (len(values), 1, 1, 1) if values else (0, 0, 0, 0)
    return integers(2, *shape) + struct.pack(f"<{len(values)}f", *values)


SHARE = integers(1, 1, 1, 1, 1)
END = b"110" + 3 * tensor()
MULTIPLIERS = b"".join(map(real, (1, 1, 1, 0)))
CONVOLUTION = text("con_4") + tensor(0.5, -2.0) + integers(1, 1, 1, 2, 3, 0, -4) + 2 * SHARE + MULTIPLIERS + END
POOLING = text("max_pool_2") + integers(3, 3, 2, 2, 0, 0) + END
HEAD = text("fc_2") + integers(2, 1) + tensor(7.0, 8.0) + 2 * SHARE + integer(1) + MULTIPLIERS + END
LOSS = integer(1) + text("loss_metric_2") + real(0.04) + real(0.6)
INPUT = text("input_rgb_image_sized") + real(122.782) + real(117.0) + real(-0.25) + integers(150, 150)
START = LOSS + integers(2, 1, 2, 3) + INPUT


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], object]:
    def reader(data: bytes) -> object:
        path = tmp_path / "network.dat"
        path.write_bytes(data)
        return read_dlib(PART, path)

    return reader


def test_what_was_encoded_is_read(read: Callable) -> None:
    network = read(START + CONVOLUTION + integer(1) + text("relu_") + END + POOLING + HEAD)
    assert network.side == 150
    assert network.mean == pytest.approx((122.782, 117.0, -0.25), rel=1e-6)
    assert [layer.kind for layer in network.layers] == ["con_4", "relu_", "max_pool_2", "fc_2"]
    assert [layer.sizes for layer in network.layers] == [(1, 1, 1, 2, 3, 0, -4), (), (3, 3, 2, 2, 0, 0), (2, 1, 1)]
    assert [layer.parameters.tolist() for layer in network.layers] == [[0.5, -2.0], [], [], [7.0, 8.0]]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_number_comes_back(tmp_path_factory: pytest.TempPathFactory, value: float, count: int) -> None:
    path = tmp_path_factory.getbasetemp() / "numbers.dat"
    given_input = text("input_rgb_image_sized") + 3 * real(value) + integers(count, count)
    path.write_bytes(LOSS + integer(3) + given_input + POOLING + integer(1))
    network = read_dlib(PART, path)
    assert network.mean == (value, value, value)
    assert network.side == count


def test_the_published_network_is_read_whole() -> None:
    network = read_dlib(PART, located(PART))
    kinds = [layer.kind for layer in network.layers]
    assert (network.side, kinds[0], kinds[-1]) == (150, "con_4", "fc_2")
    assert [round(value, 3) for value in network.mean] == [122.782, 117.001, 104.298]  # as the example's comment says
    assert kinds.count("con_4") == kinds.count("affine_") == 29
    assert kinds.count("add_prev_") == 14
    stem = network.layers[0]
    assert (stem.sizes, stem.parameters.numel()) == ((32, 7, 7, 2, 2, 0, 0), 32 * (3 * 49 + 1))
    assert all(bool(layer.parameters.isfinite().all()) for layer in network.layers)


WHOLE = START + CONVOLUTION + integer(1) + POOLING + HEAD


def test_a_file_cut_short_anywhere_is_refused(read: Callable) -> None:
    between_layers = {len(WHOLE) - len(HEAD), len(WHOLE) - len(HEAD + POOLING)}
    for kept in sorted(set(range(len(WHOLE))) - between_layers):
        with pytest.raises(InputError, match="cut short"):
            read(WHOLE[:kept])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\x03\x04" + bytes(100), "no integer at byte 0"),
        (integer(2) + WHOLE[2:], "2 in the place of 1"),
        (WHOLE.replace(b"loss_metric_2", b"loss_metric_9"), "loss_metric_9 in the place of loss_metric_2"),
        (WHOLE.replace(b"input_rgb_image_sized", b"input_rgb_image_other"), "input_rgb_image_other in the place"),
        (LOSS + integers(2, 7) + INPUT, "a layer of version 7"),
        (WHOLE.replace(b"max_pool_2", b"max_pool_9"), "unknown layer max_pool_9"),
        (START + text("con_4") + integers(2, 2**40, 2**40, 1, 1), "cut short"),
        (START + text("con_4") + integers(2, -1, 1, 1, 1), "a negative dimension"),
        (START + text("con_4") + integer(1), "1 in the place of 2"),
        (WHOLE.replace(tensor(0.5, -2.0), tensor(0.5, math.nan)), "not finite"),
        (WHOLE.replace(real(0.04), integers(0, 32000)), "no finite number"),
        (WHOLE.replace(real(0.6), integers(2**62, 2**62)), "no finite number"),
        (WHOLE.replace(b"110" + 3 * tensor(), b"1x0" + 3 * tensor(), 1), "no truth value"),
        (WHOLE.replace(b"110" + 3 * tensor(), b"110" + tensor(1.0) + 2 * tensor(), 1), "in the midst of training"),
        (integer(1) + integer(2**20), "no name"),
        (integer(1) + integer(3) + b"a\nb", "no name"),
    ],
)
def test_what_is_no_such_network_is_refused_in_one_line(read: Callable, data: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why) as error:
        read(data)
    assert "network.dat" in str(error.value)
    assert "give dlib_face_recognition_resnet_model_v1.dat as published" in str(error.value)
    assert "\n" not in str(error.value)


@given(st.data())
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    changed = bytearray(WHOLE)
    for place in data.draw(st.lists(st.integers(0, len(WHOLE) - 1), min_size=1, max_size=4)):
        changed[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.dat"
    path.write_bytes(changed)
    with contextlib.suppress(InputError):  # and no other error
        assert all(torch.is_tensor(layer.parameters) for layer in read_dlib(PART, path).layers)


def test_a_file_that_is_not_there_or_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.dat: cannot be read"):
        read_dlib(PART, tmp_path / "none.dat")
    longer = tmp_path / "longer.dat"
    longer.write_bytes(located(PART).read_bytes() + b"\x01\x01")
    with pytest.raises(InputError, match=r"cut short|no integer|no name"):
        read_dlib(PART, longer)
