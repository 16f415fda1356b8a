"""What `compare` prints: two folders of results, metric by metric, as text and as data."""

import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from analysis.comparison import PROMPTS, SEEDS, Compared, Comparison, Level, compare
from analysis.findings import BETTER, TIED, UNDECIDED, WORSE, Finding
from analysis.intervals import TwoLevel
from analysis.matching import match_folders
from analysis.paired import pairs_needed
from analysis.reading import grouped
from analysis.statistics import Interval
from analysis.tables import MISSING, Cell, Column, Table
from benchmarks.records import UsageError

WIDTH = 100
MOST_MATCHES = 6
"""Matches that are shown in full whatever they say; of more, those in which nothing was found are only named."""
COLUMNS = (
    Column("metric", "metric", text=True),
    Column("a", "A"),
    Column("b", "B"),
    Column("level", "over", text=True),
    Column("difference", "B - A"),
    Column("p", "p"),
    Column("adjusted", "adj. p"),
    Column("verdict", "B is", text=True),
)


def compare_folders(
    first: Path, second: Path, metrics: tuple[str, ...], *, alpha: float, level: str
) -> tuple[Comparison, Level]:
    """Compare two folders of results, A and B.

    Args:
        first: A suite's folder, a benchmark's or a method's.
        second: Another.
        metrics: Names of metrics, none for the hypervolume and every reward.
        alpha: Level of the tests, in (0, 1).
        level: Which tests decide: `seeds` or `prompts`.

    Returns:
        The comparison, and the level that decides.

    Raises:
        UsageError: If a folder, a metric, alpha or the level is no good.
    """
    if level not in {SEEDS, PROMPTS}:
        raise UsageError(f"--level: expected {SEEDS} or {PROMPTS}, found {level}")
    # The same records give the same p-values.
    generator = np.random.default_rng(0)
    comparison = compare(match_folders(first, second), metrics, alpha=alpha, generator=generator)
    return comparison, PROMPTS if level == PROMPTS else SEEDS


def compare_json(comparison: Comparison, level: Level) -> dict[str, Any]:
    """Return the comparison as JSON data."""
    improvement = comparison.improvement
    return {
        "alpha": comparison.alpha,
        "level": level,
        "worse": comparison.worse(level),
        "comparisons": [_row_json(one) for one in comparison.compared],
        "improvement": None if improvement is None else vars(improvement).copy(),
        "notes": list(comparison.notes),
    }


def _row_json(one: Compared) -> dict[str, Any]:
    return {
        "benchmark": one.match.benchmark.name,
        "benchmark_hash": one.match.benchmark.hash,
        "method_a": one.match.methods[0],
        "method_b": one.match.methods[1],
        "metric": one.metric,
        "higher_is_better": one.higher_is_better,
        "a": _interval_json(one.first),
        "b": _interval_json(one.second),
        "seeds": _finding_json(one.seeds),
        "prompts": None if one.prompts is None else _finding_json(one.prompts),
        "seeds_and_prompts": None if one.both is None else _two_level_json(one.both),
    }


def _interval_json(value: Interval) -> dict[str, Any]:
    values = {str(seed): number for seed, number in value.values.items()}
    return {"mean": value.mean, "low": value.low, "high": value.high, "values": values}


def _two_level_json(value: TwoLevel) -> dict[str, Any]:
    variances = None if value.variances is None else vars(value.variances).copy()
    return vars(value) | {"variances": variances}


def _finding_json(finding: Finding) -> dict[str, Any]:
    test = {name: value for name, value in vars(finding.test).items() if name != "flips"}
    rest = {"adjusted_p": finding.adjusted_p, "holm_p": finding.holm_p, "verdict": finding.verdict}
    return test | vars(finding.test.flips) | rest


def compare_lines(comparison: Comparison, level: Level) -> list[str]:
    """Return the comparison as lines of text."""
    matches = grouped(comparison.compared, lambda one: one.match.name)
    shown = {name: rows for name, rows in matches.items() if len(matches) <= MOST_MATCHES or _says_something(rows)}
    lines = []
    for name, rows in shown.items():
        lines += [_title(name, rows, comparison.n_prompts[name]), *_table(rows).to_text().splitlines(), ""]
    if len(shown) < len(matches):
        names = ", ".join(name for name in matches if name not in shown)
        lines += [*_wrapped(f"nothing found: {names}"), ""]
    return [*lines, *_summary(comparison, level)]


def _says_something(rows: list[Compared]) -> bool:
    findings = [finding for one in rows for finding in (one.seeds, one.prompts) if finding is not None]
    return any(finding.verdict in {BETTER, WORSE} for finding in findings)


def _title(name: str, rows: list[Compared], n_prompts: int) -> str:
    seeds = sorted(rows[0].match.first)
    first, second = rows[0].match.methods
    who = name if first == second else f"{rows[0].match.benchmark.name}: A {first}, B {second}"
    return f"{who}; seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}; {n_prompts} prompts"


def _table(rows: list[Compared]) -> Table:
    lines = []
    for one in rows:
        head = (one.metric, _number(one.first.mean), _number(one.second.mean))
        for finding in (one.seeds, one.prompts):
            if finding is not None:
                texts = (*head, finding.test.unit, *_texts(finding))
                lines.append(tuple(Cell(text) for text in texts))
                head = ("", "", "")
    return Table(COLUMNS, tuple(lines))


def _texts(finding: Finding) -> tuple[str, str, str, str]:
    test = finding.test
    half = "" if test.high is None else f" ± {test.high - test.difference:.2g}"
    difference = f"{test.difference:+.4g}" + half
    return difference, f"{test.flips.p:.2g}", f"{finding.adjusted_p:.2g}", finding.verdict


def _number(value: float | None) -> str:
    return MISSING if value is None else f"{value:.4g}"


def _summary(comparison: Comparison, level: Level) -> list[str]:
    lines = [
        f"over seeds: other trainings; over prompts: these seeds only, prompts like these; "
        f"± {100 * (1 - comparison.alpha):g} % t interval",
        "p: two-sided sign-flip test; adj. p: for all rows of that level together",
    ]
    for one in (SEEDS, PROMPTS):
        findings = [finding for row in comparison.compared if (finding := row.finding(one)) is not None]
        decides = ", decides" if one == level else ""
        lines.append(f"over {one}{decides}: {_counts(findings)}{_undecidable(findings, comparison.alpha)}")
    if comparison.improvement is not None:
        found = comparison.improvement
        lines.append(
            f"probability that a run of B has the larger hypervolume: {found.probability:.3f} "
            f"[{found.low:.3f}, {found.high:.3f}]"
        )
    return [line for text in (*lines, *(f"note: {note}" for note in comparison.notes)) for line in _wrapped(text)]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _counts(findings: list[Finding]) -> str:
    counts = Counter(finding.verdict for finding in findings)
    return ", ".join(f"{counts[name]} {name}" for name in (BETTER, WORSE, TIED, UNDECIDED) if counts[name]) or "nothing"


def _undecidable(findings: list[Finding], alpha: float) -> str:
    undecided = [finding.test for finding in findings if finding.verdict == UNDECIDED]
    if not undecided:
        return ""
    fewest = min(undecided, key=lambda test: test.pairs)
    least = f"{fewest.pairs} {fewest.unit} never give p below {fewest.flips.least_p:.2g}"
    if fewest.pairs == 1:
        least = f"one {fewest.unit.removesuffix('s')} gives no interval and no test"
    return f" ({least}; p <= {alpha:g} takes {pairs_needed(alpha)})"
