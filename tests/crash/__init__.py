"""The crash matrix: a sync is ended before and after each of its calls, and every answer of AWS is lost once (I2, I3)."""
