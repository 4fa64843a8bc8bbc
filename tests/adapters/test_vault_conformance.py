"""``doctor --conformance`` on a real server, behind Vault's habits, and where something fails:
nothing is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.adapters.openbao.server import RunningServer
from reconciler.adapters.vault.conformance import place as places
from reconciler.adapters.vault.conformance import trials
from reconciler.adapters.vault.conformance.trials import TRIALS, conform
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.live import Live
from tests.kit.git.checkout import new_checkout
from tests.kit.git.repositories import isolate
from tests.kit.vault.habits import vault_like
from tests.kit.vault.places import HASTY, Place, settings_for
from tests.kit.vault.proxy import Action, answering, proxying

pytestmark = pytest.mark.openbao


def names_of(root: Live) -> set[str]:
    """Every mount, policy and token role that a trial could have made."""
    adapter = root.adapter
    found = set(adapter.get("/v1/sys/mounts").data)
    found |= set(adapter.get("/v1/sys/policies/acl", params={"list": "true"}).data["keys"])
    with suppress(StatusError):  # there is none
        found |= set(adapter.list("/v1/auth/token/roles").data["keys"])
    return {name for name in found if "conformance" in name}


@pytest.fixture
def root(bare_place: Place) -> Iterator[Live]:
    """The administrator, before whom nothing is there and after whom nothing is left."""
    assert names_of(bare_place.root) == set()
    yield bare_place.root
    assert names_of(bare_place.root) == set()


def results(found: list[trials.Trial]) -> dict[str, str]:
    return {one.name: one.result for one in found}


@pytest.mark.openbao_only
def test_a_real_server_does_all_of_it(root: Live) -> None:
    server, found = conform(root)
    assert server.startswith("OpenBao or Vault 2.")
    assert results(found) == {
        **dict.fromkeys((one[0] for one in TRIALS), "ok"),
        "clean up": "ok",
    }, found


def test_behind_the_habits_of_vault_two_things_are_done_without(
    root: Live, openbao: RunningServer
) -> None:
    with (
        vault_like(openbao) as (server, _),
        Live(settings_for(server.address, "x"), patience=HASTY) as live,
    ):
        live.adapter.token = openbao.token.reveal()
        product, found = conform(live)
    assert product == "Vault 1.19.5"
    without = {name for name, result in results(found).items() if result != "ok"}
    assert without == {"listing", "namespaces"}, found
    assert {one.result for one in found} == {"ok", "fallback"}
    notes = {one.name: one.note for one in found}
    assert (
        notes["reads after writes"]
        == "X-Vault-Index of Vault's form; a node that is behind is asked again"
    )


@pytest.mark.parametrize(
    ("method", "part", "trial"),
    [
        ("POST", "/transit/keys/ledger", "bootstrap"),
        ("PUT", "/policies/acl/", "bootstrap"),
        ("POST", "/secrets/data/", "secrets"),
        ("GET", "/subkeys/", "subkeys"),
        ("POST", "/destroy/", "metadata"),
        ("POST", "/transit/sign/webhook.", "key pairs"),
        ("POST", "/transit/sign/ledger", "evidence log"),
        ("DELETE", "/registry/metadata/log/", "evidence log"),
        ("POST", "/capabilities-self", "token"),
    ],
)
def test_what_a_server_does_not_do_is_told_and_nothing_is_left(
    root: Live, openbao: RunningServer, method: str, part: str, trial: str
) -> None:
    def rule(_number: int, asked: str, path: str) -> Action:
        return (
            answering(405, '{"errors":["unsupported operation"]}')
            if asked == method and part in path
            else Action()
        )

    with (
        proxying(openbao.address, rule) as proxy,
        Live(settings_for(proxy.address, "x"), patience=HASTY) as live,
    ):
        live.adapter.token = openbao.token.reveal()
        _, found = conform(live)
    assert results(found)[trial] == "differs"
    assert results(found)["clean up"] == "ok"
    if trial == "bootstrap":
        assert {one.result for one in found[1:-1]} == {"not tried"}


def test_what_cannot_be_removed_is_named(bare_place: Place, openbao: RunningServer) -> None:
    def rule(_number: int, asked: str, path: str) -> Action:
        return (
            answering(405, '{"errors":[]}')
            if asked == "DELETE" and "/sys/mounts/" in path
            else Action()
        )

    with (
        proxying(openbao.address, rule) as proxy,
        Live(settings_for(proxy.address, "x"), patience=HASTY) as live,
    ):
        live.adapter.token = openbao.token.reveal()
        _, found = conform(live)
    left = names_of(bare_place.root)
    assert len(left) == 3
    assert found[-1].result == "differs"
    assert all(name.strip("/") in found[-1].note for name in left)
    for name in left:
        bare_place.root.adapter.delete(f"/v1/sys/mounts/{name.strip('/')}")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_when_it_is_stopped(
    root: Live, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    def interrupted(_place: places.Place) -> str:
        raise stop

    table: list[tuple[str, str, Callable[[places.Place], str]]] = list(TRIALS)
    table[4] = (*table[4][:2], interrupted)
    monkeypatch.setattr(trials, "TRIALS", tuple(table))
    with pytest.raises(stop):
        conform(root)


def test_a_weaker_policy_would_be_seen(root: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial of who reads what is no formality: a policy that reads keys is caught by it."""
    made = places.Place.make

    def careless(place: places.Place) -> None:
        made(place)
        text = f'path "{place.settings.secrets_mount}/data/keys/+" {{ capabilities = ["create","update","read"] }}'
        path = f"/v1/sys/policies/acl/integrations-{place.environment}-deliverer"
        place.admin.adapter.post(path, json={"policy": text})

    monkeypatch.setattr(places.Place, "make", careless)
    _, found = conform(root)
    assert results(found)["who reads what"] == "differs"
    notes = {one.name: one.note for one in found}
    assert notes["who reads what"] == "the role run can read a key"


@pytest.mark.openbao_only
def test_the_command_prints_a_table_that_names_no_address(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    checkout = new_checkout(place, tmp_path / "repository")
    arguments = ("doctor", "-e", place.name, "--conformance")
    ran = checkout.run(*arguments, role="root").ok()
    assert place.server.address not in ran.out
    lines = ran.out.splitlines()
    assert lines[0].startswith("reconciler ")
    assert [line.split("|")[1].strip() for line in lines[4:]] == [
        *(one[0] for one in TRIALS),
        "clean up",
    ]
    document = checkout.run(*arguments, "--format", "json", role="root").ok().json
    assert (document["format_version"], document["kind"]) == (1, "conformance")
    assert {row["result"] for row in document["trials"]} == {"ok"}
    refused = checkout.run(*arguments, "--format", "json", role="planner")
    assert refused.code == 1
    assert json.loads(refused.out)["trials"][0]["result"] == "differs"
