"""``doctor`` tells what is wrong, in the order in which a person would look, and changes
nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.adapters.openbao.server import throw_away
from reconciler.adapters.vault.live import Live
from reconciler.app.setup.check import Check
from reconciler.app.setup.doctor import examine
from reconciler.registry.requests import WriteDocument
from tests.kit.programs.loopback import Seen, loopback, reply
from tests.kit.vault.places import HASTY, PROJECT, Place, settings_for

pytestmark = pytest.mark.openbao


def checks(place: Place, role: str) -> dict[str, Check]:
    found = {check.name: check for check in examine(place.live(role), PROJECT, place.name)}
    assert all(check.remedy for check in found.values() if check.result != "ok")
    return found


def results(found: dict[str, Check]) -> dict[str, str]:
    return {name: check.result for name, check in found.items() if check.result != "ok"}


@pytest.mark.openbao_only
def test_all_is_well_for_a_run(place: Place) -> None:
    found = checks(place, "run")
    assert results(found) == {}
    assert list(found) == [
        "server", "tls", "clock", "unsealed", "active", "token", "can plan", "can apply", "can deliver", "key values",
        f"mount {place.settings.registry_mount}", f"mount {place.settings.secrets_mount}", "registry", "signing key",
        "evidence log", "policies", "lease",
    ]  # fmt: skip
    assert "2." in found["server"].sentence
    assert f"integrations-{place.name}-applier" in found["token"].sentence


def test_what_each_role_can_do(place: Place) -> None:
    planner = results(checks(place, "planner"))
    assert planner == {"can apply": "warn", "can deliver": "warn"}
    assert results(checks(place, "applier")) == {"can deliver": "warn"}
    deliverer = checks(place, "deliverer")
    assert deliverer["can deliver"].result == "ok"
    assert deliverer["key values"].result == "ok", "refused unwrapped"
    assert {deliverer["can plan"].result, deliverer["can apply"].result} == {"warn"}
    root = checks(place, "root")
    assert results(root) == {"token": "warn", "key values": "warn"}


def test_an_environment_that_is_not_bootstrapped(bare_place: Place) -> None:
    found = results(checks(bare_place, "root"))
    settings = bare_place.settings
    for name in (
        f"mount {settings.registry_mount}",
        f"mount {settings.secrets_mount}",
        "registry",
        "signing key",
        "policies",
    ):
        assert found[name] == "fail"


def test_what_was_changed_by_hand(place: Place) -> None:
    root = place.root.adapter
    root.post(f"/v1/{place.settings.secrets_mount}/config", json={"cas_required": False})
    root.post(
        f"/v1/sys/policies/acl/integrations-{place.name}-consumer",
        json={"policy": 'path "x" { capabilities = ["read"] }'},
    )
    place.root.answer(WriteDocument("lease", "scribble", 0))
    found = checks(place, "run")
    assert results(found) == {
        f"mount {place.settings.secrets_mount}": "fail",
        "policies": "fail",
        "lease": "warn",
    }
    assert f"integrations-{place.name}-consumer" in found["policies"].sentence


def test_who_holds_the_lease(place: Place) -> None:
    place.root.answer(
        WriteDocument("lease", '{"format":1,"holder":"ci-7","until":"2999-01-01T00:00:00Z"}', 0)
    )
    assert "ci-7" in checks(place, "planner")["lease"].sentence
    place.root.answer(
        WriteDocument("lease", '{"format":1,"holder":"ci-7","until":"2001-01-01T00:00:00Z"}', 1)
    )
    assert "nobody" in checks(place, "planner")["lease"].sentence


@pytest.mark.parametrize(("off", "result"), [(20, "ok"), (-20, "ok"), (90, "warn"), (-90, "warn")])
def test_the_clocks_are_compared(place: Place, off: int, result: str) -> None:
    found = examine(
        place.live("planner"),
        PROJECT,
        place.name,
        lambda: datetime.now(UTC) + timedelta(seconds=off),
    )
    clock = next(check for check in found if check.name == "clock")
    assert clock.result == result
    assert ("ahead" if off > 0 else "behind") in clock.sentence


def test_a_token_that_is_not_valid_ends_the_examination(place: Place) -> None:
    found = examine(place.live_with("s.unknown"), PROJECT, place.name)
    assert (found[-1].name, found[-1].result) == ("token", "fail")
    assert "expired" in found[-1].sentence


def test_a_token_of_short_life(place: Place) -> None:
    live = place.live_with(place.new_token("run", ttl="60s"))
    token = next(check for check in examine(live, PROJECT, place.name) if check.name == "token")
    assert token.result == "warn"
    assert "left" in token.sentence


def test_a_sealed_server_and_one_that_is_gone() -> None:
    with throw_away() as server:
        settings = settings_for(server.address, "staging")
        with Live(settings, patience=HASTY) as live:
            live.adapter.token = server.token.reveal()
            live.adapter.post("/v1/sys/seal")
            last = examine(live, PROJECT, "staging")[-1]
            assert (last.name, last.result) == ("unsealed", "fail")
    with Live(settings, patience=HASTY) as live:
        (only,) = examine(live, PROJECT, "staging")
        assert (only.name, only.result) == ("server", "fail")
        assert settings.address in only.sentence


@pytest.mark.parametrize(
    ("health", "name", "result"),
    [
        (
            '{"initialized":false,"sealed":true,"standby":true,"version":"1.13.0"}',
            "initialised",
            "fail",
        ),
        (
            '{"initialized":true,"sealed":false,"standby":true,"version":"1.13.0","enterprise":false}',
            "active",
            "warn",
        ),
        (
            '{"initialized":true,"sealed":false,"standby":false,"performance_standby":true,"version":"1.13.0"}',
            "active",
            "warn",
        ),
        (
            '{"initialized":true,"sealed":false,"standby":false,"performance_standby":false,"version":"1.13.0"}',
            "active",
            "ok",
        ),
        ('{"initialized":true,"sealed":true,"version":"1.13.0"}', "unsealed", "fail"),
        ('{"initialized":true,"sealed":false,"version":"1.13.0"}', "unsealed", "ok"),
        ('{"initialized":true,"sealed":false,"version":"1.13.0"}', "active", "ok"),
    ],
)
def test_a_server_that_is_not_ready(health: str, name: str, result: str) -> None:
    answer = reply(200, health)
    forbidden = reply(403, '{"errors":["permission denied"]}')

    def script(seen: Seen) -> bytes:
        return answer if "health" in seen.target else forbidden

    with (
        loopback(script) as served,
        Live(settings_for(served.address, "staging"), patience=HASTY) as live,
    ):
        live.adapter.token = "token"
        found = {check.name: check for check in examine(live, PROJECT, "staging")}
    assert found[name].result == result
    assert "1.13.0" in found["server"].sentence


@pytest.mark.parametrize(
    "health",
    ["{}", '{"initialized":true}', '{"sealed":false}', '{"initialized":"yes","sealed":false}'],
)
def test_what_does_not_report_its_health_is_no_vault(health: str) -> None:
    with (
        loopback(lambda _: reply(200, health)) as served,
        Live(settings_for(served.address, "staging"), patience=HASTY) as live,
    ):
        live.adapter.token = "token"
        (only,) = examine(live, PROJECT, "staging")
    assert (only.name, only.result) == ("server", "fail")
    assert "does not report the health" in only.sentence
