"""Pydantic models of what crosses our own edges: strict, and closed to fields nobody declared."""
