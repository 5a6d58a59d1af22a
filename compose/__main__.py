"""`python -m compose` and the console script `pycompose`."""

import gc

# Imports make hundreds of thousands of objects and no garbage; looking for it takes 5 ms of a `ps`.
gc.disable()

import io  # noqa: E402 - see above
import os  # noqa: E402 - see above
import sys  # noqa: E402 - see above

from compose.cli.main import run  # noqa: E402 - see above


def main() -> None:
    """Run the command line and exit with its code.

    Without taking the interpreter apart, which would cost 3 ms and change nothing: `run` has flushed and closed.
    """
    _fill_closed_streams()
    _print_any_text()
    code = run(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)


def _fill_closed_streams() -> None:
    """Open /dev/null where the caller closed 0, 1 or 2 (`>&-`): the next file opened would take the number."""
    if sys.stdin and sys.stdout and sys.stderr:
        return
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115 - for the process's life
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115 - for the process's life
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115 - for the process's life


def _print_any_text() -> None:
    """Folder names need not be UTF-8, and terminals need not be either: bytes come out as they were, or escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape" if stream.encoding == "utf-8" else "backslashreplace")


if __name__ == "__main__":
    main()
