"""An interpreter that runs from a sealed mount cannot be written to through /proc (CVE-2019-5736)."""

import os
import subprocess
import sys

from tests.support.sources import ROOT

SCRIPT = """
import os, sys
sys.path.insert(0, {root!r})
from runtime.syscall import sealed
if len(sys.argv) == 1:
    print("sealed", sealed.is_sealed(), flush=True)
    sealed.reexec_sealed(["-c", {again!r}, "again"], {{"MARK": "kept"}})
"""
AGAIN = """
import os, sys
sys.path.insert(0, {root!r})
from runtime.syscall import sealed
print("sealed", sealed.is_sealed(), os.environ["MARK"], sys.argv[1:], sys.prefix)
try:
    os.open("/proc/self/exe", os.O_WRONLY)
except OSError as error:
    print(os.strerror(error.errno))
"""


def test_a_sealed_interpreter_must_be_read_only():
    """It runs on as before, in its virtual environment, but its file answers EROFS to a writer."""
    again = AGAIN.format(root=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(root=str(ROOT), again=again)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=dict(os.environ),
    )
    assert done.stderr == ""
    first, second, third = done.stdout.splitlines()
    assert first == "sealed False"
    assert second == f"sealed True kept ['again'] {sys.prefix}"
    assert third in ("Read-only file system", "Text file busy")
