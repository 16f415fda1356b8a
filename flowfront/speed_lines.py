"""What `flowfront speed` prints of a measurement."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.memory_estimate import gib
from benchmarks.method_speed import BASE


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the measurement as lines of text."""
    out = [
        f"{found['family']}{' ' + found['size'] if 'size' in found else ''}, {found['weights']} weights, "
        f"{found['precision']}, {found['device']}, {found['threads']} threads; {found['prompts']} prompts x "
        f"{found['group']} rollouts of {found['rollout_steps']} steps, micro-batches of {found['micro_batch']}, "
        f"{len(found['rewards'])} rewards",
        "",
        f"{'':34} {'speed':>6} {'(rounds)':>15} {'rollout':>8} {'step':>9} {'memory':>7} {'peak':>10}",
    ]
    for name, row in found["methods"].items():
        ratio = row["speed"]
        memory = "-" if row["memory"] is None else f"{row['memory']:.3f}"
        peak = "-" if row["peak_memory_bytes"] is None else gib(row["peak_memory_bytes"])
        out.append(
            f"{name:34} {ratio['ratio']:6.3f} {ratio['low']:6.3f} to {ratio['high']:5.3f} "
            f"{row['rollout_speed']['ratio']:8.3f} {row['seconds']:7.2f} s {memory:>7} {peak:>10}"
        )
    return [*out, "", *_profile(found["methods"]), "", *_notes(found)]


def _profile(methods: Mapping[str, Any]) -> list[str]:
    stages = list(dict.fromkeys(stage for row in methods.values() for stage in row["stages"]))
    out = [f"{'share of the step in %':34} " + " ".join(f"{stage:>8}" for stage in stages)]
    for name, row in methods.items():
        shares = [100 * row["stages"].get(stage, 0.0) / row["seconds"] for stage in stages]
        out.append(f"{name:34} " + " ".join(f"{share:8.1f}" for share in shares))
    return out


def _notes(found: Mapping[str, Any]) -> Sequence[str]:
    out = [
        f"speed, rollout: time of {BASE} over the method's, of a whole step and of its rollouts, from the shortest of "
        f"{found['rounds']} rounds in turn; in parentheses the range over single rounds"
    ]
    if found["methods"][BASE]["memory"] is None:
        out.append("memory: a step takes too little to be told from the rest of the process, or the system cannot tell")
    else:
        out.append(f"memory, peak: the most that is taken in a step, the model included, {found['memory_is']}")
    several = {name: n for name, n in found["models"].items() if n > 1}
    if several:
        out.append("trainings for a front: " + ", ".join(f"{name} {n}" for name, n in several.items()))
    return out
