"""From a run to a bundled model: half-precision weights, then its scores and its card beside them.

    python tools/bundle.py weights runs/talk_gan
    python tools/bundle.py weights runs/rendered_too --former talk_gan.safetensors --share 0.5
    python tools/bundle.py card talk_gan talk_gan=gan.json --seconds 1400 --steps 1500 --machine "two cores"

The scores kept are the results file without its curves and pictures: every clip's numbers, so that a later model can be
compared by paired differences.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from viseme.config import load_config, parse_config
from viseme.config.diffusion import DdpmConfig
from viseme.config.schema import to_dict
from viseme.data.corpora import corpus_named
from viseme.evaluation.results import load, save
from viseme.families import build_network, count_parameters
from viseme.files import sha256, write_text
from viseme.nn.weights import load_weights, read_model, save_model
from viseme.report.model_card import model_card

BUNDLED = Path(__file__).resolve().parent.parent / "src" / "viseme" / "bundled"


def weights(run: Path, former: Path | None, share: float) -> None:
    """Write a run's averaged weights in half precision, its sampling set as its preset has it now.

    Args:
        run: its folder.
        former: the model that it began from, where what that knew of its own data is to be kept: the prior of the pose
            is then the former's, and the rest lies between the two (Wortsman et al. 2022, robust fine-tuning).
        share: of the run in that.
    """
    file = read_model(run / "model.safetensors")
    config = parse_config(file.config)
    training = config.training.model_copy(update={"init": Path(config.training.init).name})
    config = config.model_copy(update={"sampling": load_config(config.name).sampling, "training": training})
    if isinstance(config, DdpmConfig):
        teacher = Path(config.distillation.teacher).name
        config = config.model_copy(update={"distillation": config.distillation.model_copy(update={"teacher": teacher})})
    network = build_network(config)
    found = file.weights if former is None else between(read_model(former).weights, file.weights, share)
    load_weights(network, found, str(run))
    path = BUNDLED / f"{config.name}.safetensors"
    save_model(path, network, to_dict(config), file.training, torch.float16)
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")


def between(before: Mapping[str, Tensor], after: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights on the way from one to the other; those of the pose's prior stay where they were."""
    way = {name: 0.0 if name.startswith("prior.") else share for name in after}
    return {name: torch.lerp(before[name].float(), weight.float(), way[name]) for name, weight in after.items()}


def card(name: str, results: dict[str, Path], seconds: float, steps: int, machine: str, made_by: list[str]) -> None:
    """Write a bundled model's scores (those under its own name) and its card (with all results beside them)."""
    path = BUNDLED / f"{name}.safetensors"
    file = read_model(path)
    scored = load(results[name])
    clips = [replace(clip, curves={}, strip=None, thumbnail=None, video=None) for clip in scored.clips]
    save(replace(scored, clips=clips), BUNDLED / f"{name}.json")
    corpora = [corpus_named(corpus) for corpus in file.training["corpus"].split(" + ")]
    training = {
        **file.training,
        "fingerprint": file.training["store"],
        "store": None,
        "licence": " + ".join(corpus.licence for corpus in corpora),
        "citation": "; ".join(corpus.citation for corpus in corpora if corpus.citation),
        "seconds": seconds,
        "steps": steps,
        "machine": machine,
        "parameters": count_parameters(parse_config(file.config)),
        "model_sha256": sha256(path),
        "version": file.training["viseme"],
        "made_by": "\n".join(made_by or [f"viseme train {name} --data store --out run"]),
    }
    write_text(BUNDLED / f"{name}.md", model_card(file.config, training, results))
    print(json.dumps({key: summary.mean for key, summary in scored.metrics.items()}))


def main() -> None:
    """Do one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    half = commands.add_parser("weights")
    half.add_argument("run", type=Path)
    half.add_argument("--former", type=Path, metavar="FILE", help="the model that the run began from")
    half.add_argument("--share", type=float, default=1.0, help="of the run, on the way from the former (default 1)")
    half.set_defaults(do=lambda given: weights(given.run, given.former, given.share))
    page = commands.add_parser("card")
    page.add_argument("name")
    page.add_argument("results", nargs="+", metavar="NAME=FILE")
    page.add_argument("--seconds", type=float, required=True)
    page.add_argument("--steps", type=int, required=True, help="of all legs together")
    page.add_argument("--machine", required=True)
    page.add_argument("--made-by", nargs="*", default=[], metavar="COMMAND", help="what makes the weights again")
    page.set_defaults(
        do=lambda given: card(
            given.name,
            {name: Path(file) for name, file in (pair.split("=", 1) for pair in given.results)},
            given.seconds,
            given.steps,
            given.machine,
            given.made_by,
        )
    )
    given = parser.parse_args()
    given.do(given)


if __name__ == "__main__":
    main()
