"""The ledger of claims as text, Markdown, CSV and JSON."""

import csv
import io
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.claims.base import NOT_SUPPORTED, Effect
from analysis.claims.catalog import paper_numbers
from analysis.claims.judging import Entry, counts, entry_json
from analysis.claims.rules import CONTRARY
from analysis.papers.tables import PAPERS, table
from benchmarks.records import write_bytes

WIDTH = 100
KEY, VERDICT = 31, 14
CAUTION = (
    "Miniatures: rewards, backbones and scale are others than the papers'. A verdict says whether a small experiment "
    "shows the same direction, by a rule that stands in the code beside the claim; it says nothing of the papers' own "
    "runs. The records in results/reference are older than the rules, but for those in its folder claims. Intervals "
    "are 95 % t intervals over seeds (of speeds the range over rounds; computed values have none), each by itself: "
    "nothing is corrected for the number of claims, and a claim whose effect lies on its threshold comes out supported "
    "in one of 40 cases by chance."
)
COLUMNS = (
    "claim", "paper", "source", "statement", "paper_numbers", "effect", "mean", "low", "high", "seeds", "interval",
    "rule", "verdict", "reason", "scale", "cost", "records", "failed_runs", "commands",
)  # fmt: skip


def summary_line(entries: Sequence[Entry]) -> str:
    """Return how many claims have which verdict, and for how many that are not supported an effect is contrary."""
    contrary = sum(entry.verdict == NOT_SUPPORTED and CONTRARY in entry.reason for entry in entries)
    texts = {verdict: f"{count} {verdict}" for verdict, count in counts(entries).items() if count}
    if contrary:
        texts[NOT_SUPPORTED] += f" ({contrary} of them with an effect the other way)"
    return f"{len(entries)} claims: {', '.join(texts.values())}"


def to_lines(entries: Sequence[Entry]) -> list[str]:
    """Return the ledger as lines of at most 100 characters, one or more a claim, paper by paper."""
    lines = [summary_line(entries), *textwrap.wrap(CAUTION, WIDTH)]
    shown = ""
    for entry in entries:
        head = f"{PAPERS[entry.claim.paper]}{', at real scale' if entry.claim.at_real_scale else ''}"
        if head != shown:
            shown = head
            lines += ["", head, f"  {'claim':<{KEY}}{'verdict':<{VERDICT}}effect"]
        lines += _entry_lines(entry)
    return lines


def _entry_lines(entry: Entry) -> list[str]:
    texts = [f"{one.text}  {one.name}" for one in entry.effects] or [entry.reason]
    if entry.effects and entry.missing:
        texts[-1] += " (not all seeds)"
    indent = " " * (2 + KEY + VERDICT)
    wrapped = [line for text in texts for line in textwrap.wrap(text, WIDTH - len(indent), subsequent_indent="  ")]
    first = f"  {entry.claim.key:<{KEY}}{entry.verdict:<{VERDICT}}"
    return [first + wrapped[0], *(indent + line for line in wrapped[1:])]


def claim_lines(entry: Entry) -> list[str]:
    """Return all there is to say of one claim, at most 100 characters a line but for commands."""
    claim = entry.claim
    found = table(claim.paper, claim.source)
    pairs = [
        ("claim", claim.statement),
        ("source", found.heading),
        ("paper", paper_numbers(claim)),
        ("scale", claim.scale if claim.statistic is not None else "-"),
        ("remark", claim.remark),
        ("rule", "" if claim.rule is None else claim.rule.text),
        *(("effect", text) for text in entry.compared.split("; ") if text),
        ("records", entry.records),
        ("left out", f"{entry.failed} failed run{'s' * (entry.failed > 1)}" if entry.failed else ""),
        ("verdict", f"{entry.verdict}{f' ({entry.reason})' if entry.reason else ''}"),
    ]
    lines = [claim.key]
    for name, text in pairs:
        if text:
            lines += textwrap.wrap(text, WIDTH, initial_indent=f"  {name:<9}", subsequent_indent=" " * 11)
    return [*lines, *(f"  run      {command}" for command in entry.commands)]


def to_markdown(entries: Sequence[Entry]) -> str:
    """Return the ledger as a page with one table a paper."""
    parts = ["# Claims", f"{summary_line(entries)}.", CAUTION]
    for paper in dict.fromkeys(entry.claim.paper for entry in entries):
        own = [entry for entry in entries if entry.claim.paper == paper]
        rows = "\n".join(_markdown_row(entry) for entry in own)
        head = "| claim | paper | ours | rule | verdict | scale, cost, records |\n|:--|:--|:--|:--|:--|:--|"
        parts += [f"## {PAPERS[paper]}", f"{head}\n{rows}"]
    missing = dict.fromkeys(command for entry in entries for command in entry.commands)
    if missing:
        parts += ["## Not run, or not with all seeds", "\n".join(f"- `{command}`" for command in missing)]
    return "\n\n".join(parts) + "\n"


def _markdown_row(entry: Entry) -> str:
    claim = entry.claim
    effects = "<br>".join(f"{one.text} {one.name}" for one in entry.effects) or "-"
    costs = list(dict.fromkeys(one.cost for one in entry.effects))
    notes = [claim.scale if claim.statistic is not None else "-", *costs, entry.records, _failed(entry)]
    cells = [
        f"**{claim.key}**<br>{claim.statement}{f' ({claim.remark})' if claim.remark else ''}",
        f"{claim.source}: {paper_numbers(claim)}",
        effects,
        "-" if claim.rule is None else claim.rule.text,
        f"**{entry.verdict}**{f'<br>{entry.reason}' if entry.reason else ''}",
        "<br>".join(text for text in notes if text),
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _failed(entry: Entry) -> str:
    return f"{entry.failed} failed runs left out" if entry.failed else ""


def to_csv(entries: Sequence[Entry]) -> str:
    """Return the ledger with one line an effect; a claim without one has a line too."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        for effect in entry.effects or (None,):
            writer.writerow(_csv_row(entry, effect))
    return stream.getvalue()


def _csv_row(entry: Entry, effect: Effect | None) -> dict[str, Any]:
    found = entry_json(entry)
    row = {name: found[name] for name in ("claim", "paper", "source", "statement", "paper_numbers", "rule", "verdict")}
    row |= {name: found[name] for name in ("reason", "scale", "records", "failed_runs")}
    row["commands"] = " && ".join(entry.commands)
    if effect is not None:
        row |= {"effect": effect.name, "mean": effect.mean, "low": effect.low, "high": effect.high}
        row |= {"seeds": " ".join(map(str, effect.seeds)), "interval": effect.spread, "cost": effect.cost}
    return row


def to_json(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the ledger as JSON data."""
    return {"caution": CAUTION, "counts": counts(entries), "claims": [entry_json(entry) for entry in entries]}


def write_ledger(entries: Sequence[Entry], folder: Path) -> list[Path]:
    """Write `claims.md`, `claims.csv` and `claims.json` and return their paths.

    Raises:
        RecordError: If the folder cannot be written to.
    """
    texts = {
        "claims.md": to_markdown(entries),
        "claims.csv": to_csv(entries),
        "claims.json": json.dumps(to_json(entries), indent=1, allow_nan=False) + "\n",
    }
    for name, text in texts.items():
        write_bytes(folder / name, text.encode())
    return [folder / name for name in texts]
