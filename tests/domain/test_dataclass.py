"""Our ``dataclass`` makes what the standard one makes."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import re
from dataclasses import FrozenInstanceError, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest

import reconciler
from reconciler.dataclass import dataclass as ours


def _classes(dataclass: Any) -> dict[str, Any]:
    """The same classes, made by ``dataclass``."""

    @dataclass(frozen=True, slots=True)
    class Plain:
        """Words."""

        a: int
        b: str = "two"
        c: list[int] = field(default_factory=list, compare=False)
        d: tuple[int, ...] = field(default=(), repr=False)
        e: int = field(default=5, hash=False)

    @dataclass(frozen=True, slots=True)
    class Child(Plain):
        f: int = 6
        known: ClassVar[int] = 7

    @dataclass(frozen=True, slots=True)
    class Made:
        """Words."""

        a: int
        twice: int = field(init=False, repr=False, compare=False)
        fixed: int = field(init=False, default=3)
        fresh: list[int] = field(init=False, default_factory=list, hash=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "twice", 2 * self.a)

    @dataclass(slots=True)
    class Open:
        a: int
        b: dict[str, int] = field(default_factory=dict)
        c: int = field(default=0, kw_only=True)

    @dataclass(frozen=True)
    class WithDict:
        a: int

        @cached_property
        def twice(self) -> int:
            return 2 * self.a

    @dataclass(frozen=True, slots=True, eq=False)
    class Unlike:
        a: int

    @dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        a: int
        b: str = ""

    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    @dataclass(frozen=True, slots=True)
    class Own:
        a: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self))

        def __hash__(self) -> int:
            return 1

    @dataclass
    class Bare:
        a: int = 1

    return {one.__name__: one for one in locals().values() if isinstance(one, type)}


STANDARD, OURS = _classes(dataclasses.dataclass), _classes(ours)
ARGUMENTS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "Plain": [
        ((1,), {}),
        ((1, "x"), {"c": [3]}),
        ((1,), {"e": 9}),
        ((1,), {"d": (1,)}),
        ((2,), {}),
    ],
    "Child": [((1,), {}), ((1,), {"f": 7}), ((1, "x", [], (), 5, 6), {})],
    "Made": [((1,), {}), ((2,), {})],
    "Open": [((1,), {}), ((1, {"x": 2}), {"c": 4})],
    "WithDict": [((1,), {}), ((2,), {})],
    "Unlike": [((1,), {}), ((1,), {})],
    "Ordered": [((1,), {}), ((1, "b"), {}), ((0, "c"), {})],
    "Nothing": [((), {}), ((), {})],
    "Own": [((1,), {}), ((2,), {})],
    "Bare": [((), {}), ((2,), {})],
}
MISUSES: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {"z": 1}),
    (tuple(range(9)), {}),
    ((1,), {"a": 1}),
]


def outcome(call: Any) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the same one
        return type(error)


@pytest.mark.parametrize("name", STANDARD)
def test_it_makes_what_the_standard_one_makes(name: str) -> None:
    standard, own = STANDARD[name], OURS[name]
    pairs = [(standard(*args, **named), own(*args, **named)) for args, named in ARGUMENTS[name]]
    for theirs, mine in pairs:
        values = {one.name: getattr(theirs, one.name) for one in dataclasses.fields(theirs)}
        assert {one.name: getattr(mine, one.name) for one in dataclasses.fields(mine)} == values
        assert repr(mine) == repr(theirs)
        assert outcome(lambda mine=mine: hash(mine) == hash(mine)) == outcome(
            lambda theirs=theirs: hash(theirs) == hash(theirs)
        )
        assert outcome(lambda mine=mine: copy.copy(mine) == mine) == outcome(
            lambda theirs=theirs: copy.copy(theirs) == theirs
        )
        assert outcome(lambda mine=mine: dataclasses.replace(mine, a=8).a) == outcome(
            lambda theirs=theirs: dataclasses.replace(theirs, a=8).a
        )
        for attribute in ("a", "new"):
            set_mine = outcome(lambda mine=mine, at=attribute: setattr(mine, at, 1))
            set_theirs = outcome(lambda theirs=theirs, at=attribute: setattr(theirs, at, 1))
            gone_mine = outcome(lambda mine=mine, at=attribute: delattr(mine, at))
            gone_theirs = outcome(lambda theirs=theirs, at=attribute: delattr(theirs, at))
            if set_theirs is TypeError:  # the standard one stumbles over its own slots
                assert attribute not in values and gone_theirs is TypeError  # noqa: PT018
                set_theirs = gone_theirs = FrozenInstanceError
            assert (set_mine, gone_mine) == (set_theirs, gone_theirs)
    fresh = [(standard(*args, **named), own(*args, **named)) for args, named in ARGUMENTS[name]]
    for theirs, mine in fresh:
        for their_other, my_other in fresh:
            assert (mine == my_other) == (theirs == their_other)
            assert outcome(lambda a=mine, b=my_other: hash(a) == hash(b)) == outcome(
                lambda a=theirs, b=their_other: hash(a) == hash(b)
            )
            assert outcome(lambda a=mine, b=my_other: (a < b, a <= b, a > b, a >= b)) == outcome(
                lambda a=theirs, b=their_other: (a < b, a <= b, a > b, a >= b)
            )
        assert mine != theirs
    for args, named in MISUSES:
        assert outcome(lambda a=args, k=named: own(*a, **k) and 0) == outcome(
            lambda a=args, k=named: standard(*a, **k) and 0
        )


@pytest.mark.parametrize("name", STANDARD)
def test_it_looks_like_the_standard_one_to_those_who_ask(name: str) -> None:
    standard, own = STANDARD[name], OURS[name]
    described = [
        [(one.name, one.type, one.init, one.repr, one.compare, one.kw_only) for one in fields]
        for fields in (dataclasses.fields(standard), dataclasses.fields(own))
    ]
    assert described[0] == described[1]
    assert own.__match_args__ == standard.__match_args__
    assert getattr(own, "__slots__", None) == getattr(standard, "__slots__", None)
    signatures = [inspect.signature(one) for one in (standard, own)]
    assert [*signatures[0].parameters] == [*signatures[1].parameters]
    kinds = [[(one.kind, one.annotation) for one in s.parameters.values()] for s in signatures]
    assert kinds[0] == kinds[1]
    defaults = [
        [one.default for one in s.parameters.values() if isinstance(one.default, int | str | tuple)]
        for s in signatures
    ]
    assert defaults[0] == defaults[1]


@ours(frozen=True, slots=True)
class Sent:
    """One that a pickle can name."""

    a: int
    b: Sent | None = None


def test_a_frozen_one_is_pickled_and_says_what_cannot_be_set() -> None:
    sent = Sent(1, Sent(2))
    assert pickle.loads(pickle.dumps(sent)) == sent == copy.deepcopy(sent)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'a'"):
        sent.a = 3  # type: ignore[misc]
    assert repr(sent) == "Sent(a=1, b=Sent(a=2, b=None))"


def test_no_module_of_ours_takes_the_standard_one() -> None:
    """What every start would pay for."""
    takes = re.compile(r"from dataclasses import .*\bdataclass\b|\bdataclasses\.dataclass\b")
    root = Path(reconciler.__file__).parent
    found = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if takes.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["dataclass.py"]
