"""Where HashiCorp Vault differs from OpenBao: a proxy with Vault's habits stands before a real
OpenBao."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from reconciler.adapters.openbao.server import RunningServer
from reconciler.adapters.vault.http.consistency import Reached
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.bootstrap import prepare_environment
from reconciler.app.setup.doctor import examine
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.secrecy.secret import Secret
from reconciler.engine.look.records import read_runs
from reconciler.errors import VaultError
from reconciler.registry.requests import (
    PutSecret,
    ReadDocument,
    ReadSubkeys,
    Subkeys,
    Unclear,
    WriteDocument,
    Written,
)
from tests.kit.vault.api import complaints
from tests.kit.vault.habits import VaultHabits, index, local_of, vault_like
from tests.kit.vault.places import PROJECT, Place, bootstrapped, unbootstrapped

pytestmark = pytest.mark.openbao


@pytest.fixture
def seen(openbao: RunningServer) -> Iterator[tuple[Place, VaultHabits]]:
    """A bootstrapped environment behind the proxy."""
    with vault_like(openbao) as (server, habits), bootstrapped(server, 16, openbao) as place:
        yield place, habits


def reached(*indexes: str) -> str:
    """What is sent after these answers."""
    there = Reached()
    for one in indexes:
        there.note({"x-vault-index": one})
    return there.headers()["X-Vault-Index"]


def test_of_one_cluster_the_furthest_index_counts_and_never_the_last_answer() -> None:
    steps = [
        index("8b2c", local, replicated)
        for local, replicated in [(9, 1), (10, 1), (10, 2), (11, 0), (100, 7)]
    ]
    for seed in range(20):
        answers = random.Random(seed).sample(steps, len(steps))
        assert reached(*answers) == steps[-1]


def test_another_cluster_has_an_index_of_its_own() -> None:
    first, behind, other = index("8b2c", 50, 0), index("8b2c", 49, 0), index("77aa", 3, 0)
    assert reached(first, other) == other
    assert reached(first, other, behind) == first


def test_an_index_that_nobody_can_read_never_takes_the_place_of_one_that_can() -> None:
    assert reached(index("8b2c", 50, 0), "opaque") == index("8b2c", 50, 0)
    assert reached("opaque", "later") == "later"
    assert reached("opaque", index("8b2c", 50, 0)) == index("8b2c", 50, 0)


def test_forwarding_that_is_refused_is_not_asked_for_again(seen: tuple[Place, VaultHabits]) -> None:
    place, habits = seen
    live = place.live("run")
    live.now()
    assert isinstance(live.answer(WriteDocument("runs/one", "{}", 0)), Written), (
        "refused once, and sent again"
    )
    before = len(habits.asked)
    assert isinstance(live.answer(WriteDocument("runs/one", "{}", 1)), Written)
    assert live.answer(ReadDocument("runs/one")).version == 2  # type: ignore[union-attr]
    asked = habits.asked[before:]
    assert [one.method for one in asked] == ["POST", "GET"]
    assert not any("x-vault-inconsistent" in one.headers for one in asked)
    sent = [local_of(one.headers["x-vault-index"]) for one in asked]
    assert sent == sorted(sent)


def test_forwarding_goes_on_where_it_is_allowed(seen: tuple[Place, VaultHabits]) -> None:
    place, habits = seen
    habits.forwards = True
    live = place.live("run")
    live.now()
    live.answer(ReadDocument("meta"))
    assert habits.asked[-1].headers["x-vault-inconsistent"] == "forward-active-node"


def test_another_400_is_not_taken_for_a_refusal_to_forward(place: Place) -> None:
    live = place.root
    live.now()
    with pytest.raises(StatusError, match="400"):
        live.adapter.post(
            f"/v1/{place.settings.transit_mount}/keys/other", json={"type": "no-such-type"}
        )


def test_a_node_that_is_behind_is_asked_again(seen: tuple[Place, VaultHabits]) -> None:
    place, habits = seen
    habits.behind = 2
    live = place.live("run")
    for version in range(5):
        assert isinstance(live.answer(WriteDocument("runs/one", f"{version}", version)), Written)
        assert live.answer(ReadDocument("runs/one")).text == f"{version}"  # type: ignore[union-attr]


def test_a_namespace_that_is_ignored_is_no_namespace(openbao: RunningServer) -> None:
    """An answer cannot tell: the header comes back. One in a namespace that nobody made can."""
    with vault_like(openbao) as (server, habits), unbootstrapped(server, openbao) as place:
        live = place.live_with(place.token("root"), namespace="team-a")
        with pytest.raises(VaultError, match="ignores namespaces") as caught:
            prepare_environment(live, place.name, PROJECT)
        assert caught.value.code == "RC424"
        assert not any(one.method in ("POST", "PUT") for one in habits.asked), "nothing was changed"
        failed = {
            check.name for check in examine(live, PROJECT, place.name) if check.result == "fail"
        }
        assert "namespace" in failed
        without = place.live_with(place.token("root"))
        assert "namespace" not in {check.name for check in examine(without, PROJECT, place.name)}


@pytest.mark.openbao_only
def test_a_namespace_that_exists_is_kept_apart(openbao: RunningServer) -> None:
    with unbootstrapped(openbao) as place:
        place.root.adapter.post(f"/v1/sys/namespaces/{place.name}")
        live = place.live_with(place.token("root"), namespace=place.name)
        prepare_environment(live, place.name, PROJECT)
        found = {check.name: check.result for check in examine(live, PROJECT, place.name)}
        assert found["namespace"] == "ok"
        place.root.adapter.delete(f"/v1/sys/namespaces/{place.name}")


def test_secrets_are_listed_by_name_and_deeply_with_their_metadata(
    seen: tuple[Place, VaultHabits],
) -> None:
    place, _ = seen
    live = place.live("run")
    live.answer(PutSecret("keys/a.primary", "AuKrH5hpsVRY", Secret("value"), 0))
    assert live.list_secrets("keys", deep=False) == ({"keys/a.primary": SecretInfo()}, False)
    infos, known = live.list_secrets("keys", deep=True)
    assert known
    assert infos["keys/a.primary"].current == 1


def test_a_write_that_an_overloaded_server_refused_is_unclear(
    seen: tuple[Place, VaultHabits],
) -> None:
    place, habits = seen
    live = place.live("run")
    habits.overloaded = lambda _method, path: "/data/" in path
    assert isinstance(live.answer(WriteDocument("runs/one", "{}", 0)), Unclear)
    assert isinstance(
        live.answer(PutSecret("keys/a.primary", "AuKrH5hpsVRY", Secret("value"), 0)), Unclear
    )
    assert sum(one.method == "POST" and "/data/" in one.path for one in habits.asked) == 4, (
        "the head of the log, meta, and once each"
    )
    habits.overloaded = lambda _method, _path: False
    assert isinstance(live.answer(WriteDocument("runs/one", "{}", 0)), Written)


def test_a_run_whose_deletion_was_interrupted_is_gone(seen: tuple[Place, VaultHabits]) -> None:
    """Vault says 500 for ever; that is neither waited for, nor does it stand in anybody's way."""
    place, habits = seen
    live = place.live("run")
    live.now()
    live.answer(WriteDocument("runs/one", "{}", 0))
    habits.lost = frozenset({"runs/one"})
    before = len(habits.asked)
    assert live.answer(ReadDocument("runs/one")).text is None  # type: ignore[union-attr]
    assert len(habits.asked) == before + 1
    assert read_runs(live) == ()
    live.delete_document("runs/one")
    assert live.list_documents("runs") == ()


def test_a_bucket_without_its_data_is_not_taken_for_empty(seen: tuple[Place, VaultHabits]) -> None:
    place, habits = seen
    live = place.live("run")
    live.answer(WriteDocument("buckets/0", "{}", 0))
    habits.lost = frozenset({"buckets/0"})
    with pytest.raises(VaultError, match="not its data") as caught:
        live.answer(ReadDocument("buckets/0"))
    assert caught.value.code == "RC427"


def test_a_secret_without_its_data_holds_no_version_of_ours(
    seen: tuple[Place, VaultHabits],
) -> None:
    place, habits = seen
    live = place.live("run")
    live.answer(PutSecret("webhooks/a.hook", "AuKrH5hpsVRY", Secret("whsec_1"), 0))
    habits.lost = frozenset({"webhooks/a.hook"})
    for asked in (None, 1):
        found = live.answer(ReadSubkeys("webhooks/a.hook", asked))
        assert isinstance(found, Subkeys)
        assert (found.version, found.ids) == (1, frozenset())
    assert live.read_secret("webhooks/a.hook", 1) is None


@pytest.mark.parametrize(
    ("method", "target", "body", "complaint"),
    [
        ("SCAN", "/v1/integrations/a/secrets/metadata/keys", b"", "not in the table"),
        ("GET", "/v1/sys/leader", b"", "not in the table"),
        (
            "POST",
            "/v1/integrations/a/secrets/data/keys/a.b",
            b'{"data":{},"cas":1}',
            "the field cas",
        ),
        (
            "POST",
            "/v1/integrations/a/transit/sign/ledger",
            b'{"input":"","prehashed":true}',
            "the field prehashed",
        ),
        (
            "POST",
            "/v1/integrations/a/secrets/metadata/keys/a.b",
            b'{"metadata_cas":1}',
            "the field metadata_cas",
        ),
        ("GET", "/v1/integrations/a/secrets/data/keys/a.b?after=x", b"", "the parameter after"),
    ],
)
def test_a_request_that_vault_does_not_document_is_told(
    method: str, target: str, body: bytes, complaint: str
) -> None:
    assert any(complaint in sentence for sentence in complaints(method, target, {}, body, 200))


def test_live_is_not_told_of_the_proxy(seen: tuple[Place, VaultHabits]) -> None:
    place, _ = seen
    assert isinstance(place.live("planner"), Live)
    assert place.server.address != place.root.settings.address
