"""Tradovate, REST API v1."""
