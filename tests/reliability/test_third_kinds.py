"""A kind of credential that the program has never heard of lives as every other: it is issued,
rotated, revoked and ended, through every fault and beside every other run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from reconciler.adapters.system.minting import RandomMinter
from reconciler.adapters.vault.http import paths
from reconciler.domain.declared.schemes import SCHEMES
from reconciler.domain.kinds.credentials import (
    KEY,
    SIGNING_SECRET,
    CredentialKind,
    Reader,
    find_kind,
)
from reconciler.domain.live.record import VersionState
from reconciler.domain.plan.plan import OutcomeStatus
from reconciler.errors import Address, UsageError
from reconciler.planning.actions.reasons import RevocationRequest, RotationRequest
from reconciler.report.status.client_document import client_document
from tests.kit.suite.tally import Tally
from tests.kit.worlds.declared import PROJECT, client, desired, webhook
from tests.kit.worlds.memory import World
from tests.kit.worlds.real import RealRunner, RealWorld
from tests.kit.worlds.runner import Runner
from tests.kit.worlds.scenarios import SCENARIOS
from tests.kit.worlds.stored import decode_bucket, encode_bucket
from tests.kit.worlds.third_kinds import GRANT, ITEM, LOGIN, THIRD, holding, registered, scenarios
from tests.reliability import test_faults_in_memory as in_memory
from tests.reliability import test_interleavings as interleavings
from tests.reliability.test_interleavings import Pair, applying, revoking

CASES = {f"{kind.word}: {name}": one for kind in THIRD for name, one in scenarios(kind).items()}
DISTURBED = [
    f"{kind.word}: {name}"
    for kind, names in {
        GRANT: ("issue", "rotate with grace", "revoke", "removed", "removed, grace over"),
        LOGIN: ("issue", "grace over", "revoke all", "removed", "adopt a claim"),
    }.items()
    for name in names
]
# The lives that are disturbed in every run of the suite; --exhaustive disturbs all of them.
SAMPLE = [
    f"{GRANT.word}: rotate with grace",
    f"{LOGIN.word}: revoke all",
    f"{LOGIN.word}: adopt a claim",
]
HOOKED = client(webhooks=[webhook()])
DUE = timedelta(days=21)
ONE_SIGNATURE = next(one for one in SCHEMES.values() if not one.several)


def renewed_twice(kind: CredentialKind) -> Pair:
    wanted = desired(holding(HOOKED, kind))
    return Pair((wanted, DUE), (applying(wanted), applying(wanted)), wanted)


def renewed_and_revoked(kind: CredentialKind) -> Pair:
    wanted = desired(holding(HOOKED, kind))
    return Pair((wanted, DUE), (applying(wanted), revoking), wanted, live=False)


PAIRS = {
    f"{kind.word}: {make.__name__}": make(kind)
    for kind in THIRD
    for make in (renewed_twice, renewed_and_revoked)
}


@pytest.fixture(autouse=True, scope="module")
def third() -> Iterator[None]:
    with registered(*THIRD):
        yield


@pytest.mark.parametrize("name", CASES)
def test_a_life_without_a_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCENARIOS, name, CASES[name])
    in_memory.test_without_a_fault(name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "disturbed" in metafunc.fixturenames:
        exhaustive = metafunc.config.getoption("--exhaustive")
        metafunc.parametrize("disturbed", DISTURBED if exhaustive else SAMPLE)


@pytest.mark.parametrize("fault", in_memory.FAULTS)
def test_every_fault_at_every_request(
    disturbed: str, fault: str, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCENARIOS, disturbed, CASES[disturbed])
    in_memory.test_every_request(disturbed, fault, tally)


@pytest.mark.parametrize("name", PAIRS)
def test_every_order_of_two_runs(
    name: str, exhaustive: bool, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(interleavings.PAIRS, name, PAIRS[name])
    interleavings.test_every_order_in_memory(name, exhaustive, tally)


@pytest.mark.parametrize("kind", THIRD, ids=str)
def test_it_is_rotated_on_request_and_nothing_else_is(kind: CredentialKind) -> None:
    """The webhook has the same name, and a scheme that has a say when its own secret is rotated."""
    hooked = client(webhooks=[webhook(scheme=ONE_SIGNATURE)])
    runner, wanted = Runner(World()), desired(holding(hooked, kind))
    runner.settle(wanted)
    asked = RotationRequest("payouts", ITEM, "a person asked", kind)
    plan = runner.plan(wanted, rotations={"payouts": asked})
    assert [(one.kind, one.address) for one in plan.changes] == [
        (kind.rotate, kind.address("payouts", ITEM))
    ]
    assert "signature" not in plan.changes[0].message
    assert not any("signature" in reason for reason in plan.changes[0].risk_reasons)


@pytest.mark.parametrize("kind", THIRD, ids=str)
def test_what_is_not_said_of_a_name_is_asked_for(kind: CredentialKind) -> None:
    runner = Runner(World())
    runner.settle(desired(holding(HOOKED, kind)))
    with pytest.raises(UsageError) as caught:
        runner.revoke(RevocationRequest("payouts", ITEM, "compromise"))
    assert caught.value.code == "RC358"
    assert kind.owner_address("payouts", ITEM) in caught.value.remedy
    assert "client/payouts/key/" not in caught.value.remedy


@pytest.mark.parametrize("kind", THIRD, ids=str)
def test_it_is_stored_beside_the_others_and_read_again(kind: CredentialKind) -> None:
    runner = Runner(World())
    runner.settle(desired(holding(HOOKED, kind)))
    records = runner.world.records()
    assert decode_bucket(encode_bucket(records), PROJECT)[0] == records
    assert not records["payouts"].edited
    assert [(one, name) for one, name, _ in records["payouts"].all_series()] == [
        (KEY, "primary"),
        (SIGNING_SECRET, ITEM),
        (kind, ITEM),
    ]


def test_what_belongs_to_the_client_itself_is_shown_in_its_own_section() -> None:
    runner = Runner(World())
    runner.settle(desired(holding(HOOKED, GRANT)))
    shown = client_document(runner.world.records()["payouts"])
    assert [one["path"] for one in shown["grants"]] == [GRANT.path("payouts", ITEM)]
    assert [one["path"] for one in shown["keys"]] == ["keys/payouts.primary"]


@pytest.mark.parametrize("kind", THIRD, ids=str)
def test_its_paths_are_ours_and_its_reader_reads_them(kind: CredentialKind) -> None:
    assert paths.secret_path(kind.path("payouts", ITEM)) == f"{kind.folder}/payouts.{ITEM}"
    assert paths.may_deliverer_read(kind.path("a", "b")) is (kind.reader is Reader.DELIVERER)
    assert find_kind(Address.read(kind.address("payouts", ITEM))) is kind


@pytest.mark.parametrize("kind", THIRD, ids=str)
def test_its_secret_has_the_form_of_its_row(kind: CredentialKind) -> None:
    text = RandomMinter("acme", "production").mint(kind).secret.reveal()
    assert text.startswith("whsec_" if kind is LOGIN else "acme_production_")


@pytest.mark.openbao
@pytest.mark.parametrize("kind", THIRD, ids=str)
def test_a_life_on_a_real_server(kind: CredentialKind, world: RealWorld) -> None:
    """With the tokens of the least-privilege roles, whose policies are made from the table."""
    world.wipe()
    runner, wanted = RealRunner(world), desired(holding(HOOKED, kind))
    runner.settle(wanted)
    path = kind.path("payouts", ITEM)
    assert world.readable(path, 1) is not None
    world.pass_time(DUE)
    runner.settle(wanted)
    assert world.readable(path, 2) is not None
    outcomes = runner.revoke(RevocationRequest("payouts", ITEM, "compromise", kind=kind))
    assert [one.status for one in outcomes] == [OutcomeStatus.DONE] * 2
    assert world.readable(path, 1) is world.readable(path, 2) is None
    series = world.records()["payouts"].series_of(kind, ITEM)
    assert {one.state for one in series.versions} == {VersionState.REVOKED}
    world.text()  # every commit is judged
