"""What ``init --witness`` writes: a repository of a witness's own, which looks at somebody else's
log on a schedule. No key is made or written: the private key is the job's secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.adapters.git.command import GitCommand
from reconciler.app.start.writing import Made, fill_starter, read_platform, write_files
from reconciler.domain.values.names import is_name
from reconciler.errors import AuditError, UsageError

_PROJECT_FILE = "reconciler.yaml"
_FILES = {
    ".gitignore": "witness-gitignore",
    ".gitattributes": "witness-gitattributes",
    "README.md": "witness-README.md",
    "witness.sh": "witness.sh",
}
# CI platform → its files.
_PLATFORMS = {
    "github": {".github/workflows/witness.yml": "witness-workflow.yml"},
    "gitlab": {".gitlab-ci.yml": "witness-gitlab-ci.yml"},
    "none": {},
}
# What git can clone without a program of somebody's choice, over a line that nobody else writes to.
# The address is put into scripts: nothing of it may mean something to a shell.
_PATH = r"[A-Za-z0-9._~/+-]+"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?"
_USER = r"[A-Za-z0-9._][A-Za-z0-9._-]*@"
_ADDRESS = re.compile(
    rf"https://{_HOST}/{_PATH}|ssh://(?:{_USER})?{_HOST}/{_PATH}|{_USER}{_HOST}:{_PATH}"
    rf"|file:///{_PATH}"
)
_REMOTE = re.compile(r"(?:[a-z+]+://)?(?:[^/@]*@)?(?P<host>[^/:]+)(?::[0-9]+/|[:/])(?P<path>.+)")
_FIRST = """\
   git clone {address} ../project
{looks}   git commit --quiet --message "The first look"
"""
_LOOK = """\
   reconciler --project ../project audit witness -e {name} --key ../witness.key \\
     --state {name}/seen.json --first --log-key {name}/log.vkey > {name}/checkpoint
   git add {name}
"""


def make_witness(root: Path, address: str, environments: Sequence[str], ci: str) -> Made:
    """Write the files of a witness into ``root``, which looks at the log of each of
    ``environments`` in the repository at ``address``.

    Raises ``UsageError`` RC697 for an address or environment that cannot be used, RC698 for a
    ``root`` that lies in the repository of the log or in a project; nothing is written then.
    ``ReconcilerError`` RC016 when a file cannot be written (running it again goes on).
    """
    _refuse_address(address)
    for name in environments:
        if not is_name(name):
            raise UsageError(
                "RC697",
                f"--environment {name!r} is no name of an environment",
                "name those of the project's reconciler.yaml, such as production",
            )
    _refuse_place(root, address)
    return write_files(root, witness_files(address, environments, ci), ci)


def witness_files(address: str, environments: Sequence[str], ci: str) -> Mapping[str, str]:
    """Path → text of every file, in the order in which they are written. ``ci`` is a CI platform,
    or ``none``."""
    names = tuple(dict.fromkeys(environments))
    rows, steps = read_platform(f"witness-README-{ci}.md")
    looks = "".join(_LOOK.format(name=name) for name in names)
    given = {
        "@FILES@": rows,
        "@CI@": steps,
        "@FIRST@": _FIRST.format(address=address, looks=looks),
        "@VKEYS@": ", ".join(f"`{name}/log.vkey`" for name in names),
        "@NAMES@": ", ".join(names),
        "@ENVIRONMENTS@": " ".join(names),
        "@ENVIRONMENT@": names[0],
        "@ADDRESS@": address,
    }
    return {path: fill_starter(source, given) for path, source in (_FILES | _PLATFORMS[ci]).items()}


def _refuse_address(address: str) -> None:
    """Raises ``UsageError`` RC697, which does not show what may hold a password."""
    if _ADDRESS.fullmatch(address):
        return
    if "@" in address:
        raise UsageError(
            "RC697",
            "--witness is an address with a name or a password in it, which would be committed",
            "leave that out; a token that may read the project is the job's secret LOG_TOKEN",
        )
    raise UsageError(
        "RC697",
        "--witness is no address that a job can clone the project from",
        "write one of https or ssh, such as https://git.example.com/acme/integrations.git",
    )


def _refuse_place(root: Path, address: str) -> None:
    """Whoever may push to the project could change what watches it. Raises ``UsageError`` RC698."""
    if os.path.lexists(root / _PROJECT_FILE):
        raise _own_place_error(f"{root} is a project")
    here = next(one for one in (root, *root.parents) if one.is_dir())
    git = GitCommand(here)
    try:
        top = git.repository.work_tree
        remotes = git.settings(r"^remote\..*\.(url|pushurl)$").values()
    except AuditError as error:
        if error.code in {"RC601", "RC602"}:  # no git, no repository
            return
        raise
    if top.resolve() != root.resolve():
        raise _own_place_error(f"{root} lies in the repository {top}")
    if any(_identify(one) == _identify(address) for one in remotes):
        raise _own_place_error(f"--witness is a remote of the repository {top} itself")


def _identify(address: str) -> str:
    """What is the same for all addresses of one repository: host and path."""
    plain = address.removeprefix("file://").rstrip("/").removesuffix(".git").casefold()
    found = None if plain.startswith("/") else _REMOTE.fullmatch(plain)
    return f"{found['host']}/{found['path'].lstrip('/')}" if found else plain


def _own_place_error(why: str) -> UsageError:
    return UsageError(
        "RC698",
        f"{why}: a job there is no witness, because whoever changes the log could change it, too",
        "name a directory outside of any repository, or the top of a repository of the witness's"
        " own",
    )
