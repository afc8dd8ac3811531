"""Does the bundled sync scorer find by how much picture and sound were shifted? Numbers, and a figure of them.

    python benchmarks/sync_shifts.py                                        # on a store made of the synthetic corpus
    python benchmarks/sync_shifts.py GRID=grid_store synthetic=synthetic_store --out docs/images/sync_shifts.svg

Every clip of the split has its picture moved by -10 to 10 frames against its sound. A row of the figure for each store:
the offset found against the true shift, the share of clips found at each shift, and the confidence with a clip's own
sound and with that of another clip of its actor. Chance finds 4.8 % exactly and 14 % within one frame.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from viseme.data.store import Store
from viseme.evaluation.sync_scorer import REACH, bundled_scorer

sys.path.append(str(Path(__file__).parents[1] / "tools"))
from train_sync import Shifted, shifted

SHIFTS = np.arange(-REACH, REACH + 1)
EXACT, WITHIN, TRUE, SHUFFLED = "#1b6ca8", "#e08e0b", "#1b6ca8", "#999999"


def synthetic_store(folder: Path) -> Path:
    """Two actors held out, three clips each."""
    import viseme

    viseme.synthetic(folder / "corpus", actors=4, clips=3, seed=0, size=160)
    viseme.prepare("synthetic", folder / "corpus", folder / "store", size=64, test_actors=["a002", "a003"])
    return folder / "store"


def told(name: str, found: Shifted) -> str:
    """The numbers of one store in a line."""
    exact, within = 100 * np.mean(found.errors == 0), 100 * np.mean(found.errors <= 1)
    true, shuffled = np.median(found.true), np.median(found.shuffled)
    return (
        f"{name}: {len(found.true)} clips, {found.offsets.size} shifts: {exact:.1f} % exact, {within:.1f} % within one "
        f"frame; confidence {true:.3f} (median), {shuffled:.3f} with another clip's sound"
    )


def recovered(axes: Axes, found: Shifted) -> None:
    """A square a pair of true shift and found offset, the darker the more clips."""
    counts = np.stack([np.bincount(column + REACH, minlength=len(SHIFTS)) for column in found.offsets.T], axis=1)
    edges = (-REACH - 0.5, REACH + 0.5)
    axes.imshow(counts / len(found.true), "Blues", vmin=0, vmax=1, origin="lower", extent=(*edges, *edges))
    ticks = range(-REACH, REACH + 1, 5)
    axes.set(xlabel="true shift, frames", ylabel="offset found, frames", xticks=ticks, yticks=ticks)


def shares(axes: Axes, found: Shifted) -> None:
    """Per cent of clips found, by true shift."""
    axes.plot(SHIFTS, 100 * np.mean(found.errors <= 1, axis=0), "o-", color=WITHIN, ms=3, label="within one frame")
    axes.plot(SHIFTS, 100 * np.mean(found.errors == 0, axis=0), "s-", color=EXACT, ms=3, label="exact")
    axes.set(xlabel="true shift, frames", ylabel="clips, %", ylim=(0, 104))
    axes.legend(frameon=False, loc="lower center")


def confidences(axes: Axes, found: Shifted, upper: float) -> None:
    """Distributions with a clip's own sound and with another's."""
    bins = np.linspace(0, upper, 26)
    axes.hist(found.shuffled, bins, color=SHUFFLED, alpha=0.8, label="another clip's sound")
    axes.hist(found.true, bins, color=TRUE, alpha=0.7, label="its own sound")
    axes.set(xlabel="confidence", ylabel="clips", xlim=(0, upper))
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.margins(y=0.35)
    axes.legend(frameon=False, loc="upper left")


def drawn(results: dict[str, Shifted], split: str) -> Figure:
    """A row a store."""
    figure = Figure(figsize=(9.6, 3.1 * len(results)), layout="constrained", facecolor="white")
    upper = 1.1 * max(float(max(found.true.max(), found.shuffled.max())) for found in results.values())
    for row, (name, found) in zip(np.reshape(figure.subplots(len(results), 3), (-1, 3)), results.items(), strict=True):
        recovered(row[0], found)
        shares(row[1], found)
        confidences(row[2], found, upper)
        row[0].set_title(f"{name}, {split}: {len(found.true)} clips", loc="left")
        for axes in row:
            axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Measure each store, print its numbers, draw the figure if it is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stores", nargs="*", metavar="NAME=STORE")
    parser.add_argument("--split", default="test")
    parser.add_argument("--out", type=Path, help="SVG or PNG")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        stores = given.stores or [f"synthetic={synthetic_store(Path(scratch))}"]
        named = [text.rpartition("=") for text in stores]
        results = {}
        for name, _, path in named:
            store = Store.open(path)
            results[name or Path(path).name] = found = shifted(bundled_scorer(), store, given.split)
            print(told(name or Path(path).name, found), flush=True)
    if given.out:
        style = {"font.size": 9, "axes.titlesize": 9, "svg.hashsalt": "viseme", "svg.fonttype": "path"}
        with matplotlib.rc_context(style):
            drawn(results, given.split).savefig(
                given.out, metadata={"Date": None} if given.out.suffix == ".svg" else None
            )


if __name__ == "__main__":
    main()
