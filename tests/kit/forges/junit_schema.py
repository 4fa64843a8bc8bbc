"""The two schemas of JUnit XML that readers validate against, as far as a document of one suite can
breach them: that of Ant's reporter (Windy Road, JUnit.xsd) and that of Jenkins (xunit-plugin,
junit-10.xsd)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping

Value = Callable[[str], bool]


def _token(value: str) -> bool:
    return value == " ".join(value.split())


def _word(value: str) -> bool:
    return bool(value) and _token(value)


def _int(value: str) -> bool:
    return re.fullmatch(r"[0-9]+", value) is not None


def _time(value: str) -> bool:
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", value) is not None


def _any(value: str) -> bool:
    return True


# Element -> its attributes, all of which Ant's schema demands, but for those in _OPTIONAL.
_ATTRIBUTES: Mapping[str, Mapping[str, Value]] = {
    "testsuites": {},
    "testsuite": {
        "id": _int, "package": _token, "name": _word, "timestamp": _time, "hostname": _word, "tests": _int,
        "failures": _int, "errors": _int, "skipped": _int, "time": _int,
    },
    "properties": {},
    "property": {"name": _word, "value": _any},
    "testcase": {"name": _token, "classname": _token, "time": _int},
    "failure": {"type": _any, "message": _any},
    "system-out": {},
    "system-err": {},
}  # fmt: skip
_OPTIONAL = frozenset({"skipped", "message"})
# Element -> its children, as a pattern over their names, each followed by a blank.
_CHILDREN: Mapping[str, str] = {
    "testsuites": r"testsuite ",
    "testsuite": r"properties (testcase )*system-out system-err ",
    "properties": r"(property )*",
    "testcase": r"(failure )?",
}


def breaches(text: str) -> list[str]:
    """Where the document is not what both schemas take.

    Raises ``ParseError`` when it is no XML at all.
    """
    root = ET.fromstring(text)
    found = [one for element in root.iter() for one in _of_element(element)]
    for suite in root.iter("testsuite"):
        counted = {
            "tests": len(suite.findall("testcase")),
            "failures": len(suite.findall("testcase/failure")),
        }
        found += [
            f"{name} is not {number}"
            for name, number in counted.items()
            if suite.get(name) != str(number)
        ]
    return found if root.tag == "testsuites" else [*found, f"{root.tag} is outermost"]


def _of_element(element: ET.Element) -> Iterator[str]:
    wanted = _ATTRIBUTES.get(element.tag)
    if wanted is None:
        yield f"{element.tag} is unknown"
        return
    yield from (
        f"{element.tag} lacks {name}"
        for name in wanted
        if name not in element.attrib and name not in _OPTIONAL
    )
    for name, value in element.attrib.items():
        if name not in wanted or not wanted[name](value):
            yield f"{element.tag} has {name}={value!r}"
    children = "".join(f"{child.tag} " for child in element)
    if not re.fullmatch(_CHILDREN.get(element.tag, ""), children):
        yield f"{element.tag} has {children}"
