"""The pictures a run kept: sheets of tiles, read and checked, and what of them stands for a method.

A sheet is one PNG for a point of the front, one row of tiles a prompt and one column a sample, without margins. Column
j of every sheet of a seed started from the same noise, whatever the method. Nothing here draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from analysis.front import Front
from analysis.single_model import balanced_index
from analysis.summary import BenchmarkSummary
from benchmarks.records import RecordError, StoredRun, read_json, validated

INDEX = Path("samples") / "index.json"
Tiles = npt.NDArray[np.uint8]
"""Pictures [P, S, H, W, 3] of one point: prompts, samples, height, width, RGB."""
MATCH_TOLERANCE = 1e-6


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    step: int = Field(ge=0)
    point: int = Field(ge=0)
    preference: list[float] = Field(min_length=1)
    # A plain name: an index must not lead out of its folder.
    file: str = Field(pattern=r"^[A-Za-z0-9_-]+\.png$")


class _Index(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    tile: list[int] = Field(min_length=2, max_length=2)
    prompts: list[str] = Field(min_length=1)
    samples: int = Field(ge=1)
    sheets: list[_Entry]


@dataclass(frozen=True)
class Sheet:
    """Where the pictures of one point lie; `preference` [K] is what they were asked for."""

    step: int
    point: int
    preference: tuple[float, ...]
    path: Path


@dataclass(frozen=True)
class Pictures:
    """The sheets of a run.

    Attributes:
        tile: Height and width of a picture in pixels.
        prompts: The prompts shown, in the order of a sheet's rows.
        samples: Pictures of each prompt.
        sheets: In order of steps and points; step 0 is the base model.
    """

    tile: tuple[int, int]
    prompts: tuple[str, ...]
    samples: int
    sheets: tuple[Sheet, ...]

    def at(self, step: int) -> tuple[Sheet, ...]:
        """Return the sheets of a checkpoint, points in order."""
        return tuple(sheet for sheet in self.sheets if sheet.step == step)

    def tiles(self, sheet: Sheet) -> Tiles:
        """Return the pictures [P, S, H, W, 3] of a sheet.

        Raises:
            RecordError: If the file is missing, damaged, or not of the size that the index says.
        """
        (height, width), rows, columns = self.tile, len(self.prompts), self.samples
        pixels = _pixels(sheet.path, (columns * width, rows * height))
        return np.ascontiguousarray(pixels.reshape(rows, height, columns, width, 3).swapaxes(1, 2))


def _pixels(path: Path, size: tuple[int, int]) -> Tiles:
    """Return the pixels [height, width, 3] of a PNG that must have `size` (width, height)."""
    # Imported here because a report of a suite without pictures needs no decoder.
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            # Before decoding: a damaged head must not cost memory.
            if image.size != size or image.mode != "RGB":
                found = f"{image.size[0]} x {image.size[1]} of mode {image.mode}"
                raise RecordError(
                    f"{path}: expected a picture of {size[0]} x {size[1]} pixels of mode RGB, found {found}"
                )
            return np.asarray(image, dtype=np.uint8)
    except FileNotFoundError as error:
        raise RecordError(f"cannot read {path}: no such file") from error
    except RecordError:
        raise
    # What Pillow raises for a file that is cut off, has a wrong checksum, or claims to be enormous.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RecordError(f"{path} is damaged: expected a PNG, found: {' '.join(str(error).split()):.80}") from error


def read_pictures(folder: Path) -> Pictures | None:
    """Return the sheets of a run, None where it kept none; the PNG files are read when asked for.

    Args:
        folder: The run's folder.

    Raises:
        RecordError: If the index is damaged, or has two sheets of one point.
    """
    path = folder / INDEX
    if not path.exists():
        return None
    index = validated(path, _Index, read_json(path))
    if min(index.tile) < 1:
        raise RecordError(f"{path}: field tile: expected a height and a width of 1 pixel or more, found {index.tile}")
    sheets = [Sheet(one.step, one.point, tuple(one.preference), path.parent / one.file) for one in index.sheets]
    places = [(sheet.step, sheet.point) for sheet in sheets]
    if len(set(places)) != len(places):
        raise RecordError(f"{path}: expected one sheet a step and point, found several")
    ordered = tuple(sorted(sheets, key=lambda sheet: (sheet.step, sheet.point)))
    return Pictures((index.tile[0], index.tile[1]), tuple(index.prompts), index.samples, ordered)


@dataclass(frozen=True, eq=False)
class Shown:
    """A method's pictures at its last checkpoint.

    Attributes:
        method: Its name.
        models: How many models it trained for its front.
        front: The points of its front.
        pictures: The sheets of its run.
        sheets: The sheet of each point [N], in the order of the front.
    """

    method: str
    models: int
    front: Front
    pictures: Pictures
    sheets: tuple[Sheet, ...]

    @property
    def balanced(self) -> Sheet | None:
        """The sheet of the point whose preference is nearest to equal weights, None if that is unknown."""
        index = balanced_index(self.front)
        return None if index is None else self.sheets[index]

    def tiles(self, sheet: Sheet) -> Tiles:
        """Return the pictures [P, S, H, W, 3] of one of the sheets."""
        return self.pictures.tiles(sheet)


@dataclass(frozen=True, eq=False)
class Exhibition:
    """What a report shows of a benchmark: one seed, so that all methods started from the same noise.

    Attributes:
        part: The benchmark.
        seed: The first seed that has pictures.
        base: Pictures [P, S, H, W, 3] of the base model, or None if unknown.
        shown: Pictures by method, sorted by name.
    """

    part: BenchmarkSummary
    seed: int
    base: Tiles | None
    shown: Mapping[str, Shown]

    @property
    def prompts(self) -> tuple[str, ...]:
        """The prompts shown."""
        return next(iter(self.shown.values())).pictures.prompts

    @property
    def samples(self) -> int:
        """Pictures of each prompt."""
        return next(iter(self.shown.values())).pictures.samples


def exhibition_of(part: BenchmarkSummary, runs: Sequence[StoredRun]) -> Exhibition | None:
    """Return what can be shown of a benchmark, None where no finished run of it kept pictures.

    Args:
        part: The benchmark.
        runs: The finished runs of its suite.

    Raises:
        RecordError: If an index is damaged, or the runs do not show the same prompts, samples and tiles.
    """
    for seed in sorted({seed for fronts in part.fronts.values() for seed in fronts}):
        candidates = [(run, read_pictures(run.folder)) for run in _runs_of(part, runs, seed)]
        found = [(run, pictures) for run, pictures in candidates if pictures is not None]
        if found:
            _require_alike(found)
            shown = {run.record.method.name: _shown(part, run, pictures) for run, pictures in found}
            return Exhibition(part, seed, _base_tiles([pictures for _, pictures in found]), shown)
    return None


def _runs_of(part: BenchmarkSummary, runs: Sequence[StoredRun], seed: int) -> list[StoredRun]:
    """Return the runs of a seed that reached a trained checkpoint, by method."""
    found = {
        run.record.method.name: run
        for run in runs
        if run.record.benchmark.name == part.record.name and run.record.seed == seed
    }
    return [found[method] for method in part.fronts if method in found and seed in part.fronts[method]]


def _require_alike(found: Sequence[tuple[StoredRun, Pictures]]) -> None:
    first_run, first = found[0]
    for run, pictures in found:
        for name, expected, here in (
            ("tile", first.tile, pictures.tile),
            ("prompts", first.prompts, pictures.prompts),
            ("samples", first.samples, pictures.samples),
        ):
            if here != expected:
                raise RecordError(
                    f"{run.folder / INDEX}: expected the {name} of {first_run.folder / INDEX}, "
                    f"found {here!r:.60} instead of {expected!r:.60}"
                )


def _shown(part: BenchmarkSummary, run: StoredRun, pictures: Pictures) -> Shown:
    """Return what a run shows at its last checkpoint, its sheets matched with the points of its front."""
    method, step = run.record.method.name, max(checkpoint.step for checkpoint in run.record.checkpoints)
    front, sheets = part.fronts[method][run.record.seed], pictures.at(step)
    path = run.folder / INDEX
    if len(sheets) != len(front.points):
        raise RecordError(f"{path}: expected a sheet for each of {len(front.points)} points, found {len(sheets)}")
    n_objectives = front.points.shape[1]
    for sheet, point in zip(sheets, range(len(sheets)), strict=True):
        if len(sheet.preference) != n_objectives:
            raise RecordError(f"{path}: expected a preference of {n_objectives}, found {list(sheet.preference)!r:.80}")
        asked = None if front.preferences is None else front.preferences[point]
        if asked is not None and not np.allclose(asked, sheet.preference, atol=MATCH_TOLERANCE):
            raise RecordError(
                f"{path}: expected preference {asked.tolist()} at point {sheet.point} as in the evaluations, "
                f"found {list(sheet.preference)}"
            )
    return Shown(method, run.record.models, front, pictures, sheets)


def _base_tiles(found: Sequence[Pictures]) -> Tiles | None:
    # The same in every run of a seed: same weights, same noise.
    for pictures in found:
        for sheet in pictures.at(0):
            return pictures.tiles(sheet)
    return None
