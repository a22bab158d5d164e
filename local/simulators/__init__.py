"""Brokers' protocols on the laptop: strict HTTP servers with books of their own, each runnable alone."""
