"""Suites: plain data, one file each."""

from benchmarks.base import Suite
from benchmarks.suites.toy import TOY

SUITES: dict[str, Suite] = {"toy": TOY}
