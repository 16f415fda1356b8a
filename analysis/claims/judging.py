"""The verdict on each claim from the records that there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.claims.base import (
    NOT_RUN,
    NOT_TESTABLE,
    OUT,
    VERDICTS,
    Arm,
    Claim,
    Effect,
    Experiment,
    experiments_of,
)
from analysis.claims.catalog import paper_numbers
from analysis.claims.evidence import REFERENCE, Evidence
from benchmarks.records import UsageError


@dataclass(frozen=True)
class Entry:
    """A line of the ledger.

    Attributes:
        claim: The claim.
        verdict: One of `VERDICTS`.
        effects: What the rule judged; empty where nothing could be computed.
        reason: What the verdict hangs on, or why there is none.
        records: Which seeds there are of which runs.
        missing: What is still to be run, each experiment with its own seeds and methods.
        failed: How many runs failed; they are left out.
    """

    claim: Claim
    verdict: str
    effects: tuple[Effect, ...]
    reason: str
    records: str
    missing: tuple[Experiment, ...]
    failed: int

    @property
    def commands(self) -> tuple[str, ...]:
        """What makes the missing records."""
        made = tuple(one.command() for one in self.missing)
        return made or (tuple(one.command for one in self.claim.files) if self.verdict == NOT_RUN else ())

    @property
    def compared(self) -> str:
        """What was compared, with which outcome, at what cost."""
        return "; ".join(
            f"{one.name}: {one.text}{f' ({_seeds(one)})' if one.seeds else f' ({one.spread})'}, {one.cost}"
            for one in self.effects
        )


def _seeds(effect: Effect) -> str:
    return f"seed{'s' * (len(effect.seeds) > 1)} {', '.join(map(str, effect.seeds))}"


def judge(claim: Claim, evidence: Evidence) -> Entry:
    """Return the verdict on a claim.

    Seeds that are missing or failed are left out, and the entry says so. Where an arm has none, or a table of
    measurements is missing or damaged, the claim is not run, and the reason says why.

    Args:
        claim: The claim.
        evidence: The records.

    Raises:
        RecordError: If a `run.json` is damaged or another run's.
    """
    if claim.statistic is None or claim.rule is None:
        return Entry(claim, NOT_TESTABLE, (), claim.reason, "-", (), 0)
    standings = {arm: evidence.standing(arm) for arm in claim.arms}
    missing = missing_of(claim.arms, evidence)
    failed = sum(standing.failed for standing in standings.values())
    entry = Entry(claim, NOT_RUN, (), "", _records(claim, evidence), missing, failed)
    empty = [_open(arm, evidence) for arm, standing in standings.items() if not standing.done]
    if empty:
        return replace(entry, reason=f"no finished run of {'; '.join(empty)}")
    try:
        effects = claim.statistic(evidence)
    except UsageError as error:
        return replace(entry, reason=str(error))
    decision = claim.rule(effects)
    left_out = [f"provisional: {_open(arm, evidence)}" for arm in claim.arms if evidence.standing(arm).open]
    reason = "; ".join(text for text in (decision.reason, *left_out) if text)
    return replace(entry, verdict=decision.verdict, effects=effects, reason=reason)


def _open(arm: Arm, evidence: Evidence) -> str:
    standing = evidence.standing(arm)
    texts = [f"seed {seed} {status}" for seed, status in sorted(standing.others.items())]
    if standing.missing and (standing.done or standing.others):
        seeds = ", ".join(map(str, standing.missing))
        texts.append(f"seed{'s' * (len(standing.missing) > 1)} {seeds} not run")
    if not texts:
        return f"{arm.label} on {arm.experiment.benchmark}"
    return f"{arm.label} on {arm.experiment.benchmark}: {', '.join(texts)}"


def _records(claim: Claim, evidence: Evidence) -> str:
    # Folders with the seeds found in them, and the files that are no runs.
    seeds: dict[str, set[int]] = {}
    for arm in claim.arms:
        for seed, run in evidence.standing(arm).done.items():
            seeds.setdefault(_place(run.folder.parents[2], evidence), set()).add(seed)
    places = [f"{place} (seeds {', '.join(map(str, sorted(found)))})" for place, found in seeds.items()]
    places += [one.path for one in claim.files if any((root / one.path).is_file() for root in evidence.roots)]
    return "; ".join(places) or "none"


def _place(folder: Path, evidence: Evidence) -> str:
    for root in evidence.roots:
        if folder.is_relative_to(root):
            return f"{root.name}/{folder.relative_to(root).as_posix()}"
    return folder.as_posix()


def missing_of(arms: Sequence[Arm], evidence: Evidence) -> tuple[Experiment, ...]:
    """Return what is still to be run of some arms: each experiment once, with the seeds that are open.

    Methods of one experiment whose open seeds differ are apart.
    """
    open_arms = [
        replace(arm, experiment=replace(arm.experiment, seeds=evidence.standing(arm).open), name="")
        for arm in dict.fromkeys(arms)
        if evidence.standing(arm).open
    ]
    merged = [replace(arm, experiment=replace(arm.experiment, methods=_together(arm, open_arms))) for arm in open_arms]
    return experiments_of(merged)


def _together(arm: Arm, arms: Sequence[Arm]) -> tuple[str, ...]:
    # Arms that differ in the method alone are one command.
    alike = replace(arm.experiment, methods=())
    return tuple(dict.fromkeys(one.method for one in arms if replace(one.experiment, methods=()) == alike))


def evidence_in(results: Path | None, *, also_run: bool = False) -> Evidence:
    """Return the records of a folder, or else of the project's own results and of what claims have run.

    What claims have run may also lie in the folder `claims` of the given one, as the project's own does.

    Args:
        results: The folder.
        also_run: Whether what claims have run counts beside a given folder too.

    Raises:
        UsageError: If there is no such folder.
    """
    if results is not None and not results.is_dir():
        raise UsageError(f"--results: expected a folder of records, found none at {results}")
    folder = REFERENCE if results is None else results
    inner = (folder / OUT.name,) if (folder / OUT.name).is_dir() else ()
    return Evidence((folder, *inner, OUT) if also_run or results is None else (folder, *inner))


def judge_all(claims: Sequence[Claim], evidence: Evidence) -> list[Entry]:
    """Return the verdicts on claims, in their order."""
    return [judge(claim, evidence) for claim in claims]


def counts(entries: Sequence[Entry]) -> dict[str, int]:
    """Return how many claims have each verdict."""
    return {verdict: sum(entry.verdict == verdict for entry in entries) for verdict in VERDICTS}


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON data."""
    claim = entry.claim
    return {
        "claim": claim.key, "paper": claim.paper, "source": f"{claim.paper}:{claim.source}",
        "statement": claim.statement, "paper_numbers": paper_numbers(claim),
        "rule": None if claim.rule is None else claim.rule.text,
        "verdict": entry.verdict, "reason": entry.reason, "remark": claim.remark or None,
        "scale": claim.scale if claim.statistic is not None else None, "at_real_scale": claim.at_real_scale,
        "effects": [{**vars(one), "seeds": list(one.seeds)} for one in entry.effects],
        "records": entry.records, "failed_runs": entry.failed, "commands": list(entry.commands),
        "experiments": [{**vars(one), "command": one.command()} for one in claim.experiments],
    }  # fmt: skip
