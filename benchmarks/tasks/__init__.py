"""Where prompts and the worlds behind them come from."""
