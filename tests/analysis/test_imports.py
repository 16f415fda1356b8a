"""A report needs neither torch nor a window."""

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def loaded_after(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after running code."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_report_loads_no_torch_and_no_pyplot(small_folder: Path) -> None:
    code = (
        "from pathlib import Path\nfrom analysis.report import write_report\n"
        f"from rich.console import Console\nwrite_report(Path({str(small_folder)!r})).table.to_terminal(Console())"
    )
    loaded = loaded_after(code)
    assert "matplotlib" in loaded
    assert not loaded & {"torch", "matplotlib.pyplot", "tkinter", "pymoo"}


def test_importing_analysis_loads_nothing_that_only_some_need() -> None:
    names = [
        module.name
        for module in pkgutil.walk_packages([str(ROOT / "analysis")], "analysis.")
        if not module.name.startswith("analysis.plots")
    ]
    assert "analysis.report" in names
    assert "analysis.claims.ledger" in names
    assert "analysis.papers.tables" in names
    loaded = loaded_after(f"import {', '.join(names)}")
    assert not loaded & {"torch", "diffusers", "transformers", "matplotlib", "pymoo"}
    assert not loaded & {"pandas", "pyarrow", "scipy", "jinja2", "rich", "PIL"}


def test_reading_records_loads_neither_pandas_nor_pictures(small_folder: Path) -> None:
    code = f"from pathlib import Path\nfrom analysis.summary import summarize\nsummarize(Path({str(small_folder)!r}))"
    assert not loaded_after(code) & {"pandas", "matplotlib", "torch", "pymoo", "scipy.stats"}
