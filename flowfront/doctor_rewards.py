"""Do the rewards score as they did: each one on the golden set, against what shipped or what was recorded here."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.base import Reward
from benchmarks.planner import Request, resolve
from benchmarks.records import UsageError
from benchmarks.rewards.golden import (
    SCORES,
    Golden,
    Kind,
    KnownScores,
    built_in,
    known_scores,
    pixels_of,
    read_scores,
    samples_of,
    write_scores,
)
from benchmarks.rewards.golden_fit import fitted, kind_of, kind_of_backbone
from benchmarks.rewards.isolated import IsolatedReward
from benchmarks.rewards.judge import JudgeReward
from benchmarks.rewards.remote import RemoteReward
from benchmarks.rewards.serve import definition_version
from benchmarks.scoring import score

RECORD = "golden-scores.json"
SHARE, JUDGE_SHARE = 0.01, 0.1
"""Largest change of a score that is none, as a share of the spread of the reward's scores over the golden samples: of
rewards that compute, and of judges, whose servers batch requests and so round differently each time."""
FLOOR = 1e-6
PLACEMENT = 1e-4
"""Largest difference of a score here and elsewhere; golden pictures have 8 bits, so they travel unchanged."""
WAYS = ("FAILED", "look  ", "ok    ")
"""Marks of what must not be, of what a person should look at, and of what is as it should be."""


@dataclass(frozen=True)
class Subject:
    """A reward to examine and the golden samples it takes; None for a reward of no pictures."""

    reward: Reward
    kind: Kind | None


@dataclass(frozen=True)
class Looked:
    """Scores [B] of golden samples: of all together, again, of the first ones alone, under wrong prompts."""

    samples: Sequence[Golden]
    scores: Tensor
    again: Tensor
    alone: Tensor
    wrong: Tensor


def subjects_of(suite: str, benchmarks: Sequence[str], changes: Sequence[str]) -> list[Subject]:
    """Return the rewards and held-out rewards of a suite's benchmarks, with changes as `--set` makes them.

    Raises:
        UsageError: If a name is unknown or a setting does not fit.
    """
    request = Request(suite, tuple(benchmarks), (), (0,), tuple(changes), "results")
    chosen = {run.benchmark.name: run.benchmark for run in resolve(request)}
    found = []
    for benchmark in chosen.values():
        otherwise = kind_of_backbone(benchmark)
        found += [Subject(reward, kind_of(reward, otherwise)) for reward in (*benchmark.rewards, *benchmark.held_out)]
    return found


def examine(
    suite: str | None, benchmarks: Sequence[str], changes: Sequence[str], out: Path, *, record: bool
) -> dict[str, Any]:
    """Return what the golden set says of a suite's rewards, or of those that ship scores where no suite is named.

    Args:
        suite: Name of a suite.
        benchmarks: Only these of its benchmarks.
        changes: Settings as `--set` takes them.
        out: Folder of `golden-scores.json`, where scores are recorded.
        record: Keep the scores of rewards for which none ship.

    Raises:
        UsageError: If a name is unknown, a setting does not fit, or a file of scores is damaged.
    """
    if suite is None:
        if benchmarks or changes:
            raise UsageError("doctor --rewards: expected a suite with --benchmark and --set, found none")
        subjects = [Subject(reward, kind) for reward, kind, _, _ in built_in()]
    else:
        subjects = subjects_of(suite, benchmarks, changes)
    shipped, path = read_scores(SCORES), out / RECORD
    recorded = read_scores(path)
    findings, new = [], []
    for subject in _distinct(subjects):
        found, scores = _examined(subject, shipped, recorded, path, must_ship=suite is None)
        findings.append(found)
        if record and scores is not None and found["definition"] not in shipped:
            new.append(scores)
    if new:
        write_scores(path, list((recorded | {entry.definition: entry for entry in new}).values()))
    content = {"rewards": findings, "placements": list(_placements(subjects, findings))}
    return content | {
        "recorded": [entry.reward for entry in new],
        "record": str(path),
        "passed": all(found["passed"] for found in (*findings, *content["placements"])),
    }


def _distinct(subjects: Sequence[Subject]) -> list[Subject]:
    # Benchmarks of a suite share rewards. What cannot be described cannot be told from others.
    found: dict[Any, Subject] = {}
    for subject in subjects:
        try:
            key = definition_version(subject.reward)
        except UsageError as error:
            key = str(error)
        found.setdefault((key, subject.kind), subject)
    return list(found.values())


def _examined(
    subject: Subject, shipped: Mapping[str, KnownScores], recorded: Mapping[str, KnownScores], path: Path, *,
    must_ship: bool,
) -> tuple[dict[str, Any], KnownScores | None]:  # fmt: skip
    reward, kind = fitted(subject.reward), subject.kind
    found: dict[str, Any] = {
        "reward": reward.name, "kind": kind, "definition": None, "error": None, "known": None, "checks": [], "rows": [],
        "passed": True,
    }  # fmt: skip
    if kind is None:
        return found, None
    try:
        found["definition"] = definition = definition_version(reward)
        looked = _looked(reward, kind)
    except UsageError as error:
        return found | {"error": str(error), "passed": False}, None
    share = JUDGE_SHARE if isinstance(reward, JudgeReward) else SHARE
    allowed = max(FLOOR, share * _spread(looked.scores))
    checks = list(_checks(reward, looked, allowed))
    entry = shipped.get(definition) or recorded.get(definition)
    fits = entry is not None and set(entry.scores) == {sample.name for sample in looked.samples}
    known = None if entry is None or not fits else ("shipped" if definition in shipped else str(path))
    rows = list(_rows(entry, looked)) if entry is not None and fits else []
    if known is None and must_ship:
        text = "no scores ship for this definition: python -m benchmarks.rewards.golden --scores makes them"
        checks.append({"name": "shipped", "passed": False, "found": text})
    passed = all(check["passed"] is not False for check in checks) and all(row["passed"] for row in rows)
    scores = known_scores(reward, kind, looked.scores.tolist(), allowed)
    return found | {"known": known, "checks": checks, "rows": rows, "passed": passed, "scores": scores.scores}, scores


def _looked(reward: Reward, kind: Kind) -> Looked:
    samples = samples_of(kind)
    pixels, prompts = pixels_of(samples), [sample.prompt for sample in samples]

    def scored(rows: Sequence[int], said: Sequence[str]) -> Tensor:
        return score([reward], pixels[list(rows)], [said[i] for i in rows])[:, 0].double().cpu()

    if isinstance(reward, RemoteReward):
        reward.check_health()
    every = range(len(samples))
    scores, again = scored(every, prompts), scored(every, prompts)
    applies = scores.isfinite().nonzero()[:, 0].tolist()
    alone = scores.clone()
    for i in (applies[0], applies[-1]) if applies else ():
        alone[i] = scored([i], prompts)[0]
    return Looked(samples, scores, again, alone, scored(every, [sample.wrong for sample in samples]))


def _spread(scores: Tensor) -> float:
    finite = scores[scores.isfinite()]
    return float(finite.max() - finite.min()) if len(finite) else 0.0


def _checks(reward: Reward, looked: Looked, allowed: float) -> Iterator[dict[str, Any]]:
    finite = looked.scores[looked.scores.isfinite()]
    if not len(finite):
        text = "applies to no golden sample, so nothing is known of it"
        yield {"name": "applies", "passed": None, "found": text}
        return
    low, high = (math.inf * sign if end is None else end for sign, end in zip((-1, 1), reward.range, strict=True))
    inside = bool(((finite >= low - PLACEMENT) & (finite <= high + PLACEMENT)).all())
    text = f"scores from {float(finite.min()):g} to {float(finite.max()):g}"
    yield {"name": "within its range", "passed": inside, "found": f"{text}, range {low:g} to {high:g}"}
    for name, other in (("the same again", looked.again), ("alone as among others", looked.alone)):
        change = _largest(looked.scores, other)
        text = f"largest change {change:.3g}, allowed {allowed:.3g}"
        yield {"name": name, "passed": change <= allowed, "found": text}
    sign = 1 if reward.higher_is_better else -1
    margins = sign * (looked.scores - looked.wrong)
    margins = margins[margins.isfinite()]
    if len(margins) and bool(margins.abs().max() > allowed):
        # Reported and never a failure: a weak scorer, or one of other pictures than these, is no broken one.
        above, mean = int((margins > 0).sum()), float(margins.mean())
        text = f"own prompt above a wrong one for {above} of {len(margins)}, by {mean:.3g} on average"
        yield {"name": "reads the prompt", "passed": True if mean > 0 else None, "found": text}


def _largest(scores: Tensor, others: Tensor) -> float:
    # Applying at one time and not at another is the largest change there is.
    if bool((scores.isnan() != others.isnan()).any()):
        return math.inf
    return float((scores - others).nan_to_num().abs().max())


def _rows(entry: KnownScores, looked: Looked) -> Iterator[dict[str, Any]]:
    for sample, value in zip(looked.samples, looked.scores.tolist(), strict=True):
        expected, found = entry.scores[sample.name], None if math.isnan(value) else value
        difference = None if expected is None or found is None else found - expected
        allowed = entry.absolute + entry.relative * abs(expected or 0.0)
        passed = expected is found is None or (difference is not None and abs(difference) <= allowed)
        yield {
            "picture": sample.name, "expected": expected, "found": found, "difference": difference, "allowed": allowed,
            "passed": passed,
        }  # fmt: skip


def _placements(subjects: Sequence[Subject], findings: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    # A reward elsewhere says by its name which one it is; where that one is here as well, both must agree.
    elsewhere = {s.reward.name for s in subjects if isinstance(s.reward, (RemoteReward, IsolatedReward))}
    for name in sorted(elsewhere):
        same = [found["scores"] for found in findings if found["reward"] == name and "scores" in found]
        for first, second in pairwise(same):
            if first.keys() != second.keys():
                continue
            pairs = [(first[picture], second[picture]) for picture in first]
            apart = [abs(a - b) / max(1.0, abs(a)) for a, b in pairs if a is not None and b is not None]
            agree = all((a is None) == (b is None) for a, b in pairs) and max(apart, default=0.0) <= PLACEMENT
            yield {"reward": name, "difference": max(apart, default=0.0), "passed": agree}


def lines(findings: dict[str, Any]) -> list[str]:
    """Return the findings as lines: one a reward, below it what is not as it should be, drifted scores as a table."""
    out: list[str] = []
    for found in findings["rewards"]:
        out += _lines_of(found, findings)
    for found in findings["placements"]:
        text = f"{found['reward']}: here and elsewhere differ by {found['difference']:.3g}, allowed {PLACEMENT:g}"
        out.append(f"{WAYS[2] if found['passed'] else WAYS[0]} {text}")
    drifted = [(found["reward"], row) for found in findings["rewards"] for row in found["rows"] if not row["passed"]]
    if drifted:
        out += _table(drifted)
    if findings["recorded"]:
        out.append(f"recorded: {', '.join(findings['recorded'])} in {findings['record']}")
    out.append("all checks passed" if findings["passed"] else "some checks FAILED")
    return out


def _lines_of(found: Mapping[str, Any], findings: Mapping[str, Any]) -> Iterator[str]:
    name, rows = found["reward"], found["rows"]
    if found["error"] is not None:
        yield f"{WAYS[0]} {name}: cannot be scored: {found['error']}"
    elif found["kind"] is None:
        yield f"{WAYS[1]} {name}: scores no pictures, and was not examined"
    elif found["known"] is None and name not in findings["recorded"]:
        yield f"{WAYS[1]} {name} ({found['kind']}): not recorded yet: run with --record"
    elif found["known"] is not None:
        wrong = sum(not row["passed"] for row in rows)
        whose = "the shipped scores" if found["known"] == "shipped" else found["known"]
        says = f"{wrong} of {len(rows)} drifted from {whose}" if wrong else f"{len(rows)} as in {whose}"
        yield f"{WAYS[0] if wrong else WAYS[2]} {name} ({found['kind']}): {says}"
    for check in found["checks"]:
        if check["passed"] is not True:
            yield f"{WAYS[0] if check['passed'] is False else WAYS[1]} {name}: {check['name']}: {check['found']}"


def _table(drifted: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    def text(value: float | None) -> str:
        return "none" if value is None else f"{value:.6g}"

    names = ("expected", "found", "difference", "allowed")
    rows = [("reward", "picture", *names)]
    rows += [(name, row["picture"], *(text(row[key]) for key in names)) for name, row in drifted]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
