"""MetaTrader 5 through a REST bridge that the trader runs."""
