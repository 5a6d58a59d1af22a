"""What each command imports, and how long that takes: the reason why reading commands are quick.

    python benchmarks/import_times.py [--runs 9] [--json]

Prints, for every command, the modules it has imported when it begins to work, the wall time of an
interpreter that imports them and ends (median of the runs), and the heavy libraries among them.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from compose.cli.registry import COMMANDS  # noqa: E402 - the path has to be set first

HEAVY = ("pydantic", "networkx", "pyroute2", "rich", "asyncio", "yaml")


def main() -> int:
    """Measure every command and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [measure("(nothing)", (), options.runs), measure("(compose.cli.main)", ("compose.cli.main",), options.runs)]
    for name, command in COMMANDS.items():
        rows.append(measure(name, ("compose.cli.main", command.arguments, command.module), options.runs))
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    print(f"{'command':<20}{'modules':>8}{'ms':>8}   heavy libraries")
    for row in rows:
        print(f"{row['command']:<20}{row['modules']:>8}{row['ms']:>8.1f}   {', '.join(row['heavy'])}")
    return 0


def measure(name: str, modules: tuple[str, ...], runs: int) -> dict[str, object]:
    """Return the modules and the median milliseconds of importing what a command needs."""
    imports = "".join(f"import {module}\n" for module in dict.fromkeys(modules))
    counted = _python(imports + "import sys; print(*sys.modules)").split()
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        _python(imports or "pass")
        times.append((time.perf_counter() - begun) * 1000)
    top = {module.partition(".")[0] for module in counted}
    return {
        "command": name,
        "modules": len(counted),
        "ms": round(statistics.median(times), 1),
        "heavy": [library for library in HEAVY if library in top],
    }


def _python(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
