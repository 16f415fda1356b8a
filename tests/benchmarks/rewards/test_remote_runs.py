"""A run whose reward server fails goes on, by the same command, to the records of a run that never failed."""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.execute import execute
from benchmarks.planner import plan
from benchmarks.records import read_run, read_steps, read_table
from benchmarks.rewards.remote import RemoteReward
from benchmarks.rewards.retries import Retries
from benchmarks.rewards.wire import decode_request, encode_scores
from benchmarks.run import Run
from tests.support.records import measurements
from tests.support.servers import FINE, Reply, Scripted, brightness, scripted
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


def run_with(url: str, out: Path, timeout: float = 30.0) -> Run:
    remote = RemoteReward(url, "brightness", "1", batch=1000, timeout=timeout, retries=Retries(ATTEMPTS - 1, 0.0))
    rewards = (FIRST, Pictured(remote))
    return tiny_run(out, benchmark=tiny_benchmark(rewards=rewards, reference_point=(-20.0, 0.0), true_front=False))


def edited(old: bytes, new: bytes) -> Reply:
    """The right answer with its first occurrence of something replaced."""
    return Reply(lambda request: brightness(request).replace(old, new, 1))


def one_too_few(request: bytes) -> bytes:
    """The right answer to all samples but the last."""
    _, prompts = decode_request(request)
    return encode_scores([1.0] * (len(prompts) - 1))


def too_large(request: bytes) -> bytes:
    """The right answer with a first number that no 64-bit float can hold."""
    return re.sub(rb"[0-9.]+", b"1e999", brightness(request), count=1)


BROKEN = {
    "500": (Reply(b'{"error": "out of memory"}', 500), "expected status 200, found 500: out of memory"),
    "503 without words": (Reply(b"", 503), "expected status 200, found 503"),
    "wrong length": (Reply(one_too_few), "expected 12 scores, found 11"),
    "infinite": (edited(b"[", b"[Infinity, "), "expected JSON, found the literal Infinity"),
    "too large": (Reply(too_large), "expected a finite number or null as score 0, found inf"),
    "not a number": (edited(b"[", b"[NaN, "), "expected JSON, found the literal NaN"),
    "a word": (Reply(b'{"scores": ["high"]}'), "expected 12 scores, found 1"),
    "malformed": (Reply(b'{"scores": [1, 2'), "expected JSON, found "),
    "cut off": (Reply(brightness, missing=3), "expected an answer of [0-9]+ bytes, found its end after"),
    "another answer": (Reply(b"[1, 2]"), "expected a JSON object, found"),
    "slow": (Reply(brightness, seconds=60.0), "expected an answer within 1 s, found none"),
    "400": (Reply(b'{"error": "no"}', 400), "expected status 200, found 400: no"),
}


@dataclass(frozen=True)
class Smooth:
    """What a run without faults measured and what its server was asked."""

    measured: Mapping[str, Any]
    asked: list[bytes]


@pytest.fixture(scope="module")
def smooth(tmp_path_factory: pytest.TempPathFactory) -> Smooth:
    script = Scripted()
    with scripted(script) as url:
        whole = run_with(url, tmp_path_factory.mktemp("smooth"))
        execute(whole)
    return Smooth(measurements(whole.folder), [post.body for post in script.posts])


@pytest.mark.parametrize("kind", BROKEN)
def test_the_interrupted_step_is_repeated_exactly(tmp_path: Path, kind: str, smooth: Smooth) -> None:
    broken, says = BROKEN[kind]
    attempts = 1 if kind == "400" else ATTEMPTS
    tried = "tried once" if attempts == 1 else f"tried {attempts} times"
    script = Scripted([FINE] * CALLS_BEFORE_STEP_3 + [broken] * attempts + [FINE])
    with scripted(script) as url:
        run = run_with(url, tmp_path, timeout=1.0 if kind == "slow" else 30.0)
        with pytest.raises(RewardError, match=rf"^reward brightness: {url}: (?:{says}).*\({tried}\)$") as refused:
            execute(run)
        assert "\n" not in str(refused.value)
        record = read_run(run.folder / "run.json")
        assert (record.status, record.error) == ("failed", str(refused.value))
        assert [row["step"] for row in read_steps(run.folder / "steps.jsonl")] == [1, 2]
        assert plan([run])[0].steps_done == 2
        execute(run)
    asked = [post.body for post in script.posts]
    again = CALLS_BEFORE_STEP_3 + attempts
    assert asked[again] == asked[CALLS_BEFORE_STEP_3], "the same rollouts are scored after the interruption"
    assert len(set(asked)) == len(asked) - attempts, "and no others twice"
    assert measurements(run.folder) == smooth.measured
    assert smooth.asked == asked[:CALLS_BEFORE_STEP_3] + asked[again:]


@pytest.mark.parametrize(("call", "kept"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (6, 4), (7, 5), (8, 6)])
def test_wherever_it_fails_the_steps_before_are_kept(tmp_path: Path, call: int, kept: int, smooth: Smooth) -> None:
    # Calls 0, 3 and 8 are sweeps. Nothing is done twice but what failed.
    broken = BROKEN["400"][0]
    script = Scripted([FINE] * call + [broken, FINE])
    with scripted(script) as url:
        run = run_with(url, tmp_path)
        with pytest.raises(RewardError):
            execute(run)
        assert plan([run])[0].steps_done == kept
        execute(run)
    assert measurements(run.folder) == smooth.measured
    again = [post.body for post in script.posts][call + 1 :]
    assert again == smooth.asked[call:]


def test_a_server_that_is_gone_ends_the_run_and_the_next_one_goes_on(tmp_path: Path, smooth: Smooth) -> None:
    with ExitStack() as first:
        url = first.enter_context(scripted(Scripted()))
        run = run_with(url, tmp_path)

        def tick(steps: int) -> None:
            if steps == 2:
                first.close()

        with pytest.raises(RewardError, match=rf"^reward brightness: {url}: expected an answer, found: .*3 times\)$"):
            execute(run, tick)
    assert plan([run])[0].steps_done == 2
    port = urlsplit(url).port
    assert port is not None
    with scripted(Scripted(), port):
        execute(run)
    assert measurements(run.folder) == smooth.measured


def test_another_server_at_the_address_ends_the_run(tmp_path: Path, smooth: Smooth) -> None:
    other = Scripted(health=Reply(b'{"name": "brightness", "version": "2"}'))
    with scripted(other) as url:
        run = run_with(url, tmp_path)
        with pytest.raises(RewardError, match=r"version '1', found 'brightness', version '2' \(tried once\)$"):
            execute(run)
    assert other.posts == []
    with scripted(Scripted()) as url:
        run = run_with(url, tmp_path)
        execute(run)
    assert measurements(run.folder) == smooth.measured


@pytest.mark.parametrize("kind", ["500", "malformed", "cut off"])
def test_a_server_that_fails_for_a_moment_leaves_no_trace(tmp_path: Path, kind: str, smooth: Smooth) -> None:
    broken = BROKEN[kind][0]
    with scripted(Scripted([FINE, broken, FINE, FINE, broken, broken, FINE])) as url:
        run = run_with(url, tmp_path)
        execute(run)
    assert measurements(run.folder) == smooth.measured


def without(left_out: tuple[str, ...]) -> Reply:
    """The right answer, null for some prompts."""

    def answer(request: bytes) -> bytes:
        pixels, prompts = decode_request(request)
        means = pixels.reshape(len(prompts), -1).mean(1).tolist()
        return encode_scores(
            float("nan") if prompt in left_out else mean for prompt, mean in zip(prompts, means, strict=True)
        )

    return Reply(answer)


def test_null_means_that_a_reward_does_not_apply_to_the_prompt(tmp_path: Path) -> None:
    with scripted(Scripted([without(("right",))])) as url:
        run = run_with(url, tmp_path)
        assert execute(run).status == "done"
    rows = read_table(run.folder / "evaluations.parquet")
    assert (rows["reward_pictured"].isna() == (rows["prompt_id"] == run.benchmark.prompts.index("right"))).all()
    assert rows["reward_first"].notna().all()
    counts = [row["samples_pictured"] for row in read_steps(run.folder / "steps.jsonl")]
    assert set(counts) == {6, 12}, "steps that drew the prompt have so many scores fewer"


def test_a_reward_that_applies_to_no_prompt_ends_the_run(tmp_path: Path) -> None:
    with scripted(Scripted([without(("left", "right", "up"))])) as url:
        run = run_with(url, tmp_path)
        with pytest.raises(RewardError, match="reward pictured: expected a score for at least one prompt, found NaN"):
            execute(run)
    assert read_run(run.folder / "run.json").status == "failed"
