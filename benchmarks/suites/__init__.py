"""Suites: plain data, one file each."""

from benchmarks.base import Suite
from benchmarks.suites.kontext import KONTEXT_EDIT
from benchmarks.suites.ltx2 import LTX2_VIDEO
from benchmarks.suites.samplers import SAMPLER_STUDY
from benchmarks.suites.shapes import SHAPES, SHAPES_SHORT
from benchmarks.suites.stable_diffusion import (
    SD35_FIVE_REWARDS,
    SD35_GENEVAL,
    SD35_OCR,
    SD35_PHOTO_SKETCH,
    SD35_SAMPLERS,
)
from benchmarks.suites.toy import TOY

SUITES: dict[str, Suite] = {
    "toy": TOY,
    "shapes": SHAPES,
    "shapes-short": SHAPES_SHORT,
    "sampler-study": SAMPLER_STUDY,
    "sd35-five-rewards": SD35_FIVE_REWARDS,
    "sd35-photo-sketch": SD35_PHOTO_SKETCH,
    "sd35-ocr": SD35_OCR,
    "sd35-geneval": SD35_GENEVAL,
    "sd35-samplers": SD35_SAMPLERS,
    "kontext-edit": KONTEXT_EDIT,
    "ltx2-video": LTX2_VIDEO,
}
