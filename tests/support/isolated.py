"""A module of another environment: rewards that need numpy only, and do what rewards of others do."""

from pathlib import Path

MODULE = "rewards_of_others"

_SOURCE = '''
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


class Scorer:
    """The mean of each sample times a gain, in whatever array; the first prompt says what happens besides."""

    def __init__(self, gain=1.0, once=None):
        if not isinstance(gain, float):
            raise ValueError(f"gain must be a number, found {gain!r}")
        print("loading", flush=True)
        self.gain, self.once = gain, once

    def __call__(self, samples, prompts):
        self.do(prompts[0])
        if prompts[0] == "infinite":
            return [float("inf")] * len(prompts)
        if prompts[0] == "words":
            return ["high"] * len(prompts)
        if prompts[0] == "nothing":
            return np.full(len(prompts), np.nan, dtype=np.float32)
        if prompts[0] == "too few":
            return [1.0]
        return samples.reshape(len(prompts), -1).mean(1) * self.gain

    def do(self, prompt):
        if prompt == "prints":
            print("x" * 100_000, flush=True)
        elif prompt == "prints in C":
            os.write(1, b"12345678" * 10)
        elif prompt == "runs a program that prints":
            subprocess.run(["echo", "12345678"], check=True)
        elif prompt == "reads":
            assert sys.stdin.read() == ""
        elif prompt == "raises":
            raise RuntimeError("of two\\nlines")
        elif prompt == "dies" or (prompt == "dies once" and self.first_time()):
            print("no memory left\\n", file=sys.stderr, flush=True)
            os._exit(3)
        elif prompt == "sleeps" or (prompt == "sleeps once" and self.first_time()):
            time.sleep(60)

    def first_time(self):
        if Path(self.once).exists():
            return False
        Path(self.once).touch()
        return True


class Kind:
    """Scores 1 for tensors without gradients, 0 for arrays, and imports torch for neither."""

    def __call__(self, samples, prompts):
        tensor = hasattr(samples, "detach")
        if tensor:
            assert not sys.modules["torch"].is_grad_enabled()
        else:
            assert "torch" not in sys.modules
        assert samples.min() == 0 and samples.max() == 1 and "float32" in str(samples.dtype)
        return [float(tensor)] * len(prompts)


class Importer:
    """Scores 0 where the files beside the worker's script, and the project they belong to, are out of the way."""

    def __call__(self, samples, prompts):
        assert not [name for name in sys.modules if name.split(".")[0] == "benchmarks"]
        for name in ("wire", "rubrics"):
            try:
                __import__(name)
            except ModuleNotFoundError:
                continue
            raise AssertionError(name)
        return [0.0] * len(prompts)
'''


def write_module(folder: Path) -> Path:
    """Write the module into a folder and return the folder."""
    (folder / f"{MODULE}.py").write_text(_SOURCE)
    return folder
