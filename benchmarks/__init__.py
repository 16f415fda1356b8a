"""What methods are trained on, and the running of it.

Kept empty on purpose: `benchmarks.records` must be importable without torch.
"""
