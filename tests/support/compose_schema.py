"""The generator of schemas/compose-spec.json, which is a script and no package's module."""

import importlib.util
from functools import cache
from types import ModuleType

from tests.support.sources import ROOT

PUBLISHED = ROOT / "schemas" / "compose-spec.json"


@cache
def generator() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("compose_schema", ROOT / ".ci" / "compose_schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
