"""`make run`: demo accounts at the simulated brokers, one round of syncs, and the proof that it is right."""
