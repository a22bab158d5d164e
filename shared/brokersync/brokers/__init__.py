"""One folder per broker, found by catalog."""
