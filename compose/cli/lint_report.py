"""What `build --check` prints, in the form of `docker build --check`."""

from schemas.engine.builds import BuildCheck, BuildWarning

_RULE = "-" * 20


def report(service: str, found: BuildCheck) -> str:
    """Return the text for one service."""
    count = len(found.warnings)
    total = f"{count} warning{'s have' if count > 1 else ' has'} been found!" if count else "no warnings found."
    return "".join([*map(_warning, found.warnings), f"{service}: Check complete, {total}\n"])


def _warning(warning: BuildWarning) -> str:
    number = f"{warning.line:>4} | >>> {warning.text}"
    lines = [
        f"WARNING: {warning.rule} - {warning.url}",
        warning.message,
        f"{warning.file}:{warning.line}",
        _RULE,
        number,
        _RULE,
    ]
    return "\n".join(lines) + "\n\n"
