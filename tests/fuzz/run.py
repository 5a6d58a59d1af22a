"""Fuzz the loader: `python -m tests.fuzz.run SECONDS [TARGET …]`, or `make fuzz SECONDS=…`.

Seeds are tests/fuzz/corpus, and docker compose's conformance corpus where it lies beside the repository. What the
fuzzer learns is kept in .fuzz/corpus for the next run, what it finds in .fuzz/findings: an input, and beside it how
it ended. The input of a finding that is mended goes to tests/fuzz/regressions.
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import SEPARATOR, TARGETS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SHARED = Path(os.environ.get("PYCOMPOSE_SHARED", ROOT.parent / "shared")) / "conformance" / "config"

_DONE = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+)")
_SHARES = {"load": 8, "documents": 6, "yaml": 3, "dotenv": 2}
"""Of the time; the other targets get one each."""


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one target."""

    target: str
    executions: int
    edges: int
    findings: tuple[Path, ...]
    died: str
    """The end of what the process said, when it did not end by itself."""

    @property
    def is_clean(self) -> bool:
        return not self.findings and not self.died


def fuzz(target: str, seconds: int, work: Path) -> Run:
    """Run one target for so many seconds, with what earlier runs in the same folder learned."""
    corpus, findings = work / "corpus" / target, work / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    seeds = HERE / "corpus" / target
    command = [sys.executable, "-m", "tests.fuzz.coverage_guided", target, str(findings), str(corpus)]
    command += [str(seeds)] if seeds.is_dir() else []
    command += ["-len_control=0"] if target == "documents" else []
    command += [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=6000"]
    command += [f"-artifact_prefix={findings}/{target}-", "-print_final_stats=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    figures = _DONE.search(done.stderr)
    found = tuple(path for path in sorted(findings.glob(f"{target}-*")) if path.suffix != ".txt")
    died = "" if done.returncode == 0 and figures else done.stderr[-2000:]
    executions, edges = (int(figures[1]), int(figures[2])) if figures else (0, 0)
    return Run(target, executions, edges, tuple(path for path in found if "-slow-unit-" not in path.name), died)


def add_conformance(work: Path) -> None:
    """Add the projects of the conformance corpus to what the fuzzer knows."""
    corpus = work / "corpus" / "load"
    corpus.mkdir(parents=True, exist_ok=True)
    for case in sorted(SHARED.iterdir()) if SHARED.is_dir() else ():
        texts = {path.relative_to(case): path for path in sorted(case.rglob("*")) if path.is_file()}
        main = next((path for name, path in texts.items() if name.suffix in (".yaml", ".yml")), None)
        if main is None:
            continue
        parts = [main.read_bytes()]
        for name, path in texts.items():
            if path != main and name.suffix != ".json" and path.stat().st_size < 4000:
                parts.append(f"\n{SEPARATOR}{name}\n".encode() + path.read_bytes())
        (corpus / case.name).write_bytes(b"".join(parts))


def main(arguments: Sequence[str]) -> int:
    """Run all targets, or those that are named, and print a line for each."""
    seconds, names = int(arguments[0]), list(arguments[1:]) or list(TARGETS)
    work = ROOT / ".fuzz"
    add_conformance(work)
    total = sum(_SHARES.get(name, 1) for name in names)
    clean = True
    for name in names:
        share = max(1, seconds * _SHARES.get(name, 1) // total)
        run = fuzz(name, share, work)
        print(f"{name:<12} {share:>5} s {run.executions:>10} executions {run.edges:>6} edges", flush=True)
        for finding in run.findings:
            print(f"  {finding}")
        if run.died:
            print(f"  died: {run.died}")
        clean = clean and run.is_clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
