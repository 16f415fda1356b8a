"""A report in plain words: winners, ties and losses are those of the tables, and nothing is claimed beyond them."""

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.control import monotone_seeds
from analysis.report.depth_page import depth_of
from analysis.report.headline import best_and_tied, headline_table
from analysis.report.words import Words, words_of
from analysis.summary import Summary, summarize
from benchmarks.records import EVALUATIONS_FILE, read_columns, write_table
from tests.analysis.lowered_records import lower_rewards
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, Task, change_run, write_tree

TASTE = {"name": "taste", "unit": "", "higher_is_better": True, "range": [None, None]}
TWINS = (Recipe("first", 0.9), Recipe("other", 0.9), Recipe("worse", 0.1))


def block(summary: Summary, index: int = -1) -> str:
    """Return the sentences of a benchmark as lines."""
    return "\n".join(words_of(summary)[index].sentences)


def line(text: str, beginning: str) -> str:
    """Return the only line that begins so."""
    (found,) = [one for one in text.splitlines() if one.startswith(beginning)]
    return found


def hold_out(folder: Path, change: float) -> None:
    """Add a held-out reward that training changes by so much, with a little noise by seed."""
    for run in folder.glob("*/*/seed*"):
        columns = read_columns(run / EVALUATIONS_FILE)
        noise = 0.01 * int(run.name.removeprefix("seed"))
        columns["held_out_taste"] = np.where(columns["step"] > 0, change + noise, 0.0)
        write_table(run / EVALUATIONS_FILE, columns)
        change_run(run, lambda found: found["benchmark"].update(held_out=[TASTE]))


def test_there_is_one_block_for_the_suite_and_one_for_each_benchmark(suite_summary: Summary) -> None:
    words = words_of(suite_summary)
    assert [one.heading for one in words] == ["In short", *(part.record.name for part in suite_summary.benchmarks)]
    assert all(isinstance(one, Words) and one.sentences for one in words)
    assert words[0].sentences[0] == (
        "Suite toy: 36 finished runs of 3 methods on 4 benchmarks, with seeds 0, 1 and 2."
    )  # fmt: skip


def test_the_winner_and_its_numbers_are_those_of_the_table(suite_summary: Summary) -> None:
    for part, words in zip(suite_summary.benchmarks, words_of(suite_summary)[1:], strict=True):
        best, _ = best_and_tied(part)
        marked = {
            row[1].value for row in headline_table(suite_summary).rows if row[3].best and row[0].value == words.heading
        }
        assert marked == {best}
        (winner,) = [text for text in words.sentences if "has the best front: hypervolume" in text]
        assert winner.startswith(f"{best} has the best front")
        (row,) = [row for row in part.last_rows if row.method == best]
        volume = row.quantities["hypervolume"]
        mean, low, high = (float(number) for number in re.findall(r"\d+\.\d+", winner)[:3])
        assert volume.low is not None
        assert volume.high is not None
        assert (mean, low, high) == pytest.approx((volume.mean, volume.low, volume.high), abs=6e-4)
        assert f"If you need the best front: {best}." in words.sentences


def test_ties_are_named_in_the_text_and_in_the_advice(tmp_path: Path) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], TWINS))
    best, tied = best_and_tied(summary.benchmarks[0])
    (other,) = tied
    text = block(summary)
    assert line(text, "Not separable from it").startswith(f"Not separable from it: {other} with 2.06")
    assert line(text, "One method is behind").startswith("One method is behind: worse with ")
    assert f"If you need the best front: {best}; {other} may be as good." in text
    short = words_of(summary)[0].sentences
    assert f"{best} has the best front, tied with {other}." in short


def test_the_only_benchmark_is_not_counted(tmp_path: Path) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], RECIPES))
    best, tied = best_and_tied(summary.benchmarks[0])
    assert not tied
    short = words_of(summary)[0].sentences
    assert f"{best} has the best front, ahead of every other method." in short
    assert any("holds for this benchmark and these budgets" in sentence for sentence in short)


def test_where_all_are_tied_nothing_is_chosen(tmp_path: Path) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], TWINS[:2]))
    text = block(summary)
    assert "If you need the best front: these seeds cannot choose between first and other." in text
    assert "may be as good" not in text


def test_methods_told_apart_are_not_called_tied(suite_summary: Summary) -> None:
    text = "\n".join(sentence for words in words_of(suite_summary)[1:] for sentence in words.sentences)
    assert all(not best_and_tied(part)[1] for part in suite_summary.benchmarks)
    assert "Not separable from it" not in text
    assert text.count("Both others are behind, the nearest is ") == 4


def test_one_seed_finds_nothing_and_recommends_nothing(tmp_path: Path) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], RECIPES, (4,)))
    words = words_of(summary)
    text = "\n".join(words[1].sentences)
    assert "with one seed no method can be called better than another" in text
    assert "95 % interval" not in text
    assert words[1].sentences[-1] == "These records support no recommendation."
    assert "If you need" not in text
    assert words[0].sentences[0].endswith("3 finished runs of 3 methods on 1 benchmark, with seed 4.")
    assert "3 methods, 1 seed each." in text


def test_one_method_is_compared_with_nothing(tmp_path: Path) -> None:
    text = block(summarize(write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0, 1))))
    assert "fixed_weights is the only method, so nothing is compared" in text
    assert "1 method, 2 seeds." in text
    assert "best front:" not in text


def test_without_a_trained_method_only_the_base_model_is_told(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[:2], (0, 1))
    for run in folder.glob("*/*/seed*"):
        change_run(run, lambda found: found.update(checkpoints=found["checkpoints"][:1]))
    words = words_of(summarize(folder))
    assert words[0].sentences == (
        "Suite toy: 4 finished runs of 0 methods on 1 benchmark, with seeds 0 and 1.",
    )  # fmt: skip
    assert words[1].sentences[1:] == (
        "No method of this benchmark has a trained checkpoint, so there is nothing to compare.",
        "The base model, before training, has hypervolume 1.562.",
    )


@pytest.mark.parametrize("method", ["pareto_slider", "nft_preference"], ids=["the best", "another"])
def test_worsened_rewards_are_named(tmp_path: Path, method: str) -> None:
    folder = write_tree(tmp_path, TASKS[:1])
    for run in folder.glob(f"two-targets/{method}/seed*"):
        lower_rewards(run, {"r1": 0.1})
    text = block(summarize(folder))
    if method == best_and_tied(summarize(folder).benchmarks[0])[0]:
        assert re.search(rf"{method} improves no reward and worsens r1 by 0\.10\d? \(", text)
    else:
        assert f"falls behind the base model: {method} in r1." in text


def test_a_worse_method_than_the_base_model_is_named(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1])
    for run in folder.glob("two-targets/fixed_weights/seed*"):
        lower_rewards(run, {"r0": 0.4, "r1": 0.4})
    text = block(summarize(folder))
    assert "Worse than the base model: fixed_weights." in text


def test_a_front_no_better_than_the_base_model_is_not_recommended(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1])
    for run in folder.glob("two-targets/*/seed*"):
        lower_rewards(run, {"r0": 0.5, "r1": 0.5})
    text = block(summarize(folder))
    assert "If you need a better front than the base model's: no method here is separable from it." in text
    assert "If you need the best front" not in text


def test_hypervolume_zero_is_said(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1])
    for run in folder.glob("two-targets/fixed_weights/seed*"):
        lower_rewards(run, {"r0": 100.0})
    assert "Hypervolume 0, because no point beats the reference point in every reward: fixed_weights." in block(
        summarize(folder)
    )
    for name in ("pareto_slider", "nft_preference"):
        for run in folder.glob(f"two-targets/{name}/seed*"):
            lower_rewards(run, {"r0": 100.0})
    text = block(summarize(folder))
    assert "No method beats the reference point in every reward: the hypervolume is 0, and nobody wins." in text
    assert "best front:" not in text


@pytest.mark.parametrize(("change", "lost"), [(-1.0, True), (1.0, False)], ids=["fell", "rose"])
def test_what_was_held_out_is_told(tmp_path: Path, change: float, lost: bool) -> None:
    folder = write_tree(tmp_path, TASKS[:1], TWINS)
    hold_out(folder, change)
    text = block(summarize(folder))
    assert "Held out, so measured and never trained on: taste." in text
    assert ("it pays with what it was not trained on: taste falls by 0.99" in text) == lost
    assert ("nothing that is held out worsens" in text) != lost
    assert ("Held-out losses of the tied method: taste." in text) == lost
    flags = [part for part in text.splitlines() if "flagged (what was asked for" in part]
    assert len(flags) == 1


def test_runs_left_out_are_counted_where_they_belong(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:2])

    def fail(content: dict[str, Any]) -> None:
        content.update(status="failed", error="gone")

    change_run(folder / "two-targets/pareto_slider/seed0", fail)
    change_run(folder / "two-targets/fixed_weights/seed0", lambda content: content.update(status="running"))
    short, costs, targets = words_of(summarize(folder))
    assert "2 runs left out: 1 running, 1 failed." in short.sentences
    assert "This is not all: 2 runs left out: 1 running, 1 failed." in targets.sentences
    assert not any("left out" in sentence for sentence in costs.sentences)
    assert "Methods were not run on the same seeds; comparisons use those that both have." in targets.sentences
    assert targets.sentences[0].endswith("3 methods, 2 to 3 seeds each.")


def test_unequal_costs_are_said_to_be_unequal(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES)
    assert "spent as many velocity evaluations (within 5 %)" in block(summarize(folder))
    for run in folder.glob("two-targets/fixed_weights/seed*"):
        change_run(run, lambda found: found["checkpoints"][-1].update(velocity_evaluations=600_000))
    assert (
        "The 2 other methods spent 60.0 thousand to 600 thousand velocity evaluations (nft_preference the fewest, "
        "fixed_weights the most), in about 12.5 seconds: these fronts are not at equal cost."
    ) in block(summarize(folder))


def test_the_cheapest_of_the_tied_is_recommended(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], TWINS)
    other = best_and_tied(summarize(folder).benchmarks[0])[1]
    for run in folder.glob(f"two-targets/{next(iter(other))}/seed*"):
        change_run(run, lambda found: found["checkpoints"][-1].update(velocity_evaluations=6_000))
    wanted = (
        f"If you need the cheapest of those that may be best: {next(iter(other))}, with 6,000 velocity evaluations."
    )
    assert wanted in block(summarize(folder))


def test_control_is_told_with_two_rewards_and_owned_up_to_with_more(suite_summary: Summary) -> None:
    names = [part.record.name for part in suite_summary.benchmarks]
    two, three = (block(suite_summary, 1 + names.index(name)) for name in ("two-targets", "three-targets"))
    (part,) = [part for part in suite_summary.benchmarks if part.record.name == "two-targets"]
    told = {row.method: monotone_seeds(row.quantities) for row in part.last_rows}
    assert told.pop("fixed_weights") is None, "one model a preference is no slider"
    for method, monotone in told.items():
        assert monotone is not None
        found = line(two, f"{method} follows the preference")
        if monotone[0] == monotone[1]:
            assert found.endswith("both rewards rise at every step, on all 3 seeds.")
        else:
            assert f"both rewards rise throughout on {monotone[0]} of 3 seeds" in found
    assert "fixed_weights follows" not in two
    assert "follow the preference is not measured here; that takes a benchmark of two rewards." in three


def test_approximate_hypervolumes_are_not_told_as_exact(tmp_path: Path) -> None:
    recipes = (Recipe("many", 0.5, divisions=3), Recipe("few", 0.4, divisions=3))
    text = block(summarize(write_tree(tmp_path, (Task("seven", 7),), recipes, (0, 1))))
    assert "has the best front: hypervolume about " in text
    assert "Approximate hypervolumes: " in text


def test_names_are_told_as_they_are(tmp_path: Path) -> None:
    hostile = ("<script>x", "a|b*c`d")
    folder = write_tree(tmp_path, (Task("<b>&", 2),), (Recipe(hostile[0], 0.9), Recipe(hostile[1], 0.5)), (0, 1))
    words = words_of(summarize(folder))
    assert words[1].heading == "<b>&"
    assert f"If you need the best front: {hostile[0]}." in words[1].sentences
    assert any(hostile[1] in sentence for sentence in words[1].sentences)


def test_no_sentence_stumbles_over_numbers(suite_summary: Summary, tmp_path: Path) -> None:
    alone = summarize(write_tree(tmp_path, TASKS[:1], RECIPES[1:], (0, 1)))
    for summary in (suite_summary, alone):
        for words in words_of(summary):
            for text in words.sentences:
                assert not re.search(r"\b1 (methods|seeds|benchmarks|runs|rewards|models|points)\b", text), text
                assert not re.search(r"\b[2-9]\d* (method|seed|benchmark|run|reward|model|point)\b", text), text
                assert not re.search(r"\bnan\b|None|\be-\d|  |\.\.|,,", text), text
                assert text[-1] in ".)", text


def test_what_is_known_already_changes_only_what_it_adds(suite_summary: Summary) -> None:
    plain, deep = words_of(suite_summary), words_of(suite_summary, depth_of(suite_summary))
    added = [set(one.sentences) - set(other.sentences) for one, other in zip(deep, plain, strict=True)]
    assert added[0] == set()
    assert all("that were tried" in text for texts in added[1:] for text in texts)
    assert all(set(other.sentences) <= set(one.sentences) for one, other in zip(deep, plain, strict=True))


def test_words_take_little_time(suite_summary: Summary) -> None:
    before = time.process_time()
    words_of(suite_summary)
    assert time.process_time() - before < 1.0


def test_a_slider_that_runs_against_its_preference_is_named(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[1:])
    for run in folder.glob("two-targets/pareto_slider/seed*"):
        columns = read_columns(run / EVALUATIONS_FILE)
        first, second = columns["reward_r0"].copy(), columns["reward_r1"].copy()
        trained = columns["step"] > 0
        columns["reward_r0"], columns["reward_r1"] = np.where(trained, second, first), np.where(trained, first, second)
        write_table(run / EVALUATIONS_FILE, columns)
    text = block(summarize(folder))
    assert "pareto_slider does not follow the preference: asking for more of r0 and r1 does not give more." in text
    assert "nft_preference follows the preference from end to end" in text
