"""The README says what works: its commands run, its example is a method, its tree is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
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
    assert re.search(
        r"^\[testenv:bench\]\n(?:.*\n)*?commands = flowfront run toy \{posargs\}$", config, flags=re.MULTILINE
    )


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


def test_the_figures_are_those_of_the_reference_records() -> None:
    summary = (ROOT / "results" / "reference" / "toy" / "report" / "summary.md").read_text().splitlines()
    table = [
        line for line in README.splitlines() if re.match(r"\| (two-targets|three-targets|scales|specialists) \|", line)
    ]
    assert len(table) == 16
    assert set(table) <= set(summary)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "results/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), target


def test_every_command_of_the_readme_runs(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if not request.config.getoption("--run-readme"):
        # The commands are then only checked for being known; `tox -e doc` runs them all.
        assert all(re.match(r"flowfront (list|plan|run|report|doctor)\b|tox|pip install", c) for c in commands())
        return
    (tmp_path / "equal_pull.py").write_text(blocks("python")[0])
    program = shutil.which("flowfront", path=str(Path(sys.executable).parent))
    assert program is not None
    runnable = [c for c in commands() if c.startswith("flowfront ") and "toy {" not in c and c != "flowfront run toy"]
    assert len(runnable) >= 8
    for command in dict.fromkeys(runnable):
        words = [program, *command.split()[1:]]
        done = subprocess.run(words, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    table = (tmp_path / "results" / "toy" / "report" / "summary.md").read_text()
    assert "equal_pull" in table
