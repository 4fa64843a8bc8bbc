"""Somebody else watches a log: what only they can tell, because they saw it before."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.evidence.checkpoint import Checkpoint
from reconciler.evidence.envelope import Envelope, decode_envelope, pre_authenticate
from reconciler.evidence.notes import SignedNote, VerifierKey, encode_base64
from reconciler.evidence.statement import decode_statement
from reconciler.evidence.tree import MerkleTree, hash_leaf
from tests.kit.evidence.logs import sha256
from tests.kit.evidence.own_witness import make_own_witness
from tests.kit.git.checkout import Checkout, Ran
from tests.kit.git.repositories import git


def one_client(checkout: Checkout, name: str) -> None:
    checkout.client(name)
    checkout.commit(f"declare {name}")
    checkout.apply().ok()


class Thief:
    """Holds the token of an applier, and may push. With it the log's key signs whatever they say,
    and the registry takes the head that they write."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._vault = checkout.place.live_with(checkout.place.token("run")).adapter
        self._folder = checkout.root / "audit" / checkout.environment / "log"

    def rewrite(self, number: int, **fields: object) -> None:
        """Entry ``number`` says something else: entries, keys, checkpoint and head all fit it."""
        files = sorted(self._folder.glob("*.json"))
        key = VerifierKey.parse((self._folder / "keys").read_text().strip())
        entries: list[bytes] = []
        for place, path in enumerate(files, 1):
            statement = decode_statement(decode_envelope(path.read_bytes()).payload)
            former = sha256(entries[-1]) if entries else None
            told = replace(statement, previous=former, **(fields if place == number else {}))  # type: ignore[arg-type]
            payload = told.encode()
            signature = self._sign(pre_authenticate(payload))
            entries.append(Envelope(payload, key.hash, signature).encode())
            path.write_bytes(entries[-1])
        self._move(entries, key)
        self._checkout.commit("as it always was")

    def _move(self, entries: Sequence[bytes], key: VerifierKey) -> None:
        tree = MerkleTree()
        for entry in entries:
            tree = tree.append(hash_leaf(entry))
        text = Checkpoint(key.name, tree.size, tree.root).text
        note = SignedNote(text).sign(key, self._sign(text.encode())).encode()
        (self._folder / "checkpoint").write_bytes(note)
        last, edge = sha256(entries[-1]), [encode_base64(one) for one in tree.edge]
        self._change("ledger", edge=edge, last=last, checkpoint=note.decode())
        for number, entry in enumerate(entries, 1):
            self._change(
                f"log/{number:08d}/claim",
                signature=encode_base64(decode_envelope(entry).signature),
                entry=sha256(entry),
                leaf=encode_base64(hash_leaf(entry)),
            )

    def _change(self, name: str, **fields: object) -> None:
        """Fields of a document in the registry."""
        present = self._request("GET", f"registry/data/{name}")["data"]
        document = json.loads(present["data"]["doc"])
        assert fields.keys() <= document.keys()
        text = json.dumps(document | fields, sort_keys=True, separators=(",", ":"))
        body = {"data": {"doc": text}, "options": {"cas": present["metadata"]["version"]}}
        self._request("POST", f"registry/data/{name}", body)

    def _sign(self, message: bytes) -> bytes:
        body = {"input": base64.b64encode(message).decode()}
        answer = self._request("POST", "transit/sign/ledger", body)
        return base64.b64decode(answer["data"]["signature"].rpartition(":")[2])

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        where = f"/v1/integrations/{self._checkout.environment}/{path}"
        return self._vault.request(method, where, json=body).body


def test_who_holds_the_token_of_an_applier_is_found_by_a_witness_alone(
    checkout: Checkout, tmp_path: Path
) -> None:
    own = tmp_path / "witness"
    own.mkdir()
    made = checkout.run("audit", "witness-key", "--out", str(own / "key"), token="none").ok()
    policy = own / "policy"
    policy.write_text(f"witness us {made.out.strip()}\nquorum us\n")

    def witness(*arguments: str) -> Ran:
        files = ("--key", str(own / "key"), "--state", str(own / "state"))
        where = ("audit", "witness", "-e", checkout.environment)
        return checkout.run(*where, *files, *arguments, token="none")

    one_client(checkout, "partner")
    pinned = checkout.run("audit", "key", "-e", checkout.environment).ok().out.strip()
    witness("--first", "--log-key", pinned).ok()
    one_client(checkout, "other")
    note = own / "note"
    note.write_text(witness().ok().out)
    assert witness().ok().out == note.read_text()
    elsewhere = ("--policy", str(policy), "--since", str(note))
    assert checkout.verify(*elsewhere).code == 0
    assert git(checkout.root, "status", "--porcelain") == ""  # it writes nothing there
    state = (own / "state").read_bytes()

    Thief(checkout).rewrite(1, commit="0" * 40)

    assert checkout.verify("--live", "--key", pinned).json["verified"]
    ran = witness("--log-key", pinned)
    assert (ran.code, ran.out) == (1, "")
    assert "RC691" in ran.err
    assert "rewritten" in ran.err
    assert (own / "state").read_bytes() == state
    fault = checkout.verify(*elsewhere).json["fault"]
    assert fault["code"] == "RC665"
    # and it stays so, however much comes after it
    one_client(checkout, "third")
    assert checkout.verify("--live", "--key", pinned).json["verified"]
    assert "RC691" in witness().err


def test_the_repository_of_a_witness_finds_who_holds_the_token_of_an_applier(
    checkout: Checkout, tmp_path: Path
) -> None:
    """What `init --witness` writes, set up by its README, looks at a real log."""
    one_client(checkout, "partner")
    pinned = checkout.run("audit", "key", "-e", checkout.environment).ok().out.strip()
    bare = tmp_path / "project.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(checkout.root), str(bare))

    def look() -> tuple[int, bool]:
        git(checkout.root, "push", "--quiet", "--force", str(bare), "HEAD:main")
        done = own.look()
        return done.returncode, "RC691" in done.stderr

    own = make_own_witness(tmp_path / "elsewhere", bare, "github", checkout.environment)
    line = own.follow_readme({checkout.environment: pinned})
    one_client(checkout, "other")
    assert look() == (0, False)
    note, policy = tmp_path / "note", tmp_path / "policy"
    note.write_bytes(own.read(f"{checkout.environment}/checkpoint"))
    policy.write_text(f"witness us {line}\nquorum us\n")
    elsewhere = ("--policy", str(policy), "--since", str(note))
    assert checkout.verify(*elsewhere).code == 0

    commits = own.commits()
    Thief(checkout).rewrite(1, commit="0" * 40)
    assert checkout.verify("--live", "--key", pinned).json["verified"]
    assert look() == (1, True)
    assert own.commits() == commits
    assert checkout.verify(*elsewhere).json["fault"]["code"] == "RC665"
