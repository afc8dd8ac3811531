"""What the page of `viseme study gan` says: sentences from the numbers, which say so where the failure is absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viseme.evaluation.results import Results
from viseme.report.wording import counted, listed, number, signed
from viseme.studies.course import Course
from viseme.studies.measures import ranked, scored, shown_better

PAPER, STABLE = "paper", "stable"
FROZEN, REENCODED = "control: frozen photo", "control: re-encoded truth"
METRICS = (
    *("mouth_correlation", "mouth_correlation_raw", "opening_spread", "head_motion", "blink_motion"),
    *("snr", "csim", "sharpness"),
)
LITTLE = 0.5
"""A ratio to truth's motion below this is little motion, above it not."""
UNSEEN = 0.1
"""Share of frames without a found face above which landmarks of a system are doubted."""


def balance(courses: Mapping[str, Course], papers: Sequence[str]) -> str:
    """Whether the discriminator wins, and which change stops it."""
    paper, said = courses.get(PAPER), []
    wins = [title for title, course in courses.items() if course.dominated]
    if paper is not None and paper.dominated:
        said = [_paper_wins(paper), *_rates(courses, papers), *_switches(courses, papers)]
    elif paper is not None:
        said = [
            f"The paper's failure did not appear in {counted(paper.steps, 'step')}: its discriminator is right about "
            f"more than 95 % in {_share(paper.won)} of the looks over the later half, and about "
            f"{_share(paper.accuracy)} on the mean; so no change is shown to stop it."
        ]
        said += [f"The discriminator does win with {listed(wins)}."] * bool(wins)
    elif wins:
        said = [f"The discriminator wins with {listed(wins)}; the paper's own run is not there."]
    coins = [title for title, course in courses.items() if course.coin]
    if coins:
        said.append(
            f"The opposite, a discriminator right about less than 55 % in most looks, which tells its generator hardly "
            f"anything, is seen with {listed(coins)}."
        )
    return " ".join(said) or "Neither side wins in any of these runs; the paper's own is not there."


def _paper_wins(paper: Course) -> str:
    return (
        f"The paper's discriminator wins: over the later half of {counted(paper.steps, 'step')} it is right about more "
        f"than 95 % of the windows in {_share(paper.won)} of the looks, and about {_share(paper.accuracy)} on the mean."
    )


def _rates(courses: Mapping[str, Course], papers: Sequence[str]) -> list[str]:
    """Whether another learning rate alone stops it."""
    tried = [title for title in papers if title in courses and title != PAPER]
    cured = [title for title in tried if not courses[title].dominated]
    if not tried:
        return []
    if cured:
        return [f"A learning rate alone stops it with {listed([f'{t} ({_share(courses[t].won)})' for t in cured])}."]
    return [f"Another learning rate alone does not stop it: {listed(tried)} are won likewise."]


def _switches(courses: Mapping[str, Course], papers: Sequence[str]) -> list[str]:
    """Whether stable stops it, and which of its switches it cannot do without."""
    stable = courses.get(STABLE)
    if stable is None:
        return []
    if stable.dominated:
        return [f"Stable does not stop it either ({_share(stable.won)} of the looks)."]
    thrown = [title for title in courses if title not in papers and title != STABLE]
    back = [f"{title} ({_share(courses[title].won)})" for title in thrown if courses[title].dominated]
    said = [f"Stable, which differs in all switches at once, stops it ({_share(stable.won)} of the looks)."]
    if back:
        said.append(f"Thrown back one at a time, it returns with {listed(back)}.")
    elif thrown:
        said.append(
            f"Of {counted(len(thrown), 'switch', 'switches')} thrown back one at a time none brings it back, so that "
            "no single one is shown to be what stops it."
        )
    return said


def error(courses: Mapping[str, Course]) -> str:
    """Whose error on held-out windows turns."""
    turned = {title: course for title, course in courses.items() if course.diverged}
    paper, said = courses.get(PAPER), []
    if paper is not None and paper.diverged:
        said.append(
            f"The paper's L1 on held-out windows ends {number(100 * paper.risen, 1)} % above its least, which was at "
            f"step {paper.best_step} of {paper.steps}: its error turns."
        )
    elif paper is not None:
        said.append(
            f"The paper's error did not turn in {counted(paper.steps, 'step')}: its L1 on held-out windows ends "
            f"{number(100 * paper.risen, 1)} % above its least."
        )
    others = [f"{title} ({signed(100 * c.risen, 1)} %)" for title, c in turned.items() if title != PAPER]
    count = len([title for title in courses if title != PAPER])
    if others:
        said.append(f"Of {counted(count, 'other run')} it ends more than 5 % above its least with {listed(others)}.")
    elif count:
        said.append(f"It turns in none of {counted(count, 'other run')}.")
    order = sorted(courses, key=lambda title: courses[title].end)
    if len(order) > 1:
        (least, most) = (f"{title} ({number(courses[title].end, 4)})" for title in (order[0], order[-1]))
        said.append(f"At the end it is least with {least} and greatest with {most}.")
    return " ".join(said)


def ends(courses: Mapping[str, Course]) -> str:
    """SNR and gradients at the end of training."""
    best = max(courses, key=lambda title: float(courses[title].snr.values[-1]))
    worst = min(courses, key=lambda title: float(courses[title].snr.values[-1]))
    said = [
        f"SNR on held-out windows ends highest with {best} ({number(float(courses[best].snr.values[-1]), 1)} dB) and "
        f"lowest with {worst} ({number(float(courses[worst].snr.values[-1]), 1)} dB)."
    ]
    norms = {title: courses[title].norms for title in (PAPER, STABLE) if title in courses}
    told = [
        f"{number(generator, 2)} and {number(discriminator, 2)} with {title}"
        for title, (generator, discriminator) in norms.items()
    ]
    if told:
        said.append(
            f"The gradient norms of generator and discriminator are on the mean over the later half {listed(told)}; "
            "losses of other weights do not compare by them."
        )
    return " ".join(said)


def motion(systems: Mapping[str, Results], papers: Sequence[str]) -> str:
    """Whether anything but the mouth moves."""
    runs, said = _seen(systems), []
    if PAPER in systems:
        said.append(_only_mouth(runs))
    for metric, what in (("head_motion", "Motion outside the mouth"), ("blink_motion", "Motion of the lids")):
        order = ranked(runs, metric)
        if order:
            (near, by), (far, other) = order[0], order[-1]
            floors = [
                f"{number(value, 2)} for the {name.partition(': ')[2]}" for name, value in _controls(systems, metric)
            ]
            line = f"{what} is nearest to truth's with {near} ({number(by, 2)} of it)"
            line += f" and farthest from it with {far} ({number(other, 2)})" if len(order) > 1 else ""
            said.append(f"{line}{f'; it reads {listed(floors)}' if floors else ''}.")
    said += _shown(runs, "head_motion", papers)
    return " ".join(said) or "Motion could not be measured."


def _only_mouth(runs: Mapping[str, Results]) -> str:
    """The paper's third failure, in its run and in which others."""
    if PAPER not in runs:
        return "What moves with the paper's network cannot be told: no face is found in too many of its frames."
    outside, mouth = _value(runs[PAPER], "head_motion"), _value(runs[PAPER], "opening_spread")
    if outside is None or mouth is None:
        return "With the paper's network motion could not be measured."
    numbers = f"{number(outside, 2)} of truth's motion outside the mouth, {number(mouth, 2)} of its opening's spread"
    alone = [title for title, results in runs.items() if title != PAPER and _mouth_alone(results)]
    others = f" Likewise with {listed(alone)}." if alone else " It is so in no other run." if len(runs) > 1 else ""
    if _mouth_alone(runs[PAPER]):
        return f"With the paper's network only the mouth moves: {numbers}.{others}"
    why = "neither moves much" if outside < LITTLE else "more than the mouth moves"
    seen = f" Only the mouth moves with {listed(alone)}." if alone else ""
    return f"That only the mouth moves did not appear with the paper's network: {why} ({numbers}).{seen}"


def _mouth_alone(results: Results) -> bool:
    outside, mouth = _value(results, "head_motion"), _value(results, "opening_spread")
    return outside is not None and mouth is not None and outside < LITTLE <= mouth


def _shown(runs: Mapping[str, Results], metric: str, papers: Sequence[str]) -> list[str]:
    """Which switches of stable are shown to matter to a metric."""
    stable = runs.get(STABLE)
    if stable is None:
        return []
    thrown = {title: results for title, results in runs.items() if title not in papers and title != STABLE}
    apart = {title: found for title, results in thrown.items() if (found := shown_better(results, stable, metric))}
    worse = [title for title, found in apart.items() if found.low > 0]
    better = [title for title in apart if title not in worse]
    if not thrown:
        return []
    if not apart:
        return ["None of stable's switches is shown to matter to motion outside the mouth."]
    parts = [f"farther from truth with {listed(worse)}"] * bool(worse)
    parts += [f"nearer with {listed(better)}"] * bool(better)
    return [f"Against stable, motion outside the mouth is shown to be {' and '.join(parts)}."]


def scores(systems: Mapping[str, Results]) -> str:
    """Whether lips follow, and whether anything beats a photo that stands still."""
    said, order = [], ranked(_seen(systems), "mouth_correlation")
    if order:
        (best, most), (worst, least) = order[0], order[-1]
        line = f"Mouth correlation is highest with {best} ({number(most, 3)})"
        said.append(f"{line} and lowest with {worst} ({number(least, 3)})." if len(order) > 1 else f"{line}.")
    still = _value(systems[FROZEN], "snr") if FROZEN in systems else None
    if still is not None and (runs := _runs(systems)):
        beat = [t for t in runs if (f := shown_better(runs[t], systems[FROZEN], "snr")) is not None and f.high < 0]
        said.append(
            f"In SNR {listed(beat) if beat else 'no run'} is shown to beat the frozen photo ({number(still, 2)} dB)."
        )
    return " ".join(said) or "Rollouts could not be scored."


def unseen(systems: Mapping[str, Results]) -> list[str]:
    """Systems in whose frames often no face is found."""
    shares = {title: _faceless(results) for title, results in systems.items()}
    told = [f"{title} ({_share(share)} of frames)" for title, share in shares.items() if share > UNSEEN]
    if not told:
        return []
    return [
        f"Often no face is found with {listed(told)}: what rests on landmarks means nothing there, and the sentences "
        "pass over it."
    ]


def _faceless(results: Results) -> float:
    """Share of the frames in which no face is found."""
    clips = scored(results)
    lost = sum(clip.undetected.get("candidate", 0) for clip in clips)
    return lost / max(1, sum(clip.frames for clip in clips))


def _runs(systems: Mapping[str, Results]) -> dict[str, Results]:
    return {title: results for title, results in systems.items() if title not in (FROZEN, REENCODED)}


def _seen(systems: Mapping[str, Results]) -> dict[str, Results]:
    """Runs whose landmarks can be believed."""
    return {title: results for title, results in _runs(systems).items() if _faceless(results) <= UNSEEN}


def _controls(systems: Mapping[str, Results], metric: str) -> list[tuple[str, float]]:
    found = [(name, _value(systems[name], metric)) for name in (FROZEN, REENCODED) if name in systems]
    return [(name, value) for name, value in found if value is not None]


def _value(results: Results, metric: str) -> float | None:
    found = results.metrics.get(metric)
    return None if found is None else found.mean


def _share(share: float) -> str:
    return f"{number(100 * share, 0)} %"
