"""Which clients a commit declares, from the texts of its files: what the work tree hides is
declared nevertheless."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map
from reconciler.declare.yaml.text import Parsed, parse

_CLIENTS = "clients/"


def clients_in(texts: Mapping[str, str], environment: str) -> frozenset[str] | None:
    """The clients that the files in ``clients/`` among ``texts`` (by path) declare for
    ``environment``.

    By their present and by their former names. None: one of the files cannot be read, is empty, or
    declares something else, and nobody can say.
    """
    found: set[str] = set()
    for path, text in texts.items():
        if path.startswith(_CLIENTS):
            collector = Collector()
            parsed = parse(text.removeprefix("\ufeff"), path, collector)
            names = list(_names(parsed, environment))
            if collector.errors or None in names or not parsed:
                return None
            found.update(name for name in names if name is not None)
    return frozenset(found)


def says_git(text: str) -> bool:
    """Whether a reconciler.yaml has git for its truth: unless it says ``audit: {git: false}``."""
    values = [
        one.value for one in parse(text.removeprefix("\ufeff"), "reconciler.yaml", Collector())
    ]
    return not any(
        isinstance(one, Map) and one.sub("spec").sub("audit").get("git") is False for one in values
    )


def _names(parsed: list[Parsed], environment: str) -> Iterator[str | None]:
    """The name of each client and the one that it is renamed from, for this environment; None for
    what is no client."""
    for one in parsed:
        value = one.value
        if not isinstance(value, Map) or value.get("kind") != "IntegrationClient":
            yield None
            continue
        spec = value.get("spec")
        environments = spec.get("environments") if isinstance(spec, Map) else None
        if not isinstance(environments, Map):
            yield None
        elif environment in environments:
            metadata = value.sub("metadata")
            name = metadata.get("name")
            yield name if isinstance(name, str) else None
            yield from (old for old in (metadata.get("renamedFrom"),) if isinstance(old, str))
