"""Files that are known to be the same are not read again; the declaration is the same."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reconciler.declare.clients import kept_files
from reconciler.declare.clients.kept_files import KeptFiles
from reconciler.declare.repository import load
from reconciler.domain.declared.desired import Desired
from reconciler.errors import DeclarationError
from tests.declare.conftest import POLICY, TEMPLATE, MakeProject, client
from tests.declare.test_kept_client import CLIENTS

RULES = POLICY + "  rules:\n    owner: {level: warn, require: [contact]}\n"
_FILES: dict[str, str | bytes | None] = {
    **{f"clients/{name}.yaml": text for name, text in CLIENTS.items()},
    "clients/two.yaml": f"{client('one')}---\n{client('two')}",
    "clients/new.yaml": client("new", ", renamedFrom: old"),
}

_CUT = """\
apiVersion: reconciler/v1
kind: IntegrationTemplate
metadata: {name: cut}
spec:
  keys:
    - {name: primary, lifetime: 30d, rotation: {renewBefore: 3d, grace: 5d}}
"""


@pytest.fixture(autouse=True)
def keep_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_files, "LEAST", 0)


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    made = make_project(_FILES)
    age(made)
    return made


def age(root: Path) -> None:
    """As if everything had been written long ago: what was written just now is not trusted."""
    hour_ago = time.time() - 3600
    for path in root.rglob("*"):
        os.utime(path, (hour_ago, hour_ago))


def read(root: Path, kept: KeptFiles | None = None) -> Desired:
    desired = load(root, "staging", kept)
    assert desired == load(root, "staging")
    return desired


def keeper(root: Path, program: str = "this") -> KeptFiles:
    """What was kept of ``root``; its files are trusted although they are new."""
    kept = KeptFiles(lambda: program)
    read(root, kept)
    return again(kept, program)


def again(kept: KeptFiles, program: str = "this") -> KeptFiles:
    """The same in another process."""
    return KeptFiles(lambda: program, kept.ground, dict(kept.files))


def mark(kept: KeptFiles) -> KeptFiles:
    """Change what is kept, so that it shows whether it was used."""
    kept.files = {
        path: file._replace(clients=tuple(one._replace(digest="kept") for one in file.clients))
        for path, file in kept.files.items()
    }
    return kept


def used(root: Path, kept: KeptFiles) -> set[str]:
    """The clients of whom what was kept was used."""
    return {
        one.name for one in load(root, "staging", mark(kept)).outlines() if one.digest == "kept"
    }


EVERYBODY = {*CLIENTS, "one", "two", "new", "payouts"}


def test_all_of_them_are_known(root: Path) -> None:
    kept = keeper(root)
    assert len(kept.files) == len(_FILES) + 1
    assert not kept.changed
    assert read(root, kept).clients.keys() == EVERYBODY
    assert not kept.changed
    assert used(root, kept) == EVERYBODY


def test_a_changed_file_is_read_again(root: Path) -> None:
    kept = keeper(root)
    path = root / "clients/labels.yaml"
    path.write_text(path.read_text().replace("gold", "iron"))
    assert used(root, again(kept)) == EVERYBODY - {"labels"}
    assert read(root, kept).clients["labels"].spec["labels"]["tier"] == "iron"
    assert kept.changed
    assert used(root, kept) == EVERYBODY


def test_nobody_is_deceived_by_times(root: Path) -> None:
    """The same size and the same time of change; only the time of the inode tells."""
    kept = keeper(root)
    path = root / "clients/labels.yaml"
    before = path.stat()
    path.write_text(path.read_text().replace("gold", "iron"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert read(root, kept).clients["labels"].spec["labels"]["tier"] == "iron"


def test_what_was_just_written_is_known_by_its_content_alone(root: Path) -> None:
    """Within one step of the file system's clock it may change without another time."""
    path = root / "clients/labels.yaml"
    path.write_text(path.read_text().replace("gold", "tins"))
    kept = keeper(root)
    assert kept.files["clients/labels.yaml"].stat == ()
    stat = path.stat()
    path.write_text(path.read_text().replace("tins", "iron"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert read(root, kept).clients["labels"].spec["labels"]["tier"] == "iron"


def test_another_time_of_the_same_content_is_no_change(root: Path) -> None:
    kept = keeper(root)
    for path in (root / "clients").rglob("*.yaml"):
        path.touch()
    assert used(root, kept) == EVERYBODY


def test_a_file_that_came_and_one_that_went(root: Path) -> None:
    kept = keeper(root)
    (root / "clients/two.yaml").unlink()
    (root / "clients/late.yaml").write_text(client("late"))
    assert read(root, kept).clients.keys() == EVERYBODY - {"one", "two"} | {"late"}
    assert "clients/two.yaml" not in kept.files
    assert "clients/late.yaml" in kept.files


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("templates/paystack.yaml", TEMPLATE.replace("180d", "90d")),
        ("policy.yaml", POLICY + "  probes: {replayed: warn}\n"),
        ("scopes.yaml", None),
        ("reconciler.yaml", None),
    ],
)
def test_nothing_is_known_under_other_terms(root: Path, path: str, text: str | None) -> None:
    kept = keeper(root)
    target = root / path
    target.write_text(f"{target.read_text()}# other\n" if text is None else text)
    assert used(root, again(kept)) == set()
    read(root, kept)


def test_nothing_is_known_of_another_program_or_environment(root: Path) -> None:
    kept = keeper(root)
    assert used(root, again(kept, "other")) == set()
    production = again(kept)
    load(root, "production", production)
    assert production.ground != kept.ground


def test_what_may_say_more_is_not_kept(make_project: MakeProject) -> None:
    """A file with a warning, one that names another file, and one that breaks a rule."""
    root = make_project(
        {
            **_FILES,
            "policy.yaml": RULES,
            "payloads/a.json": "{}",
            "clients/http.yaml": client(
                "http",
                spec="  owner: {team: payments, contact: a@example.com}\n"
                "  webhooks: [{name: w, url: 'http://10.0.0.1/', events: [a.b]}]",
            ),
            "clients/schema.yaml": client(
                "schema",
                spec="  owner: {team: payments, contact: a@example.com}\n"
                "  webhooks: [{name: w, url: 'https://example.com/', events: [a.b],"
                " payloads: {a.b: {schemaFile: payloads/a.json, example: {x: 1}}}}]",
            ),
        }
    )
    with pytest.raises(DeclarationError):
        read(root)
    project = (root / "reconciler.yaml").read_text()
    (root / "reconciler.yaml").write_text(
        project.replace("staging:\n", "staging:\n      allowedNetworks: [10.0.0.0/8]\n", 1)
    )
    kept = keeper(root)
    assert kept.files.keys() == {"clients/keys.yaml", "clients/retired.yaml"}
    assert used(root, kept) == {"keys", "retired"}


def test_a_mistake_elsewhere_is_an_error_as_ever(root: Path) -> None:
    kept = keeper(root)
    (root / "clients/broken.yaml").write_text("apiVersion: [")
    (root / "clients/again.yaml").write_text(client("labels"))
    with pytest.raises(DeclarationError) as alone:
        load(root, "staging")
    with pytest.raises(DeclarationError) as known:
        load(root, "staging", kept)
    assert known.value.findings == alone.value.findings
    assert {one.code for one in known.value.findings} >= {"RC106", "RC130"}


def test_a_warning_of_a_template_is_found_through_each_of_its_clients(
    make_project: MakeProject,
) -> None:
    """It is reported once, and no client of that template may hide it."""
    root = make_project(
        {
            "templates/cut.yaml": _CUT,
            "clients/a.yaml": client("a", spec="  template: cut"),
            "clients/b.yaml": client("b", spec="  template: cut"),
        }
    )
    age(root)
    kept = keeper(root)
    (root / "clients/a.yaml").unlink()
    (root / "clients/broken.yaml").write_text("apiVersion: [")
    with pytest.raises(DeclarationError) as alone:
        load(root, "staging")
    with pytest.raises(DeclarationError) as known:
        load(root, "staging", kept)
    assert known.value.findings == alone.value.findings
    assert "RC162" in {one.code for one in known.value.findings}


def test_a_file_whose_name_is_no_text_is_not_kept(make_project: MakeProject) -> None:
    root = make_project({"clients/\udcff.yaml": client("a")})
    age(root)
    assert keeper(root).files.keys() == {"clients/payouts.yaml"}


def test_what_was_kept_of_many_files_is_nothing_to_few(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks then whether they are read with the same."""
    kept = keeper(root)
    monkeypatch.setattr(kept_files, "LEAST", 100)
    read(root, kept)
    assert (kept.ground, kept.files, kept.changed) == ("", {}, True)


def test_few_files_are_not_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_files, "LEAST", 100)
    kept = KeptFiles(lambda: "this")
    read(root, kept)
    assert (kept.ground, kept.files, kept.changed) == ("", {}, False)
