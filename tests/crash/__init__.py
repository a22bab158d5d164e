"""The crash matrix: a sync is ended before and after each of its calls, and each answer of AWS is lost (I2, I3)."""
