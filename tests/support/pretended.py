"""A device that is not there: torch's CPU kernels under the name "pretended", as strict as CUDA about what mixes.

`install` takes torch's slot for foreign devices (PrivateUse1) for the rest of the process, so use a process of its own.
Its tensors are plain ones: their storage is memory of the CPU with the device's name on it (through DLPack), parameters
are plain parameters, and autograd, optimizers and `Module.to` treat them as they treat those of a GPU, with a thread of
the engine for the device. What torch calls for them is one Python function, which runs torch's own CPU kernel.

Held to CUDA's rules:

- An operator that mixes it with a CPU tensor raises. Allowed, as in CUDA: a CPU tensor of no dimension as an operand,
  not as the result, of operators that torch tags as pointwise, of `where`, `masked_fill` and `index_put_`; CPU indices
  of one of its tensors, but not its indices of a CPU tensor; and copies. A few other operators of CUDA take scalars of
  the CPU, too; here they raise.
- It draws no numbers from a generator of the CPU.
- `.numpy()` raises, and so do `.data` and `.grad` of another device than the parameter's and a backward pass whose
  gradient is elsewhere than its tensor; these checks are torch's own, as most of those above.
- An optimizer counts its steps on the CPU.

Not covered: CUDA's kernels and what only they refuse or round in another way (fused attention, operators that are not
deterministic), autocast to bfloat16, memory, streams and what is not synchronized, pinned memory, several devices, NCCL
and `copy.deepcopy`. What torch puts together from other operators for foreign devices, as attention, takes sums in
another order than on the CPU.
"""

import ctypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

NAME = "pretended"
EXTERNAL = 12
"""DLPack's number of devices that torch knows as PrivateUse1."""
VIEWS = ("aten::as_strided", "aten::view", "aten::_reshape_alias", "aten::unfold", "aten::set_")
"""What only writes sizes and strides, for which torch's CPU kernels take tensors of any device."""
INDEXED = ("aten::index", "aten::_index_put_impl_", "aten::index_put_", "aten::index_put")
SCALARS = ("aten::_index_put_impl_", "aten::index_put_", "aten::where", "aten::masked_fill", "aten::masked_fill_")


def _convolution_backward(delta: Tensor, x: Tensor, weight: Tensor, *settings: Any) -> Any:
    return torch.ops.aten.convolution_backward(delta, x, weight, [delta.shape[1]], *settings)


RENAMED: dict[str, Callable[..., Any]] = {
    "aten::convolution_overrideable": torch.ops.aten.convolution,
    "aten::convolution_backward_overrideable": _convolution_backward,
}
"""Operators that torch has for foreign devices alone, and what they stand for."""
WHOLE = ("aten::native_group_norm", "aten::native_layer_norm")
"""Operators that torch would put together from others, in ways that not all inputs can go."""


class _Device(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int32), ("number", ctypes.c_int32))


class _DLTensor(ctypes.Structure):
    # How DLPack's struct begins.
    _fields_ = (("data", ctypes.c_void_p), ("device", _Device))


class _Backend:
    # What torch asks a device's module for.

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        pass

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


def lacking() -> str | None:
    """Return which of torch's functions for foreign devices this torch lacks, or None."""
    parts = (
        (torch.utils.backend_registration, "_setup_privateuseone_for_python_backend"),
        (torch.library.Library, "fallback"), (torch.ops.aten.view.default, "_op_dk"), (torch._C, "_acc"),
    )  # fmt: skip
    return next((f"torch {torch.__version__} has no {name}" for part, name in parts if not hasattr(part, name)), None)


def renamed(host: Tensor) -> Tensor:
    """Return a tensor on the device that shares the memory of one of the CPU."""
    capsule = torch.utils.dlpack.to_dlpack(host.detach())
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    header = _DLTensor.from_address(address(capsule, b"dltensor"))
    header.device.type, header.device.number = EXTERNAL, 0
    found = torch.utils.dlpack.from_dlpack(capsule)
    found.untyped_storage().host = host
    return found


def host_of(tensor: Tensor) -> Tensor:
    """Return the CPU tensor in whose memory a tensor on the device lies, with its sizes and strides."""
    host: Tensor = tensor.untyped_storage().host  # type: ignore[attr-defined]
    return host.as_strided(tensor.size(), tensor.stride(), host.storage_offset() + tensor.storage_offset())


@dataclass(frozen=True)
class _Facts:
    # What of an operator's schema matters: arguments that it writes, those that are tensors where numbers may be given.

    name: str
    scalars: bool
    written: tuple[int, ...]
    numbers: tuple[int, ...]
    mutable: bool


@cache
def _facts(op: Any) -> _Facts:
    name, arguments = op._schema.name, enumerate(op._schema.arguments)
    written = [(i, a) for i, a in arguments if a.alias_info is not None and a.alias_info.is_write]
    positions = tuple(i for i, a in written if not a.kwarg_only)
    numbers = tuple(i for i, a in enumerate(op._schema.arguments) if isinstance(a.type, torch.TensorType))
    scalars = torch.Tag.pointwise in op.tags or name in SCALARS
    return _Facts(name, scalars, positions, numbers, bool(written))


class _Call:
    # One call of an operator: its tensors on the device, and those of the CPU in whose memory they lie.

    def __init__(self, op: Any) -> None:
        self.op, self.facts = op, _facts(op)
        self.known: dict[int, tuple[Tensor, Tensor]] = {}

    def given(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        # Arguments for the CPU's kernel; raises where CUDA would.
        facts = self.facts
        positional = []
        for i, part in enumerate(args):
            if i == 1 and facts.name in INDEXED:
                positional.append([self._taken(one, any_device=True) for one in part])
            elif i in facts.numbers and isinstance(part, int | float):
                positional.append(torch.tensor(part))
            else:
                positional.append(self._taken(part, scalars=facts.scalars and i not in facts.written))
        keywords = {name: self._taken(part) for name, part in kwargs.items()}
        return positional, keywords | ({"device": "cpu"} if keywords.get("device") is not None else {})

    def _taken(self, part: Any, *, scalars: bool = False, any_device: bool = False) -> Any:
        if isinstance(part, Tensor):
            if not part.is_cpu:
                host = host_of(part)
                self.known[id(host)] = (part, host)
                return host
            if not any_device and (part.ndim or not scalars):
                raise RuntimeError(
                    f"{self.facts.name}: Expected all tensors to be on the same device, but found {NAME}:0 and cpu, of "
                    f"shape {list(part.shape)}"
                )
        elif isinstance(part, list | tuple):
            return [self._taken(one) for one in part]
        elif isinstance(part, torch.Generator) and part.device.type != NAME:
            raise RuntimeError(
                f"{self.facts.name}: Expected a '{NAME}' device type for generator but found '{part.device.type}'"
            )
        return part

    def returned(self, result: Any) -> Any:
        # Results on the device; what was written to is what was given.
        if isinstance(result, Tensor):
            return self.known[id(result)][0] if id(result) in self.known else renamed(result)
        return type(result)(map(self.returned, result)) if type(result) in (list, tuple) else result


def _adopt(tensor: Tensor, host: Tensor) -> None:
    # A result that its kernel has resized.
    fresh = renamed(host)
    kernel = torch.ops.aten.set_.source_Storage_storage_offset
    kernel._op_dk(torch._C.DispatchKey.CPU, tensor, fresh.untyped_storage(), 0, host.shape, host.stride())


def _run(op: Any, *args: Any, **kwargs: Any) -> Any:
    # Every operator that any tensor on the device takes part in, or is made by, and that is not put together from
    # others; below autograd.
    name = op._schema.name
    if name in VIEWS:
        return op._op_dk(torch._C.DispatchKey.CPU, *args, **kwargs)
    if name in ("aten::_copy_from", "aten::_copy_from_and_resize"):
        source, target = (part if part.is_cpu else host_of(part) for part in args[:2])
        target.copy_(source)
        return args[1]
    call = _Call(op)
    positional, keywords = call.given(args, kwargs)
    result = RENAMED.get(name, op)(*positional, **keywords)
    if call.facts.mutable:
        for tensor, host in call.known.values():
            if tensor.shape != host.shape or tensor.stride() != host.stride():
                _adopt(tensor, host)
    return call.returned(result)


def install() -> Any:
    """Make torch know the device, for good; keep what is returned as long as it is used."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME, backend_module=_Backend())
    library = torch.library.Library("_", "IMPL", "PrivateUse1")
    library.fallback(_run)
    own = torch.library.Library("aten", "IMPL", "PrivateUse1")
    for name in (*RENAMED, *WHOLE):
        own.impl(name, _bound(getattr(torch.ops.aten, name.removeprefix("aten::")).default))
    return library, own


def _bound(op: Any) -> Callable[..., Any]:
    def kernel(*args: Any, **kwargs: Any) -> Any:
        return _run(op, *args, **kwargs)

    return kernel


def fault() -> str | None:
    """Return what of the device does not work with this torch, or None; call it behind `install`."""
    try:
        x = torch.arange(4.0).to(NAME).requires_grad_()
        y = x * 2
        y[:2].add_(1)
        (y.view(2, 2) @ torch.ones(2, 1, device=NAME)).sum().backward()
        assert x.grad is not None
        found = x.grad.tolist(), x[x > 1].tolist(), str(x.grad.device)
    except (AttributeError, AssertionError, NotImplementedError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    wanted = [2.0] * 4, [2.0, 3.0], f"{NAME}:0"
    return None if found == wanted else f"expected {wanted}, found {found}"


@contextmanager
def refused(words: str, what: str) -> Iterator[None]:
    """Run the block, which must raise an error of torch in which some words occur."""
    try:
        yield
    except (RuntimeError, TypeError, IndexError) as error:
        if words in str(error):
            return
        raise AssertionError(f"{what}: expected an error with {words!r}, found {error}") from error
    raise AssertionError(f"{what}: expected an error with {words!r}, found none")
