"""Fronts looked at from further sides: attainment, cost, the reference point, and what is paid with.

Everything is computed once for tables, pages and pictures together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from analysis.attainment import OBJECTIVES
from analysis.hacking import FeaturesByMethod, MethodVerdict, point_features, verdicts_of
from analysis.looks import Look
from analysis.report import anytime_table, attainment_table, hacking_table, rivals_table, sensitivity_table
from analysis.report.section import Section
from analysis.report.studio import Drawing
from analysis.sensitivity import Sensitivity, sensitivity_of
from analysis.summary import BenchmarkSummary, Summary
from analysis.tables import Table

ATTAINMENT, ANYTIME, SENSITIVITY, HACKING, CONTROL = "attainment", "anytime", "sensitivity", "hacking", "control"
RIVALS = "rivals"
PAIRWISE = "pairwise"
"""In no section of its own: it stands beside the fronts."""


@dataclass(frozen=True, eq=False)
class Depth:
    """What is known of a suite's fronts besides their volume.

    Attributes:
        parts: The benchmarks by name.
        sensitivities: How the ranking depends on the reference point, by benchmark; without those that cannot say.
        verdicts: On every method of the benchmarks with held-out rewards, by benchmark.
        features: How drift and diversity changed at their points, by benchmark.
        tables: By name of the file; empty ones are left out.
    """

    parts: Mapping[str, BenchmarkSummary]
    sensitivities: Mapping[str, Sensitivity]
    verdicts: Mapping[str, tuple[MethodVerdict, ...]]
    features: Mapping[str, FeaturesByMethod]
    tables: Mapping[str, Table]

    def of(self, kind: str) -> tuple[tuple[str, Table], ...]:
        """Return the tables of a kind with the names of their benchmarks, one of the whole suite without a name."""
        return tuple(
            (name.removeprefix(kind).removeprefix("-"), table)
            for name, table in self.tables.items()
            if name == kind or name.startswith(f"{kind}-")
        )


def depth_of(summary: Summary) -> Depth:
    """Return what is known of a suite's fronts besides their volume.

    Raises:
        RecordError: If files of features are damaged.
    """
    parts = {part.record.name: part for part in summary.benchmarks}
    found = {name: sensitivity_of(part) for name, part in parts.items()}
    sensitivities = {name: one for name, one in found.items() if one is not None}
    verdicts = {name: verdicts_of(part) for name, part in parts.items()}
    tables = {f"{ATTAINMENT}-{name}": attainment_table.attainment_table(part) for name, part in parts.items()}
    tables |= {f"{ANYTIME}-{name}": anytime_table.anytime_table(part) for name, part in parts.items()}
    tables[SENSITIVITY] = sensitivity_table.sensitivity_table(sensitivities)
    tables |= {f"{RIVALS}-{name}": rivals_table.rivals_table(part) for name, part in parts.items()}
    features = {name: {one.method: point_features(part, one) for one in verdicts[name]} for name, part in parts.items()}
    for name, part in parts.items():
        tables[f"{HACKING}-{name}"] = hacking_table.hacking_table(part, verdicts[name], features[name])
    return Depth(
        parts, sensitivities, verdicts, features, {name: table for name, table in tables.items() if table.rows}
    )


def depth_drawings(depth: Depth, looks: Mapping[str, Look]) -> dict[str, Drawing]:
    """Return what draws the pictures, by name."""
    # Imported here because matplotlib takes as long to load as the numbers to compute.
    from analysis.plots import (
        anytime_figure,
        attainment_figure,
        control_figure,
        hacking_figure,
        pairwise_figure,
        sensitivity_figure,
    )
    from analysis.plots.hacking import Judged

    judged = [Judged(depth.parts[name], depth.verdicts[name], depth.features[name]) for name in depth.verdicts]
    drawings: dict[str, Drawing] = {
        f"{PAIRWISE}-{name}": partial(pairwise_figure, part, looks) for name, part in depth.parts.items()
    }
    drawings |= {f"{ATTAINMENT}-{name}": partial(attainment_figure, part, looks) for name, part in depth.parts.items()}
    return drawings | {
        ANYTIME: partial(anytime_figure, depth.parts, looks),
        SENSITIVITY: partial(sensitivity_figure, depth.sensitivities, looks),
        HACKING: partial(hacking_figure, judged, looks),
        CONTROL: partial(control_figure, depth.parts, looks),
    }


def depth_sections(depth: Depth, pictures: tuple[str, ...]) -> tuple[Section, ...]:
    """Return the sections for both pages; one without tables and pictures only says why it has none.

    Args:
        depth: What is known.
        pictures: Names of the pictures that there are.
    """
    kinds = (
        (RIVALS, "Seeds and prompts", rivals_table.EXPLANATION, ()),
        (ATTAINMENT, "Attainment", attainment_table.EXPLANATION, _alone(depth)),
        (ANYTIME, "Hypervolume for what was spent", anytime_table.EXPLANATION, _endings(depth)),
        (SENSITIVITY, "Reference point", sensitivity_table.EXPLANATION, _unmoved(depth)),
        (HACKING, "Reward hacking", hacking_table.EXPLANATION, ()),
    )
    sections = []
    for kind, heading, explanation, missing in kinds:
        tables, shown = depth.of(kind), pictures_of(kind, pictures)
        lead = (explanation, *missing) if tables or shown else missing
        if lead:
            sections.append(Section(heading, lead, tables, (), shown))
    return tuple(sections)


def pictures_of(kind: str, pictures: tuple[str, ...]) -> tuple[str, ...]:
    """Return the pictures of a kind: of the whole suite or of a benchmark.

    Example:
        >>> pictures_of("control", ("overview", "control", "controlled", "attainment-two-targets"))
        ('control',)
        >>> pictures_of("attainment", ("overview", "attainment-two-targets"))
        ('attainment-two-targets',)
    """
    return tuple(name for name in pictures if name == kind or name.startswith(f"{kind}-"))


def _alone(depth: Depth) -> tuple[str, ...]:
    """Say which benchmarks and methods have one seed, of which nothing is attained more or less often."""
    few = [part for part in depth.parts.values() if len(part.yardstick.rewards) in OBJECTIVES]
    names = [
        f"{part.record.name} ({', '.join(alone)})"
        for part in few
        if (alone := [method for method, fronts in part.fronts.items() if len(fronts) == 1])
    ]
    return (f"One seed, so no surfaces: {'; '.join(names)}.",) if names else ()


def _endings(depth: Depth) -> tuple[str, ...]:
    """Say which benchmarks have no curve."""
    names = [name for name in depth.parts if f"{ANYTIME}-{name}" not in depth.tables]
    return (f"Evaluated at the end alone, so no curve: {', '.join(names)}.",) if names else ()


def _unmoved(depth: Depth) -> tuple[str, ...]:
    """Say which benchmarks cannot be asked."""
    names = [name for name in depth.parts if name not in depth.sensitivities]
    return (f"One method, or no base model in the records: {', '.join(names)}.",) if names else ()
