"""The base of every model of the Compose file.

The models describe the *canonical* form, what `config --format json` prints: no short syntax, no
unions. The loader's tables have done the work before, so validation here is one pass of plain
types, and importing costs little (each validator or union would be paid at every start).
"""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Frozen. The loader's schema has refused unknown keys, so the only extra ones are `x-…`."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    @property
    def extensions(self) -> dict[str, object]:
        """The `x-…` keys."""
        return self.model_extra or {}
