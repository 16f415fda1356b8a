"""The shell commands that make the runs of a report again, from its records alone.

Which settings a suite had by itself, and which were changed on the command line, is not in the records, but what they
were is. So the commands set every one of them: they hold whatever the suite says today.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.claims.base import seeds_text
from analysis.reading import grouped
from analysis.report.phrases import counted, listed
from analysis.summary import Summary
from benchmarks.records import MethodRecord, StoredRun

OUT = "rebuilt"
METHODS, TRAINING = "methods", "training"
OWN_PACKAGE = "methods."


@dataclass(frozen=True)
class Command:
    """What to type into a shell, one or more lines, and what it is for, in a sentence."""

    purpose: str
    text: str


class _Place(NamedTuple):
    """What the runs of one installation share."""

    commit: str | None
    compiled: bool
    processes: int
    suite: str


class _Arm(NamedTuple):
    """A method: how the command line calls it, and its settings as texts of `--set`."""

    word: str
    settings: tuple[str, ...]


class _Batch(NamedTuple):
    """What one command line runs: all methods on all benchmarks with all seeds."""

    place: _Place
    benchmarks: tuple[str, ...]
    methods: tuple[_Arm, ...]
    seeds: tuple[int, ...]
    training: tuple[str, ...]
    changes: tuple[str, ...]

    @property
    def runs(self) -> int:
        """How many runs it makes."""
        return len(self.benchmarks) * len(self.methods) * len(self.seeds)


def commands_of(summary: Summary) -> tuple[Command, ...]:
    """Return the commands that make the finished runs of a report and the report again, in order.

    Each commit is installed; files of settings are written; one line trains all that differs in nothing but the
    benchmark, the method and the seed. They leave everything in the folder `rebuilt`. Parts of a method that are
    switched off are not set, because the command line of earlier commits refuses it; no suite switches on what a
    record has switched off.

    Args:
        summary: The suite; its unfinished runs are left out.
    """
    batches = _batches(summary.runs)
    files = _files(batches)
    commands: list[Command] = []
    written = set[str]()
    for commit, own in grouped(batches, lambda batch: batch.place.commit).items():
        commands.append(_install(commit, [run for run in summary.runs if run.record.commit == commit]))
        for batch in own:
            for content in (_settings_of(batch), batch.training):
                if content and files[content] not in written:
                    written.add(files[content])
                    commands.append(_write(files[content], content))
            commands.append(_run(batch, files))
    folder = shlex.quote(f"{OUT}/{summary.suite}")
    return (*commands, Command("Make this report again.", f"flowfront report {folder}"))


def _batches(runs: Sequence[StoredRun]) -> list[_Batch]:
    """Return as few batches as make just these runs: equal seeds share a line, then equal methods."""
    by_arm = grouped(runs, lambda run: (_place(run), run.record.benchmark.name, *_set_up(run), _arm(run.record.method)))
    by_seeds: dict[tuple[_Place, str, tuple[str, ...], tuple[str, ...], tuple[int, ...]], list[_Arm]] = {}
    for (place, benchmark, training, changes, arm), same in by_arm.items():
        seeds = tuple(sorted(run.record.seed for run in same))
        by_seeds.setdefault((place, benchmark, training, changes, seeds), []).append(arm)
    by_methods: dict[tuple[_Place, tuple[_Arm, ...], tuple[int, ...], tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (place, benchmark, training, changes, seeds), arms in by_seeds.items():
        by_methods.setdefault((place, tuple(arms), seeds, training, changes), []).append(benchmark)
    return [
        _Batch(place, tuple(benchmarks), arms, seeds, training, changes)
        for (place, arms, seeds, training, changes), benchmarks in by_methods.items()
    ]


def _place(run: StoredRun) -> _Place:
    record = run.record
    return _Place(record.commit, record.compiled, record.processes, record.suite_origin or record.suite)


def _set_up(run: StoredRun) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return budget and recipe as texts of `--set`, and what changed the benchmark."""
    parts = (("budget", run.record.budget), ("recipe", run.record.recipe))
    training = [text for name, values in parts for text in _texts(name, values)]
    return tuple(training), tuple(run.record.changes)


def _arm(method: MethodRecord) -> _Arm:
    settings = method.settings
    if not isinstance(settings.get("class"), str) or not isinstance(settings.get("fields"), Mapping):
        return _Arm(method.name, ())
    fields = {name: value for name, value in settings["fields"].items() if value is not None}
    module, _, kind = settings["class"].partition(":")
    outside = not module.startswith(OWN_PACKAGE) and _snake_case(kind) == method.name
    return _Arm(settings["class"] if outside else method.name, tuple(_texts(method.name, fields)))


def _snake_case(name: str) -> str:
    # As the planner names what it loads from outside.
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _texts(name: str, values: Mapping[str, object]) -> Iterator[str]:
    for field, value in values.items():
        yield f"{name}.{field}={json.dumps(value)}"


def _settings_of(batch: _Batch) -> tuple[str, ...]:
    return tuple(text for arm in batch.methods for text in arm.settings)


def _files(batches: Sequence[_Batch]) -> dict[tuple[str, ...], str]:
    """Return the name of the file for each content."""
    names: dict[tuple[str, ...], str] = {}
    for kind, contents in (
        (METHODS, dict.fromkeys(_settings_of(batch) for batch in batches)),
        (TRAINING, dict.fromkeys(batch.training for batch in batches)),
    ):
        for index, content in enumerate(contents, start=1):
            names[content] = f"{kind}.txt" if len(contents) == 1 else f"{kind}-{index}.txt"
    return names


def _install(commit: str | None, runs: Sequence[StoredRun]) -> Command:
    versions = [{name: run.record.versions.get(name) for name in ("python", "torch")} for run in runs]
    found = [f"{name} {version}" for name, version in versions[0].items() if version]
    same = f" ({', '.join(found)})" if found and versions.count(versions[0]) == len(versions) else ""
    purpose = f"In a checkout of the project: install what made {counted(len(runs), 'run')}{same}."
    if commit is None:
        return Command(f"{purpose} The records name no commit.", "pip install -c constraints.txt -e .")
    if commit.endswith("+"):
        purpose += " Files differed from this commit; how is not recorded."
    extra = "'.[ocr]'" if any(_has_ocr(run) for run in runs) else "."
    lines = (f"git checkout {shlex.quote(commit.removesuffix('+'))}", f"pip install -c constraints.txt -e {extra}")
    return Command(purpose, "\n".join(lines))


def _has_ocr(run: StoredRun) -> bool:
    return run.record.versions.get("rapidocr", "not installed") != "not installed"


def _write(name: str, content: Sequence[str]) -> Command:
    # Records are others' data: no line of theirs may end the text that the shell reads.
    body = "\n".join(content)
    end = "END"
    while end in body.splitlines():
        end += "_"
    what = "the methods" if name.startswith(METHODS) else "training: budget and recipe"
    return Command(f"Write down the settings of {what}, as recorded.", f"cat > {name} <<'{end}'\n{body}\n{end}")


def _run(batch: _Batch, files: Mapping[tuple[str, ...], str]) -> Command:
    place = batch.place
    words = ["flowfront", "run"]
    if place.processes > 1:
        words = ["torchrun", "--nproc-per-node", str(place.processes), "-m", *words]
    words.append(place.suite)
    words += [word for name in batch.benchmarks for word in ("--benchmark", name)]
    words += [word for arm in batch.methods for word in ("--method", arm.word)]
    words += ["--seeds", seeds_text(batch.seeds)]
    contents = [content for content in (_settings_of(batch), batch.training) if content]
    words += [word for content in contents for word in ("--set", f"@{files[content]}")]
    words += [word for change in batch.changes for word in ("--set", change)]
    words += ["--compile"] if place.compiled else []
    methods = counted(len(batch.methods), "method")
    seeds = f"{'seed' if len(batch.seeds) == 1 else 'seeds'} {listed([str(seed) for seed in batch.seeds])}"
    purpose = f"Make {counted(batch.runs, 'run')}: {methods} on {listed(batch.benchmarks)}, {seeds}."
    return Command(purpose, shlex.join([*words, "--out", OUT]))
