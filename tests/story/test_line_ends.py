"""What git converts on its way in and out: the evidence is committed byte for byte, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.story.test_log import fault, log_folder, one_client, pin, verified

CONVERTING: dict[str, tuple[str, Mapping[str, str]]] = {
    "text=auto eol=crlf": ("* text=auto eol=crlf\n", {}),
    "text eol=crlf": ("* text eol=crlf\n", {}),
    "core.autocrlf": ("", {"core.autocrlf": "true"}),
}
INITS = files("reconciler.app").joinpath("starter/gitattributes").read_text()


def configure(repository: Path, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        git(repository, "config", name, value)


def clone(checkout: Checkout, folder: Path, settings: Mapping[str, str]) -> Checkout:
    """A work tree that git checked out with these settings."""
    git(folder.parent, "clone", "--quiet", "--no-checkout", str(checkout.root), str(folder))
    configure(folder, settings)
    git(folder, "checkout", "--quiet", "main")
    return Checkout(folder, checkout.place, buckets=checkout.buckets)


def committed(checkout: Checkout) -> dict[str, bytes]:
    """What lies in the folder of the log. Each file is committed as it lies there."""
    found = {path.name: path.read_bytes() for path in log_folder(checkout).iterdir()}
    for path in sorted(checkout.root.glob("audit/**/*.*")):
        name = str(path.relative_to(checkout.root))
        plain = git(checkout.root, "hash-object", "--no-filters", "--", name)
        assert git(checkout.root, "rev-parse", f"HEAD:{name}") == plain, name
    return found


@pytest.mark.parametrize("name", CONVERTING)
def test_converted_line_ends_are_named_and_end_with_one_line(
    checkout: Checkout, tmp_path: Path, name: str
) -> None:
    attributes, settings = CONVERTING[name]
    configure(checkout.root, settings)
    checkout.write(".gitattributes", attributes)
    one_client(checkout)
    assert verified(checkout)["entries"] == 1
    assert b"\r" not in b"".join(committed(checkout).values())

    other = clone(checkout, tmp_path / "other", settings)
    assert b"\r\n" in (log_folder(other) / "00000001.json").read_bytes()
    found = fault(other, "--key", pin(other))
    assert (found["code"], found["entry"]) == ("RC640", 1)
    assert "line end of Windows" in found["message"]
    assert "audit/** -text" in found["remedy"]
    one_client(other, "second")  # a run goes on all the same

    other.write(".gitattributes", attributes + INITS)
    git(other.root, "add", "--", ".gitattributes")
    git(other.root, "commit", "--quiet", "-m", "leave the evidence as it is")
    git(other.root, "rm", "-r", "--cached", "--quiet", "audit")
    git(other.root, "reset", "--quiet", "--hard")
    assert verified(other)["entries"] == 2
    assert verified(clone(other, tmp_path / "third", settings))["entries"] == 2


@pytest.mark.parametrize(
    ("attribute", "settings", "code"),
    [
        ("filter=up", {"filter.up.clean": "tr a-z A-Z"}, "RC632"),
        ("filter=up", {"filter.up.required": "true"}, "RC600"),
        ("working-tree-encoding=UTF-16", {}, "RC600"),
    ],
    ids=["changes", "is missing", "another encoding"],
)
def test_what_a_filter_would_change_waits_until_it_is_gone(
    checkout: Checkout, attribute: str, settings: Mapping[str, str], code: str
) -> None:
    configure(checkout.root, settings)
    checkout.write(".gitattributes", f"audit/** {attribute}\n")
    checkout.client("partner")
    before = checkout.commit("declare partner")
    ran = checkout.apply()
    assert (ran.code, ran.json["problem"]["code"]) == (1, code)
    assert checkout.versions("partner") == {1: "active"}
    assert git(checkout.root, "rev-parse", "HEAD") == before
    made = {path.name: path.read_bytes() for path in log_folder(checkout).iterdir()}
    (checkout.root / ".gitattributes").unlink()
    checkout.commit("no filter")
    git(checkout.root, "rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "audit")
    checkout.apply().ok()
    assert committed(checkout) == made
    assert verified(checkout)["entries"] == 1
