"""Methods to JSON and back, and changes of single fields by name."""

import difflib
import importlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from benchmarks.records import UsageError


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the part of an error line that names what is known, the most similar names first.

    Example:
        >>> nearest("pareto", ["marble", "pareto_slider"])
        'expected one of pareto_slider, marble'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.3)
    return "expected one of " + ", ".join(close + [other for other in names if other not in close])


def load_attribute(reference: str, what: str) -> Any:
    """Return the attribute that `module:Name` names.

    Raises:
        UsageError: If the form is wrong, the module cannot be imported or has no such name.
    """
    module_name, colon, attribute = reference.partition(":")
    if not colon or not module_name or not attribute:
        raise UsageError(f"{what}: expected module:Name, found {reference!r}")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, TypeError, ValueError) as error:
        raise UsageError(f"{what} {reference}: cannot import {module_name}: {error}") from error
    found: Any = module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            known = [name for name in dir(found) if not name.startswith("_")]
            raise UsageError(f"{what} {reference}: no {part} in it, {nearest(part, known):.200}") from error
    return found


def describe(value: Any) -> Any:
    """Return a frozen bundle as JSON data: {"class": "module:Class", "fields": {...}}, nested.

    Example:
        >>> from methods.snapshots import WarmupAverage
        >>> describe(WarmupAverage())
        {'class': 'methods.snapshots:WarmupAverage', 'fields': {'limit': 0.9}}
    """
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        content = {field.name: describe(vars(value)[field.name]) for field in fields(value)}
        return {"class": f"{kind.__module__}:{kind.__qualname__}", "fields": content}
    if isinstance(value, tuple | list):
        return [describe(item) for item in value]
    return value


def build(description: Any, where: str = "method") -> Any:
    """Return the bundle that `describe` described.

    Raises:
        UsageError: If a class or a field is unknown or a value does not fit.
    """
    if isinstance(description, Mapping):
        if set(description) != {"class", "fields"}:
            raise UsageError(f"{where}: expected the keys class and fields, found {sorted(map(str, description))}")
        if not isinstance(description["class"], str) or not isinstance(description["fields"], Mapping):
            raise UsageError(f"{where}: expected class to be a text and fields an object, found {description!r:.80}")
        kind = load_attribute(description["class"], where)
        if not (isinstance(kind, type) and is_dataclass(kind)):
            raise UsageError(f"{where}: expected a dataclass, found {description['class']}")
        known = {field.name for field in fields(kind) if field.init}
        values = {}
        for name, content in description["fields"].items():
            if name not in known:
                raise UsageError(f"{where}: {kind.__name__} has no field {name!r}, {nearest(name, known)}")
            values[name] = _field_value(kind, name, content, f"{where}.{name}")
        return _construct(kind, values, where)
    if isinstance(description, list):
        return tuple(build(item, where) for item in description)
    if isinstance(description, float) and not math.isfinite(description):
        raise UsageError(f"{where}: expected a finite number, found {description}")
    return description


def _field_value(kind: type, name: str, content: Any, where: str) -> Any:
    # JSON has no paths, and an object may be meant as it is.
    hint = _hint(kind, name)
    if isinstance(content, Mapping) and get_origin(hint) in (Mapping, dict):
        return dict(content)
    if isinstance(content, str) and Path in (hint, *get_args(hint)) and str not in get_args(hint):
        return Path(content)
    return build(content, where)


def _hint(kind: type, name: str) -> Any:
    # A name that is imported for the type checker alone cannot be resolved; such a field is checked by its class.
    try:
        return get_type_hints(kind)[name]
    except NameError:
        found = next(
            base.__annotations__[name] for base in kind.__mro__ if name in vars(base).get("__annotations__", ())
        )
        return Any if isinstance(found, str) else found


def _construct(kind: type, values: Mapping[str, Any], where: str) -> Any:
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {error}") from error


def field_paths(value: Any, prefix: str = "") -> list[str]:
    """Return the dotted names of all fields of a bundle and of the bundles in it.

    Example:
        >>> from methods.snapshots import SnapshotSchedule
        >>> field_paths(SnapshotSchedule())[:3]
        ['old', 'old.start', 'old.rate']
    """
    paths = []
    for field in fields(value):
        inner = vars(value)[field.name]
        paths.append(prefix + field.name)
        if is_dataclass(inner):
            paths += field_paths(inner, f"{prefix}{field.name}.")
    return paths


def override(bundle: Any, path: str, text: str, where: str) -> Any:
    """Return the bundle with one field changed.

    Args:
        bundle: A frozen dataclass.
        path: Dotted name of the field, such as `objective.beta`.
        text: New value: JSON, or a bare word; a part is given as its {"class": ..., "fields": ...}.
        where: Name of the bundle in error lines.

    Raises:
        UsageError: If there is no such field (the nearest ones are named) or the value does not fit it.
    """
    name, _, rest = path.partition(".")
    if name not in {field.name for field in fields(bundle)}:
        known = field_paths(bundle)
        same_leaf = [other for other in known if other.split(".")[-1] == path.rsplit(".", maxsplit=1)[-1]]
        hint = f"did you mean {' or '.join(same_leaf)}?" if same_leaf else nearest(path, known)
        raise UsageError(f"{where} has no field {path!r}: {hint}")
    if rest:
        inner = vars(bundle)[name]
        if not is_dataclass(inner):
            raise UsageError(f"{where}.{name} has no fields, found {path!r}")
        value = override(inner, rest, text, f"{where}.{name}")
    else:
        value = _parse(type(bundle), name, text, f"{where}.{name}")
    try:
        return replace(bundle, **{name: value})
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}.{path}: {error}") from error


def _parse(kind: type, name: str, text: str, where: str) -> Any:
    hint = _hint(kind, name)
    value = read_value(text)
    if isinstance(value, Mapping) and get_origin(hint) not in (Mapping, dict):
        return build(value, where)
    return fitting(hint, text, where)


def read_value(text: str) -> Any:
    """Return a value as the command line gives it: JSON, or a bare word.

    Example:
        >>> read_value("[1, 2]"), read_value("0.5"), read_value("models/hps")
        ([1, 2], 0.5, 'models/hps')
    """
    try:
        return json.loads(text)
    except ValueError:
        return text


def fitting(hint: Any, text: str, where: str) -> Any:
    """Return the value of a text, JSON or a bare word, as the type that a hint asks for.

    Raises:
        UsageError: If it does not fit, or the hint is a part, which is given as its {"class": ..., "fields": ...}.
    """
    value = read_value(text)
    if value is None and type(None) in get_args(hint):
        # Also where the other choice is a part, of which there is no type to validate with.
        return None
    if not isinstance(value, Mapping):
        build(value, where)
    if isinstance(value, int | float) and str in (hint, *get_args(hint)):
        # A version or a name may look like a number.
        value = text
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        raise UsageError(f"{where}: expected {hint}, found {text!r} ({error.errors()[0]['msg']})") from error
    except PydanticUserError as error:
        raise UsageError(f'{where}: expected {{"class": "module:Class", "fields": {{...}}}}, found {text!r}') from error
