"""Tables 3, 4 and 5 of the paper: its numbers beside ours, and what must not be read plainly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from viseme.evaluation.metrics import METRICS, SET_METRICS
from viseme.evaluation.results import Results
from viseme.report.wording import listed, number
from viseme.studies.measures import Table, plain_table
from viseme.studies.paper.made import SCORES, Made, Section, truth, value
from viseme.studies.paper.plan import CHOSEN, COUNTS
from viseme.studies.paper.published import published

PAPERS = ("fid", "av_offset", "lse_c")
OURS = ("frechet_lite0", "sync_offset", "sync_confidence")
"""What stands in for the paper's metrics where their networks are not here: without a download, under other names."""
MOTION = ("ofm", "f_mse")
HEADS: Mapping[str, str] = {"fid": "FID", "av_offset": "AV offset", "lse_c": "AV conf.", "ofm": "OFM", "f_mse": "F-MSE"}
RATIO = {
    "fid": "FID of truth is 0, and a ratio of zeros says nothing",
    "av_offset": "an offset is a place on a scale with two signs, and a ratio of two offsets is none",
}
"""Why Diffused Heads' number cannot be rescaled by the ratio of truths."""
DIFFUSED_HEADS = "Diffused Heads (rescaled)"


@dataclass(frozen=True, slots=True)
class Row:
    """A system: the row of the paper's table, and our results; of truth these are another's, with `true` set."""

    title: str
    of: str
    results: Results | None
    size: int
    true: bool = False

    def ours(self, metric: str) -> float | None:
        return truth(self.results, metric) if self.true else value(self.results, metric)


def table_3(made: Made) -> Section:
    """GAN against diffusion as the paper mixed them: one at its large size, the other at its small one."""
    made.some(_steps("gan", CHOSEN))
    gan, ddpm = made.scores("gan"), made.scores(CHOSEN)
    rows = [
        Row("GAN", "gan", gan, made.large),
        Row("Diffusion, 50 steps", "ddpm", ddpm, made.small),
        Row("Truth", "truth", ddpm, made.small, true=True),
    ]
    baseline = {metric: rescaled("3", metric, truth(ddpm, metric)) for metric in PAPERS}
    shown = _beside("3", rows, PAPERS, OURS, {DIFFUSED_HEADS: baseline})
    return Section(
        *("Table 3", "GAN against diffusion, at the sizes that the paper mixed"),
        says=_verdict(gan, ddpm),
        table=shown,
        flags=[
            f"Mixed as in the paper: the GAN's frames have {made.large} pixels, diffusion's {made.small}. Sharpness "
            "that the smaller cannot show does not count against it; the next table scores both at one size.",
            *_rescaling(PAPERS),
            "An offset is best where truth's is, not at 0: on the paper's own scale truth has 0.88.",
            *_lacking(made, ["gan", CHOSEN]),
        ],
    )


def table_3_one_size(made: Made) -> Section:
    """The same at the smaller size, GAN's frames brought down to it; beside, the model that is driven by landmarks."""
    made.some(_steps("gan_small", CHOSEN))
    gan, ddpm = made.scores("gan_small"), made.scores(CHOSEN)
    rows = [
        Row("GAN", "", gan, made.small),
        Row("Diffusion, 50 steps", "", ddpm, made.small),
        Row("Truth", "", ddpm, made.small, true=True),
    ]
    metrics = ("fid", *OURS[:1], "av_offset", "lse_c", *OURS[1:], *MOTION, "sharpness", "csim")
    return Section(
        *("Table 3, at one size", f"GAN against diffusion, both at {made.small} pixels"),
        says=_verdict(gan, ddpm),
        table=_beside("", rows, (), [m for m in metrics if any(r.ours(m) is not None for r in rows)], {}),
        flags=_lacking(made, ["gan_small", CHOSEN]),
    )


def table_4(made: Made) -> Section:
    """How much moves between frames, by size."""
    made.some(_steps("gan", CHOSEN))
    gan, ddpm = made.scores("gan"), made.scores(CHOSEN)
    rows = [
        Row("GAN", "gan", gan, made.large),
        Row("Truth", "truth_large", gan, made.large, true=True),
        Row("Diffusion, 50 steps", "ddpm", ddpm, made.small),
        Row("Truth", "truth_small", ddpm, made.small, true=True),
    ]
    baseline = {metric: rescaled("4", metric, truth(gan, metric), "truth_large") for metric in MOTION}
    says = [
        f"{metric}: {listed(parts)}."
        for metric, parts in (
            (HEADS[m], [_of_truth(name, r, m) for name, r in (("GAN", gan), ("diffusion", ddpm)) if value(r, m)])
            for m in MOTION
        )
        if parts
    ]
    return Section(
        *("Table 4", "Optical flow and frame differences, by size"),
        says=" ".join(says),
        table=_beside("4", rows, MOTION, (), {DIFFUSED_HEADS: baseline}),
        flags=[
            "Both depend on the size of frames: rows of different sizes do not compare.",
            "The paper marks a small F-MSE as better; a still picture has 0. Nearness to truth is what counts here.",
            *_rescaling(MOTION),
            "The paper's F-MSE of truth is 7.76 at 128 pixels and 54.43 at 64, seven times as much at the smaller "
            "size: its two sizes look like two implementations, and its rows differ by more than their models.",
            *_lacking(made, ["gan", CHOSEN], kinds=("evaluate",)),
        ],
    )


def table_5(made: Made) -> Section:
    """One model with 20, 50 and 100 denoising steps."""
    made.some(_steps(*(f"ddpm_{count}" for count in COUNTS)))
    found = {count: made.scores(f"ddpm_{count}") for count in COUNTS}
    rows = [Row(f"{count} steps", str(count), results, made.small) for count, results in found.items()]
    known = next(results for results in found.values() if results is not None)
    rows.append(Row("Truth", "truth", known, made.small, true=True))
    return Section(
        *("Table 5", f"Denoising steps, at {made.small} pixels"),
        says=" ".join(filter(None, (_best_count(found, metric) for metric in (*PAPERS, *OURS, *MOTION)))),
        table=_beside("5", rows, ("fid", *MOTION, "av_offset", "lse_c"), OURS, {}),
        flags=[
            "Which timesteps are visited and whether x0 is held to [−1, 1] is not told by the paper; here the spacing "
            "is trailing and x0 is held. Study `steps` tries the others.",
            *_lacking(made, [f"ddpm_{count}" for count in COUNTS]),
        ],
    )


def rescaled(of: str, metric: str, ours: float | None, row: str = "truth") -> float | None:
    """Diffused Heads' number of a table of the paper, times our truth's over the paper's, as the paper brought it to
    its own scale; None where that means nothing."""
    table = published().tables[of]
    if ours is None or metric in RATIO:
        return None
    return float(table["diffused_heads"][metric]) * ours / float(table[row][metric])


def _rescaling(metrics: Sequence[str]) -> list[str]:
    """What to think of the row of Diffused Heads."""
    line = (
        "Diffused Heads' row is the paper's, which multiplied published numbers by the ratio of two ground truths; "
        "here it is brought to this store's scale in the same way. It was scored on other clips by other code."
    )
    return [line, *(f"Not rescaled: {HEADS[metric]}, since {RATIO[metric]}." for metric in metrics if metric in RATIO)]


def _steps(*names: str, kinds: Sequence[str] = SCORES) -> list[str]:
    """The steps that score these rollouts."""
    return [f"{kind}/{name}" for kind in kinds for name in names]


def _lacking(made: Made, names: Sequence[str], kinds: Sequence[str] = SCORES) -> list[str]:
    reasons = made.why(_steps(*names, kinds=kinds))
    return [f"A dash stands where nothing is measured: {'; '.join(reasons)}."] if reasons else []


def _beside(
    of: str,
    rows: Sequence[Row],
    papers: Sequence[str],
    ours: Sequence[str],
    baseline: Mapping[str, Mapping[str, float | None]],
) -> Table:
    """A row a system: of each of the paper's metrics its value and ours, then metrics of our own.

    Args:
        of: number of the paper's table; none where it has no such table.
        papers: metrics that it gives.
        ours: metrics that it does not give.
        baseline: further rows whose numbers here are worked out, by title.
    """
    known = {**METRICS, **SET_METRICS}
    header = ["", "Pixels", *(f"{HEADS[m]}, {who}" for m in papers for who in ("paper", "here"))]
    header += [f"{known[m].title}{f' ({known[m].unit})' if known[m].unit else ''}" for m in ours]
    lines, full = [], []
    places: list[tuple[str, str, int, Callable[[str], float | None]]] = [
        (row.title, row.of, row.size, row.ours) for row in rows
    ]
    places += [
        (title, "diffused_heads", int(published().tables[of]["diffused_heads"]["size"]), numbers.get)
        for title, numbers in baseline.items()
    ]
    for title, key, size, number_of in places:
        told = published().tables.get(of, {}).get(key, {})
        line = [title, str(size)]
        for metric in papers:
            line += [_cell(told.get(metric), 3), _cell(number_of(metric), 3)]
        line += [_cell(number_of(metric), known[metric].digits) for metric in ours]
        lines.append(line)
        full += [(title, size, m, told.get(m, ""), _full(number_of(m))) for m in (*papers, *ours)]
    return plain_table(header, lines, ("system", "pixels", "metric", "paper", "here"), full)


def _cell(found: float | None, digits: int) -> str:
    return "-" if found is None else number(float(found), digits)


def _full(found: float | None) -> float | str:
    return "" if found is None else found


def _verdict(gan: Results | None, ddpm: Results | None) -> str:
    """Who is ahead in the paper's three, or in what stands in for them."""
    parts = []
    for paper, own in zip(PAPERS, OURS, strict=True):
        metric = paper if value(gan, paper) is not None and value(ddpm, paper) is not None else own
        parts += _ahead(metric, {"GAN": gan, "diffusion": ddpm})
    if not parts:
        return "Only one of the two is scored, so nothing is compared."
    table = published().tables["3"]
    return (
        f"{'; '.join(parts)}. The paper has diffusion's FID at {table['ddpm']['fid']} against "
        f"{table['gan']['fid']} of the GAN."
    )


def _ahead(metric: str, systems: Mapping[str, Results | None]) -> list[str]:
    """Which of two is the better in a metric, with both numbers; nothing where one lacks it."""
    known = {**METRICS, **SET_METRICS}[metric]
    values = {name: own for name, results in systems.items() if (own := value(results, metric)) is not None}
    if len(values) < 2:
        return []
    away = {name: _away(known.better, own, truth(systems[name], metric)) for name, own in values.items()}
    said = ", ".join(f"{name} {number(own, known.digits)}" for name, own in values.items())
    better = {"higher": "higher", "lower": "lower"}.get(known.better, "nearer to truth")
    same = len(set(away.values())) == 1
    verdict = "the same for both" if same else f"{better} with {min(away, key=lambda name: away[name])}"
    return [f"{known.title} is {verdict} ({said})"]


def _away(better: str, found: float, aim: float | None) -> float:
    if better == "higher":
        return -found
    return found if better == "lower" or aim is None else abs(found - aim)


def _of_truth(name: str, results: Results | None, metric: str) -> str:
    own, true = value(results, metric), truth(results, metric)
    assert own is not None
    if not true:
        return f"{name} has {number(own, 2)}"
    return f"{name} has {number(100 * own / true, 0)} % of truth's"


def _best_count(found: Mapping[int, Results | None], metric: str) -> str:
    """Which number of steps is best in a metric, here and in the paper."""
    known = {**METRICS, **SET_METRICS}[metric]
    away = {
        count: _away(known.better, own, truth(results, metric))
        for count, results in found.items()
        if (own := value(results, metric)) is not None
    }
    if len(away) < 2:
        return ""
    best = min(away, key=lambda count: away[count])
    numbers = listed([f"{number(value(found[count], metric) or 0.0, known.digits)} with {count}" for count in away])
    if len(set(away.values())) == 1:
        return f"{known.title}: {numbers}; no number of steps is ahead."
    told = published().tables["5"]
    papers = {count: told[str(count)][metric] for count in COUNTS if metric in told[str(count)]}
    theirs = min(papers, key=lambda c: _away(known.better, papers[c], told["truth"][metric])) if papers else None
    same = "" if theirs is None else f" (the paper: {theirs})"
    return f"{known.title} is best with {best} steps{same}: {numbers}."
