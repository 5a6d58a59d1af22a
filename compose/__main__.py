"""`python -m compose` and the console script `pycompose`."""

import gc

# Imports make hundreds of thousands of objects and no garbage; looking for it takes 5 ms of a `ps`.
gc.disable()

import os  # noqa: E402 - see above
import sys  # noqa: E402 - see above

from compose.cli.main import run  # noqa: E402 - see above


def main() -> None:
    """Run the command line and exit with its code.

    Without taking the interpreter apart, which would cost 3 ms and change nothing: `run` has flushed and closed.
    """
    code = run(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
