"""Records of a method that training has harmed."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.records import EVALUATIONS_FILE, read_columns, write_table


def lower_rewards(folder: Path, by: Mapping[str, float]) -> None:
    """Lower rewards of a run behind its base model, each by so much in raw units."""
    columns = read_columns(folder / EVALUATIONS_FILE)
    trained = columns["step"] > 0
    changed = {f"reward_{name}": columns[f"reward_{name}"] - amount * trained for name, amount in by.items()}
    write_table(folder / EVALUATIONS_FILE, {**columns, **changed})
