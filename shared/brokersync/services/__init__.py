"""The use cases: each takes its ports in the constructor."""
