"""A run whose reward server fails goes on, by the same command, to the records of a run that never failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.execute import execute
from benchmarks.planner import plan
from benchmarks.records import read_run, read_steps
from benchmarks.rewards.remote import RemoteReward
from benchmarks.rewards.retries import Retries
from benchmarks.run import Run
from tests.support.records import measurements
from tests.support.servers import FINE, Reply, Scripted, scripted
from tests.support.suites import FIRST, tiny_benchmark, tiny_run

CALLS_BEFORE_STEP_3 = 4
"""The base model, steps 1 and 2, and the sweep after step 2, each one request."""
ATTEMPTS = 3


@dataclass(frozen=True)
class Pictured:
    """A remote reward of pictures, of points in the plane: each point is shown as one pixel."""

    remote: RemoteReward
    name: str = "pictured"
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 255.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        pixels = torch.cat([samples.sigmoid(), samples[:, :1].sigmoid()], dim=1)
        return self.remote(pixels[:, :, None, None], prompts)

    def describe(self) -> Mapping[str, Any]:
        return self.remote.describe()


def run_with(url: str, out: Path) -> Run:
    remote = RemoteReward(url, "brightness", "1", batch=1000, timeout=30.0, retries=Retries(ATTEMPTS - 1, 0.0))
    rewards = (FIRST, Pictured(remote))
    return tiny_run(out, benchmark=tiny_benchmark(rewards=rewards, reference_point=(-20.0, 0.0), true_front=False))


BROKEN = {
    "500": Reply(b'{"error": "out of memory"}', 500),
    "malformed": Reply(b'{"scores": [1, 2'),
    "400": Reply(b'{"error": "no"}', 400),
}


@pytest.mark.parametrize("kind", ["500", "400"])
def test_the_interrupted_step_is_repeated_exactly(tmp_path: Path, kind: str) -> None:
    attempts = 1 if kind == "400" else ATTEMPTS
    script = Scripted([FINE] * CALLS_BEFORE_STEP_3 + [BROKEN[kind]] * attempts + [FINE])
    with scripted(script) as url:
        run = run_with(url, tmp_path / "failed")
        with pytest.raises(RewardError, match=f"reward brightness: {url}: expected") as refused:
            execute(run)
        record = read_run(run.folder / "run.json")
        assert (record.status, record.error) == ("failed", str(refused.value))
        assert [row["step"] for row in read_steps(run.folder / "steps.jsonl")] == [1, 2]
        assert plan([run])[0].steps_done == 2
        execute(run)
    asked = [post.body for post in script.posts]
    again = CALLS_BEFORE_STEP_3 + attempts
    assert asked[again] == asked[CALLS_BEFORE_STEP_3], "the same rollouts are scored after the interruption"
    assert len(set(asked)) == len(asked) - attempts, "and no others twice"

    smooth = Scripted()
    with scripted(smooth) as url:
        whole = run_with(url, tmp_path / "smooth")
        execute(whole)
    assert measurements(run.folder) == measurements(whole.folder)
    assert [post.body for post in smooth.posts] == asked[:CALLS_BEFORE_STEP_3] + asked[again:]


def test_a_server_that_fails_for_a_moment_leaves_no_trace(tmp_path: Path) -> None:
    broken = BROKEN["malformed"]
    scripts = {"moment": [FINE, broken, FINE, FINE, broken, broken, FINE], "smooth": [FINE]}
    found = []
    for name, replies in scripts.items():
        with scripted(Scripted(replies)) as url:
            run = run_with(url, tmp_path / name)
            execute(run)
        found.append(measurements(run.folder))
    assert found[0] == found[1]
