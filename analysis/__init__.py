"""From the records of runs to claims about them.

Kept empty on purpose, so that importing one indicator does not load the plots. Nothing in this package imports
torch or anything of this project other than `benchmarks.records`.
"""
