"""The commands `kerazoo zoo list`, `kerazoo zoo card` and `kerazoo zoo build`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kerazoo._validation import check_choice
from kerazoo.cli.commands import Command, backend_option, check_output, set_backend
from kerazoo.cli.lazy import LazyGroup, help_option_names
from kerazoo.errors import InvalidArgumentError

__all__ = ["zoo"]


@click.group(cls=LazyGroup, lazy={}, context_settings=help_option_names())
def zoo() -> None:
    """List, describe and build recurrent models.

    The name of a model says what it is: bigru_2x64_residual_f3 has two bidirectional GRU layers of 64 units with
    residual connections, for inputs of three features. docs/zoo.md has all words.

    Example: kerazoo zoo list --cell lstm
    """


@zoo.command("list", cls=Command, short_help="List names of models.")
@click.argument("pattern", default="*")
@click.option("--cell", metavar="NAME", help="Models of this cell only; an unknown name lists all cells.")
@click.option("--presets", is_flag=True, help="List the trained models instead.")
@backend_option()
def list_command(pattern: str, cell: str | None, presets: bool, backend: str | None) -> None:
    """List common names of models, one per line; any other valid name can be built too.

    PATTERN is part of a name, or a shell pattern such as 'gru_*x100'.

    Example: kerazoo zoo list seq2one --cell mingru
    """
    if presets:
        from kerazoo._presets import list_presets

        names = sorted(list_presets())
    else:
        set_backend(backend)
        from kerazoo.cells.registry import cell_info, list_cells
        from kerazoo.zoo import list_models
        from kerazoo.zoo.spec import RNNSpec

        names = list_models()
        if cell is not None:
            cells = list_cells()
            # An alias is as good as a name.
            known = cell_info(cell).name if cell in cells else check_choice("--cell", cell, cells)
            names = [name for name in names if any(layer.cell == known for layer in RNNSpec.from_name(name).layers)]
    from fnmatch import fnmatchcase

    wanted = pattern if set(pattern) & set("*?[") else f"*{pattern}*"
    names = [name for name in names if fnmatchcase(name, wanted)]
    if not names:
        raise InvalidArgumentError(
            f"PATTERN={pattern!r}; no {'preset' if presets else 'common name'} matches it"
            f"{'' if cell is None else f' with --cell {cell}'}. kerazoo zoo list shows all."
        )
    for name in names:
        click.echo(name)


@zoo.command("card", cls=Command, short_help="Describe a model.", arguments={"name": "NAME"})
@click.argument("name")
@backend_option()
def card_command(name: str, backend: str | None) -> None:
    """Describe a model: parameters, states, receptive field, paper and measured scores.

    Example: kerazoo zoo card bigru_2x64_residual
    """
    set_backend(backend)
    from kerazoo.zoo import model_card

    click.echo(str(model_card(name)))


@zoo.command(
    "build", cls=Command, short_help="Build a model and write it to a .keras file.", arguments={"name": "NAME"}
)
@click.argument("name")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output file: .keras.")
@click.option("--features", type=int, help="Values per step of the input; default: as the name says, or 1.")
@click.option("--lookback", type=int, help="Steps of the input; default: any number.")
@click.option("--outputs", type=int, help="Values per step of the output.")
@click.option("--horizon", type=int, help="Steps ahead that are predicted from each step.")
@click.option("--classes", type=int, help="Return probabilities of so many classes.")
@click.option("--vocabulary", type=int, help="Read ids of so many words, which are embedded.")
@click.option("--returns", help="sequence: an output for every step, or last: one for the sequence.")
@click.option("--style", default="functional", show_default=True, help="functional or sequential.")
@click.option("--unroll", is_flag=True, help="Unroll the loop over the steps; needs --lookback.")
@click.option("--seed", type=int, help="Seed of the weights: equal ones give equal models, on every backend.")
@click.option("--compile", "compiled", is_flag=True, help="Compile it with the usual optimizer, loss and metrics.")
@backend_option()
def build_command(
    name: str,
    out: Path,
    style: str,
    unroll: bool,
    seed: int | None,
    compiled: bool,
    backend: str | None,
    **fields: Any,
) -> None:
    """Build a model with initial weights and write it to a file, which kerazoo.zoo.load reads.

    Example: kerazoo zoo build lstm_2x64 --out model.keras --features 3 --horizon 12 --seed 1
    """
    check_output("--out", out, (".keras",))
    set_backend(backend)
    from kerazoo._runtime.files import replacing
    from kerazoo.zoo import build, compile_defaults
    from kerazoo.zoo.spec import RNNSpec

    given = {field: value for field, value in fields.items() if value is not None}
    spec = RNNSpec.from_name(name, **given)
    if unroll and spec.lookback is None:
        raise InvalidArgumentError("--unroll without --lookback; expected both: the number of steps to unroll.")
    model = build(spec, style, unroll=unroll, seed=seed)
    if compiled:
        model.compile(**compile_defaults(model))
        model.optimizer.build(model.trainable_variables)  # or Keras warns when it loads the file
    with replacing(out) as part:
        model.save(part)
    shapes = " -> ".join(_shapes(each) for each in (model.inputs, model.outputs))
    click.echo(f"{out}: {spec.name}, {model.count_params():,} weights, {shapes}")


def _shapes(tensors: Any) -> str:
    """Shapes with B for any number of sequences and T for any number of steps."""
    shown = []
    for tensor in tensors:
        first, *rest = tensor.shape
        sizes = ["B" if first is None else str(first), *("T" if size is None else str(size) for size in rest)]
        shown.append(f"({', '.join(sizes)})")
    return ", ".join(shown)
