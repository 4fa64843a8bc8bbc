"""``dataclass`` as ``dataclasses`` has it, made in less than half the time.

A command makes two hundred such classes whenever it starts. The standard library compiles the six
methods of each from text, which was a third of what it took to begin. Here only ``__init__`` is
compiled; the others are the same for all classes and get the fields as a value. What a class
does is what the standard one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - type checkers know this one
else:
    import dataclasses
    from dataclasses import MISSING, FrozenInstanceError
    from operator import attrgetter, ge, gt, le, lt
    from reprlib import recursive_repr

    def dataclass(
        cls=None,
        /,
        *,
        eq=True,
        frozen=False,
        slots=False,
        order=False,
    ):
        """As ``dataclasses.dataclass``, with those of its parameters that are used here."""

        def make(cls):
            return _make(cls, eq=eq, frozen=frozen, slots=slots, order=order)

        return make if cls is None else make(cls)

    def _make(
        cls,
        *,
        eq,
        frozen,
        slots,
        order,
    ):
        own = frozenset(cls.__dict__)
        if cls.__doc__ is None:
            cls.__doc__ = cls.__name__  # else the signature is looked at and written there
        made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
        fields = dataclasses.fields(made)
        methods = {"__repr__": _repr([one.name for one in fields if one.repr])}
        if "__init__" not in own:
            methods["__init__"] = _init(made, fields, frozen=frozen, slots=slots)
        if eq:
            methods |= _comparing(fields, frozen=frozen, order=order)
        if frozen:
            names = frozenset(one.name for one in fields)
            methods |= _freeze(made, names)
            if slots:
                methods |= _pickling(made, [one.name for one in fields])
        for name, method in methods.items():
            if name not in own or name in ("__setattr__", "__delattr__"):
                setattr(made, name, method)
        return made

    def _init(
        cls,
        fields,
        *,
        frozen,
        slots,
    ):
        """Slots are set by their descriptors, which is quicker than by their names."""
        known = {"_missing": MISSING, "_set": object.__setattr__}
        parameters = {False: [], True: []}  # those that may stand without their names, and others
        lines = []
        for one in fields:
            parameter, value = _parameter(one, known)
            if one.init:
                parameters[one.kw_only].append(parameter)
            if not value:
                continue
            if not frozen:
                lines.append(f"self.{one.name} = {value}")
            elif slots:
                known[f"_set_{one.name}"] = getattr(cls, one.name).__set__
                lines.append(f"_set_{one.name}(self, {value})")
            else:
                lines.append(f"_set(self, {one.name!r}, {value})")
        if hasattr(cls, "__post_init__"):
            lines.append("self.__post_init__()")
        named = ["*", *parameters[True]] if parameters[True] else []
        signature = ", ".join(["self", *parameters[False], *named])
        text = f"def __init__({signature}):\n " + "\n ".join(lines or ["pass"])
        exec(text, known)  # noqa: S102 - of names of fields alone
        init = known["__init__"]
        init.__module__, init.__qualname__ = cls.__module__, f"{cls.__qualname__}.__init__"
        init.__annotations__ = {one.name: one.type for one in fields if one.init} | {"return": None}
        return init

    def _parameter(one, known):
        """How a field stands among the parameters, and what it is set to: nothing where that is
        left to ``__post_init__``. ``known`` gets what these texts name."""
        name = one.name
        if one.default_factory is not MISSING:
            known[f"_make_{name}"] = one.default_factory
            made = f"_make_{name}()"
            return (
                f"{name}=_missing",
                f"{made} if {name} is _missing else {name}" if one.init else made,
            )
        if one.default is not MISSING:
            known[f"_default_{name}"] = one.default
            return f"{name}=_default_{name}", name if one.init else f"_default_{name}"
        return name, name if one.init else ""

    def _getter(names):
        """What takes the values of these fields as a tuple."""
        if not names:
            return lambda _one: ()
        get = attrgetter(*names)
        return get if len(names) > 1 else lambda one: (get(one),)

    def _repr(names):
        @recursive_repr()
        def __repr__(self):  # noqa: N807 - it will be that
            shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
            return f"{self.__class__.__qualname__}({shown})"

        return __repr__

    def _comparing(
        fields,
        *,
        frozen,
        order,
    ):
        compared = _getter([one.name for one in fields if one.compare])
        hashed = _getter(
            [one.name for one in fields if (one.compare if one.hash is None else one.hash)]
        )

        def __eq__(self, other):  # noqa: N807
            if other.__class__ is self.__class__:
                return compared(self) == compared(other)
            return NotImplemented

        def __hash__(self):  # noqa: N807
            return hash(hashed(self))

        def compare(question):
            def method(self, other):
                if other.__class__ is self.__class__:
                    return question(compared(self), compared(other))
                return NotImplemented

            return method

        orders = {f"__{one.__name__}__": compare(one) for one in (lt, le, gt, ge)} if order else {}
        return {"__eq__": __eq__, "__hash__": __hash__ if frozen else None, **orders}

    def _freeze(cls, names):
        def __setattr__(self, name, value):  # noqa: N807
            if type(self) is cls or name in names:
                raise FrozenInstanceError(f"cannot assign to field {name!r}")
            super(cls, self).__setattr__(name, value)

        def __delattr__(self, name):  # noqa: N807
            if type(self) is cls or name in names:
                raise FrozenInstanceError(f"cannot delete field {name!r}")
            super(cls, self).__delattr__(name)

        return {"__setattr__": __setattr__, "__delattr__": __delattr__}

    def _pickling(cls, names):
        values, setters = _getter(names), [getattr(cls, name).__set__ for name in names]

        def __getstate__(self):  # noqa: N807
            return values(self)

        def __setstate__(self, state):  # noqa: N807
            for set_slot, value in zip(setters, state, strict=True):
                set_slot(self, value)

        return {"__getstate__": __getstate__, "__setstate__": __setstate__}
