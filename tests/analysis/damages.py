"""Damage done to one run of a small suite, or to all of its runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.records import EVALUATIONS_FILE, read_table, write_table
from tests.analysis.synthetic_records import change_run

Damage = Callable[[Path], object]
Content = dict[str, Any]


def run_of(suite: Path) -> Path:
    """Return the folder of the run that is damaged."""
    return suite / "two-targets/pareto_slider/seed1"


def record(change: Callable[[Content], object], every: bool = False) -> Damage:
    """Change the run.json of one run, or of every run."""

    def damage(suite: Path) -> None:
        for folder in sorted(suite.glob("*/*/seed*")) if every else [run_of(suite)]:
            change_run(folder, lambda content: change(content) and None)  # type: ignore[arg-type]

    return damage


def rows(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Damage:
    """Change the evaluations of one run."""

    def damage(suite: Path) -> None:
        path = run_of(suite) / EVALUATIONS_FILE
        frame = read_table(path)
        write_table(path, change({name: frame[name].to_numpy(copy=True) for name in frame.columns}))

    return damage


def file(name: str, content: bytes | None) -> Damage:
    """Put other content into a file of one run, or a folder in its place."""

    def damage(suite: Path) -> None:
        path = run_of(suite) / name
        path.unlink(missing_ok=True)
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)

    return damage


def trained(columns: dict[str, Any], **values: float) -> dict[str, Any]:
    """Set columns of the trained checkpoints."""
    return columns | {name: np.where(columns["step"] > 0, value, columns[name]) for name, value in values.items()}


def looped(suite: Path) -> None:
    """Let the evaluations of one run be a link to themselves."""
    path = run_of(suite) / EVALUATIONS_FILE
    path.unlink()
    path.symlink_to(path)
