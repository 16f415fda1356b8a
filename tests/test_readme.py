"""The README says what works: its commands run, its example is a method, its tree is there."""

import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.suites.toy import TOY

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "results" / "reference"
LONG = (
    "flowfront run toy",
    "flowfront run shapes",
    "flowfront run sampler-study",
    "flowfront pretrain shapes --compile",
    "flowfront pretrain shapes-alignment",
    "flowfront speed sd35 --random-weights",
    "flowfront reproduce marble-n-20",
)
"""Commands that take minutes or hours; what they run has tests of its own."""
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    inline = re.findall(r"`(flowfront [a-z]+ [^`]*|tox -e [^`]*)`", README)
    return [line.split("  #")[0].strip() for line in [*lines, *inline]]


def test_the_two_commands_are_what_ci_runs() -> None:
    assert "pip install tox && tox -e bench" in commands()
    assert "tox" in commands()
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("pip install tox && tox")


def test_bench_is_the_command_the_readme_says() -> None:
    config = (ROOT / "tox.ini").read_text()
    lines = r"commands =\n    flowfront run toy \{posargs\}\n    flowfront run shapes-short"
    job = rf"^\[testenv:bench\]\n(?:.*\n)*?{lines}$"
    assert re.search(job, config, flags=re.MULTILINE)


def test_the_tree_exists() -> None:
    (tree,) = re.findall(r"^```\n(methods/.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    names = [line.split()[0] for line in tree.splitlines() if line.strip()]
    assert names
    assert all((ROOT / name).exists() for name in names)


def test_the_example_is_short_and_complete() -> None:
    (example,) = blocks("python")
    code = [line for line in example.splitlines() if line.strip()]
    assert len(code) <= 34
    compile(example, "equal_pull.py", "exec")


def table_rows(text: str, first: str) -> list[str]:
    """The rows of the Markdown table whose head begins with `| first |`."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |")) + 2
    return list(itertools.takewhile(lambda line: line.startswith("|"), lines[start:]))


def test_the_results_are_those_of_the_reference_records() -> None:
    across = (REFERENCE / "toy" / "report" / "across.md").read_text()
    rows = table_rows(README.split("## What comes out")[1], "method")
    assert rows == table_rows(across, "method")
    assert {row.split("|")[1].strip() for row in rows} == set(TOY.methods)


def test_the_gradients_are_those_of_the_reference_records() -> None:
    gradients = (REFERENCE / "specialists-five-seeds" / "toy" / "report" / "gradients.md").read_text().splitlines()
    stored = [
        [cell.strip() for cell in line.split("|")[2:-1]] for line in gradients if line.startswith("| specialists |")
    ]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table_rows(README, "update")]
    assert len(rows) >= 5
    assert all(row in [[*line[:3], line[3], line[6], line[7], line[10]] for line in stored] for row in rows)


def test_the_speeds_are_those_of_the_reference_records() -> None:
    stored = json.loads((REFERENCE / "speed.json").read_text())
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table_rows(README, "training step")]
    assert rows == [[name, f"{row['ratio']:.3f}"] for name, row in stored.items()]


def test_the_repeated_pretraining_is_that_of_the_records() -> None:
    folder, text = ROOT / "results/reference/pretraining", " ".join(README.split())
    again, shipped = (
        json.loads((folder / f"{name}.json").read_text())[0]["quantities"] for name in ("again", "shipped")
    )
    said = "composition {:.2f} (shipped: {:.2f}), alignment {:.2f} ({:.2f}), Frechet distance {:.3f} ({:.3f})"
    names = ("reward_composition", "reward_alignment", "frechet")
    assert said.format(*(found[name]["mean"] for name in names for found in (again, shipped))) in text
    read = "{:.2f} in place of {:.2f}".format(*(found["reward_text"]["mean"] for found in (again, shipped)))
    assert read in text
    logs = (folder / "again.jsonl", ROOT / "benchmarks/backbones/weights/shapes/training.jsonl")
    last, first = (json.loads(log.read_text().splitlines()[-1])["loss"] for log in logs)
    assert f"a loss {100 * (last / first - 1):.1f} % above" in text


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "results/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), target


def test_every_command_of_the_readme_runs(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if not request.config.getoption("--run-readme"):
        # The commands are then only checked for being known; `tox -e doc` runs them all.
        verbs = "list|plan|run|eval|report|compare|reproduce|doctor|pretrain|speed|sample|export"
        known = rf"flowfront ({verbs})\b|tox|pip install|python -m tests\.support\.checkpoints "
        assert all(re.match(known, command) for command in commands())
        return
    (tmp_path / "equal_pull.py").write_text(blocks("python")[0])
    program = shutil.which("flowfront", path=str(Path(sys.executable).parent))
    assert program is not None
    short = [c for c in commands() if "toy {" not in c and c not in LONG]
    runnable = [c for c in short if c.startswith(("flowfront ", "python -m "))]
    assert len(runnable) >= 8
    for command in dict.fromkeys(runnable):
        words = shlex.split(command)
        words[0] = {"flowfront": program, "python": sys.executable}[words[0]]
        # A user is in the checkout, where the modules are found; nothing of this comes from the network.
        environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        # `compare` says by 1 that B is worse.
        fine = (0, 1) if "compare" in words else (0,)
        assert done.returncode in fine, f"{command}\n{done.stderr}"
    table = (tmp_path / "results" / "toy" / "report" / "summary.md").read_text()
    assert "equal_pull" in table
