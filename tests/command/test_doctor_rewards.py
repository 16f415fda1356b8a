"""`flowfront doctor --rewards`: drift is caught and named, what is recorded is compared, what fails gets one line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records import UsageError
from benchmarks.rewards.colorfulness import Colorfulness
from benchmarks.rewards.serve import RewardServer, definition_version
from benchmarks.rewards.sharpness import Sharpness
from flowfront import doctor_rewards
from tests.support.records import Command
from tests.support.servers import running

SUITES = '''
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from benchmarks.base import Suite
from benchmarks.rewards.aesthetic import Aesthetic
from benchmarks.rewards.clip_score import ClipScore
from benchmarks.rewards.colorfulness import Colorfulness
from benchmarks.rewards.remote import RemoteReward
from tests.support.suites import tiny_benchmark, tiny_methods


class Pictured:
    """Stands for a backbone of pictures; nothing is built."""

    def describe(self):
        return {"kind": "sd3"}


@dataclass(frozen=True)
class Odd:
    """Mean level times what a file says, plus a fault."""

    name: str
    fault: str = ""
    unit: str = ""
    higher_is_better: bool = True
    range: tuple = (0.0, 1.0)
    calls: list = field(default_factory=list)

    def __call__(self, samples, prompts):
        self.calls.append(None)
        level = samples.flatten(1).mean(1)
        factor = Path("factor.txt")
        level = level * (float(factor.read_text()) if factor.exists() else 1.0)
        if self.fault == "other again":
            level = level + 0.1 * (len(self.calls) > 1)
        if self.fault == "other alone":
            level = level * (0.5 if len(prompts) == 1 else 1.0)
        if self.fault == "too large":
            level = level + 1
        if self.fault == "never":
            level = level * torch.nan
        if self.fault == "disagrees":
            level = level + 0.1 * torch.tensor([float("two clocks" in prompt) for prompt in prompts])
        if self.fault == "crashes":
            raise KeyError("a bug")
        return level

    def describe(self):
        return {"odd": self.fault}


def suite(*rewards, held_out=()):
    benchmark = tiny_benchmark(rewards=rewards, reference_point=(-1.0,) * len(rewards), true_front=False, sweep=(
        tuple(1.0 / len(rewards) for _ in rewards),
    ))
    benchmark = replace(benchmark, backbone=Pictured(), held_out=held_out)
    return Suite("odd", (benchmark, replace(benchmark, name="again")), tiny_methods(), (0,))


LEVEL = suite(Odd("level"), Colorfulness())
FAULTS = suite(
    Odd("a", "other again"), Odd("b", "other alone"), Odd("c", "too large"), Odd("d", "crashes"),
    held_out=(Odd("e", "never"), Odd("f", "disagrees")),
)
MISSING = suite(
    ClipScore("/nowhere/clip"), Aesthetic(Path("/nowhere/head.safetensors")),
    RemoteReward("http://127.0.0.1:9", "far", "1"),
)
TOY = Suite("toys", (tiny_benchmark(),), tiny_methods(), (0,))


def elsewhere():
    url, version = Path("server.txt").read_text().split()
    return suite(Colorfulness(), RemoteReward(url, "colourfulness", version))


ELSEWHERE = elsewhere() if Path("server.txt").exists() else None
'''


@pytest.fixture(autouse=True)
def _suites(here: Path) -> None:
    (here / "odd_suites.py").write_text(SUITES)


def lines(out: str, mark: str) -> list[str]:
    return [line.removeprefix(mark).strip() for line in out.splitlines() if line.startswith(mark)]


def test_recorded_scores_are_compared_and_drift_is_named(command: Command, here: Path) -> None:
    words = ("doctor", "--rewards", "odd_suites:LEVEL", "--out", "kept")
    answer = command(*words)
    assert answer.code == 0
    assert lines(answer.out, "look") == ["level (pictures): not recorded yet: run with --record"]
    assert lines(answer.out, "ok") == ["colourfulness (pictures): 14 as in the shipped scores"]
    assert not (here / "kept").exists()

    answer = command(*words, "--record")
    assert answer.code == 0
    path = here / "kept" / "golden-scores.json"
    assert f"recorded: level in {Path('kept') / path.name}" in answer.out.splitlines()
    assert [entry["reward"] for entry in json.loads(path.read_text())["rewards"]] == ["level"], "shipped scores stay"

    answer = command(*words)
    assert (answer.code, lines(answer.out, "look")) == (0, [])
    assert f"level (pictures): 14 as in {Path('kept') / path.name}" in lines(answer.out, "ok")

    (here / "factor.txt").write_text("1.05")
    answer = command(*words)
    assert answer.code == 1
    (failed,) = lines(answer.out, "FAILED")
    assert failed.startswith("level (pictures): ")
    assert "drifted from" in failed
    head, *table = [line.split() for line in answer.out.splitlines() if len(line.split()) == 6 and "level" in line[:6]]
    assert head[0] == "level"
    assert "reward  picture" in answer.out
    drifted = {row[1]: [float(cell) for cell in row[2:]] for row in (head, *table)}
    assert "gray" in drifted
    for expected, found, difference, allowed in drifted.values():
        assert found == pytest.approx(1.05 * expected, rel=1e-4)
        assert difference == pytest.approx(found - expected, abs=1e-4)
        assert difference > allowed
    rows = command(*words, "--json").json()["rewards"][0]["rows"]
    assert {row["picture"] for row in rows if not row["passed"]} == set(drifted)

    assert command(*words, "--record").code == 1, "recording what drifted still tells of it"
    assert command(*words).code == 0


def test_a_shipped_reward_that_drifts_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    class Drifted(Sharpness):
        def __call__(self, samples: Any, prompts: Any) -> Any:
            return 1.001 * super().__call__(samples, prompts)

    assert definition_version(Drifted()) == definition_version(Sharpness())
    built_in = [(Drifted(), "pictures", 1e-3, 1e-4), (Colorfulness(), "pictures", 1e-3, 1e-4)]
    monkeypatch.setattr(doctor_rewards, "built_in", lambda: built_in)
    answer = command("doctor", "--rewards")
    assert answer.code == 1
    assert lines(answer.out, "FAILED") == ["sharpness (pictures): 11 of 14 drifted from the shipped scores"]
    assert answer.out.splitlines()[-1] == "some checks FAILED"
    monkeypatch.setattr(doctor_rewards, "built_in", lambda: [(Sharpness("other"), "pictures", 1e-3, 1e-4)])
    answer = command("doctor", "--rewards")
    assert answer.code == 1
    assert "other: shipped: no scores ship for this definition" in answer.out


def test_scorers_that_are_not_sound_are_caught_without_a_record(command: Command) -> None:
    answer = command("doctor", "--rewards", "odd_suites:FAULTS")
    assert answer.code == 1
    failed = [" ".join(line.split()[:5]).rstrip(":") for line in lines(answer.out, "FAILED")]
    assert failed == [
        "a: the same again: largest",
        "a: alone as among others",
        "b: alone as among others",
        "c: within its range: scores",
        "d: cannot be scored: reward",
    ]
    assert "d: cannot be scored: reward d: failed with KeyError: 'a bug'" in answer.out
    looks = lines(answer.out, "look")
    assert "e: applies: applies to no golden sample, so nothing is known of it" in looks
    (disagrees,) = (line for line in looks if line.startswith("f: reads the prompt"))
    assert "own prompt above a wrong one for 1 of 14, by -0.0143" in disagrees


def test_what_cannot_be_scored_gets_one_line_each(command: Command) -> None:
    answer = command("doctor", "--rewards", "odd_suites:MISSING")
    assert (answer.code, answer.err) == (1, "")
    clip, head, far = lines(answer.out, "FAILED")
    assert clip.startswith("clip_score: cannot be scored: cannot read /nowhere/clip: expected a folder")
    assert head.startswith("aesthetic: cannot be scored: cannot read /nowhere/head.safetensors: expected the head")
    assert far.startswith("far: cannot be scored: reward far: http://127.0.0.1:9: expected an answer, found")
    assert far.endswith("(tried once)")


@pytest.fixture
def served() -> Iterator[tuple[str, RewardServer]]:
    with RewardServer(Colorfulness(), ("127.0.0.1", 0)) as server, running(server) as url:
        yield url, server


def test_a_reward_elsewhere_scores_as_it_does_here(
    command: Command, here: Path, served: tuple[str, RewardServer]
) -> None:
    url, server = served
    (here / "server.txt").write_text(f"{url} {server.health['version']}")
    answer = command("doctor", "--rewards", "odd_suites:ELSEWHERE")
    assert answer.code == 0, answer.out
    assert "colourfulness: here and elsewhere differ by" in lines(answer.out, "ok")[-1]

    class Other(Colorfulness):
        def __call__(self, samples: Any, prompts: Any) -> Any:
            return super().__call__(samples, prompts) + 0.1

    server.reward = Other()
    answer = command("doctor", "--rewards", "odd_suites:ELSEWHERE")
    assert answer.code == 1
    assert lines(answer.out, "FAILED")[0].startswith("colourfulness: here and elsewhere differ by 0.1")


def test_rewards_of_no_pictures_are_left_alone(command: Command) -> None:
    answer = command("doctor", "--rewards", "odd_suites:TOY")
    assert answer.code == 0
    assert "first: scores no pictures, and was not examined" in lines(answer.out, "look")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("odd_suites:LEVEL",), "doctor: expected --rewards with a suite"),
        (("--record",), "doctor: expected --rewards with a suite"),
        (("--rewards", "--set", "recipe.group_size=2"), "doctor --rewards: expected a suite with"),
        (("--rewards", "nowhere"), "no suite 'nowhere'"),
        (("--rewards", "odd_suites:LEVEL", "--benchmark", "other"), "no benchmark 'other'"),
    ],
)
def test_words_that_do_not_fit_get_one_line(command: Command, words: tuple[str, ...], says: str) -> None:
    assert command("doctor", *words).error_line().startswith(says)


def test_a_damaged_record_gets_one_line(command: Command, here: Path) -> None:
    (here / "results").mkdir()
    (here / "results" / "golden-scores.json").write_text('{"schema_version": 1}')
    line = command("doctor", "--rewards", "odd_suites:LEVEL").error_line()
    assert line.startswith(
        f"{Path('results') / 'golden-scores.json'} is damaged: expected golden scores, found: rewards"
    )


def test_changes_reach_the_suite(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def resolve(request: Any) -> Any:
        seen.append(request.changes)
        raise UsageError("seen")

    monkeypatch.setattr(doctor_rewards, "resolve", resolve)
    with pytest.raises(UsageError, match="seen"):
        doctor_rewards.examine("any", (), ["rewards.a=b"], here, record=False)
    assert seen == [("rewards.a=b",)]
