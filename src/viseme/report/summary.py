"""What the numbers say, in sentences: every claim in them rests on a paired interval that excludes zero."""

from __future__ import annotations

from collections.abc import Iterable

from viseme.evaluation.bootstrap import ENOUGH_CLIPS
from viseme.evaluation.results import MetricResult
from viseme.report.ranking import Comparison, compared
from viseme.report.systems import Group, System
from viseme.report.wording import capitalised, counted, enough_digits, listed, number, signed, signed_bounds

LEAD = "mouth_correlation"
"""The metric that says whether the lips follow the sound; it leads the summary and chooses the clips shown."""
FEW = 3
"""So many metrics a sentence names; of more it names these and says how many there are."""


def lead_metric(group: Group) -> str:
    """`LEAD`, or the first metric with a direction where no system has it; empty where there is none at all."""
    if LEAD in group.metrics:
        return LEAD
    for name in group.metrics:
        if any(found.better != "none" for found in _known(group.systems, name)):
            return name
    return ""


def summary(group: Group, most: int | None = FEW) -> list[list[str]]:
    """Paragraphs of sentences on systems of one size: against each other, then against other sound and controls.

    `most` metrics are named in a sentence; all where it is None.
    """
    tested = group.tested
    if not tested:
        return [["Only controls are shown here: no system is under test."]]
    paragraphs = [between(tested[0], other, group, most) for other in tested[1:]]
    if len(tested) == 1:
        paragraphs.append(alone(tested[0], group))
    listening = [sentence for system in tested for sentence in hearing(system, group)]
    paragraphs.append(listening + beaten_by_controls(group, most))
    paragraphs.append(seen_by_metrics(group, most))
    return [sentences for sentences in paragraphs if sentences]


def in_full(group: Group) -> list[list[str]]:
    """Those paragraphs of the summary that leave metrics unnamed, with every metric by name."""
    return [whole for short, whole in zip(summary(group), summary(group, None), strict=True) if whole != short]


def between(first: System, second: System, group: Group, most: int | None = FEW) -> list[str]:
    """How two systems under test compare: the lead metric with numbers, then where each is better, then the rest."""
    lead = lead_metric(group)
    comparisons = [found for name in group.metrics if (found := compared(first, second, name)) and found.rated]
    if not comparisons:
        return [f"{_called(first)} and {_called(second)} share no clip with a metric, so nothing can be said of them."]
    leading = next((found for found in comparisons if found.metric == lead), None)
    rest = [found for found in comparisons if found is not leading]
    sentences = [_lead_sentence(leading)] if leading else []
    front = leading.better if leading else None
    clauses = []
    for system in sorted((first, second), key=lambda system: system is not front):
        if titles := [_title(item) for item in rest if item.better is system]:
            also = "also " if system is front and leading else ""
            clauses.append(f"{system.name} is {also}better in {_named(titles, most)}")
    if even := [_title(item) for item in rest if item.better is None]:
        whose = "" if leading else f" between {_called(first)} and {_called(second)}"
        brief = most is not None and len(even) > most
        where = f"the other {len(even)} of {len(comparisons)} metrics" if brief else listed(even, "or")
        clauses.append(f"no difference{whose} was shown in {where}")
    if clauses:
        sentences.append(capitalised_unless_named("; ".join(clauses), (first, second)) + ".")
    return sentences


def alone(system: System, group: Group) -> list[str]:
    """The lead metric of the only system under test."""
    known = system.results.metrics.get(lead_metric(group))
    if known is None:
        return []
    interval = f"[{number(known.low, known.digits)}, {number(known.high, known.digits)}]"
    return [f"{_called(system)}: {_lower(known.title)} {number(known.mean, known.digits)} {interval}."]


def hearing(system: System, group: Group) -> list[str]:
    """Whether a system does worse when driven by another clip's sound, which it must if it listens."""
    sentences = []
    for control in group.controls:
        if not control.shuffled or control.weights != system.weights:
            continue
        found = compared(system, control, lead_metric(group))
        if found is None or not found.rated:
            continue
        own, other = _mean(found, system), _mean(found, control)
        numbers = f"{_lower(found.known.title)} {own} with its own sound, {other} with another's, {_difference(found)}"
        if found.better is system:
            sentences.append(f"{_called(system)} listens: {numbers}.")
        else:
            sentences.append(f"Nothing here shows that {system.name} listens: {numbers}.")
    return sentences


def beaten_by_controls(group: Group, most: int | None = FEW) -> list[str]:
    """Metrics by which a control that does not speak is better than a system: they cannot be judged by alone."""
    sentences = []
    for control in group.controls:
        if control.shows_truth or control.shuffled:
            continue
        beaten: dict[str, list[System]] = {}
        for name in group.metrics:
            for system in group.tested:
                found = compared(control, system, name)
                if found and found.better is control:
                    beaten.setdefault(_title(found), []).append(system)
        if beaten:
            systems = [system.name for system in group.tested if any(system in losers for losers in beaten.values())]
            alone_say = "say little by themselves" if len(beaten) > 1 else "says little by itself"
            sentences.append(
                f"The control {control.name} is better than {listed(systems, 'or')} in {_named(list(beaten), most)}, "
                f"which therefore {alone_say}."
            )
    return sentences


def seen_by_metrics(group: Group, most: int | None = FEW) -> list[str]:
    """Which metrics notice what was done to truth (blur, a shift of the sound), against truth encoded again."""
    truth = next((system for system in group.controls if system.is_truth), None)
    sentences = []
    for control in group.controls:
        if truth is None or not control.shows_truth or control.is_truth:
            continue
        found = [item for name in group.metrics if (item := compared(control, truth, name)) and item.rated]
        worse = [_title(item) for item in found if item.better is truth]
        seen = f"is seen by {_named(worse, most)}, and by no other" if worse else "is seen by no metric"
        sentences.append(f"What sets {control.name} apart from truth {seen}.")
    return sentences


def _lead_sentence(found: Comparison) -> str:
    winner = found.better or found.first
    loser = found.second if winner is found.first else found.first
    follows = found.metric == LEAD
    title = _lower(found.known.title)
    means = f"{_mean(found, winner)} against {_mean(found, loser)}{_over(found)}"
    numbers = f"{title} {means}, {_difference(found, winner)}"
    if found.better is None:
        what = "how well the lips follow the sound" if follows else title
        return f"No difference between {_called(winner)} and {_called(loser)} was shown in {what} ({numbers})."
    what = "follows the sound better than" if follows else f"is better in {title} than"
    return f"{_called(winner)} {what} {_called(loser)} ({numbers})."


def _difference(found: Comparison, of: System | None = None) -> str:
    interval = found.of(of or found.first)
    digits = enough_digits(interval.low, interval.high, found.known.digits)
    what = "difference of the distances" if found.distances else "difference"
    few = f"; {counted(interval.n, 'clip')} are too few to show one" if interval.n < ENOUGH_CLIPS else ""
    return f"{what} {signed(interval.mean, digits)} {signed_bounds(interval.low, interval.high, digits)}{few}"


def _mean(found: Comparison, system: System) -> str:
    """The mean over the clips that both have, so that it agrees with the difference beside it."""
    other = found.second if system is found.first else found.first
    both = _having(system, found.metric) & _having(other, found.metric)
    values = [system.scored[key].values[found.metric] for key in sorted(both)]
    return number(sum(values) / len(values), found.known.digits)


def _having(system: System, metric: str) -> set[str]:
    return {key for key, clip in system.scored.items() if metric in clip.values}


def _over(found: Comparison) -> str:
    """Which clips a comparison is over, where the systems have not the same; else empty."""
    if _having(found.first, found.metric) == _having(found.second, found.metric):
        return ""
    return f" over the {counted(found.difference.n, 'clip')} that both have"


def _called(system: System) -> str:
    return f"{system.name} (driven by truth's landmarks)" if system.leaking else system.name


def _title(found: Comparison) -> str:
    return _lower(found.known.title)


def _named(titles: list[str], most: int | None) -> str:
    """The titles as a list; of many the first `most`, and how many more there are. One alone is never left out."""
    if most is None or len(titles) <= most + 1:
        return listed(titles)
    return f"{', '.join(titles[:most])} and {len(titles) - most} more metrics"


def _lower(title: str) -> str:
    """A title inside a sentence: `Opening, raw` becomes `opening (raw)`, `PSNR` and `F-MSE` stay."""
    head, comma, rest = title.partition(", ")
    title = f"{head} ({rest})" if comma else title
    first = title.split(" ")[0]
    return title if sum(character.isupper() for character in first) > 1 else title[:1].lower() + title[1:]


def _known(systems: Iterable[System], name: str) -> list[MetricResult]:
    return [system.results.metrics[name] for system in systems if name in system.results.metrics]


def capitalised_unless_named(text: str, systems: Iterable[System]) -> str:
    """A sentence's first letter is raised unless it begins with a system's name, which stays as given."""
    return text if any(text.startswith(system.name) for system in systems) else capitalised(text)
