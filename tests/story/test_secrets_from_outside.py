"""Text that looks like a secret and comes from outside: stored nowhere, shown masked, and in
nobody's way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.domain.secrecy import holds_secret
from reconciler.domain.values import keytext
from tests.kit.git.checkout import Checkout, Ran
from tests.kit.git.repositories import git
from tests.kit.webhooks.receivers import Handler, receiving

KEY = keytext.compose("acme", "production", "Id0123456789", "aB3xY" * 8 + "Qz9")
TOKEN = "hvs." + "CAESIJlWh3xYz0123456789abcdef"
SECRETS = {"issued key": KEY, "Vault token": TOKEN}
LOOKS = [("status",), ("plan",), ("apply", "--yes"), ("deliveries",), ("plan", "--format", "json")]


def command(checkout: Checkout, *words: str, **how: Any) -> Ran:
    return checkout.run(words[0], "-e", checkout.environment, *words[1:], **how)


def everything(checkout: Checkout) -> str:
    """All that the registry holds now, all that git holds, and all that was printed."""
    documents = []
    for name in checkout.everything_written():
        path = name.replace("/metadata/", "/data/") if "/" in name else f"registry/data/{name}"
        if path.startswith("registry/"):
            documents.append(json.dumps(checkout.vault("GET", path)))
    return "\n".join(
        [
            *documents,
            git(checkout.root, "log", "--all", "--patch", "--format=fuller"),
            *checkout.printed,
        ]
    )


def assert_nowhere(checkout: Checkout, secret: str) -> None:
    found = everything(checkout)
    assert secret not in found
    assert secret[-20:] not in found
    assert "RC000" not in found


def assert_goes_on(checkout: Checkout) -> None:
    """Every look works, and so does a change."""
    for words in LOOKS:
        ran = command(checkout, *words)
        assert ran.code in (0, 3), (words, ran.out, ran.err)
        assert "RC000" not in ran.out + ran.err
    checkout.apply().ok()


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("variable", ["GITHUB_ACTOR", "GITLAB_USER_LOGIN"])
def test_an_actor_that_looks_like_a_secret_stops_nothing(
    checkout: Checkout, variable: str, secret: str
) -> None:
    checkout.client("partner")
    checkout.apply(**{variable: secret}).ok()
    why = ("partner", "--reason", "routine")
    report = command(checkout, "rotate", *why, "--format", "json", **{variable: secret}).ok().json
    assert report["actor"] == "***"
    assert checkout.versions("partner") == {1: "retiring", 2: "active"}
    command(checkout, "revoke", *why, **{variable: secret}).ok()
    assert_goes_on(checkout)
    assert_nowhere(checkout, secret)


def test_a_user_of_git_whose_name_looks_like_a_key_stops_nothing(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.commit()
    git(checkout.root, "config", "user.name", KEY)
    checkout.apply("--no-commit").ok()
    report = (
        command(
            checkout, "rotate", "partner", "--reason", "routine", "--no-commit", "--format", "json"
        )
        .ok()
        .json
    )
    assert report["actor"] == "*** <ada@example.com>"
    run_documents = checkout.vault("LIST", "registry/metadata/runs/")["data"]["keys"]
    stored = [
        json.dumps(checkout.vault("GET", f"registry/data/runs/{name}")) for name in run_documents
    ]
    assert stored
    assert_goes_on(checkout)
    assert not any(KEY in one for one in (*stored, *checkout.printed))


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_foreign_path_that_is_named_like_a_secret_is_told_and_masked(
    checkout: Checkout, secret: str
) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    for folder in ("keys", "webhooks", "others"):
        checkout.vault(
            "POST",
            f"secrets/data/{folder}/{secret}",
            {"data": {"value": "x"}, "options": {"cas": 0}},
        )
    plan = command(checkout, "plan")
    assert "keys/***" in plan.out
    assert command(checkout, "status").ok().out
    command(checkout, "rotate", "partner", "--reason", "routine")
    command(checkout, "revoke", "partner", "--reason", "compromise").ok()
    assert checkout.secret("keys/partner.primary", 1) is None
    assert_nowhere(checkout, secret)


@pytest.mark.parametrize(
    "reason",
    [
        KEY,
        f"token {TOKEN} leaked",
        f"{KEY[:30]}\n{KEY[30:]}",
        f"{TOKEN[:9]}\u200b{TOKEN[9:]}",
        f"{'x ' * 95}{KEY}",
        "",
    ],
    ids=[
        "key",
        "token",
        "split by a line end",
        "split by nothing that is seen",
        "beyond the cut",
        "none",
    ],
)
def test_a_revocation_never_refuses_because_of_its_reason(checkout: Checkout, reason: str) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    command(checkout, "revoke", "partner", "--reason", reason, "--incident", TOKEN[:40]).ok()
    assert checkout.versions("partner") == {1: "revoked"}
    assert checkout.secret("keys/partner.primary", 1) is None
    assert_goes_on(checkout)
    for secret in (KEY, TOKEN):
        assert_nowhere(checkout, secret)
    assert not any(
        part in everything(checkout) for part in (KEY[:30], KEY[30:], KEY[-12:], TOKEN[-12:])
    )


@pytest.mark.parametrize("reason", [KEY, f"token {TOKEN}", f"{TOKEN[:9]}\u2060{TOKEN[9:]}"])
def test_a_rotation_with_a_secret_for_its_reason_is_refused_before_anything_is_done(
    checkout: Checkout, reason: str
) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    before = checkout.everything_written()
    ran = command(checkout, "rotate", "partner", "--reason", reason)
    assert (ran.code, "RC012" in ran.err) == (64, True)
    assert checkout.everything_written() == before
    assert not holds_secret(ran.out + ran.err)


def test_a_record_that_holds_a_key_stops_nothing(checkout: Checkout) -> None:
    """One that an earlier version stored, or that somebody wrote by hand."""
    checkout.client("partner")
    checkout.apply().ok()
    command(checkout, "revoke", "partner", "--reason", "a-word-to-be-replaced").ok()
    bucket = checkout.bucket("partner")
    stored = checkout.vault("GET", f"registry/data/{bucket}")["data"]
    text = stored["data"]["doc"].replace("a-word-to-be-replaced", KEY)
    assert KEY in text
    options = {"cas": stored["metadata"]["version"]}
    checkout.vault("POST", f"registry/data/{bucket}", {"data": {"doc": text}, "options": options})
    for words in LOOKS:
        ran = command(checkout, *words)
        assert "RC000" not in ran.out + ran.err
        assert not holds_secret(ran.out + ran.err)
    saved = checkout.run("plan", "-e", checkout.environment, "--out", "plan.json")
    assert saved.code in (0, 3)
    assert "RC399" not in checkout.run("show", "plan.json").ok().err
    assert not holds_secret((checkout.root / "plan.json").read_text())


def test_a_hook_that_prints_the_token_shows_none(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.commit()
    hook = checkout.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    token = checkout.place.token("run")
    hook.write_text(
        f'#!/bin/sh\nprintf "{token}\\n{token[:9]}\\033[0m{token[9:]}\\n" >&2\nexit 1\n'
    )
    hook.chmod(0o755)
    ran = checkout.apply()
    assert "RC607" in ran.err
    assert "***" in ran.err
    assert token[9:] not in ran.out + ran.err


def test_the_name_of_another_project_is_masked_before_it_is_cut(checkout: Checkout) -> None:
    stored = checkout.vault("GET", "registry/data/meta")["data"]
    document = json.loads(stored["data"]["doc"]) | {
        "project": "x" * 50 + KEY,
        "environment": KEY[:9] + "\x1b[0m" + KEY[9:],
    }
    body = {
        "data": {"doc": json.dumps(document)},
        "options": {"cas": stored["metadata"]["version"]},
    }
    checkout.vault("POST", "registry/data/meta", body)
    ran = command(checkout, "plan", role="planner")
    assert "RC411" in ran.err
    assert not any(KEY[at : at + 12] in ran.err for at in range(len(KEY) - 12))
    doctor = command(checkout, "doctor")
    assert not any(KEY[at : at + 12] in doctor.out for at in range(len(KEY) - 12))


def test_doctor_masks_the_names_of_policies(checkout: Checkout) -> None:
    odd = "acme_prod_" + "0" * 12 + "_" + "a1" * 24 + "b"
    root = checkout.place.root.adapter
    root.request(
        "PUT",
        f"/v1/sys/policies/acl/{odd}",
        json={"policy": 'path "x" { capabilities = ["read"] }'},
    )
    token = root.post("/v1/auth/token/create", json={"policies": ["x" * 20 + odd, odd]}).body[
        "auth"
    ]["client_token"]
    for form in ("text", "json"):
        ran = command(checkout, "doctor", "--format", form, token=token)
        assert "policies" in ran.out
        assert "a1" * 8 not in ran.out + ran.err


@pytest.mark.parametrize("dress", ["percent", "every byte", "UTF-16", "split"])
def test_a_receiver_that_answers_with_its_signing_secret_shows_nothing_of_it(
    checkout: Checkout, dress: str
) -> None:
    dresses: dict[str, Callable[[str], bytes]] = {
        "percent": lambda text: quote(text, safe="").replace("_", "%5F").encode(),
        "every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()).encode(),
        "UTF-16": lambda text: text.encode("utf-16"),
        "split": lambda text: "\u200b".join(text).encode(),
    }
    path = "webhooks/partner.settlements"

    def answer(handler: Handler) -> None:
        handler.reply(400, b"you signed with " + dresses[dress](checkout.secret(path) or ""))

    with receiving(answer) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.apply()
        shown = checkout.run("-v", "test", "-e", checkout.environment).out
        shown += checkout.run("-v", "deliveries", "-e", checkout.environment).out
    secret = (checkout.secret(path) or "").removeprefix("whsec_")
    assert "***" in shown
    bare = shown.replace("\0", "").replace("\\u200b", "").replace("\u200b", "")
    hexed = "".join(f"%{byte:02x}" for byte in secret[:4].encode())
    assert not any(secret[at : at + 8] in bare for at in range(len(secret) - 8))
    assert hexed not in shown
    assert_nowhere(checkout, secret)


COMMANDS = ["::add-mask::production", "##[error]all is lost", "##vso[task.setvariable variable=x]y"]
COMMANDS += [
    "section_start:1560896352:x\r\x1b[0K",
    "  ::error::no",
    "\x1b[31m::set-output name=a::b",
]


@pytest.mark.parametrize("words", COMMANDS)
def test_what_a_receiver_answers_commands_no_ci_system(checkout: Checkout, words: str) -> None:
    def answer(handler: Handler) -> None:
        handler.reply(400, f"{words}\n{words}".encode())

    with receiving(answer) as receiver:
        checkout.hooked("partner", receiver.url)
        ran = [checkout.apply("--format", "text")]
        ran += [
            checkout.run("-v", word, "-e", checkout.environment) for word in ("test", "deliveries")
        ]
    for line in "\n".join(one.out + "\n" + one.err for one in ran).splitlines():
        assert not line.strip().startswith("::")
        assert "##[" not in line
        assert "##vso" not in line
        assert "section_start:" not in line
        assert "\x1b" not in line
