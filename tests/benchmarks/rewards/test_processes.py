"""A worker process answers, says why it does not, and never outlives whoever started it."""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.rewards import processes
from benchmarks.rewards.faults import PermanentError, TemporaryError
from benchmarks.rewards.processes import Worker
from benchmarks.rewards.wire import decode_scores, encode_request
from tests.support.isolated import MODULE, write_module

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8)
LONG = 120.0
"""Seconds that no healthy worker needs, also where other programs have the processor."""


def order(folder: Path, **changes: Any) -> dict[str, Any]:
    return {"factory": f"{MODULE}:Scorer", "arguments": {}, "folder": str(folder), "arrays": "numpy"} | changes


def ask(worker: Worker, prompt: str, timeout: float = LONG) -> list[float]:
    return decode_scores(worker.ask(encode_request(PIXELS, [prompt, "plain"]), timeout), 2)


def runs(pid: int) -> bool:
    """Whether a process is there, be it as a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_module(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def worker(folder: Path) -> Iterator[Worker]:
    found = Worker(sys.executable, order(folder), LONG)
    yield found
    found.stop()
    assert not runs(found.process.pid)


def test_it_scores_whatever_the_reward_prints_reads_or_raises(worker: Worker) -> None:
    expected = PIXELS.reshape(2, -1).mean(1) / 255
    np.testing.assert_allclose(ask(worker, "plain"), expected, rtol=1e-6)
    for prompt in ("prints", "prints in C", "runs a program that prints", "reads"):
        np.testing.assert_allclose(ask(worker, prompt), expected, rtol=1e-6, err_msg=prompt)
    for prompt, says in {
        "raises": "expected scores, found RuntimeError: of two lines",
        "infinite": "expected a finite number or null as score 0, found inf",
        "words": "expected a number or null as score 0, found 'high'",
    }.items():
        with pytest.raises(TemporaryError, match=says) as refused:
            ask(worker, prompt)
        assert "\n" not in str(refused.value)
    np.testing.assert_array_equal(ask(worker, "nothing"), [np.nan, np.nan])
    assert worker.alive, "a fault that it tells of does not end it"


def test_a_crash_is_explained_by_the_last_line_of_its_errors(worker: Worker) -> None:
    with pytest.raises(TemporaryError) as refused:
        ask(worker, "dies")
    assert str(refused.value) == "expected an answer, found that the worker ended with exit code 3: no memory left"
    assert not worker.alive
    assert not runs(worker.process.pid)


def test_one_that_takes_too_long_is_ended(worker: Worker) -> None:
    started = time.monotonic()
    with pytest.raises(TemporaryError, match=r"expected an answer within 0\.2 s, found none"):
        ask(worker, "sleeps", timeout=0.2)
    assert time.monotonic() - started < 30
    assert not runs(worker.process.pid)


def test_one_that_does_not_read_is_ended(worker: Worker) -> None:
    os.kill(worker.process.pid, 19)  # SIGSTOP
    large = np.zeros((1, 3, 256, 256), dtype=np.uint8)
    with pytest.raises(TemporaryError, match=r"expected an answer within 0\.2 s, found none"):
        worker.ask(encode_request(large, ["plain"]), 0.2)
    assert not runs(worker.process.pid)


def test_an_interrupt_ends_it(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*words: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(processes, "_wait_for", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ask(worker, "plain")
    assert not worker.alive


ORDERS: dict[str, tuple[dict[str, Any], str]] = {
    "module": ({"factory": "nowhere:Scorer"}, "ModuleNotFoundError: No module named 'nowhere'"),
    "class": ({"factory": f"{MODULE}:Nothing"}, "AttributeError: module"),
    "argument": ({"arguments": {"depth": 1}}, "TypeError: "),
    "value": ({"arguments": {"gain": "much"}}, "ValueError: gain must be a number, found 'much'"),
}


@pytest.mark.parametrize(("changes", "says"), ORDERS.values(), ids=ORDERS.keys())
def test_what_cannot_be_loaded_is_told(folder: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(PermanentError) as refused:
        Worker(sys.executable, order(folder, **changes), LONG)
    assert f" to load, found {says}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_interpreter_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(PermanentError, match="expected a Python interpreter at /nowhere/python, found: No such file"):
        Worker("/nowhere/python", order(folder), LONG)


def test_a_program_that_is_no_python_is_told(folder: Path) -> None:
    with pytest.raises(TemporaryError, match="found that the worker ended with exit code 1"):
        Worker("/bin/false", order(folder), LONG)


def test_its_own_files_do_not_hide_modules_of_the_other_environment(folder: Path) -> None:
    # `wire` and `rubrics` are files beside the worker's script.
    found = Worker(sys.executable, order(folder, factory=f"{MODULE}:Importer"), LONG)
    assert ask(found, "plain") == [0.0, 0.0]
    found.stop()


def test_it_ends_when_nobody_holds_it(folder: Path) -> None:
    found = Worker(sys.executable, order(folder), LONG)
    pid = found.process.pid
    assert runs(pid)
    del found
    gc.collect()
    assert not runs(pid), "ended, and no zombie"


EXIT = """
import json, sys
from benchmarks.rewards.processes import Worker
held = Worker(sys.executable, json.loads(sys.argv[1]), 120.0)
print(held.process.pid, flush=True)
sys.exit(int(sys.argv[2]))
"""


@pytest.mark.parametrize("code", [0, 5])
def test_it_ends_with_the_interpreter(folder: Path, code: int) -> None:
    root = Path(processes.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", EXIT, json.dumps(order(folder)), str(code)],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (code, "")
    assert not runs(int(done.stdout))


def test_asking_needs_no_torch() -> None:
    root = Path(processes.__file__).parents[2]
    code = "import sys, benchmarks.rewards.processes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
