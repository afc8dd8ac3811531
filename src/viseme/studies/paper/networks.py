"""Table 1 of the paper: the denoisers as it states them, as the presets build them, and as they were trained here."""

from __future__ import annotations

from viseme.config import Config, DdpmConfig, load_config
from viseme.families import count_parameters
from viseme.report.wording import listed, number
from viseme.studies.measures import plain_table
from viseme.studies.paper.made import Made, Section
from viseme.studies.paper.published import published

COLUMNS = {"64": ("ddpm_64", "ddpm"), "128": ("ddpm_128_landmarks", "landmarks")}
"""The paper's size -> the preset, and the run of it."""
ROWS = {
    "base": "Base channels",
    "multipliers": "Multipliers",
    "blocks": "Residual blocks",
    "heads": "Attention heads",
    "resampling": "Blocks resample",
    "dropout": "Dropout",
    "parameters": "Parameters, millions",
}


def table_1(made: Made) -> Section:
    """The paper's numbers, those of the preset, and those of the run."""
    told = published().tables["1"]
    columns: dict[str, dict[str, str]] = {}
    for size, (preset, run) in COLUMNS.items():
        columns[f"{size}, paper"] = {name: str(told[size][name]) for name in ROWS}
        columns[f"{size}, preset"] = described(load_config(preset))
        if f"train/{run}" in made.paths:
            config = load_config(made.run(run).config)
            columns[f"{config.data.size}, trained here"] = described(config)
    rows = [[title, *(column[name] for column in columns.values())] for name, title in ROWS.items()]
    full = [(column, name, cells[name]) for column, cells in columns.items() for name in ROWS]
    return Section(
        *("Table 1", "The denoisers"),
        says=_says(),
        table=plain_table(["", *columns], rows, ("model", "field", "value"), full),
        flags=made.why([f"train/{run}" for _, run in COLUMNS.values()]),
    )


def described(config: Config) -> dict[str, str]:
    """A denoiser in the paper's terms."""
    assert isinstance(config, DdpmConfig)
    model = config.model
    return {
        "base": str(model.base),
        "multipliers": ", ".join(map(str, model.multipliers)),
        "blocks": str(model.blocks),
        "heads": str(model.heads),
        "resampling": "yes",
        "dropout": str(model.dropout),
        "parameters": number(count_parameters(config) / 1e6, 2),
    }


def _says() -> str:
    """By how much the presets' parameters differ from the paper's."""
    parts = []
    for size, (preset, _) in COLUMNS.items():
        ours, theirs = count_parameters(load_config(preset)) / 1e6, float(published().tables["1"][size]["parameters"])
        parts.append(f"{preset} has {number(ours, 2)} million where the paper has {number(theirs, 0)}")
    return f"Counted as built, {listed(parts)}."
