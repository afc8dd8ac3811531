"""Pictures of high dynamic range (PQ or HLG, BT.2020) as a screen of standard range shows them (BT.709).

Light is worked out in candela a square metre: the transfer function of ITU-R BT.2100, the primaries of BT.2020 turned
into those of BT.709, highlights rolled off by the curve of ITU-R BT.2390 towards the reference white of BT.2408, and
BT.1886 backwards. The curve is the same for every frame and every clip, so that nothing pumps and clips compare.
"""

from __future__ import annotations

import functools

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from numpy.typing import NDArray

from viseme.types import Float32, UInt8

WHITE = 203.0
"""cd/m2: the reference white of BT.2408, which becomes the white of the standard range."""
PEAK = 1000.0
"""cd/m2: the brightest light the curve expects, that of BT.2100's reference display for HLG; beyond it all is white."""

_PQ, _HLG = ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], dtype=np.float32)  # BT.2020
# BT.2087-0, section 2.2
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32
)
_M1, _M2 = 2610 / 16384, 2523 / 32  # PQ, BT.2100 table 4
_C1, _C2, _C3 = 3424 / 4096, 2413 / 128, 2392 / 128
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073  # HLG, BT.2100 table 5
_SYSTEM_GAMMA = 1.2  # of HLG on a display of 1000 cd/m2
_DISPLAY_GAMMA = 2.4  # BT.1886 with a black of zero
_STEPS = 4096  # of the tables of light: a sixth of an 8-bit step at most apart


def is_high(frame: VideoFrame) -> bool:
    """Whether a frame is tagged with the transfer function of PQ or HLG."""
    return frame.color_trc in (_PQ, _HLG)


def to_standard(codes: NDArray[np.uint16], frame: VideoFrame) -> UInt8:
    """Tone-map a picture of high dynamic range.

    Args:
        codes: uint16 `[H,W,3]`, the frame's R'G'B' with 65535 for 1.
        frame: where they are from; its tags tell the transfer function and the primaries.

    Returns:
        uint8 `[H,W,3]`, R'G'B' of BT.709 and BT.1886.
    """
    light = _pq_table()[codes] if frame.color_trc == _PQ else _hlg_light(codes)
    if frame.color_primaries != ColorPrimaries.BT709:
        light = light @ _TO_709.T
    light = np.maximum(light, 0.0)
    light *= _gain_table()[_place(light.max(axis=-1, keepdims=True), PEAK)]
    return _screen_table()[_place(light, WHITE)]


def pq_light(signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """PQ's electro-optical transfer function: a signal in [0, 1] to cd/m2. Source: BT.2100, table 4."""
    power = np.asarray(signal, dtype=np.float64) ** (1 / _M2)
    return np.asarray(10_000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1))


def pq_signal(light: NDArray[np.floating]) -> NDArray[np.float64]:
    """The inverse of `pq_light`: cd/m2 to a signal in [0, 1]."""
    power = (np.asarray(light, dtype=np.float64) / 10_000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def hlg_scene(signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """HLG's inverse opto-electrical transfer function: a signal in [0, 1] to the scene's light in [0, 1].

    Source: BT.2100, table 5.
    """
    signal = np.asarray(signal, dtype=np.float64)
    return np.asarray(np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - _C) / _A) + _B) / 12))


def rolled_off(light: NDArray[np.floating]) -> NDArray[np.float64]:
    """Light in [0, PEAK] brought into [0, WHITE]: itself up to a knee, then a Hermite spline in PQ's signal.

    Source: BT.2390, section 5.4.1, with a black of zero.
    """
    peak, white = pq_signal(np.array([PEAK, WHITE]))
    top = white / peak
    knee = 1.5 * top - 0.5
    e = np.minimum(pq_signal(light) / peak, 1.0)
    t = np.maximum(e - knee, 0) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * top
    return pq_light(np.where(e < knee, e, spline) * peak)


def _hlg_light(codes: NDArray[np.uint16]) -> Float32:
    """cd/m2 on a display of `PEAK`: the scene's light through BT.2100's opto-optical transfer function."""
    scene = _hlg_table()[codes]
    luminance = (scene @ _LUMINANCE)[..., None]
    return np.asarray(PEAK * luminance ** np.float32(_SYSTEM_GAMMA - 1) * scene, dtype=np.float32)


def _place(light: Float32, most: float) -> NDArray[np.intp]:
    """The place of light in a table whose entry i stands for `most` times (i / (_STEPS - 1)) to the fourth.

    So it is finest in the dark, as eyes and PQ are, and found by two square roots.
    """
    return np.asarray(np.sqrt(np.sqrt(np.minimum(light / np.float32(most), 1))) * (_STEPS - 1) + 0.5).astype(np.intp)


@functools.cache
def _pq_table() -> Float32:
    return pq_light(np.arange(65_536) / 65_535).astype(np.float32)


@functools.cache
def _hlg_table() -> Float32:
    return hlg_scene(np.arange(65_536) / 65_535).astype(np.float32)


@functools.cache
def _gain_table() -> Float32:
    """What light is multiplied by, by the place of a pixel's brightest channel; one for all three keeps its hue."""
    light = PEAK * _quarters()
    return np.divide(rolled_off(light), light, out=np.ones_like(light), where=light > 1e-3).astype(np.float32)


@functools.cache
def _screen_table() -> UInt8:
    """BT.1886 backwards."""
    return np.rint(255 * _quarters() ** (1 / _DISPLAY_GAMMA)).astype(np.uint8)


def _quarters() -> NDArray[np.float64]:
    return np.linspace(0, 1, _STEPS) ** 4
