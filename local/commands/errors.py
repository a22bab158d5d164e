"""How a command says that it can't do what was asked."""


class CommandError(Exception):
    """One sentence for the person at the keyboard: what is wrong with which input, and what to do."""
