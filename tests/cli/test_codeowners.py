"""``codeowners``: from a declaration to the file, and what ``--check`` says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.app.forges import codeowners
from reconciler.cli.main import main
from reconciler.report.forges.code_owners import GITLAB, HEAD, SHARED
from tests.kit.git.repositories import git, isolate

PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: acme}
spec:
  keyPrefix: acme
  environments:
    staging: {vault: {address: "http://127.0.0.1:8200"}}
    production: {vault: {address: "https://vault.example.com"}}
"""
SCOPES = """\
apiVersion: reconciler/v1
kind: ScopeCatalog
spec: {scopes: [{name: "payouts:write", risk: critical}, {name: "payouts:read", risk: low}]}
"""
POLICY = """\
apiVersion: reconciler/v1
kind: GuardrailPolicy
spec:
  teams: {payments: "@acme/payments", platform: acme/platform}
"""
CLIENT = """\
apiVersion: reconciler/v1
kind: IntegrationClient
metadata: {{name: {name}, labels: {{tier: {tier}}}}}
spec:
  owner: {{{owner}}}
  scopes: [{scopes}]
  allowedCidrs: ["10.0.0.0/8"]
  keys: [{{name: primary, lifetime: 90d, rotation: {{renewBefore: 30d, grace: 72h}}}}]
  environments: {{{environments}: }}
"""


def client(
    name: str,
    owner: str,
    scopes: str = "payouts:read",
    environments: str = "staging",
    tier: str = "normal",
) -> str:
    return CLIENT.format(
        name=name, owner=owner, scopes=f'"{scopes}"', environments=environments, tier=tier
    )


MARK = codeowners.END.encode()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    isolate(monkeypatch, tmp_path / "home")
    made = tmp_path / "repository"
    (made / "clients").mkdir(parents=True)
    git(made, "init", "--quiet")
    for name, text in {"reconciler": PROJECT, "scopes": SCOPES, "policy": POLICY}.items():
        (made / f"{name}.yaml").write_text(text)
    (made / "clients/a.yaml").write_text(client("a", "team: payments, contact: pay@example.com"))
    monkeypatch.chdir(made)
    return made


def lines(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert main(["codeowners", *options]) == 0
    begin, note, head, *rest, end = capsys.readouterr().out.splitlines()
    assert (begin, note, end) == (codeowners.BEGIN, codeowners.NOTE, codeowners.END)
    assert head + "\n" == HEAD
    return [line for line in rest if line]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("team: payments, contact: pay@example.com", ["@acme/payments"]),
        ("team: platform", ["@acme/platform"]),
        ("team: unknown, contact: pay@example.com", ["pay@example.com"]),
        ("contact: pay@example.com", ["pay@example.com"]),
        ("team: unknown", []),
        ('contact: "#payments"', []),
        ('contact: "a#b@example.com"', []),
        ('contact: "@acme/all x@example.com"', []),
    ],
)
def test_an_owner(
    root: Path, owner: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "clients/a.yaml").write_text(client("a", owner))
    assert main(["codeowners"]) == 0
    printed = capsys.readouterr()
    assert [
        line.split(" ")[1:] for line in printed.out.splitlines() if line.startswith("/clients/a")
    ] == ([expected] if expected else [])
    assert ("no owner is known for clients/a.yaml" in printed.err) == (not expected)


@pytest.mark.parametrize(
    ("when", "asked"),
    [
        ("", ["a", "b"]),
        ("when: {risk: high}", ["b"]),
        ("when: {risk: low}", ["a", "b"]),
        ('when: {scopes: ["payouts:w*"]}', ["b"]),
        ("when: {labels: {tier: critical}}", ["b"]),
        ("when: {labels: {tier: normal}, risk: high}", []),
        ("when: {environments: [staging]}", ["a"]),
        ("when: {environments: [production], risk: critical}", ["b"]),
    ],
)
def test_an_approver_is_asked_about_what_meets_its_conditions(
    root: Path, when: str, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "policy.yaml").write_text(f'{POLICY}  approvers: [{{approver: "@ada", {when}}}]\n')
    wild = client("b", "team: payments", "payouts:*", "production", "critical")
    (root / "clients/b.yaml").write_text(wild)
    shared = lines(capsys)[:10]
    assert shared[0] == "CODEOWNERS @ada"
    assert shared[1] == "/.github/ @ada"
    assert {
        "/policy.yaml @ada",
        "/scopes.yaml @ada",
        "/reconciler.yaml @ada",
        "/templates/ @ada",
    } < set(shared)
    assert lines(capsys)[10:] == [
        f"/clients/{name}.yaml {'@ada' if name in asked else '@acme/payments'}"
        for name in ("a", "b")
    ]
    found = lines(capsys, "--format", "gitlab")
    assert found[12:14] == ["/clients/a.yaml @acme/payments", "/clients/b.yaml @acme/payments"]
    assert found[1:4] == ["CODEOWNERS @ada", "/.gitlab/ @ada", "/.gitlab-ci.yml @ada"]
    assert found[14:] == [
        *(["[Approval of ada] @ada"] if asked else []),
        *(f"/clients/{name}.yaml" for name in asked),
    ]


def test_a_client_of_several_environments_and_files_of_several_clients_add_up(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = client("a", "team: platform", environments="staging: , production") + "---\n"
    (root / "clients/a.yaml").write_text(both + client("b", "contact: b@example.com"))
    assert lines(capsys) == ["/clients/a.yaml @acme/platform b@example.com"]


EVENTS = """\
  webhooks:
    - name: hook
      url: "https://hooks.example.com/"
      events: [a.b]
      payloads: {a.b: {example: {}, schemaFile: FILE}}
"""


def with_schema(text: str, file: str) -> str:
    return text.replace("  environments:", EVENTS.replace("FILE", file) + "  environments:")


def test_what_else_decides_has_the_owners_of_what_it_decides(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of these could be changed while nobody is asked, and would change what clients may do or
    must prove."""
    for folder in ("other", "templates", "payloads", "keys"):
        (root / folder).mkdir()
    (root / "scopes.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: ScopeCatalog\nspec: {openapi: ./other//api.yaml}\n"
    )
    flows = '{clientCredentials: {scopes: {"payouts:read": r, "payouts:write": w}}}'
    (root / "api.yaml").write_text(
        f"components: {{securitySchemes: {{a: {{type: oauth2, flows: {flows}}}}}}}\n"
    )
    (root / "other/api.yaml").symlink_to("../api.yaml")
    (root / "policy.yaml").write_text(
        POLICY + "  approvers: [{approver: ada, when: {risk: critical}}]\n"
        "  apply: {signedCommits: {allowedSigners: keys/./signers}}\n"
    )
    (root / "reconciler.yaml").write_text(
        PROJECT.replace('vault: {address: "https', 'vault: {caCert: keys/ca.pem, address: "https')
        + "    other:\n"
        '      vault: {caCert: /etc/ca.pem, address: "https://v.example.com"}\n'
        "      deliveries: {caCert: keys/out.pem, clientCert: ../c.pem}\n"
    )
    for name in ("mine", "ours", "all"):
        (root / f"payloads/{name}.json").write_text("{}")
    (root / "payloads/linked.json").symlink_to("ours.json")
    (root / "templates/t.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: IntegrationTemplate\nmetadata: {name: t}\nspec:\n"
        + EVENTS.replace("FILE", "payloads/all.json")
    )
    platform = "team: platform"
    (root / "clients/a.yaml").write_text(
        with_schema(client("a", "team: payments"), "payloads/mine.json")
    )
    (root / "clients/b.yaml").write_text(with_schema(client("b", platform), "payloads/linked.json"))
    (root / "other/c.yaml").write_text(
        with_schema(client("c", "contact: c@example.com"), "payloads/ours.json")
    )
    (root / "other/link").symlink_to("c.yaml")
    (root / "clients/c.yaml").symlink_to("../other/link")
    (root / "clients/d.yaml").write_text(with_schema(client("d", platform), "policy.yaml"))
    assert main(["validate"]) == 1
    assert "`policy.yaml`" in capsys.readouterr().out
    (root / "clients/d.yaml").write_text(with_schema(client("d", platform), "payloads/all.json"))
    assert lines(capsys)[10:] == [
        *(f"/{path} @ada" for path in (
            "api.yaml", "keys/ca.pem", "keys/out.pem", "keys/signers", "other/api.yaml", "payloads/all.json"
        )),
        "/clients/a.yaml @acme/payments",
        "/clients/b.yaml @acme/platform",
        "/clients/c.yaml c@example.com",
        "/clients/d.yaml @acme/platform",
        "/other/c.yaml c@example.com",
        "/other/link c@example.com",
        "/payloads/linked.json @acme/platform",
        "/payloads/mine.json @acme/payments",
        "/payloads/ours.json @acme/platform c@example.com",
    ]  # fmt: skip


def test_a_client_cannot_name_its_way_to_files_of_others(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON is YAML: a policy and another client can be schemas."""
    policy = {
        "apiVersion": "reconciler/v1",
        "kind": "GuardrailPolicy",
        "spec": {"approvers": [{"approver": "ada"}]},
    }
    (root / "policy.yaml").write_text(json.dumps(policy))
    (root / "clients/a.yaml").write_text(
        with_schema(client("a", "contact: a@example.com"), "policy.yaml")
    )
    (root / "clients/b.yaml").write_text(client("b", "contact: b@example.com"))
    assert lines(capsys, "--format", "gitlab")[1:] == [
        "CODEOWNERS @ada", *(f"{path} @ada" for path in (*GITLAB, *SHARED)),
        "/clients/a.yaml a@example.com", "/clients/b.yaml b@example.com",
        "[Approval of ada] @ada", "/clients/a.yaml", "/clients/b.yaml",
    ]  # fmt: skip


def test_a_link_in_place_of_the_folder_of_clients(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "policy.yaml").write_text(
        f"{POLICY}  approvers: [{{approver: ada, when: {{risk: critical}}}}]\n"
    )
    (root / "clients").rename(root / "elsewhere")
    (root / "clients").symlink_to("elsewhere")
    assert lines(capsys)[10:] == [
        "/clients @ada", "/elsewhere @ada", "/clients/a.yaml @acme/payments", "/elsewhere/a.yaml @acme/payments"
    ]  # fmt: skip


def test_paths_begin_at_the_top_of_the_repository(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / ".git").rename(tmp_path / ".git")
    assert lines(capsys) == ["/repository/clients/a.yaml @acme/payments"]


def test_check_says_whether_the_file_is_what_would_be_written(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["codeowners", "--check", "--output", "CODEOWNERS"]
    assert main(ask) == 1
    assert "RC037" in capsys.readouterr().err
    assert not (root / "CODEOWNERS").exists()
    assert main(["codeowners", "--output", "CODEOWNERS"]) == 0
    assert capsys.readouterr().out == ""
    assert main(ask) == 0
    (root / "clients/a.yaml").write_text(client("a", "team: platform"))
    before = (root / "CODEOWNERS").read_text()
    assert main(ask) == 1
    assert "line 5 should read: /clients/a.yaml @acme/platform" in capsys.readouterr().err
    assert (root / "CODEOWNERS").read_text() == before
    assert main(["codeowners", "--output", "CODEOWNERS"]) == 0
    assert main(ask) == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace(b"\n", b"\r\n"), None),
        (lambda text: b"# mine\n* @ada\n\n" + text + b"\n/.github/ @ada\n\xff", None),
        (
            lambda text: text.replace(MARK, b"/clients/ @mallory\n" + MARK),
            "line 6 should read: # END",
        ),
        (
            lambda text: b"* @ada\n" + text.replace(b"@acme/payments", b"@eve"),
            "line 6 should read: /clients/a.yaml",
        ),
        (lambda text: text[:-1], "line 6 does not end"),
        (lambda text: b"\xff" + text, "does not have '# BEGIN reconciler codeowners' once"),
        (lambda text: text + text, "does not have '# BEGIN reconciler codeowners' once"),
        (lambda text: text.replace(MARK, b""), "and '# END reconciler codeowners' once after it"),
        (
            lambda text: b"".join(text.splitlines(keepends=True)[2:-1]),
            None,
        ),  # of a version without marks
        (
            lambda text: b"".join(text.splitlines(keepends=True)[2:-1]) + b"* @eve\n",
            "line 4 should not be there: * @eve",
        ),
        (lambda text: b"* @ada\n", "line 1 should read: #"),
        (lambda text: b"", "line 1 should read: #"),
    ],
)
def test_check_finds_every_difference_but_line_ends(
    change: Callable[[bytes], bytes],
    told: str | None,
    root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = root / "CODEOWNERS"
    assert main(["codeowners", "--output", "CODEOWNERS"]) == 0
    path.write_bytes(change(path.read_bytes()))
    assert main(["codeowners", "--check", "--output", "CODEOWNERS"]) == (0 if told is None else 1)
    assert (told or "") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"/.github/ @ada\n"),
        (b"# mine\r\n* @ada\r\n", b"\r\n/.github/ @ada"),
        (b"# h\xc3\xb6her\n\n", b""),
    ],
)
def test_what_people_write_outside_the_marks_is_kept(
    root: Path, before: bytes, after: bytes
) -> None:
    path, write = root / "CODEOWNERS", ["codeowners", "--output", "CODEOWNERS"]
    assert main(write) == 0
    path.write_bytes(before + path.read_bytes() + after)
    (root / "clients/a.yaml").write_text(client("a", "team: platform"))
    assert main([*write, "--check"]) == 1
    assert main(write) == 0
    assert main([*write, "--check"]) == 0
    found = path.read_bytes()
    assert found.startswith(before + codeowners.BEGIN.encode())
    assert found.endswith(MARK + b"\n" + after)
    assert b"/clients/a.yaml @acme/platform\n" in found
    assert found.count(b"/clients/a.yaml") == 1


def test_a_file_of_somebody_else_is_kept_and_ours_comes_last(root: Path) -> None:
    (root / "CODEOWNERS").write_text("* @everybody")
    for _ in range(2):
        assert main(["codeowners", "--output", "CODEOWNERS"]) == 0
    first, _, *ours = (root / "CODEOWNERS").read_text().splitlines()
    assert first == "* @everybody"
    assert (ours[0], ours[-1]) == (codeowners.BEGIN, codeowners.END)
    assert ours.count("/clients/a.yaml @acme/payments") == 1


def test_a_file_of_a_version_without_marks_is_replaced(root: Path) -> None:
    (root / "CODEOWNERS").write_text(f"{HEAD}\n/clients/gone.yaml @eve\n")
    assert main(["codeowners", "--output", "CODEOWNERS"]) == 0
    assert "gone" not in (root / "CODEOWNERS").read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"\xff\n", "is not UTF-8"),
        (f"{codeowners.BEGIN}\n* @ada\n".encode(), "does not have"),
        (f"{codeowners.END}\n{codeowners.BEGIN}\n".encode(), "does not have"),
        (f"{codeowners.BEGIN}\n{codeowners.BEGIN}\n{codeowners.END}\n".encode(), "does not have"),
    ],
)
def test_a_file_whose_lines_cannot_be_told_apart_is_not_touched(
    text: bytes, told: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "CODEOWNERS").write_bytes(text)
    assert main(["codeowners", "--output", "CODEOWNERS"]) == 64
    printed = capsys.readouterr().err
    assert "RC038" in printed
    assert told in printed
    assert (root / "CODEOWNERS").read_bytes() == text


@pytest.mark.parametrize(
    ("options", "code", "exit_code"),
    [
        (["--check"], "RC021", 64),
        (["--output", "clients"], "RC038", 64),
        (["--output", "nowhere/CODEOWNERS"], "RC038", 64),
        (["--format", "bitbucket"], "RC021", 64),
    ],
)
def test_wrong_options(
    options: list[str], code: str, exit_code: int, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["codeowners", *options]) == exit_code
    assert code in capsys.readouterr().err


def test_a_broken_declaration_makes_no_file(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "policy.yaml").write_text(
        POLICY
        + "  approvers: [{approver: ada, when: {scopes: [payout:x], environments: [prod]}}]\n"
    )
    assert main(["codeowners", "--output", "CODEOWNERS"]) == 1
    printed = capsys.readouterr().err
    assert "the scope `payout:x` does not exist" in printed
    assert "the environment `prod` does not exist" in printed
    assert not (root / "CODEOWNERS").exists()


def test_what_github_would_ignore_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(codeowners, "GITHUB_LIMIT", 50)
    assert main(["codeowners"]) == 1
    assert "RC039" in capsys.readouterr().err
    assert main(["codeowners", "--format", "gitlab"]) == 0
