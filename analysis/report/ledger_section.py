"""The ledger of claims, as `flowfront reproduce --ledger` wrote it, as a section of a report."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, FiniteFloat

from analysis.claims.base import VERDICTS, Effect
from analysis.papers.tables import PAPERS
from analysis.report.phrases import counted, listed
from analysis.report.section import Section
from analysis.tables import Cell, Column, Table
from benchmarks.records import read_json, validated

HEADING = "Claims of the papers"
ORIGIN = (
    "This is the ledger as `flowfront reproduce --ledger` last wrote it; it is not judged again here. Claims that "
    "other suites test are kept, and say so."
)
COLUMNS = (
    Column("claim", "claim", text=True),
    Column("statement", "what is claimed", text=True),
    Column("verdict", "verdict", text=True),
    Column("effects", "our value and interval", text=True),
    Column("rule", "decision rule", text=True),
    Column("source", "paper", text=True),
    Column("at_real_scale", "real scale?", text=True),
    Column("suites", "tested on", text=True),
)


def _known_verdict(verdict: str) -> str:
    if verdict not in VERDICTS:
        raise ValueError(f"expected one of {', '.join(VERDICTS)}")
    return verdict


class _Model(BaseModel):
    # Other fields of the ledger are of no use here.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Effect(_Model):
    name: str
    mean: FiniteFloat
    low: FiniteFloat | None
    high: FiniteFloat | None


class _Experiment(_Model):
    suite: str


class _Claim(_Model):
    claim: str
    paper: str
    source: str
    statement: str
    paper_numbers: str
    rule: str | None
    verdict: Annotated[str, AfterValidator(_known_verdict)]
    reason: str
    scale: str | None
    at_real_scale: bool
    effects: list[_Effect]
    experiments: list[_Experiment]

    @property
    def suites(self) -> list[str]:
        """The suites whose runs test it; none for what is computed or timed without runs, or not tested."""
        return list(dict.fromkeys(one.suite for one in self.experiments))


class _Ledger(_Model):
    caution: str
    claims: list[_Claim]


def ledger_section(path: Path, suite: str) -> Section | None:
    """Return the claims of the papers with their verdicts, those that a suite's runs test first.

    Args:
        path: The `claims.json` of a ledger.
        suite: Name of the suite that is reported; every row says on which suites its claim was tested.

    Returns:
        The section, None if there is no such file.

    Raises:
        RecordError: If the file is damaged; the line names the first field.
    """
    if not path.exists():
        return None
    ledger = validated(path, _Ledger, read_json(path))
    own = [claim for claim in ledger.claims if suite in claim.suites]
    others = [claim for claim in ledger.claims if suite not in claim.suites]
    lead = []
    if own:
        lead.append(f"{counted(len(own), 'claim')} tested on suite {suite}: {_counts(own)}.")
    elif ledger.claims:
        lead.append(f"No claim is tested on suite {suite}.")
    lead.append(
        f"{counted(len(ledger.claims), 'claim')} in all: {_counts(ledger.claims)}." if own or others else "No claims."
    )
    table = Table(COLUMNS, tuple(_row(claim, suite) for claim in (*own, *others)))
    return Section(HEADING, (*lead, ORIGIN), (("", table),), (ledger.caution,))


def _counts(claims: Sequence[_Claim]) -> str:
    counts = Counter(claim.verdict for claim in claims)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])


def _row(claim: _Claim, suite: str) -> tuple[Cell, ...]:
    source = claim.source.removeprefix(f"{claim.paper}:")
    numbers = f" ({claim.paper_numbers})" if claim.paper_numbers else ""
    effects = [Effect(one.name, one.mean, one.low, one.high, (), "") for one in claim.effects]
    tested = claim.rule is not None
    return (
        Cell(claim.claim),
        Cell(claim.statement),
        Cell(f"{claim.verdict}: {claim.reason}" if claim.reason else claim.verdict),
        Cell("; ".join(f"{effect.name}: {effect.text}" for effect in effects) or None),
        Cell(claim.rule),
        Cell(f"{PAPERS.get(claim.paper, claim.paper)} {source}{numbers}"),
        Cell(("yes" if claim.at_real_scale else "no, miniature") if tested else None),
        Cell(_tested_on(claim, suite) if tested else None),
    )


def _tested_on(claim: _Claim, suite: str) -> str:
    if not claim.suites:
        # Measured without runs: the scale names the file.
        return f"no runs: {claim.scale}" if claim.scale else "no runs"
    named = ["this suite" if name == suite else f"suite {name}" for name in sorted(claim.suites, key=suite.__ne__)]
    return listed(named)
