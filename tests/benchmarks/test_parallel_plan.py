"""What each process does of a step, against the points and micro-batches of the training itself."""

from dataclasses import replace

import pytest
import torch

from benchmarks.base import Benchmark
from benchmarks.distributed import Processes
from benchmarks.parallel_plan import fitting, points_of_prompt, share, share_lines, share_of
from benchmarks.records import UsageError
from benchmarks.train import Learner
from benchmarks.update import micro_batches
from methods import METHODS
from methods.base import Method, Points
from tests.support.suites import tiny_benchmark


def method_of(name: str, updates: int = 1) -> Method:
    method = METHODS[name]()
    return replace(method, updates=updates, slots=2 if method.slots > 1 else 1)


@pytest.mark.parametrize("name", METHODS)
def test_points_of_a_prompt_are_those_that_training_makes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = tiny_benchmark(group_size=4)
    method = replace(METHODS[name](), slots=2 if METHODS[name]().slots > 1 else 1).models(2)[0].method
    seen: list[Points] = []
    kind = type(method.objective)
    made = kind.points
    monkeypatch.setattr(kind, "points", lambda self, batch, draws: seen.append(made(self, batch, draws)) or seen[-1])
    Learner(benchmark, method, 0).advance()
    (whole,) = seen
    found = points_of_prompt(benchmark, method)
    assert found.per_rollout * 4 * benchmark.recipe.prompts_per_step == len(whole)
    assert found.per_rollout == method.objective.points_per_rollout(benchmark.recipe.rollout_steps)
    if whole.sets is None:
        assert found.set_size == 1
    else:
        assert {found.set_size} == set(torch.bincount(whole.sets).tolist())


def stand_in(n_points: int, set_size: int) -> Points:
    number = torch.arange(n_points)
    sets = None if set_size == 1 else number // set_size
    nothing = torch.zeros(n_points)

    class Nothing:
        def rows(self, index: torch.Tensor) -> "Nothing":
            return self

    return Points(number, number, nothing, nothing, nothing, Nothing(), None, sets)


@pytest.mark.parametrize("micro_batch", [None, 1, 5, 6, 7, 12, 1000])
@pytest.mark.parametrize("set_size", [1, 3, 6])
@pytest.mark.parametrize(("n", "updates"), [(1, 1), (2, 1), (2, 3), (6, 2)])
def test_backward_passes_are_the_micro_batches_of_an_update(
    n: int, updates: int, set_size: int, micro_batch: int | None
) -> None:
    found = share(12, 6, 3, n, updates=updates, micro_batch=micro_batch, set_size=set_size)
    assert found.points * n * updates == 12 * 6 * 3
    parts = list(micro_batches(stand_in(found.points, set_size), micro_batch))
    assert found.backward_passes == len(parts)
    assert found.micro_batch == max(map(len, parts))


@pytest.mark.parametrize("updates", [1, 2, 3])
def test_fitting_numbers_give_every_process_equally_many_rows_of_each_part(updates: int) -> None:
    for prompts in range(1, 25):
        for n in range(1, prompts + 2):
            # The prompts i of part u have i % updates == u; processes have neighboring ones.
            rows = [
                [sum(i % updates == part for i in Processes(rank, n).share(prompts)) for part in range(updates)]
                for rank in range(n)
            ]
            even = len({count for row in rows for count in row}) == 1 and rows[0][0] > 0
            assert (n in fitting(prompts, updates)) == (even or n == 1), (prompts, n, updates)


def test_all_numbers_of_processes_make_the_same_step() -> None:
    alone = share(12, 4, 2, micro_batch=8)
    assert alone.same_for == (1, 2, 3, 4, 6, 12)
    for n in alone.same_for:
        found = share(12, 4, 2, n, micro_batch=8)
        assert (found.prompts * n, found.rollouts * n, found.points * n) == (12, 48, 96)
        assert (found.images, found.same_for) == (48, alone.same_for)


@pytest.mark.parametrize(
    ("n", "updates", "words"),
    [
        (
            5,
            1,
            "5 processes cannot share 12 prompts a step evenly: expected a number N with 12 divisible by N, such as "
            "4 or 6",
        ),
        (4, 2, "4 processes cannot share 12 prompts a step in 2 updates evenly: .* divisible by N x 2, such as 3 or 6"),
        (13, 1, "such as 12"),
        (0, 1, "such as 1"),
    ],
)
def test_a_number_that_does_not_fit_is_one_line_with_those_near_it(n: int, updates: int, words: str) -> None:
    with pytest.raises(UsageError, match=f"{words}$") as caught:
        share(12, 4, 2, n, updates=updates)
    assert "\n" not in str(caught.value)


def test_a_benchmark_is_named_and_every_process_needs_a_prompt_to_evaluate() -> None:
    benchmark: Benchmark = tiny_benchmark()
    with pytest.raises(UsageError, match=r"^benchmark tiny: 3 processes cannot share 2 prompts a step evenly"):
        share_of(benchmark, method_of("pareto_slider"), 3)
    few = replace(benchmark, evaluation_prompts=("left",))
    with pytest.raises(UsageError, match="expected at most 1 processes, one an evaluated prompt, found 2"):
        share_of(few, method_of("pareto_slider"), 2)


def test_updates_of_one_process_may_differ_by_a_prompt() -> None:
    assert share(5, 4, 2, updates=2).points == 3 * 4 * 2
    assert share(5, 4, 2, updates=2).same_for == (1,)


def test_lines_say_what_runs() -> None:
    lines = share_lines(share(12, 4, 2, 3, updates=2, micro_batch=6))
    assert lines == [
        "3 GPUs, each: 4 prompts, 16 rollouts, 16 points an update in 3 backward passes of up to 6",
        "a step: 2 optimizer updates, 48 images; the same optimization for 1, 2, 3, 6 GPUs",
    ]
