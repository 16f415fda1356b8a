"""What the papers report, as data, and what would make each number again.

`tables` reads the numbers, `sources` the commands, `layout` shows a table, `miniature` sets records of this project's
small suites beside it. The files in `data/` hold one number a line, each with where it was found: nothing in them was
measured here.
"""
