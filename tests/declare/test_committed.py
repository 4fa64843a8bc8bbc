"""Which clients the texts of a commit declare: what cannot be read declares anything."""

from __future__ import annotations

import pytest

from reconciler.declare.files.committed import clients_in

HEAD = "apiVersion: reconciler/v1\nkind: IntegrationClient\nmetadata: {name: alerts}\n"
HERE = "spec: {environments: {staging: null}}\n"
CASES: dict[str, tuple[str, set[str] | None]] = {
    "this environment": (HEAD + HERE, {"alerts"}),
    "another environment": (f"{HEAD}spec: {{environments: {{production: null}}}}\n", set()),
    "a former name": (
        HEAD.replace("alerts", "alerts, renamedFrom: alarms") + HERE,
        {"alerts", "alarms"},
    ),
    "two documents": (
        f"{HEAD}{HERE}---\n{HEAD.replace('alerts', 'payouts')}{HERE}",
        {"alerts", "payouts"},
    ),
    "nothing, which nobody could apply": ("# later\n", None),
    "no environments": (f"{HEAD}spec: {{}}\n", None),
    "a list of environments": (f"{HEAD}spec: {{environments: [staging]}}\n", None),
    "a list for a spec": (f"{HEAD}spec: []\n", None),
    "no name": (HEAD.replace("name", "names") + HERE, None),
    "another kind": (HEAD.replace("IntegrationClient", "Client") + HERE, None),
    "one good, one bad": (f"{HEAD}{HERE}---\n{HEAD}", None),
    "no YAML": ("a: b: c", None),
    "a pointer to a large file": (
        "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n",
        None,
    ),
    "bytes that are no text": ("\udcff\0", None),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_commit_declares(name: str) -> None:
    text, expected = CASES[name]
    found = clients_in({"clients/a.yaml": text}, "staging")
    assert found == (None if expected is None else frozenset(expected))


def test_only_files_of_clients_declare_any() -> None:
    assert (
        clients_in({"policy.yaml": HEAD + HERE, "templates/a.yaml": "a: b: c"}, "staging")
        == frozenset()
    )
