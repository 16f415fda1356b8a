"""What the papers claim, each with a small experiment, a statistic and a rule that turns the outcome into a verdict.

`base` says what a claim is, `rules` how an effect becomes a verdict, `evidence` how records are found, `statistics` and
`exact` what is computed from them, `catalog` lists all claims, `ledger` judges and prints them. Nothing here trains.
"""
