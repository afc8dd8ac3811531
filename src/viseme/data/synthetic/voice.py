"""Speech-like sound: glottal pulses and noise through moving resonators, after Klatt's cascade synthesiser (1980).

The glottal flow is the cubic pulse of KLGLOTT88, made at four times the rate against aliasing; five resonators in
cascade follow the formants that the articulation asks for, frication goes through one of its own. All is mono 16 kHz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter, resample_poly, sosfilt

from viseme.data.synthetic.articulation import formants_at, mouth_at
from viseme.data.synthetic.phonemes import Segment
from viseme.types import SAMPLE_RATE, Float32

Float64 = NDArray[np.float64]

_BLOCK = 80
"""Samples between two changes of the filters: 5 ms, as Klatt has it."""
_OVERSAMPLING = 4


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks.

    Attributes:
        pitch: mean fundamental in Hz.
        tract: vocal tract length over that of an average man; formants are divided by it.
        liveliness: range of the intonation, 1 is average.
        breath: share of noise in the voiced source, 0 to 0.3.
        tilt: how dark the source is, 0 bright to 0.9.
        jitter: random share by which glottal cycles differ in length.
        rate: speaking rate, 1 is average.
        effort: how far the mouth opens, 1 is average.
    """

    pitch: float
    tract: float
    liveliness: float = 1.0
    breath: float = 0.05
    tilt: float = 0.3
    jitter: float = 0.008
    rate: float = 1.0
    effort: float = 1.0


@dataclass(frozen=True, slots=True)
class _Sources:
    """Amplitudes of the three sources and the noise's resonance, one value a block."""

    voicing: Float64
    breath: Float64
    noise: Float64
    noise_hz: Float64
    noise_width: Float64
    nasal: Float64


def _smooth(values: Float64, blocks: int) -> Float64:
    window = np.hanning(blocks + 2)[1:-1]
    padded = np.pad(values, (blocks // 2, blocks - 1 - blocks // 2), mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")


def _sources(segments: Sequence[Segment], times: Float64, opening: Float64) -> _Sources:
    voicing, breath, noise, nasal = (np.zeros_like(times) for _ in range(4))
    burst = np.zeros_like(times)
    centre, width = np.full_like(times, 3000.0), np.full_like(times, 3000.0)
    for segment in segments:
        phoneme = segment.phoneme
        inside = (times >= segment.start) & (times < segment.end)
        centre[inside], width[inside] = phoneme.noise_hz
        if phoneme.kind in ("stop", "affricate"):
            release = segment.start + 0.62 * segment.seconds
            after = inside & (times >= release)
            voicing[inside & ~after] = phoneme.voicing
            hold = 0.014 if phoneme.kind == "stop" else 1.0
            burst[after & (times < release + hold)] = phoneme.noise
            if phoneme.voicing:
                voicing[after] = 0.5
            elif phoneme.kind == "stop":
                breath[after] = 0.22
        elif phoneme.kind == "breath":
            breath[inside] = phoneme.noise
        else:
            voicing[inside] = phoneme.voicing * segment.stress
            noise[inside] = phoneme.noise
            nasal[inside] = float(phoneme.kind == "nasal")
    nasal = _smooth(nasal, 7)
    # Less sound leaves a narrower mouth, unless it leaves through the nose.
    radiated = np.maximum(0.25 + 0.75 * np.clip(opening / 0.6, 0.0, 1.2), nasal)
    return _Sources(
        voicing=_smooth(voicing, 5) * radiated,
        breath=_smooth(breath, 5),
        noise=_smooth(noise, 5) + _smooth(burst, 2),
        noise_hz=centre,
        noise_width=width,
        nasal=nasal,
    )


def _intonation(segments: Sequence[Segment], times: Float64, voice: Voice, rng: np.random.Generator) -> Float64:
    """Fundamental in Hz at the given times: declination, accents, a final fall and slow flutter."""
    end = segments[-1].start
    semitones = 2.0 - 5.0 * times / end
    for segment in segments:
        if segment.phoneme.kind == "vowel" and segment.stress > 1.0:
            rise = rng.uniform(1.5, 4.5)
            semitones += rise * np.exp(-0.5 * ((times - segment.anchor) / 0.09) ** 2)
    semitones -= 3.0 / (1.0 + np.exp(-(times - end + 0.12) / 0.04))
    phases = rng.uniform(0, 2 * np.pi, 3)
    for hertz, phase in zip((2.1, 4.7, 7.1), phases, strict=True):
        semitones += 0.15 * np.sin(2 * np.pi * hertz * times + phase)
    return voice.pitch * 2.0 ** (voice.liveliness * semitones / 12.0)


def _glottis(pitch: Float64, voice: Voice, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Derivative of the glottal flow and the openness of the glottis (0 or 1), each `[samples]` at 16 kHz."""
    fast = _OVERSAMPLING * SAMPLE_RATE
    count = len(pitch) * _BLOCK * _OVERSAMPLING
    knots = (np.arange(len(pitch)) + 0.5) * _BLOCK * _OVERSAMPLING
    phase = np.cumsum(np.interp(np.arange(count), knots, pitch)) / fast
    cycles = int(phase[-1]) + 2
    marks = np.arange(cycles + 1) + voice.jitter * rng.standard_normal(cycles + 1)
    loudness = 1.0 + 3.0 * voice.jitter * rng.standard_normal(cycles + 1)
    cycle = np.clip(np.searchsorted(marks, phase, side="right") - 1, 0, cycles - 1)
    within = np.clip((phase - marks[cycle]) / (marks[cycle + 1] - marks[cycle]), 0.0, 1.0)
    quotient = 0.55 + 0.6 * voice.breath
    tau = within / quotient
    opened = tau < 1.0
    flow = np.where(opened, 2.0 * tau - 3.0 * tau**2, 0.0) * loudness[cycle]
    slow: Float64 = np.asarray(resample_poly(flow, 1, _OVERSAMPLING), dtype=np.float64)
    return slow, opened[::_OVERSAMPLING].astype(np.float64)


def _resonators(hertz: Float64, width: Float64) -> Float64:
    """Second-order sections `[..., 6]` of Klatt resonators with unit gain at 0 Hz."""
    radius = np.exp(-np.pi * width / SAMPLE_RATE)
    second = -(radius**2)
    first = 2.0 * radius * np.cos(2.0 * np.pi * hertz / SAMPLE_RATE)
    zeros, ones = np.zeros_like(hertz), np.ones_like(hertz)
    return np.stack([1.0 - first - second, zeros, zeros, ones, -first, -second], axis=-1)


def _band(hertz: Float64, width: Float64) -> Float64:
    """Second-order sections `[...,6]` that pass a band; white noise leaves them at about one power."""
    sections = _resonators(hertz, width)
    radius = np.exp(-np.pi * width / SAMPLE_RATE)
    sections[..., 0] = np.sqrt(1.0 - radius**2)
    sections[..., 2] = -sections[..., 0]
    return sections


def _filtered(signal: Float64, sections: Float64) -> Float64:
    """Run `signal` `[blocks * _BLOCK]` through sections that change with every block, `[blocks,K,6]`."""
    out = np.empty_like(signal)
    state = np.zeros((sections.shape[1], 2))
    for block, sos in enumerate(sections):
        part = slice(block * _BLOCK, (block + 1) * _BLOCK)
        out[part], state = sosfilt(sos, signal[part], zi=state)
    return out


def speak(segments: Sequence[Segment], voice: Voice, frames: int, rng: np.random.Generator) -> Float32:
    """Sound of a sentence, in step with `articulation.mouth_at` of the same segments.

    Args:
        segments: the sentence; it lasts `frames / 25` seconds.
        voice: who speaks.
        frames: T, video frames of the clip.
        rng: source of all randomness.

    Returns:
        Float32 `[640 T]` in [-0.9, 0.9], about -20 dB RMS where it speaks.
    """
    samples = frames * SAMPLE_RATE // 25
    blocks = samples // _BLOCK
    times = (np.arange(blocks) + 0.5) * _BLOCK / SAMPLE_RATE
    opening = mouth_at(segments, times, voice.effort).opening
    sources = _sources(segments, times, opening)
    formants = formants_at(segments, times, opening) / voice.tract

    pulses, opened = _glottis(_intonation(segments, times, voice, rng), voice, rng)
    pulses = np.asarray(lfilter([1.0 - voice.tilt], [1.0, -voice.tilt], pulses))

    def held(values: Float64) -> Float64:
        knots = (np.arange(blocks) + 0.5) * _BLOCK
        return np.interp(np.arange(samples), knots, values)

    hiss = rng.standard_normal(samples)
    source = held(sources.voicing) * (pulses + voice.breath * opened * hiss) + 0.25 * held(sources.breath) * hiss
    upper = np.broadcast_to(np.array([3500.0, 4500.0]) / voice.tract, (blocks, 2))
    tract = np.concatenate([formants, upper], axis=1)
    widths = np.stack(
        [60 + 120 * sources.nasal, 90 + 160 * sources.nasal, *(np.full(blocks, w) for w in (130, 200, 250))], 1
    )
    body = _filtered(source, _resonators(np.minimum(tract, 7600.0), widths))

    fricative = _filtered(
        rng.standard_normal(samples) * held(sources.noise),
        _band(sources.noise_hz, sources.noise_width)[:, None, :],
    )
    sound = body + 0.8 * fricative
    loud = np.sqrt(np.mean(sound[np.abs(sound) > 0.05 * np.abs(sound).max()] ** 2))
    sound = 0.12 * sound / loud + 3e-4 * rng.standard_normal(samples)
    peak = np.abs(sound).max()
    return np.asarray(sound * min(1.0, 0.9 / peak), dtype=np.float32)
