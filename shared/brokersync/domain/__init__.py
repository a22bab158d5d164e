"""The rules, in pure Python: standard library only, no I/O, no clock of its own."""
