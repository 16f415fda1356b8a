"""Settings of the whole test run: its precision, one thread, and the switch for the README's commands."""

import os
from collections.abc import Iterator

import pytest
import torch


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-readme", action="store_true", help="execute every command of the README")


@pytest.fixture(autouse=True, scope="session")
def _precision() -> Iterator[None]:
    before = torch.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(
        {"float32": torch.float32, "float64": torch.float64}[os.environ.get("FLOWFRONT_TEST_DTYPE", "float32")]
    )
    torch.set_num_threads(1)
    yield
    torch.set_default_dtype(before[0])
    torch.set_num_threads(before[1])
