"""``init``: what it makes is valid as it stands, and nothing that was there is touched."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from reconciler.app.start.scaffold import key_prefix, project_name
from reconciler.cli.main import main
from reconciler.declare.repository import load, validate
from reconciler.declare.schema.schemas import KINDS, read_schema
from reconciler.domain.declared.desired import AuthSettings
from tests.kit.git.repositories import git, isolate


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path / "home")


def files_below(root: Path) -> dict[str, bytes]:
    found = (
        path
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    )
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def test_a_new_repository_is_valid_without_any_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "acme-integrations"
    assert main(["init", str(root)]) == 0
    printed = capsys.readouterr()
    assert sorted(printed.out.splitlines()) == sorted(files_below(root))
    assert "Next steps" in printed.err
    assert validate(root) == []
    for environment in ("staging", "production"):
        assert list(load(root, environment).clients) == ["example-partner"]
    assert load(root, "production").environment.requires == "staging"
    assert main(["--project", str(root), "validate"]) == 0
    assert capsys.readouterr().out == ""


def test_what_is_commented_out_in_the_client_is_valid_too(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "acme")]) == 0
    client = tmp_path / "acme/clients/example-partner.yaml"
    client.write_text(re.sub(r"(?m)^  # ", "  ", client.read_text()))
    assert validate(tmp_path / "acme") == []
    [webhook] = load(tmp_path / "acme", "staging").clients["example-partner"].webhooks
    assert webhook.url == "https://hooks.example.com/orders"


def test_every_declaration_names_a_schema_that_lies_in_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "acme"
    assert main(["init", str(root)]) == 0
    declared = [path for path in root.rglob("*.yaml") if ".github" not in path.parts]
    assert len(declared) == 5
    named = {}
    for path in declared:
        first = path.read_text().splitlines()[0]
        line = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
        assert line, path
        named[yaml.safe_load(path.read_text())["kind"]] = json.loads(
            (path.parent / line[1]).read_text()
        )
    assert named == {kind: read_schema(kind) for kind in KINDS}


def test_schemas_are_written_as_this_version_has_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After an update, over the ones that init wrote then."""
    assert main(["init", str(tmp_path / "acme")]) == 0
    folder = tmp_path / "acme/schemas"
    before = files_below(folder)
    for path in folder.iterdir():
        path.write_text("{}\n")
    capsys.readouterr()
    assert main(["schema", "--output", str(folder)]) == 0
    assert capsys.readouterr().out == ""
    assert files_below(folder) == before
    assert main(["schema", "integrationclient", "--output", str(tmp_path / "new/folder")]) == 0
    assert list(files_below(tmp_path / "new/folder")) == ["integration-client.schema.json"]
    assert main(["schema", "--output", str(folder / "project.schema.json")]) == 64
    assert "RC038" in capsys.readouterr().err


def test_git_leaves_evidence_as_it_is_and_forges_need_not_show_it(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "acme")]) == 0
    root = tmp_path / "acme"
    git(root, "config", "core.autocrlf", "true")  # a reviewer on Windows
    evidence, line_ends = root / "audit/staging/run.json", b"one\ntwo\r\nthree\r"
    evidence.parent.mkdir(parents=True)
    evidence.write_bytes(line_ends)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Begin")
    evidence.unlink()
    git(root, "checkout", "--", "audit", "scopes.yaml")
    assert evidence.read_bytes() == line_ends
    for attribute, value in {
        "text": "unset",
        "linguist-generated": "set",
        "gitlab-generated": "set",
    }.items():
        told = git(root, "check-attr", attribute, "audit/staging/run.json", "scopes.yaml")
        assert told.splitlines()[0].endswith(f": {value}")
        assert told.splitlines()[1].endswith(": unspecified")


def test_no_file_is_overwritten_and_what_was_kept_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clients").mkdir()
    (tmp_path / "README.md").write_text("ours\n")
    (tmp_path / "policy.yaml").symlink_to(tmp_path / "nowhere")
    assert main(["init", str(tmp_path), "--name", "acme"]) == 0
    printed = capsys.readouterr()
    assert "README.md" not in printed.out
    assert "kept as they were: README.md, policy.yaml" in printed.err
    assert (tmp_path / "README.md").read_text() == "ours\n"
    assert (tmp_path / "policy.yaml").is_symlink()
    assert not (tmp_path / "nowhere").exists()
    assert "does not fit yet" in printed.err  # a dangling link is no policy


@pytest.mark.parametrize("project", ["kind: Project\n", None], ids=["a file", "a dangling link"])
def test_where_there_is_a_project_nothing_is_written(
    tmp_path: Path, project: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "here"
    root.mkdir()
    if project is None:
        (root / "reconciler.yaml").symlink_to("nowhere")
    else:
        (root / "reconciler.yaml").write_text(project)
    assert main(["init", str(root)]) == 1
    printed = capsys.readouterr()
    assert "RC015" in printed.err
    assert printed.out == ""
    assert [path.name for path in root.iterdir()] == ["reconciler.yaml"]


def test_an_init_that_could_not_finish_goes_on_when_it_is_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "acme"
    root.mkdir()
    (root / "templates").write_text("in the way")
    assert main(["init", str(root)]) == 1
    assert "RC016" in capsys.readouterr().err
    assert not (root / "reconciler.yaml").exists()
    (root / "templates").unlink()
    assert main(["init", str(root)]) == 0
    assert validate(root) == []


def test_outside_of_git_a_repository_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "acme"
    assert main(["init", str(root)]) == 0
    assert "git init" in capsys.readouterr().err
    assert git(root, "symbolic-ref", "HEAD") == "refs/heads/main"
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "Start")


def test_what_git_says_is_shown_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "bin/git"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'fatal: one' >&2; echo two >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent), prepend=os.pathsep)
    assert main(["init", str(tmp_path / "acme")]) == 0
    assert "git rev-parse ended with 1\n  | fatal: one\n  | two\n" in capsys.readouterr().err


def test_inside_a_repository_none_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "init", "--quiet")
    assert main(["init", str(tmp_path / "deep/acme")]) == 0
    assert not (tmp_path / "deep/acme/.git").exists()
    assert "move .github" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "deep/lab"), "--ci", "gitlab"]) == 0
    told = capsys.readouterr().err
    assert "move it and .gitlab there" in told
    assert "`project: deep/lab`" in told


@pytest.mark.parametrize(
    ("ci", "files", "told"),
    [
        (
            "github",
            {".github/workflows/reconciler-plan.yml", ".github/actions/reconciler/action.yml"},
            "## On GitHub",
        ),
        ("gitlab", {".gitlab-ci.yml", ".gitlab/reconciler.yml"}, "## On GitLab"),
        ("none", set(), "## Try it"),
    ],
)
def test_only_the_jobs_of_the_platform_that_was_asked_for_are_written(
    tmp_path: Path, ci: str, files: set[str], told: str
) -> None:
    assert main(["-q", "init", str(tmp_path / "acme"), "--ci", ci]) == 0
    found = {
        path.relative_to(tmp_path / "acme").as_posix()
        for path in (tmp_path / "acme").rglob("*.y*ml")
    }
    of_platforms = {name for name in found if name.startswith(".git")}
    assert files <= of_platforms
    assert all(
        name.startswith(".github/" if ci == "github" else ".gitlab") for name in of_platforms
    )
    readme = (tmp_path / "acme/README.md").read_text()
    assert told in readme
    assert [one for one in ("GitHub", "GitLab") if f"## On {one}" in readme] == [
        one for one in ("GitHub", "GitLab") if one.lower() == ci
    ]
    assert not re.search(r"@[A-Z]+@", readme)
    assert "\n\n\n" not in readme
    assert all(f"`{name}`" in readme for name in files if "action" not in name)
    project = (tmp_path / "acme/reconciler.yaml").read_text()
    assert ("How CI logs in" in project) == (ci != "none")
    for environment in ("staging", "production"):
        auth = load(tmp_path / "acme", environment).environment.vault.auth
        jobs = AuthSettings("jwt", f"integrations-{environment}-plan")
        assert auth == (AuthSettings() if ci == "none" else jobs)
    assert validate(tmp_path / "acme") == []


@pytest.mark.parametrize(
    ("directory", "name", "prefix"),
    [
        ("acme-integrations", "acme-integrations", "acme"),
        ("Acme Integrations (new)", "acme-integrations-new", "acme"),
        ("3-x_9lives", "3-x-9lives", "lives"),
        ("日本", "integrations", "integrations"),
        ("a", "a", "key"),
        ("x" * 80, "x" * 63, "x" * 16),
    ],
)
def test_the_name_is_made_of_the_directorys(directory: str, name: str, prefix: str) -> None:
    assert project_name(Path("/somewhere") / directory, None) == name
    assert key_prefix(name) == prefix


def test_a_name_that_is_none_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "acme"), "--name", "Acme!"]) == 64
    assert "RC014" in capsys.readouterr().err
    assert not (tmp_path / "acme").exists()


WITNESS = ("--witness", "https://git.example.com/acme/integrations.git", "-e", "production")


@pytest.mark.parametrize(
    ("ci", "job"),
    [("github", ".github/workflows/witness.yml"), ("gitlab", ".gitlab-ci.yml"), ("none", None)],
)
def test_a_witness_gets_a_repository_of_its_own(
    tmp_path: Path, ci: str, job: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "witness"
    assert main(["init", str(root), *WITNESS, "-e", "staging", "--ci", ci]) == 0
    printed = capsys.readouterr()
    found = {path: text.decode() for path, text in files_below(root).items()}
    assert sorted(found) == printed.out.splitlines()
    files = {".gitattributes", ".gitignore", "README.md", "witness.sh"}
    assert set(found) == files | ({job} if job else set())
    assert not [path for path, text in found.items() if re.search(r"@[A-Z]+@", text)]
    assert "\n\n\n" not in found["README.md"]
    readme = found["README.md"]
    assert readme.count("--first --log-key") == 2
    assert all(f"`{name}/log.vkey`" in readme for name in ("production", "staging"))
    told = found[job] if job else readme
    assert "https://git.example.com/acme/integrations.git" in told
    assert "production staging" in told
    assert "Once, by hand" in printed.err
    assert git(root, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_the_private_key_of_a_witness_is_made_by_nobody_and_ignored_by_git(tmp_path: Path) -> None:
    root = tmp_path / "witness"
    assert main(["-q", "init", str(root), *WITNESS]) == 0
    assert not any(b"PRIVATE+KEY" in text for text in files_below(root).values())
    assert main(["-q", "audit", "witness-key", "--out", str(root / "me.key")]) == 0
    (root / "production").mkdir()
    (root / "production/log.vkey").write_text("a key that everybody may see\n")
    git(root, "add", "--all")
    staged = git(root, "diff", "--cached", "--name-only").splitlines()
    assert "me.key" not in staged
    assert "production/log.vkey" in staged


def test_files_of_a_witness_are_kept_as_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As those of a project: also in a clone that its platform made for it."""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "https://git.example.com/other/witness.git")
    (tmp_path / "README.md").write_text("ours\n")
    assert main(["init", str(tmp_path), *WITNESS]) == 0
    assert "kept as they were: README.md" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text() == "ours\n"
    assert (tmp_path / "witness.sh").is_file()


@pytest.mark.parametrize(
    "address",
    [
        "https://secret@git.example.com/acme/x.git",
        "https://me:secret@git.example.com/acme/x.git",
        "ssh://git:secret@git.example.com/acme/x.git",
        "git:secret@git.example.com:acme/x.git",
        "https://git.example.com/acme/x.git?token=secret",
        "http://git.example.com/acme/x.git",
        "git://git.example.com/acme/x.git",
        "ext::sh -c secret",
        "--upload-pack=secret",
        "https://git.example.com/a'b",
        "https://git.example.com/$(secret)",
        "https://git.example.com/a b",
        "https://git.example.com/a\nb",
        "https://git.example.com",
        "../acme",
        "",
    ],
)
def test_an_address_that_no_job_may_have_is_refused_and_not_shown(
    tmp_path: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "witness"
    assert main(["init", str(root), "--witness", address, "-e", "production"]) == 64
    printed = capsys.readouterr()
    assert "RC697" in printed.err
    assert "secret" not in (printed.out + printed.err).replace("job's secret", "")
    assert not root.exists()


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com:8443/acme/x.git",
        "https://127.0.0.1/x",
        "ssh://git@git.example.com:22/acme/x",
        "ssh://git.example.com/~acme/x",
        "git@git.example.com:acme/x.git",
        "file:///srv/git/x.git",
    ],
)
def test_addresses_that_a_job_can_clone_from(tmp_path: Path, address: str) -> None:
    where = ("--witness", address, "-e", "production")
    assert main(["-q", "init", str(tmp_path / "witness"), *where]) == 0
    assert address in (tmp_path / "witness/README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--witness", WITNESS[1]), "--witness needs --environment"),
        (("-e", "production"), "give --witness"),
        ((*WITNESS, "--name", "acme"), "--name is that of a project"),
        ((*WITNESS, "-e", "Pro duction"), "RC697"),
        ((*WITNESS, "-e", "../x"), "RC697"),
    ],
)
def test_options_of_a_witness_that_do_not_fit(
    tmp_path: Path, arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "witness"), *arguments]) == 64
    assert told in capsys.readouterr().err
    assert not (tmp_path / "witness").exists()


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://git.example.com/acme/x.git", "https://git.example.com/acme/x"),
        ("https://job:token@git.example.com/acme/x.git", "https://git.example.com/acme/x.git"),
        ("git@git.example.com:Acme/X.git", "https://git.example.com/acme/x"),
        ("ssh://git@git.example.com:22/acme/x/", "git@git.example.com:acme/x.git"),
        ("/srv/git/x.git", "file:///srv/git/x"),
    ],
)
def test_a_job_in_the_repository_of_the_log_is_no_witness(
    tmp_path: Path, remote: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "upstream", remote)
    assert main(["init", str(tmp_path), "--witness", address, "-e", "production"]) == 64
    printed = capsys.readouterr()
    assert "RC698" in printed.err
    assert "a job there is no witness" in printed.err
    assert "token" not in printed.err
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == [".git"]


def test_a_folder_of_a_project_is_no_place_for_a_witness(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "acme"
    assert main(["-q", "init", str(project)]) == 0
    before = files_below(tmp_path)
    for place in (project, project / "deep/witness"):
        assert main(["init", str(place), *WITNESS]) == 64
        assert "RC698" in capsys.readouterr().err
    assert files_below(tmp_path) == before
