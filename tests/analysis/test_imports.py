"""A report needs neither torch nor a window."""

import json
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


def test_numbers_alone_load_no_pictures() -> None:
    loaded = loaded_after("import analysis.summary, analysis.report")
    assert not loaded & {"torch", "matplotlib", "jinja2", "rich", "scipy.stats"}
