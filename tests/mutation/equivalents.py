"""Mutants that change nothing anybody could observe: judged by a person, one reason each.

They are known by the statement that they change, as ``ast.unparse`` writes it: edits elsewhere in
the file and another layout leave them alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Equivalent:
    """``statement``: the one that the mutant is in, its first line as ``ast.unparse`` writes it;
    ``new``: what stands in the place of a part of it."""

    path: str
    statement: str
    new: str
    why: str


_LABEL = (
    "The label of a commit makes its op another one than those of the same run: any other word does"
    " that as well. (COPIED, which is read, is no such label.)"
)

EQUIVALENTS: tuple[Equivalent, ...] = (
    Equivalent(
        "reconciler/registry/protocol/rename.py",
        "lost = (yield from source.commit('unmove', {old: lambda record, at: keep_name(record, action, run, at)}))",
        "'unmovex'",
        _LABEL,
    ),
    Equivalent(
        "reconciler/webhooks/wire/exchange.py",
        "scheme, seed = (order.webhook.scheme, _derive(order, 'stranger'))",
        "'strangerx'",
        "The word makes the seed of a secret that nobody was given: any other word does that, too.",
    ),
    Equivalent(
        "reconciler/domain/values/patterns.py",
        "return 1 + len(self.next) + (len(self.item[1]) if self.item is not None and self.item[0] is op.IN else 0)",
        "(1)",
        "Steps are estimated, and the limit is far from what any of them is: one more or less a"
        " state only moves the moment at which a pattern is given up.",
    ),
    Equivalent(
        "reconciler/declare/schema/explain.py",
        "paths.update({(*path, name): True for name in error.instance if name not in known})",
        "False",
        "It is read of what lies directly below `environments` alone, where no field is unknown: any"
        " name may stand there.",
    ),
    Equivalent(
        "reconciler/planning/actions/inputs.py",
        "old = observed.records.get(client.renamed_from or '')",
        "(client.renamed_from)",
        "No record is known by no name, as none is by the empty one.",
    ),
    Equivalent(
        "reconciler/planning/rules/built_in.py",
        "least, found = (values.get(f'minPrefix{version}', 1), networks.find_widest(spans, version))",
        "(2)",
        "A network wider than /2 is half of all addresses or more, and refused before.",
    ),
    Equivalent(
        "reconciler/adapters/vault/http/adapter.py",
        "if not judged_at or self.counted or time.monotonic() - judged_at > 2:",
        "(self.counted or time.monotonic() - judged_at > 2)",
        "Nothing was judged yet at 0.0, which is more than two seconds ago on every machine that is"
        " up for longer.",
    ),
    Equivalent(
        "reconciler/adapters/git/command.py",
        "_AS_STORED = {'GIT_NO_REPLACE_OBJECTS': '1', 'GIT_GRAFT_FILE': f'{os.devnull}/none'}",
        "'1x'",
        "git asks whether the variable is set, and not to what.",
    ),
    *(
        Equivalent(
            "reconciler/cli/output.py",
            statement,
            "(2)",
            "It is asked of more than forty alone, a twentieth of which is two or more.",
        )
        for statement in (
            "if done % max(1, total // self.STEPS) == 0 or done == total:",
            "if self._done % max(1, self._total // self.STEPS) == 0 or self._done == self._total:",
        )
    ),
    Equivalent(
        "reconciler/cli/start/dev_server.py",
        "return 0",
        "return None",
        "The command line ends with 0 where a command gives it no number.",
    ),
    *(
        Equivalent(
            "reconciler/adapters/system/new_files.py",
            statement,
            "pass",
            "Only a power failure shows it, and no test here takes the power away.",
        )
        for statement in ("os.fsync(folder)", "os.fsync(file.fileno())")
    ),
)
