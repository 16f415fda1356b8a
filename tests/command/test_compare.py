"""The verb `compare`: its table, its data, and what its exit code says."""

from pathlib import Path

import pytest

from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, write_tree
from tests.support.records import Command, bytes_below

# Three points far out on the front are worse in the mean, and fill less below it, than three near its middle.
GOOD, BAD = Recipe("same_name", 0.5, divisions=2), Recipe("same_name", 0.95, divisions=2)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with a good method, and one with a worse of the same name, noise and seeds."""
    good, bad = (
        write_tree(tmp_path / name, TASKS[:1], (recipe,), (0, 1, 2), prompts=8)
        for name, recipe in (("good", GOOD), ("bad", BAD))
    )
    return good, bad


def test_worse_ends_with_code_1_and_better_with_0(command: Command, folders: tuple[Path, Path]) -> None:
    good, bad = folders
    before = bytes_below(good) | bytes_below(bad)
    answer = command("compare", good, bad)
    assert answer.code == 1
    assert answer.err == ""
    assert command("compare", bad, good).code == 0
    assert command("compare", good, good).code == 0
    assert bytes_below(good) | bytes_below(bad) == before, "nothing is written"


def test_the_table_is_for_people(command: Command, folders: tuple[Path, Path]) -> None:
    lines = command("compare", *folders).out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0] == "two-targets/same_name; seeds 0, 1, 2; 8 prompts"
    assert lines[1].split() == ["metric", "A", "B", "over", "B", "-", "A", "p", "adj.", "p", "B", "is"]
    assert [line.split()[0] for line in lines[3:9]] == [
        "hypervolume",
        "prompts",
        "reward_r0",
        "prompts",
        "reward_r1",
        "prompts",
    ]
    assert lines[3].endswith("0.25    0.25  not decidable")
    assert lines[4].endswith("0.0078  0.0078  worse")
    assert "over seeds: 3 not decidable (3 seeds never give p below 0.25; p <= 0.05 takes 6)" in lines
    assert "over prompts, decides: 3 worse" in lines
    assert "probability that a run of B has the larger hypervolume: 0.000 [0.000, 0.561]" in lines


def test_seeds_may_decide_instead(command: Command, folders: tuple[Path, Path]) -> None:
    answer = command("compare", *folders, "--level", "seeds")
    assert answer.code == 0, "three seeds cannot say"
    assert "over seeds, decides: 3 not decidable" in answer.out
    # At a level that three seeds can reach they do.
    assert command("compare", *folders, "--level", "seeds", "--alpha", "0.3").code == 1


def test_a_chosen_metric_alone_decides(command: Command, folders: tuple[Path, Path]) -> None:
    answer = command("compare", *folders, "--metric", "seconds", "--metric", "igd_plus", "--json")
    assert answer.code == 0
    found = answer.json()
    assert [row["metric"] for row in found["comparisons"]] == ["seconds", "igd_plus"]
    assert {row["prompts"] for row in found["comparisons"]} == {None}
    assert found["improvement"] is None


def test_data_holds_every_number_of_the_table(command: Command, folders: tuple[Path, Path]) -> None:
    answer = command("compare", *folders, "--json")
    assert answer.code == 1
    found = answer.json()
    assert (found["alpha"], found["level"], found["worse"], found["notes"]) == (0.05, "prompts", True, [])
    row = found["comparisons"][0]
    assert (row["benchmark"], row["method_a"], row["method_b"]) == ("two-targets", "same_name", "same_name")
    assert row["a"]["values"].keys() == {"0", "1", "2"}
    expected = {"unit", "pairs", "difference", "low", "high", "t_p", "p", "p_higher", "p_lower", "least_p", "error"}
    for level, pairs, least in (("seeds", 3, 0.25), ("prompts", 8, 2 / 2**8)):
        assert row[level].keys() == expected | {"patterns", "adjusted_p", "holm_p", "verdict"}
        assert (row[level]["pairs"], row[level]["least_p"]) == (pairs, least)
        assert row[level]["low"] <= row[level]["difference"] <= row[level]["high"]
    assert row["prompts"]["verdict"] == "worse"
    assert row["seeds_and_prompts"]["low"] <= row["b"]["mean"] - row["a"]["mean"] <= row["seeds_and_prompts"]["high"]
    assert found["improvement"]["probability"] == 0.0
    assert found == command("compare", *folders, "--json").json()


def test_of_many_methods_only_those_with_findings_are_shown(command: Command, tmp_path: Path) -> None:
    recipes = [Recipe(f"method{i}", 0.9, divisions=2) for i in range(7)]
    first = write_tree(tmp_path / "a", TASKS[:1], recipes, (0, 1), prompts=8)
    second = write_tree(
        tmp_path / "b", TASKS[:1], [*recipes[:6], Recipe("method6", 0.5, divisions=2)], (0, 1), prompts=8
    )
    lines = command("compare", first, second).out.splitlines()
    assert lines[0] == "two-targets/method6; seeds 0, 1; 8 prompts"
    assert sum(line.startswith("metric") for line in lines) == 1
    assert any(line.startswith("nothing found: two-targets/method0, two-targets/method1, ") for line in lines)
    assert max(map(len, lines)) <= 100


def test_methods_of_one_suite_face_each_other(command: Command, tmp_path: Path) -> None:
    suite = write_tree(tmp_path, TASKS[:1], (RECIPES[1], RECIPES[2]), (0,), prompts=8)
    lines = command(
        "compare", suite / "two-targets/pareto_slider", suite / "two-targets/nft_preference"
    ).out.splitlines()
    assert lines[0] == "two-targets: A pareto_slider, B nft_preference; seed 0; 8 prompts"
    assert "(one seed gives no interval and no test; p <= 0.05 takes 6)" in " ".join(lines)


def test_bad_input_ends_with_code_2_and_one_line(command: Command, folders: tuple[Path, Path]) -> None:
    good, bad = folders
    empty = good.parent / "empty"
    empty.mkdir()
    cases = {
        (good, empty): f"{empty}: expected run.json files below it, found none",
        (good / "nowhere", bad): f"no such folder: {good / 'nowhere'} (expected the output folder of `flowfront run`)",
        (good, bad, "--alpha", "2"): "--alpha: expected a number between 0 and 1, found 2",
        (good, bad, "--level", "samples"): "--level: expected seeds or prompts, found samples",
    }
    for words, says in cases.items():
        assert command("compare", *words).error_line() == says
    assert "found nonsense" in command("compare", good, bad, "--metric", "nonsense").error_line()
    (next(bad.rglob("evaluations.parquet"))).write_bytes(b"PAR1")
    assert "evaluations.parquet is damaged" in command("compare", good, bad).error_line()


def test_help_has_an_example(command: Command) -> None:
    answer = command("compare", "--help")
    assert answer.code == 0
    assert "Example: flowfront compare " in " ".join(answer.out.split())
    assert "--json" in answer.out
