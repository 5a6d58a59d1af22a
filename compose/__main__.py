"""`python -m compose` and the console script `pycompose`."""

import gc

# Imports make hundreds of thousands of objects and no garbage; looking for it takes 5 ms of a `ps`.
gc.disable()

import sys  # noqa: E402 - see above

from compose.cli.main import run  # noqa: E402 - see above


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
