"""OANDA: the v20 REST API."""
