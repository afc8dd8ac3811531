"""A student of few steps: what it aims at, that it learns it, and teachers that cannot teach it."""

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

import viseme
from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.model import as_prediction, build_unet
from viseme.diffusion.objective import Given
from viseme.diffusion.samplers import ddim
from viseme.distillation import DistillationObjective
from viseme.errors import ConfigError, ModelError
from viseme.families import load_synthesizer

from .test_objective import batch, config

SMALL = ("model.base=32", "model.blocks=1", "training.validation_batches=1", "training.rollout_clips=0")
TAUGHT = ("distillation.teacher=teacher", "distillation.each=4", "sampling.steps=2", "training.learning_rate=0.003")


def taught(*overrides: str) -> DistillationObjective:
    """A student of a teacher with random weights everywhere, since one just built predicts the identity frame."""
    student = config(*TAUGHT, *overrides)
    torch.manual_seed(1)
    teacher = build_unet(student)
    for parameter in teacher.parameters():
        nn.init.normal_(parameter, std=0.05)
    torch.manual_seed(0)
    objective = DistillationObjective(student, teacher, student)
    objective.setup(Fabric(accelerator="cpu", devices=1))
    return objective


def given(objective: DistillationObjective) -> Given:
    windows = batch(4)
    pictures = torch.cat([windows.identity, windows.motion], dim=1)
    return Given(windows.identity, pictures, {"audio": windows.audio[:, 0]}, {})


@pytest.mark.parametrize("prediction", ["x0", "v", "eps"])
def test_one_step_by_the_aim_leads_where_the_teachers_steps_lead(prediction: str) -> None:
    objective = taught(f"diffusion.prediction={prediction}", "diffusion.residual=false", "sampling.clamp=none")
    known, alpha_bar = given(objective), objective.process.alpha_bar
    x_t = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))

    def teacher(z: torch.Tensor, step: int) -> torch.Tensor:
        steps = torch.full((4,), step)
        output = objective.teacher(z, steps, *known[1:])
        return objective.process.x0(as_prediction(objective.taught, output, known.identity), z, steps)

    first, second = objective.visited[::4]
    for start, walk, end in (
        (first, objective.visited[:4], second),
        (second, objective.visited[4:], None),
    ):
        with torch.no_grad():
            aim, eps = objective._aim(x_t, x_t, x_t, torch.full((4,), start), known)
            if end is None:
                there, ours = ddim(teacher, x_t, alpha_bar, walk, lambda: x_t), aim
            else:

                def then_as_it_is(z: torch.Tensor, step: int, end: int = end) -> torch.Tensor:
                    return z if step == end else teacher(z, step)

                there = ddim(then_as_it_is, x_t, alpha_bar, [*walk, end], lambda: x_t)
                ours = float(alpha_bar[end]) ** 0.5 * aim + (1 - float(alpha_bar[end])) ** 0.5 * eps
        torch.testing.assert_close(ours, there, atol=2e-4, rtol=1e-3)


def test_a_student_that_is_its_teacher_has_nothing_to_learn_from_single_steps() -> None:
    objective = taught("distillation.each=1", "sampling.steps=8", "sampling.clamp=none")
    assert float(objective.validate(batch(), torch.Generator().manual_seed(0))["mse"]) > 1e-3
    objective.network.load_state_dict(objective.teacher.state_dict())
    assert float(objective.validate(batch(), torch.Generator().manual_seed(0))["mse"]) < 1e-6


def test_how_it_looks_is_measured_by_truth_and_not_by_its_teacher() -> None:
    objective = taught("distillation.each=1", "sampling.steps=8", "sampling.clamp=none", "loss.detail=1")
    objective.network.load_state_dict(objective.teacher.state_dict())
    scalars = objective.validate(batch(), torch.Generator().manual_seed(0))
    assert float(scalars["mse"]) < 1e-6
    assert float(scalars["detail"]) > 0.01


def test_it_learns_at_the_timesteps_it_will_visit_and_at_no_others() -> None:
    objective = taught()
    drawn = objective._timesteps(200, torch.Generator().manual_seed(0))
    assert set(drawn.tolist()) == {249, 124}


def test_it_learns_a_batch_by_heart_and_its_teacher_learns_nothing() -> None:
    objective, same, rng = taught(), batch(), torch.Generator()
    before = [parameter.clone() for parameter in objective.teacher.parameters()]
    losses = [float(objective.step(same, rng.manual_seed(step % 4))["loss"]) for step in range(60)]
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    assert all(torch.equal(one, other) for one, other in zip(before, objective.teacher.parameters(), strict=True))
    assert objective.model is objective.network


JUDGED = ("distillation.adversarial=0.1", "distillation.discriminator.width=4", "distillation.discriminator.augment=0")


def test_an_adversary_learns_beside_it_from_what_it_made() -> None:
    objective, same, rng = taught(*JUDGED), batch(), torch.Generator()
    adversary = objective.adversary
    assert adversary is not None
    before = [parameter.clone() for parameter in adversary.network.parameters()]
    scalars = [objective.step(same, rng.manual_seed(step % 4)) for step in range(30)]
    assert float(scalars[-1]["discriminator"]) < float(scalars[0]["discriminator"])
    assert any(not torch.equal(a, b) for a, b in zip(before, adversary.network.parameters(), strict=True))
    assert {"real_right", "fake_right", "adversarial", "r1"} <= set(scalars[0])
    assert {"model", "adversary_model", "adversary_optimizer"} <= set(objective.state())
    assert "adversarial" not in objective.validate(same, rng.manual_seed(0))


def test_the_adversary_pulls_the_student_by_its_weight() -> None:
    pulled, alone = taught(*JUDGED), taught()
    same = batch()
    one, other = (objective.step(same, torch.Generator().manual_seed(0)) for objective in (pulled, alone))
    assert float(one["loss"] - one["adversarial"]) == pytest.approx(float(other["loss"]), rel=1e-5)
    assert float(one["adversarial"]) == pytest.approx(0.1 * 0.7, abs=0.05)
    weights = (dict(objective.network.named_parameters()) for objective in (pulled, alone))
    assert not torch.equal(*(found["head.weight"] for found in weights))


def test_what_is_the_denoisers_alone_does_not_keep_it_from_being_judged() -> None:
    student = taught(*JUDGED, "data.motion_frames=2", "training.checkpoint_activations=true")
    assert student.adversary is not None
    with pytest.raises(ConfigError, match=r"distillation\.r1"):
        config(*TAUGHT, *JUDGED, "training.compile=true")


def test_parts_of_a_batch_are_judged_as_the_whole() -> None:
    whole, parts = taught(*JUDGED), taught(*JUDGED, "training.accumulate=2")
    for objective in (whole, parts):
        objective.step(batch(), torch.Generator().manual_seed(0))
    for one, other in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("sampling.sampler=ddpm", "ddim"),
        ("sampling.spacing=leading", "trailing"),
        ("sampling.eta=0.5", "eta"),
        ("distillation.each=200", "distillation.each=200"),
    ],
)
def test_what_cannot_be_followed_is_refused(override: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        config(*TAUGHT, override)


def test_a_run_learns_from_a_run(runs: dict[str, Path], store: Path, tmp_path: Path) -> None:
    asked = [*SMALL, "training.steps=2", "training.batch_size=2", "sampling.steps=2", "distillation.each=2"]
    run = tmp_path / "run"
    viseme.train("tiny_ddpm", store, run, overrides=[*asked, f"distillation.teacher={runs['ddpm']}"])
    assert isinstance(load_synthesizer(run).config, DdpmConfig)
    assert len(load_synthesizer(run).timesteps) == 2
    other = ["sampling.sampler=dpmpp_2m", "sampling.steps=200"]  # more than it was taught, and in another way
    assert len(load_synthesizer(run, other).timesteps) == 200


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("distillation.teacher=GAN", "is a gan and no ddpm"),
        ("audio.context=1", "audio.context"),
        ("diffusion.steps=200", "diffusion.steps"),
        ("distillation.teacher=nothing_here", "no such model"),
    ],
)
def test_a_teacher_that_cannot_teach_is_named(
    override: str, named: str, runs: dict[str, Path], store: Path, tmp_path: Path
) -> None:
    asked = [*SMALL, "sampling.steps=2", f"distillation.teacher={runs['ddpm']}"]
    with pytest.raises(ModelError, match=named):
        viseme.train(
            "tiny_ddpm", store, tmp_path / "run", overrides=[*asked, override.replace("GAN", str(runs["gan"]))]
        )
    assert not (tmp_path / "run").exists()
