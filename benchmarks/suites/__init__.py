"""Suites: plain data, one file each."""

from benchmarks.base import Suite
from benchmarks.suites.samplers import SAMPLER_STUDY
from benchmarks.suites.shapes import SHAPES, SHAPES_SHORT
from benchmarks.suites.toy import TOY

SUITES: dict[str, Suite] = {
    "toy": TOY,
    "shapes": SHAPES,
    "shapes-short": SHAPES_SHORT,
    "sampler-study": SAMPLER_STUDY,
}
