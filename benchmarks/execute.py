"""Doing a run: train its models, evaluate them, and keep records that survive a cut."""

import time
from collections.abc import Callable, Collection
from functools import partial

import torch

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.checkpoints import load_tensors, save_tensors
from benchmarks.compilation import interpreted
from benchmarks.distributed import ALONE, Processes
from benchmarks.evaluate import check_reference_point, evaluate
from benchmarks.invariants import Probe, checks_at_end, checks_at_start
from benchmarks.memory import check_memory
from benchmarks.parallel_plan import share_of
from benchmarks.records import RunRecord, UsageError
from benchmarks.run import Run
from benchmarks.session import Session, joined
from benchmarks.train import Learner, steps_paid
from methods.base import Model, Step

Tick = Callable[[int], None]
"""Called with the number of training steps done so far, over all models of the run."""


def execute(run: Run, tick: Tick | None = None, processes: Processes = ALONE) -> RunRecord:
    """Do a run from wherever it stands to its end.

    Args:
        run: What to do.
        tick: Told of progress.
        processes: Those that do it together; all must see the same folder, and the first one writes to it.

    Raises:
        UsageError: If the input is at fault (a reward fails, training diverges, the folder cannot be written). The
            record says `failed` and why, and all that was measured before is kept.
    """
    run.validate()
    if processes.size > 1:
        share_of(run.benchmark, run.method, processes.size)
    torch.set_num_threads(run.benchmark.recipe.threads)
    session = _opened(run, processes)
    try:
        done = 0
        for index, model in enumerate(run.models):
            total = run.steps_of(model)
            if index >= session.position.model:
                _train_model(session, index, model, _after(done, tick), processes)
            done += total
        if run.method.interpolates and session.position.model <= len(run.models):
            # What the first process saved last is read by all.
            processes.wait()
            _evaluate_mixtures(session, processes)
        return session.finish("done", None)
    except UsageError as error:
        session.finish("failed", str(error))
        raise
    except Exception as error:
        session.finish("failed", f"{type(error).__name__}: {error}")
        raise
    finally:
        session.close()


def _opened(run: Run, processes: Processes) -> Session:
    # The others read where the run stands before the first one writes.
    with processes.together():
        session = Session(run, writes=False) if not processes.first else None
    with processes.together():
        return Session(run) if session is None else session


def _after(steps_before: int, tick: Tick | None) -> Tick:
    def total(steps: int) -> None:
        if tick is not None:
            tick(steps_before + steps)

    return total


def _train_model(session: Session, index: int, model: Model, tick: Tick, processes: Processes) -> None:
    run, benchmark = session.run, session.run.benchmark
    # Two models at once may not fit where one does.
    session.detach()
    learner = _learner(run, model, processes)
    session.attach(index, learner)
    if session.position.model == index and session.position.tensors is not None:
        tensors = load_tensors(run.folder, session.position.tensors)
        meter = session.position.model_dump(include={"velocity_evaluations", "reward_calls"})
        learner.load(tensors, session.position.step, session.position.seconds, meter)
    # The first process removes what it has replaced.
    processes.wait()
    probe = Probe(benchmark, learner.bare, run.seed)
    conditional = model.preference is None
    if not session.evaluated:
        _evaluate_base(session, learner)
        with interpreted(run.compiled):
            session.invariants += checks_at_start(probe, conditional=conditional)
    total = run.steps_of(model)
    # A share that does not pay for a step has nothing to evaluate.
    paid = [steps_paid(benchmark, model.method, share) for share in benchmark.recipe.evaluate_at]
    # Interpolations need all models at their end.
    stops = {total} if run.method.interpolates else {*(min(steps, total) for steps in paid if steps), total}
    due = partial(_evaluation_due, session, index, learner, stops)
    while due() or learner.step < total:
        if not due():
            session.log_step(index, learner, _step(session, index, learner))
        if due():
            _evaluate_model(session, index, model, learner)
            session.save(index, learner)
        elif time.monotonic() - session.saved_at > benchmark.recipe.checkpoint_seconds:
            session.save(index, learner)
        tick(learner.step)
    if processes.first:
        save_tensors(run.folder, f"model{index}", learner.snapshots.state())
    if index == len(run.models) - 1 and not any(e.name == "rewards_finite" for e in session.invariants):
        # Some schedules keep the old weights equal to the trained ones for their first steps.
        on_policy = model.method.snapshots.old(learner.updates) == 0
        with interpreted(run.compiled):
            found = checks_at_end(probe, joined(session.tables), conditional=conditional, on_policy=on_policy)
        session.invariants += found
    session.save(index + 1, None)


def _evaluation_due(session: Session, index: int, learner: Learner, stops: Collection[int]) -> bool:
    done = {entry.step for entry in session.evaluated if entry.model == index}
    return learner.step in stops and learner.step not in done


def _learner(run: Run, model: Model, processes: Processes) -> Learner:
    benchmark = run.benchmark
    with processes.together():
        check_memory(benchmark, model.method, processes.size)
    # All have looked at what is free before the first one loads.
    with processes.together():
        learner = Learner(benchmark, model.method, run.seed, compiled=run.compiled, processes=processes)
    if isinstance(learner.bare, AdaptedBackbone):
        # All texts at once, by one process: text encoders need not stay, nor be loaded by every process.
        prompts = [*benchmark.prompts, *benchmark.evaluated]
        with processes.together():
            if processes.first:
                learner.bare.prepare(prompts)
    return learner


def _step(session: Session, index: int, learner: Learner) -> Step:
    try:
        return learner.advance()
    except UsageError:
        # A reward failed and nothing has changed since the last step; training that diverged starts from there, too.
        if learner.whole:
            session.save(index, learner)
        raise


def _evaluate_mixtures(session: Session, processes: Processes) -> None:
    # Points behind those of the models themselves, which are the corners: weights interpolated at the sweep's other
    # preferences. They are one more "model" of the record, trained for nothing.
    run, benchmark, n = session.run, session.run.benchmark, len(session.run.models)
    corners = {model.preference for model in run.models}
    sweep = [wanted for wanted in benchmark.evaluation.preferences if wanted not in corners]
    parts = [load_tensors(run.folder, f"model{index}") for index in range(n)]
    session.detach()
    learner = _learner(run, run.models[0], processes)
    learner.step = max(run.steps_of(model) for model in run.models)
    session.attach(n, learner)
    for i, wanted in enumerate(sweep):
        mixed = {
            name: torch.stack([w * part[name] for w, part in zip(wanted, parts, strict=True)]).sum(0)
            if name.startswith("evaluation.")
            else tensor
            for name, tensor in parts[0].items()
        }
        learner.snapshots.load(mixed)
        found = evaluate(
            benchmark, learner.bare, "evaluation", [wanted], run.seed, conditional=False, step=learner.step,
            first_point=n + i, processes=processes,
        )  # fmt: skip
        session.add_points(found)
    if sweep:
        session.add_cost(n, learner)
    session.save(n + 1, None)


def _evaluate_base(session: Session, learner: Learner) -> None:
    # Without a preference: the untrained model. The recorded preference only says that none is favored.
    benchmark = session.run.benchmark
    k = benchmark.n_objectives
    sweep = evaluate(
        benchmark, learner.bare, "reference", [(1 / k,) * k], session.run.seed, conditional=False, step=0,
        first_point=0, processes=learner.processes,
    )  # fmt: skip
    check_reference_point(benchmark, sweep.columns)
    session.add_evaluation(0, learner, sweep)


def _evaluate_model(session: Session, index: int, model: Model, learner: Learner) -> None:
    benchmark = session.run.benchmark
    conditional = model.preference is None
    wanted = benchmark.evaluation.preferences if model.preference is None else [model.preference]
    try:
        sweep = evaluate(
            benchmark, learner.bare, "evaluation", wanted, session.run.seed, conditional=conditional,
            step=learner.step, first_point=0 if conditional else index, processes=learner.processes,
        )  # fmt: skip
    except UsageError:
        # A reward failed; the training up to here is done.
        session.save(index, learner)
        raise
    session.add_evaluation(index, learner, sweep)
