"""The commands of a report: nothing missing, nothing twice, nothing that a shell would misread.

That they plan the recorded runs is shown where the command is tested (`tests/command/test_report_commands.py`).
"""

import shlex
import subprocess
from pathlib import Path
from typing import Any

from analysis.reading import checked_runs
from analysis.report.commands import Command, commands_of
from analysis.summary import Summary
from tests.analysis.synthetic_records import RECIPES, TASKS, Task, change_run, write_tree

NFT = {"class": "methods.objectives.nft:NFT", "fields": {"beta": 1.0}}


def settings(**fields: Any) -> dict[str, Any]:
    return {"class": "methods.pareto_slider:ParetoSlider", "fields": {"objective": NFT, **fields}}


def summary_of(folder: Path) -> Summary:
    """Return a summary of nothing but the runs, which is all that commands need."""
    done, others = checked_runs(folder)
    return Summary(folder.name, (), tuple(done), tuple(others))


def runs(commands: tuple[Command, ...]) -> list[list[str]]:
    return [shlex.split(one.text) for one in commands if one.purpose.startswith("Make ") and "runs:" in one.purpose]


def values(words: list[str], option: str) -> list[str]:
    return [words[i + 1] for i, word in enumerate(words) if word == option]


def change_all(folder: Path, **content: Any) -> None:
    for run in sorted(path for path in folder.glob("*/*/seed*") if path.is_dir()):
        change_run(run, lambda found: found.update(content))


def test_runs_that_share_everything_share_a_line(suite_folder: Path) -> None:
    commands = commands_of(summary_of(suite_folder))
    (words,) = runs(commands)
    assert words[:3] == ["flowfront", "run", "toy"]
    assert sorted(values(words, "--benchmark")) == sorted(task.name for task in TASKS)
    assert sorted(values(words, "--method")) == sorted(recipe.name for recipe in RECIPES)
    assert values(words, "--seeds") == ["3"]
    assert commands[0].text == "git checkout 0123abc\npip install -c constraints.txt -e ."
    assert commands[-1].text == "flowfront report rebuilt/toy"
    assert values(words, "--out") == ["rebuilt"]


def test_methods_on_other_seeds_have_a_line_of_their_own(tmp_path: Path) -> None:
    write_tree(tmp_path, TASKS[:2], RECIPES[:2], (0, 1))
    folder = write_tree(tmp_path, TASKS[:2], RECIPES[2:], (5,))
    found = {
        tuple(values(words, "--method")): values(words, "--seeds") for words in runs(commands_of(summary_of(folder)))
    }
    assert found == {("fixed_weights", "nft_preference"): ["2"], ("pareto_slider",): ["5,"]}
    (alone,) = [one for one in commands_of(summary_of(folder)) if "--seeds 5," in one.text]
    assert alone.purpose == "Make 2 runs: 1 method on two-costs and two-targets, seed 5."


def test_every_setting_is_written_down_once(small_folder: Path) -> None:
    for run in small_folder.glob("two-targets/pareto_slider/seed*"):
        change_run(run, lambda found: found["method"].update(settings=settings(anchor=0.5, preferences=None)))
    change_all(small_folder, budget={"velocity_evaluations": 7}, recipe={"shift": None, "evaluate_at": [0.1]})
    commands = commands_of(summary_of(small_folder))
    methods, training, line = (one.text for one in commands[1:4])
    assert methods.splitlines() == [
        "cat > methods.txt <<'END'",
        'pareto_slider.objective={"class": "methods.objectives.nft:NFT", "fields": {"beta": 1.0}}',
        "pareto_slider.anchor=0.5",
        "END",
    ]
    assert training.splitlines()[1:-1] == [
        "budget.velocity_evaluations=7", "recipe.shift=null", "recipe.evaluate_at=[0.1]"
    ]  # fmt: skip
    assert values(shlex.split(line), "--set") == ["@methods.txt", "@training.txt"]


def test_another_recipe_is_another_file_and_another_line(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:2], RECIPES[:1], (0,))
    change_all(folder / "two-targets", recipe={"shift": 2.0})
    change_run(folder / "two-targets/fixed_weights/seed0", lambda found: found.update(recipe={"shift": 2.0}))
    commands = commands_of(summary_of(folder))
    lines = [one.text for one in commands if "flowfront run" in one.text]
    assert sorted(values(shlex.split(line), "--set")[-1] for line in lines) == ["@training-1.txt", "@training-2.txt"]


def test_changes_of_the_benchmark_are_quoted(small_folder: Path) -> None:
    change_all(small_folder, changes=['benchmark.held_out=["a b"]', "x.path=/my models/$(rm -rf ~)"])
    (words,) = runs(commands_of(summary_of(small_folder)))
    assert values(words, "--set")[-2:] == ['benchmark.held_out=["a b"]', "x.path=/my models/$(rm -rf ~)"]


def test_methods_and_suites_from_outside_are_named_by_their_module(small_folder: Path) -> None:
    for run in small_folder.glob("two-targets/pareto_slider/seed*"):
        change_run(run, lambda found: found["method"].update(settings={"class": "mine:ParetoSlider", "fields": {}}))
    change_all(small_folder, suite_origin="mine:SUITE")
    (words,) = runs(commands_of(summary_of(small_folder)))
    assert words[2] == "mine:SUITE"
    assert values(words, "--method") == ["fixed_weights", "mine:ParetoSlider"]


def test_how_a_run_was_started_is_kept(small_folder: Path) -> None:
    change_all(small_folder, compiled=True, processes=4, versions={"rapidocr": "3.10.0"})
    commands = commands_of(summary_of(small_folder))
    (line,) = [one.text for one in commands if "flowfront run" in one.text]
    assert line.startswith("torchrun --nproc-per-node 4 -m flowfront run toy")
    assert "--compile" in shlex.split(line)
    assert "'.[ocr]'" in commands[0].text


def test_each_commit_is_installed_before_its_runs(small_folder: Path) -> None:
    change_run(small_folder / "two-targets/pareto_slider/seed0", lambda found: found.update(commit="fedcba+"))
    change_run(small_folder / "two-targets/pareto_slider/seed1", lambda found: found.update(commit=None))
    kinds = [(one.text.split()[:2], one.purpose) for one in commands_of(summary_of(small_folder))]
    order = [words for words, _ in kinds if words[1] != ">"]
    assert order == [
        ["git", "checkout"], ["flowfront", "run"], ["git", "checkout"], ["flowfront", "run"],
        ["pip", "install"], ["flowfront", "run"], ["flowfront", "report"],
    ]  # fmt: skip
    purposes = " ".join(purpose for _, purpose in kinds)
    assert "Files differed from this commit; how is not recorded." in purposes
    assert "The records name no commit." in purposes


def test_unfinished_runs_are_not_made_again(small_folder: Path) -> None:
    change_run(small_folder / "two-targets/pareto_slider/seed1", lambda found: found.update(status="failed"))
    lines = [one.text for one in commands_of(summary_of(small_folder)) if "flowfront run" in one.text]
    seeds = {tuple(values(shlex.split(line), "--method")): values(shlex.split(line), "--seeds") for line in lines}
    assert seeds == {("fixed_weights",): ["2"], ("pareto_slider",): ["1"]}


def test_hostile_names_end_no_text_and_start_no_command(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("$(touch a)", 2),), RECIPES[:1], (0,))
    name = "x'; touch b #END; touch c"

    def rename(found: dict[str, Any]) -> None:
        found["method"].update(name=name, settings=settings(anchor=1.0))
        found.update(suite="`touch d`", commit="; touch e", changes=["a=\nEND\ntouch f"])

    change_run(folder / "$(touch a)/fixed_weights/seed0", rename)
    done, _ = checked_runs(folder)
    commands = commands_of(Summary("`touch d`", (), tuple(done), ()))
    tools = "flowfront() { :; }; git() { :; }; pip() { :; }\n"
    script = tools + "\n".join(one.text for one in commands)
    answer = subprocess.run(["bash", "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert not {path.name for path in tmp_path.iterdir()} & set("abcdef")
    assert (tmp_path / "methods.txt").read_text().startswith(name)
