"""Every method of the toy suite, a few steps each; as a module what each process of a launcher does."""

import sys
from pathlib import Path

from benchmarks.distributed import launched
from benchmarks.executors import run_together
from benchmarks.planner import Request, plan, resolve
from benchmarks.run import Run

SMALL = (
    "recipe.prompts_per_step=4", "recipe.group_size=6", "recipe.rollout_steps=4", "recipe.diagnostics_every=2",
    "recipe.checkpoint_seconds=0", "budget.velocity_evaluations=2400",
)  # fmt: skip


def short_runs(out: Path) -> list[Run]:
    """Return the runs, whose records go below a folder."""
    return resolve(Request("toy", ("specialists",), (), (0,), SMALL, str(out)))


def main() -> None:
    """Do what is not done of them."""
    with launched() as processes:
        with processes.together():
            planned = plan(short_runs(Path(sys.argv[1])))
        outcomes = run_together(planned, processes, lambda event: None)
        assert [outcome.error for outcome in outcomes] == [None] * len(planned), outcomes


if __name__ == "__main__":
    main()
