"""Texts → documents: apiVersion, kind and schema are checked here, for every kind alike."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path

from reconciler.dataclass import dataclass
from reconciler.declare.files.files import CLIENT, read, show_path
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map, Mark
from reconciler.declare.findings.suggest import did_you_mean, list_choices
from reconciler.declare.findings.suggest import nearest as nearest_of
from reconciler.declare.schema.schemas import API_VERSION, KINDS, acceptor
from reconciler.declare.yaml.text import Parsed, parse
from reconciler.domain.values.names import client_address, is_name
from reconciler.errors import NOWHERE, Address

PLACES = {
    "Project": "reconciler.yaml",
    "ScopeCatalog": "scopes.yaml",
    "GuardrailPolicy": "policy.yaml",
    "IntegrationTemplate": "templates/",
    CLIENT: "clients/",
}


# By line: the columns after which things stand elsewhere than in another text, and by how much.
Moves = dict[int, list[tuple[int, int]]]


@dataclass(slots=True)
class Document:
    """One document of a known kind. ``metadata`` and ``spec`` are mappings; what the schema refused
    was cut out of them, and then ``sound`` is False: what is absent may have been written.

    ``like``: another one, of which it shares all that is equal, marks included: their places are
    these after ``moves``."""

    kind: str
    file: str
    value: Map
    sound: bool
    like: Document | None = None
    moves: Moves = field(default_factory=dict)
    metadata: Map = field(init=False)
    spec: Map = field(init=False)
    name: str = field(init=False)  # empty when there is no valid one

    def __post_init__(self) -> None:
        self.metadata, self.spec = self.value.sub("metadata"), self.value.sub("spec")
        name = self.metadata.get("name")
        self.name = name if isinstance(name, str) and is_name(name) else ""

    @property
    def name_mark(self) -> Mark:
        return self.place(self.metadata.marks.get("name", self.metadata.mark))

    def place(self, mark: Mark) -> Mark:
        """Where in its file that stands which has ``mark`` in its value."""
        if self.like is None:
            return mark
        _, line, column = mark
        moved = sum(by for after, by in self.moves.get(line, ()) if after < column)
        return self.file, line, column + moved

    def change(
        self,
        value: Map,
        file: str,
        moves: Moves,
    ) -> Document:
        """A document in ``file`` like this one, with another ``value``."""
        return Document(self.kind, file, value, self.sound, self, moves)

    @property
    def address(self) -> Address:
        named = self.kind == CLIENT and self.name
        return client_address(self.name) if named else NOWHERE


def read_documents(
    root: Path,
    path: str,
    expected: str,
    found: Collector,
) -> tuple[list[Document], bool]:
    """The documents of kind ``expected`` in a file, and whether everything in it could be told
    apart.

    When not, what the rest of the declaration refers to may be in there.
    """
    text = read(root, path, found)
    return ([], False) if text is None else parse_documents(text, show_path(path), expected, found)


def parse_documents(
    text: str,
    name: str,
    expected: str,
    found: Collector,
) -> tuple[list[Document], bool]:
    """As ``read_documents``, of the ``text`` of the file ``name``."""
    before = len(found)
    parsed = parse(text, name, found)
    readable = len(found) == before
    if readable and not parsed:
        found.add("RC116", (name, 1, 1), "the file is empty")
    documents = [_document(item, name, expected, found) for item in parsed]
    kept = [document for document in documents if document is not None]
    return kept, (readable or bool(parsed)) and len(kept) == len(parsed) and all(
        _is_named(document) for document in kept
    )


def _is_named(document: Document) -> bool:
    """Whether what others may refer to is known; a catalogue and a policy are found by their
    kind."""
    return bool(document.name) or document.kind in ("ScopeCatalog", "GuardrailPolicy")


def _document(
    parsed: Parsed,
    file: str,
    expected: str,
    found: Collector,
) -> Document | None:
    value = parsed.value
    if not isinstance(value, Map):
        found.add(
            "RC125",
            parsed.mark,
            "a document must be a mapping",
            remedy=f"begin with `apiVersion: {API_VERSION}`",
        )
        return None
    if not parsed.whole and not {"apiVersion", "kind"} <= value.keys():
        return None  # they may be in the part that could not be read
    if not (_check_version(value, found) & _check_kind(value, expected, found)):
        return None
    accepted = acceptor(expected)(value)
    if not accepted:
        # Imported here: a valid declaration never pays for it.
        from reconciler.declare.schema.explain import explain  # noqa: PLC0415

        address = Document(expected, file, value, sound=False).address
        # What could not be read would be reported a second time, as of a wrong type.
        explain(expected, value, found if parsed.whole else Collector(), address)
    return Document(expected, file, value, sound=parsed.whole and accepted)


def _check_version(value: Map, found: Collector) -> bool:
    version = value.get("apiVersion")
    if version == API_VERSION:
        return True
    if "apiVersion" not in value:
        found.add(
            "RC120",
            value.mark,
            "the document has no apiVersion",
            hint=_misspelt("apiVersion", value),
        )
    else:
        found.add("RC120", value.marks["apiVersion"], f"the apiVersion is not {API_VERSION}")
    return False


def _check_kind(
    value: Map,
    expected: str,
    found: Collector,
) -> bool:
    kind = value.get("kind")
    if kind == expected:
        return True
    if "kind" not in value:
        found.add(
            "RC121",
            value.mark,
            "the document has no kind",
            hint=_misspelt("kind", value),
            remedy=f"write `kind: {expected}`",
        )
    elif kind in KINDS:
        found.add(
            "RC122",
            value.marks["kind"],
            f"a document of kind {kind} does not belong here, but in {PLACES[kind]}",
        )
    else:
        hint = did_you_mean(kind, KINDS)
        shown_kind = f"`{kind}`" if isinstance(kind, str) else "this"
        found.add(
            "RC121",
            value.marks["kind"],
            f"{shown_kind} is not a kind",
            hint=hint,
            remedy=f"kinds are {list_choices(KINDS)}",
        )
    return False


def _misspelt(field: str, value: Map) -> str:
    nearest = nearest_of(field, frozenset(value) - {"apiVersion", "kind", "metadata", "spec"})
    return f"is it misspelt as `{nearest}`?" if nearest else ""
