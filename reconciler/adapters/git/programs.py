"""Which of the user's programs git may run, and what of our environment it and they get.

Settings, attributes and hooks let git run programs. A question needs none of them. A commit runs
the user's own hooks, filters and signing; a push their hooks, ssh and credential helpers as well.
None of them gets our tokens.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from enum import Enum

from reconciler.adapters.git.repository import EMBEDDED
from reconciler.adapters.system.programs import search_path


class Programs(Enum):
    """What git may run."""

    NONE = "none"
    COMMIT = "commit"
    PUSH = "push"


# What git shall not do on its own, whatever is asked: watch files, keep house, look into
# submodules.
_ALWAYS = (
    f"{EMBEDDED}=explicit",
    "core.fsmonitor=false",
    "core.pager=cat",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "log.showSignature=false",
)
# A program that is needed for a question is a fault of ours: `false` fails, loudly.
_NO_PROGRAM = (
    f"core.hooksPath={os.devnull}",
    "core.editor=:",
    "sequence.editor=:",
    "core.sshCommand=false",
    "core.askPass=",
    "credential.helper=",
    "diff.external=false",
    "gpg.program=false",
    "gpg.openpgp.program=false",
    "gpg.x509.program=false",
    "gpg.ssh.program=false",
    "gpg.ssh.defaultKeyCommand=false",
)
# No transport is allowed: what is not here is not here.
_NO_NETWORK = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
_NOTHING = "RECONCILER_NOTHING"
# Where a hook or an alias that calls us would lead git: the project's directory alone decides.
_DROPPED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_EXTERNAL_DIFF",
)
# and all names that begin so: they write where we read, and headers of requests among it
_TRACE = "GIT_TRACE"
# Settings, grafts and attributes by way of the environment, which a question of trust does not
# hear.
_SAID = re.compile(
    r"GIT_CONFIG(_PARAMETERS|_COUNT|_(KEY|VALUE)_\d+)?|GIT_(GRAFT|SHALLOW)_FILE|GIT_REPLACE_REF_BASE|GIT_ATTR_SOURCE"
)
_SETTINGS = 100  # in the environment, that are looked at
# Ours, and the identity of a CI job. Names of id tokens at GitLab are free: those are known by
# their shape.
_OURS = re.compile(r"(VAULT|BAO|RECONCILER|ACTIONS|INPUT)_.*|CI_JOB_JWT.*", re.IGNORECASE)
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*|(hv[sbr]|[sbr])\.[\w-]{20,}")
# What helpers and remotes of the platforms read for a push.
_FOR_PUSH = frozenset(
    {
        "CI_JOB_TOKEN",
        "GH_ENTERPRISE_TOKEN",
        "GH_TOKEN",
        "GITHUB_ENTERPRISE_TOKEN",
        "GITHUB_TOKEN",
        "GITLAB_TOKEN",
        "RECONCILER_PUSH_TOKEN",
    }
)


def options_for(programs: Programs, filters: Collection[str]) -> Iterator[str]:
    """Arguments of git, before the command.

    ``filters``: the names of the filter drivers that settings define.
    """
    for setting in _ALWAYS if programs is not Programs.NONE else (*_ALWAYS, *_NO_PROGRAM):
        yield from ("-c", setting)
    if programs is Programs.NONE:
        for name in filters:  # a name may hold an equals sign, which -c would take for its own
            yield f"--config-env=filter.{name}.process={_NOTHING}"
            yield f"--config-env=filter.{name}.required={_NOTHING}"


def variables_for(
    programs: Programs, environ: Mapping[str, str], *, as_stored: bool = False
) -> dict[str, str]:
    """What git, its hooks and its children get of ``environ``.

    ``as_stored``: without what changes an answer.
    """
    kept = {name: value for name, value in environ.items() if _is_handed_on(name, value, programs)}
    kept = {
        name: value for name, value in kept.items() if not (as_stored and _SAID.fullmatch(name))
    }
    if programs is Programs.NONE:
        kept |= {**_NO_NETWORK, _NOTHING: ""}
    return kept | {"PATH": search_path(environ)}


def safe_directories(environ: Mapping[str, str]) -> Iterator[str]:
    """What the environment says of whose repository git may read: how containers say it.

    It changes no answer.
    """
    count = environ.get("GIT_CONFIG_COUNT", "")
    for number in range(min(int(count), _SETTINGS) if count.isascii() and count.isdigit() else 0):
        if environ.get(f"GIT_CONFIG_KEY_{number}", "").lower() == "safe.directory":
            yield f"safe.directory={environ.get(f'GIT_CONFIG_VALUE_{number}', '')}"


def _is_handed_on(name: str, value: str, programs: Programs) -> bool:
    if name in _DROPPED or name.startswith(_TRACE):
        return False
    if name in _FOR_PUSH:
        return programs is Programs.PUSH
    return _OURS.fullmatch(name) is None and _TOKEN.fullmatch(value.strip()) is None
