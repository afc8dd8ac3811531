"""`viseme presets`: what can be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from viseme import api
from viseme.cli.output import Json, Set, print_json, print_table
from viseme.errors import InputError

if TYPE_CHECKING:
    from viseme.config.diffusion import DdpmConfig
    from viseme.config.gan import GanConfig


def presets(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One preset, printed whole as YAML.")] = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """List the presets, or print one as YAML, headed by its size."""
    if name is not None or overrides:
        from viseme.config.schema import to_dict, to_yaml

        if name is None:
            raise typer.BadParameter("--set needs the NAME of a preset")
        config = api.load_config(name, overrides or ())
        if as_json:
            print_json(to_dict(config))
        else:
            print(counted(config), to_yaml(config), sep="\n", end="")
        return
    known = api.presets()
    if as_json:
        print_json(
            [
                {"name": one.name, "kind": one.config.kind, "size": one.config.data.size, "parameters": one.parameters}
                for one in known
            ]
        )
    else:
        rows = []
        for one in known:
            config, millions = one.config, f"{one.parameters / 1e6:.2f} M"
            rows.append((one.name, config.kind, config.data.size, millions, config.training.steps))
        print_table(("preset", "kind", "size", "parameters", "steps"), rows)


def counted(config: DdpmConfig | GanConfig) -> str:
    """How large a configuration's network is, and what its training holds: comment lines of YAML."""
    from viseme.families import count_parameters, count_regressor, held_in_training

    try:
        size, beside, held = count_parameters(config), count_regressor(config), held_in_training(config)
    except InputError as error:  # how wide a speech encoder's features are, its weights alone tell
        return f"# {config.name}: parameters not counted ({error})"
    told = f"# {config.name}: {size / 1e6:.2f} M parameters"
    told += f", and {beside / 1e6:.2f} M of the landmark regressor" if beside else ""
    return f"{told}\n# in training: {held / 2**30:.2f} GiB besides activations"
