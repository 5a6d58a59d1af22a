"""The base of every model of the Compose file.

The models describe the *canonical* form, what `config --format json` prints: no short syntax, no
unions. The loader's tables have done the work before, so validation here is one pass of plain
types, and importing costs little (each validator or union would be paid at every start).

Docstrings are for those who write Compose files: editors show them, from schemas/compose-spec.json.
How a field's canonical value differs from what is written stands in a comment.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import core_schema

from schemas.composefile.frozen import frozen


def _extension(key: object) -> str:
    if isinstance(key, str) and key.startswith("x-"):
        return key
    raise ValueError(f"unknown attribute `{key}`")


class _Plain:
    """A validator in Python, called for extra keys alone: a model without any pays nothing."""

    def __init__(self, validate: Callable[[Any], Any]) -> None:
        self._schema = core_schema.no_info_plain_validator_function(validate)

    def __get_pydantic_core_schema__(self, *_: object) -> core_schema.CoreSchema:
        return self._schema


Extensions: TypeAlias = dict[Annotated[str, _Plain(_extension)], Annotated[Any, _Plain(frozen)]]


class Model(BaseModel):
    """Frozen to the leaves, and closed: a key is an attribute or begins with `x-`."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    __pydantic_extra__: Extensions = Field(init=False)

    @property
    def extensions(self) -> Mapping[str, object]:
        """The `x-…` keys."""
        return MappingProxyType(self.model_extra or {})
