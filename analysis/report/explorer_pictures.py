"""Pictures of the explorer as data URIs, and how many of them a file of limited size can hold.

Each picture is a URI of its own, so that the page shows it without cropping and sizes simply add up.
"""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.pictures import Exhibition, Shown, Tiles

LARGEST_SIDE = 224
"""Longer side of a picture that was made smaller [pixels], twice what a page shows beside five others."""
QUALITY = 85
SMALL = 64
"""Longer side up to which a picture stays as it is: a JPEG would be hardly smaller [pixels]."""

Uris = list[list[str]]
"""Data URIs of one point: one list a prompt, one entry a sample."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures of a benchmark as a page holds them.

    Attributes:
        seed: The seed they are of.
        tile: Height and width of a picture before it was made smaller [pixels].
        prompts: The prompts shown.
        samples: Pictures of each prompt.
        base: The base model's, None if unknown.
        methods: By method those of each point [N] of its front, None for a point whose pictures were left out.
    """

    seed: int
    tile: tuple[int, int]
    prompts: tuple[str, ...]
    samples: int
    base: Uris | None
    methods: Mapping[str, list[Uris | None]]


@dataclass(frozen=True)
class Cut:
    """How much is kept: the first samples, the first prompts, and no more than so many points of a front."""

    samples: int
    prompts: int
    points: int


def galleries_of(exhibitions: Sequence[Exhibition], budget: int) -> tuple[dict[str, Gallery], tuple[str, ...]]:
    """Return the pictures of each benchmark that fit into a budget, and sentences on what was left out.

    What does not fit is made smaller and stored as JPEG; then samples, prompts and points are left out, in this order
    and for all benchmarks alike.

    Args:
        exhibitions: What can be shown.
        budget: Length of all URIs together [bytes].

    Raises:
        RecordError: If a sheet is missing or damaged.
    """
    if not exhibitions:
        return {}, ()
    lossy = [one.part.record.name for one in exhibitions if _is_large(one)]
    if _stored_size(exhibitions) <= budget:
        lossy = []
    whole = {one.part.record.name: _whole(one, one.part.record.name in lossy) for one in exhibitions}
    largest = _largest(list(whole.values()))
    for cut in cuts(largest):
        kept = {name: _kept(gallery, cut) for name, gallery in whole.items()}
        if sum(map(size_of, kept.values())) <= budget:
            return kept, _left_out(largest, cut, bool(lossy))
    return {}, ("The pictures do not fit into this file; they lie in the folders `samples` of the runs.",)


def cuts(largest: Cut) -> Iterator[Cut]:
    """Yield what could be kept, from everything to one picture a method.

    Example:
        >>> [(cut.samples, cut.prompts, cut.points) for cut in cuts(Cut(2, 2, 2))]
        [(2, 2, 2), (1, 2, 2), (1, 1, 2), (1, 1, 1)]
    """
    yield from (Cut(samples, largest.prompts, largest.points) for samples in range(largest.samples, 0, -1))
    yield from (Cut(1, prompts, largest.points) for prompts in range(largest.prompts - 1, 0, -1))
    yield from (Cut(1, 1, points) for points in range(largest.points - 1, 0, -1))


def size_of(gallery: Gallery) -> int:
    """Return the length of all data URIs of a gallery [bytes]."""
    points = [gallery.base, *(uris for row in gallery.methods.values() for uris in row)]
    return sum(len(uri) for uris in points if uris is not None for row in uris for uri in row)


def _stored_size(exhibitions: Sequence[Exhibition]) -> int:
    """Return about how long the URIs will be if nothing is lost, from the sizes of the sheets."""
    size = 0
    for one in exhibitions:
        sizes = [sheet.path.stat().st_size for shown in one.shown.values() for sheet in shown.sheets]
        size += sum(sizes) + (0 if one.base is None else max(sizes, default=0))
    return size * 4 // 3


def _is_large(one: Exhibition) -> bool:
    return max(next(iter(one.shown.values())).pictures.tile) > SMALL


def _whole(one: Exhibition, lossy: bool) -> Gallery:
    height, width = next(iter(one.shown.values())).pictures.tile
    return Gallery(
        seed=one.seed,
        tile=(height, width),
        prompts=one.prompts,
        samples=one.samples,
        base=None if one.base is None else _uris(one.base, lossy),
        methods={name: _of_method(shown, lossy) for name, shown in one.shown.items()},
    )


def _of_method(shown: Shown, lossy: bool) -> list[Uris | None]:
    return [_uris(shown.tiles(sheet), lossy) for sheet in shown.sheets]


def _uris(tiles: Tiles, lossy: bool) -> Uris:
    return [[data_uri(tile, lossy) for tile in row] for row in tiles]


def data_uri(tile: Tiles, lossy: bool) -> str:
    """Return a picture [H, W, 3] as a data URI: PNG, or a smaller JPEG where it may lose something."""
    # Imported here because a report of a suite without pictures needs no encoder.
    from PIL import Image

    image, stream = Image.fromarray(tile), io.BytesIO()
    if lossy:
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
        image.save(stream, format="JPEG", quality=QUALITY)
    else:
        image.save(stream, format="PNG", compress_level=9)
    kind = "jpeg" if lossy else "png"
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"


def _largest(galleries: Sequence[Gallery]) -> Cut:
    return Cut(
        samples=max(one.samples for one in galleries),
        prompts=max(len(one.prompts) for one in galleries),
        points=max(len(row) for one in galleries for row in one.methods.values()),
    )


def _kept(gallery: Gallery, cut: Cut) -> Gallery:
    def part(uris: Uris | None) -> Uris | None:
        return None if uris is None else [row[: cut.samples] for row in uris[: cut.prompts]]

    methods = {}
    for name, row in gallery.methods.items():
        chosen = spread(len(row), cut.points)
        methods[name] = [part(uris) if index in chosen else None for index, uris in enumerate(row)]
    return Gallery(
        seed=gallery.seed,
        tile=gallery.tile,
        prompts=gallery.prompts[: cut.prompts],
        samples=min(gallery.samples, cut.samples),
        base=part(gallery.base),
        methods=methods,
    )


def spread(count: int, most: int) -> frozenset[int]:
    """Return no more than `most` of `count` places, from end to end; of one, the middle.

    Example:
        >>> sorted(spread(5, 3)), sorted(spread(5, 1)), sorted(spread(2, 9))
        ([0, 2, 4], [2], [0, 1])
    """
    if most >= count:
        return frozenset(range(count))
    if most == 1:
        return frozenset({count // 2})
    return frozenset(int(index) for index in np.linspace(0, count - 1, most).round())


def _left_out(largest: Cut, cut: Cut, lossy: bool) -> tuple[str, ...]:
    if not lossy and cut == largest:
        return ()
    parts = [f"pictures are JPEG of at most {LARGEST_SIDE} pixels"] if lossy else []
    pairs = (
        (cut.samples, largest.samples, "samples of each prompt"),
        (cut.prompts, largest.prompts, "prompts"),
        (cut.points, largest.points, "points of a front"),
    )
    parts += [f"{kept} of {of} {name} are shown" for kept, of, name in pairs if kept < of]
    return (f"To keep this file small {', '.join(parts)}; everything lies in the folders `samples` of the runs.",)
