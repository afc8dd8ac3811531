"""How many times faster than real time each audio encoder is, and what memory a long sound takes.

    python benchmarks/audio.py
    python benchmarks/audio.py --seconds 60 --kinds mel sda wav2vec2

Pretrained encoders run with the weights that are here (`viseme weights`); without them with random ones of the same
form, which take the same time. Each figure is the best of three runs, with as many threads as PyTorch takes.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from viseme.audio.encoder import AudioEncoder
from viseme.audio.loudness import levelled
from viseme.audio.mel import MelEncoder
from viseme.audio.sda import SdaEncoder, SdaNetwork
from viseme.nn.listener import Listener
from viseme.types import FPS, SAMPLE_RATE
from viseme.weights import here

WANTED = {"mel": 500, "sda": 30}
"""Times real time that these should reach on two cores."""


def sda(folder: Path) -> AudioEncoder:
    """The published weights, or random ones."""
    if (place := here("sda")) is None:
        place = folder / "sda.safetensors"
        state = SdaNetwork().state_dict()
        save_file({name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}, place)
    return SdaEncoder(place)


def speech(kind: str, folder: Path) -> AudioEncoder:
    """A random network of the base size; transformers' own defaults are wav2vec 2.0's, HuBERT's and Whisper's base."""
    import transformers

    from viseme.audio.speech import SpeechEncoder

    place = folder / kind
    if kind == "whisper":
        config = transformers.WhisperConfig(
            d_model=512, encoder_layers=6, decoder_layers=1, encoder_attention_heads=8, encoder_ffn_dim=2048
        )
        transformers.WhisperModel(config).save_pretrained(place)
        transformers.WhisperFeatureExtractor().save_pretrained(place)
    else:
        name = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert"}[kind]
        getattr(transformers, f"{name}Model")(getattr(transformers, f"{name}Config")()).save_pretrained(place)
        transformers.Wav2Vec2FeatureExtractor().save_pretrained(place)
    return SpeechEncoder(kind, str(place))  # type: ignore[arg-type]


class Learned:
    """Mel features through the network that a model trains with itself."""

    def __init__(self) -> None:
        self.mel, self.network = MelEncoder(), Listener(40).eval()

    @torch.inference_mode()
    def __call__(self, audio: np.ndarray, frames: int) -> np.ndarray:
        from viseme.audio.mel import with_context

        return self.network(torch.from_numpy(with_context(self.mel(audio, frames), 2))).numpy()


def best_of(count: int, work: Callable[[], object]) -> float:
    """Seconds of the quickest run."""
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    """Time each encoder on noise."""
    kinds = ("mel", "learned", "sda", "wav2vec2", "hubert", "whisper")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", choices=kinds, default=kinds)
    arguments = parser.parse_args()
    frames = arguments.seconds * FPS
    audio = levelled(np.random.default_rng(0).normal(0, 0.1, arguments.seconds * SAMPLE_RATE).astype(np.float32))
    torch.manual_seed(0)
    missed = []
    with tempfile.TemporaryDirectory() as name:
        for kind in arguments.kinds:
            makers: dict[str, Callable[[], Callable[[np.ndarray, int], np.ndarray]]] = {
                "mel": MelEncoder,
                "learned": Learned,
                "sda": lambda: sda(Path(name)),
            }
            encoder = makers[kind]() if kind in makers else speech(kind, Path(name))
            encoder(audio[:SAMPLE_RATE], FPS)
            speed = arguments.seconds / best_of(3, lambda: encoder(audio, frames))  # noqa: B023
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            wanted = WANTED.get(kind, 0)
            print(
                f"{kind:10}{speed:8.0f} times real time"
                + (f" (wanted {wanted})" if wanted else "")
                + f", peak memory of the process so far {peak:.2f} GiB",
                flush=True,
            )
            missed += [kind] if speed < wanted else []
    if missed:
        sys.exit(f"too slow: {', '.join(missed)}")


if __name__ == "__main__":
    main()
