"""Named properties that several test files assert."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
import torch
from torch import Tensor


def assert_on_simplex(rows: Tensor, n_objectives: int, tolerance: float = 1e-6) -> None:
    """Assert that every row [n, K] is finite, non-negative and sums to 1."""
    assert rows.ndim == 2
    assert rows.shape[1] == n_objectives
    assert bool(rows.isfinite().all())
    assert bool((rows >= 0).all())
    torch.testing.assert_close(rows.double().sum(1), torch.ones(len(rows)).double(), rtol=0, atol=tolerance)


def assert_frozen(bundle: Any) -> None:
    """Assert that no field of a dataclass instance can be set."""
    for field in fields(bundle):
        with pytest.raises(FrozenInstanceError):
            setattr(bundle, field.name, getattr(bundle, field.name))


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested mappings, sequences and objects with attributes."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors_in(item)
    elif hasattr(value, "__dict__"):
        yield from tensors_in(vars(value))


@contextmanager
def unchanged(*values: Any) -> Iterator[None]:
    """Assert that no tensor in the values is written to in the block, by content (NaN equals NaN) and by version."""
    found = list(tensors_in(list(values)))
    assert found, "nothing to watch: the test would hold trivially"
    before = [(tensor.detach().clone(), tensor._version) for tensor in found]
    yield
    for tensor, (copy, version) in zip(found, before, strict=True):
        torch.testing.assert_close(tensor.detach(), copy, rtol=0, atol=0, equal_nan=True)
        assert tensor._version == version


def assert_identical(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Assert that two mappings of tensors agree bit for bit."""
    assert found.keys() == expected.keys()
    differing = [name for name, tensor in expected.items() if not torch.equal(found[name], tensor)]
    assert not differing
