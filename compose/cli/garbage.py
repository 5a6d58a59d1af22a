"""Python's collector of garbage, which rests while a command starts."""

import gc


def begin_to_collect() -> None:
    """Have it work, since what follows takes as long as it takes. What is there now stays to the end, unlooked at."""
    gc.freeze()
    gc.enable()
