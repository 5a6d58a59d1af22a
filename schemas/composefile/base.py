"""The base of every model of the Compose file.

The models describe the *canonical* form, what `config --format json` prints: no short syntax, no
unions. The loader's tables have done the work before, so validation here is one pass of plain
types, and importing costs little (each validator or union would be paid at every start).
"""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Frozen and closed: an unknown key is an error. Extension keys (`x-…`) are taken out by the loader."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
