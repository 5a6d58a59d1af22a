"""A dataclass of ours must be one of the standard library's, whose methods are made when they are first called."""

import dataclasses
import threading
from dataclasses import field
from typing import Any

import pytest

from schemas.dataclass import dataclass

Decorator = Any


@pytest.fixture(params=[dataclasses.dataclass, dataclass], ids=["standard", "ours"])
def decorator(request: pytest.FixtureRequest) -> Decorator:
    return request.param


@pytest.fixture
def point(decorator: Decorator) -> Any:
    @decorator(frozen=True, slots=True)
    class Point:
        """A place."""

        x: int
        y: int = 0
        names: tuple[str, ...] = ()
        tags: list[str] = field(default_factory=list)

    return Point


def test_arguments_must_be_taken_by_place_and_by_name(point: Any):
    made = point(1, names=("a",), y=2)
    assert (made.x, made.y, made.names, made.tags) == (1, 2, ("a",), [])


def test_every_object_must_have_a_list_of_its_own(point: Any):
    point(1).tags.append("first")
    assert point(1).tags == []
    assert point(1, tags=["given"]).tags == ["given"]


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2, (), [], 5), {}), ((1,), {"z": 1}), ((1,), {"x": 1})], ids=str
)
def test_wrong_arguments_must_be_refused(point: Any, args: tuple[Any, ...], kwargs: dict[str, Any]):
    with pytest.raises(TypeError, match=r"__init__\(\)"):
        point(*args, **kwargs)


def test_a_field_by_name_only_must_not_be_taken_by_place(decorator: Decorator):
    @decorator(frozen=True, slots=True)
    class Note:
        """A text."""

        kind: str = field(default="plain", kw_only=True)
        text: str

    assert (Note("x").text, Note("x", kind="loud").kind) == ("x", "loud")
    with pytest.raises(TypeError, match="positional argument"):
        Note("x", "loud")


def test_equal_fields_must_make_equal_objects(point: Any):
    assert point(1, 2) == point(1, 2)
    assert point(1, 2) != point(1, 3)
    assert point(1, 2) != (1, 2, (), [])


def test_a_subclass_must_not_equal_its_parent(decorator: Decorator, point: Any):
    @decorator(frozen=True, slots=True)
    class Place(point):
        """A place with a height."""

        z: int = 0

    assert Place(1, 2, z=3).z == 3
    assert Place(1) != point(1)
    assert repr(Place(1)).endswith("Place(x=1, y=0, names=(), tags=[], z=0)")


def test_a_frozen_object_must_be_a_key(decorator: Decorator):
    @decorator(frozen=True, slots=True)
    class Key:
        """A key."""

        name: str
        number: int = 0

    assert {Key("a"): 1}[Key("a")] == 1
    assert len({Key("a"), Key("a", 1), Key("a")}) == 2


def test_a_changeable_object_must_not_be_a_key(decorator: Decorator):
    @decorator(slots=True)
    class Count:
        """A count."""

        number: int = 0

    count = Count()
    count.number += 1
    assert count == Count(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(count)


def test_a_frozen_object_must_not_change(point: Any):
    made = point(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        made.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'x'"):
        del made.x


def test_a_slotted_object_must_have_no_other_attribute(decorator: Decorator):
    @decorator(slots=True)
    class Count:
        """A count."""

        number: int = 0

    with pytest.raises(AttributeError):
        Count().other = 1


def test_the_standard_library_must_know_it(point: Any):
    made = point(1, 2)
    assert dataclasses.is_dataclass(made)
    assert [each.name for each in dataclasses.fields(point)] == ["x", "y", "names", "tags"]
    assert dataclasses.replace(made, y=5) == point(1, 5)
    assert dataclasses.asdict(made) == {"x": 1, "y": 2, "names": (), "tags": []}
    match made:
        case point(x, y):
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("no match")


def test_what_is_to_be_done_after_must_be_done(decorator: Decorator):
    @decorator
    class Whole:
        """Two halves."""

        half: int

        def __post_init__(self) -> None:
            self.whole = 2 * self.half

    assert Whole(2).whole == 4


def test_methods_of_its_own_must_stay(decorator: Decorator):
    @decorator(frozen=True, slots=True)
    class Name:
        """A name without regard to case."""

        text: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Name) and self.text.lower() == other.text.lower()

        def __hash__(self) -> int:
            return hash(self.text.lower())

        def __repr__(self) -> str:
            return self.text

    assert Name("A") == Name("a")
    assert len({Name("A"), Name("a")}) == 1
    assert repr(Name("A")) == "A"


def test_an_exception_must_be_told_from_its_equal(decorator: Decorator):
    @decorator(eq=False)
    class Trouble(Exception):
        """What is wrong."""

        message: str

    first = Trouble("x")
    assert first != Trouble("x")
    assert len({first, Trouble("x")}) == 2
    with pytest.raises(Trouble):
        raise first


def test_no_method_must_be_compiled_before_it_is_called():
    @dataclass(frozen=True, slots=True)
    class Late:
        """A class that many import and few use."""

        name: str

    waiting = Late.__init__
    assert "name" not in waiting.__code__.co_varnames
    Late("x")
    assert Late.__init__ is not waiting
    assert Late.__init__.__code__.co_varnames == ("self", "name")


def test_threads_that_meet_at_the_first_use_must_all_get_whole_objects():
    for _ in range(50):

        @dataclass(frozen=True, slots=True)
        class Shared:
            """What all make at once."""

            a: int
            b: tuple[int, ...] = ()

        made: list[Shared] = []
        barrier = threading.Barrier(4)

        def use(kind: Any = Shared, barrier: Any = barrier, made: list[Any] = made) -> None:
            barrier.wait()
            made.append(kind(1, b=(2,)))

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [Shared(1, (2,))] * 4


def test_an_option_that_is_not_heeded_must_be_refused():
    with pytest.raises(TypeError, match="no options here but"):

        @dataclass(frozen=True, slots=True)
        class Odd:
            """A class whose comparison leaves something out."""

            name: str = field(default="", compare=False)
