"""The `flowfront` command: words in, calls of `benchmarks` and `analysis`, lines and exit codes out."""

__version__ = "0.1.0"
