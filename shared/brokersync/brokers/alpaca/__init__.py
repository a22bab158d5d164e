"""Alpaca, Trading API v2."""
