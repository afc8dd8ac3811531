"""The page of study `paper`: its tables and figures in the paper's order, a hole with its reason where one is missing.

Beside `index.html` lie `report.md`, `tables/NAME.csv` and `.md`, `figures/NAME.svg` and `.png`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from viseme import __version__
from viseme.config import load_config
from viseme.errors import VisemeError
from viseme.files import write_text
from viseme.report.html import environment, part
from viseme.report.wording import counted, listed, number
from viseme.studies.measures import lost
from viseme.studies.paper import courses, networks, pictures, tables
from viseme.studies.paper.figure_gan import figure_2
from viseme.studies.paper.figure_unet import figure_3
from viseme.studies.paper.made import Made, Section
from viseme.studies.paper.plan import COUNTS, PRESETS
from viseme.studies.paper.published import published

SECTIONS: Mapping[str, Callable[[Made], Section]] = {
    "Figure 1": pictures.figure_1,
    "Figure 2": figure_2,
    "Figure 3": figure_3,
    "Table 1": networks.table_1,
    "Figure 4": courses.figure_4,
    "Figure 5": courses.figure_5,
    "Figure 6": courses.figure_6,
    "Figure 7": courses.figure_7,
    "Table 2": courses.table_2,
    "Figure 8": courses.figure_8,
    "Figure 9": pictures.figure_9,
    "Figure 10": pictures.figure_10,
    "Table 3": tables.table_3,
    "Table 3, at one size": tables.table_3_one_size,
    "Table 4": tables.table_4,
    "Table 5": tables.table_5,
    "Figure 11": pictures.figure_11,
    "Figure 12": pictures.figure_12,
    "Figure 13": pictures.figure_13,
}
"""In the order in which the paper has them."""
TITLES = {"gan": "GAN", "ddpm": "base model", "finetune": "fine-tuned model", "landmarks": "model with landmarks"}


def draw(data: str, made: Mapping[str, str], missing: Mapping[str, str], scale: Mapping[str, int], out: str) -> None:
    """Write the page, the report, the tables and the drawings.

    Args:
        data: the store.
        made: step -> its output.
        missing: step -> why it has none.
        scale: pixels a side, `small` and `large`.
        out: `index.html`.
    """
    page = Path(out)
    known = Made(data, made, missing, scale["small"], scale["large"])
    sections = [built(of, known) for of in SECTIONS]
    for section in sections:
        if section.table is not None:
            write_text(page.parent / "tables" / f"{section.name}.csv", section.table.csv)
            write_text(page.parent / "tables" / f"{section.name}.md", section.table.markdown)
        if section.drawing is not None:
            section.drawing.save(page.parent / "figures")
    said: dict[str, Any] = {"title": published().title, "facts": _facts(known), "notes": _notes(known)}
    write_text(
        page.parent / "report.md",
        environment().get_template("paper.md.j2").render(version=__version__, sections=sections, **said),
    )
    html = environment().get_template("paper.html.j2")
    drawings = {section.of: section.drawing.inline() for section in sections if section.drawing is not None}
    style = Markup(part("style.css"))
    write_text(page, html.render(version=__version__, style=style, drawings=drawings, sections=sections, **said))


def built(of: str, made: Made) -> Section:
    """A table or figure; a hole where what it rests on is not there."""
    try:
        return SECTIONS[of](made)
    except VisemeError as error:
        return Section(of, "not here", hole=" ".join(str(error).split()))


def _facts(made: Made) -> dict[str, str]:
    facts = {"Store": f"{made.store.info.corpus}, {made.store.path.name}"}
    if "clips/small" in made.paths:
        results = next((found for count in COUNTS if (found := made.scores(f"ddpm_{count}")) is not None), None)
        if results is not None:
            actors = sorted({clip.actor for clip in results.clips})
            frames = sum(clip.frames for clip in results.clips)
            facts["Scored"] = (
                f"{counted(len(results.clips), 'clip')} of {listed(actors)}, whom no model saw in training; "
                f"{counted(frames, 'frame')} in all, each clip from its first frame"
            )
    for run, preset in PRESETS.items():
        if f"train/{run}" not in made.paths:
            continue
        folder = made.run(run)
        training, best = load_config(folder.config).training, folder.read_about().get("best", {})
        epochs = training.steps * training.batch_size / max(1, len(made.store.clips("train")))
        facts[TITLES[run].capitalize() if run != "gan" else "GAN"] = (
            f"{preset} at {load_config(folder.config).data.size} pixels, {number(training.steps, 0)} steps of "
            f"{training.batch_size} ({number(epochs, 1)} epochs); chosen by validation loss: step "
            f"{number(best.get('step', 0), 0)}"
        )
    return facts


def _notes(made: Made) -> list[str]:
    """What a reader must know before believing any of it."""
    lines = []
    others = [TITLES[run] for run in PRESETS if f"train/{run}" in made.paths and _is_another(made, run)]
    if others:
        lines.append(
            f"Of another network, other inputs or another number of steps than the paper's: {listed(others)}. The "
            "paper's numbers stand beside for the form of the comparison; these can neither meet nor miss them."
        )
    if made.store.info.corpus != "cremad":
        lines.append(f"The paper's clips are CREMA-D's, these are of {made.store.info.corpus}: levels do not compare.")
    names = {"GAN": "gan", **{f"diffusion, {count} steps": f"ddpm_{count}" for count in COUNTS}}
    names["diffusion with landmarks"] = "landmarks"
    systems = {title: results for title, name in names.items() if (results := made.scores(name)) is not None}
    if gone := lost(systems):
        lines.append(
            f"Over the first second, on the mean, no face like the identity frame's is seen with {listed(gone)}: their "
            "scores are of pictures without that face; train longer."
        )
    if made.missing:
        reasons = list(dict.fromkeys(made.missing.values()))
        lines.append(f"Not made: {'; '.join(reasons)}.")
    return lines


def _is_another(made: Made, run: str) -> bool:
    """Whether a run's network, inputs or steps differ from the preset's; half its steps are the fine-tuned run's."""
    own, paper = load_config(made.run(run).config), load_config(PRESETS[run])
    steps = paper.training.steps // (2 if run == "finetune" else 1)
    return (own.model, own.audio, own.training.steps) != (paper.model, paper.audio, steps)
