"""RC0xx: the command line was used wrongly, or cannot do what it is asked."""

from __future__ import annotations

from reconciler.errors.codes.code import Code

COMMAND_LINE_CODES: tuple[Code, ...] = (
    Code(
        "RC000",
        "an unexpected error: a fault of this program. Its text is not shown, it could quote a"
        " secret",
        "run it again with `-v` and report the lines that it prints. Nothing is lost, the next"
        " run converges",
    ),
    Code(
        "RC001",
        "there is no `reconciler.yaml` in this directory or above",
        "go to your repository, name it with `--project DIR`, or make one with `reconciler init`",
        exit=64,
    ),
    Code(
        "RC002",
        "the project has no environment of that name",
        "use one of those that are named",
        exit=64,
    ),
    Code(
        "RC003",
        "a plan for another time (`--at`) cannot be saved",
        "leave out `--at` or `--out`",
        exit=64,
    ),
    Code("RC004", "the plan file cannot be written", "choose another file for `--out`", exit=64),
    Code("RC005", "the plan file cannot be read", "name a file that `plan --out` wrote", exit=64),
    Code(
        "RC006",
        "`--at` is not a time, or too far away",
        "write it like `2027-01-31T00:00:00Z`",
        exit=64,
    ),
    Code("RC007", "`--only`, `--verify` or a target names no client", "correct the name", exit=64),
    Code(
        "RC008",
        "`--shard` is not a shard",
        "write `K/N` with 1 ≤ K ≤ N ≤ 256, such as `2/4`",
        exit=64,
    ),
    Code(
        "RC009",
        "a saved plan is applied, a reviewed one compared, as it is",
        "leave out `--only`, `--shard`, `--at`, `--verify` and `--upkeep`",
        exit=64,
    ),
    Code(
        "RC010",
        "there is nobody to ask for confirmation: stdin is no terminal",
        "look at the plan, then run `apply` with `--yes`",
        exit=64,
    ),
    Code(
        "RC011",
        "the target is neither CLIENT nor CLIENT/KEY or CLIENT/WEBHOOK",
        "write for example `paystack-payouts/primary`",
        exit=64,
    ),
    Code(
        "RC012",
        "`--reason` of `rotate` is not fit for the evidence. (`revoke` takes every reason: it"
        " is shortened to a line of 200 characters, and what looks like a secret is not stored.)",
        "a line of 1 to 200 characters without a secret in it",
        exit=64,
    ),
    Code("RC013", "`--incident` is not an id", "write for example `INC-1234`", exit=64),
    Code(
        "RC014",
        "`--name` of `init` is not a name",
        "1 to 63 lower-case letters, digits and hyphens",
        exit=64,
    ),
    Code(
        "RC015",
        "there is a project in this directory already",
        "go on with `reconciler validate`, or name another directory",
    ),
    Code(
        "RC016",
        "a file of the new project cannot be written",
        "fix that and run the command again: it goes on where it stopped",
    ),
    Code(
        "RC017",
        "the server of `dev` runs already, on another port",
        "`reconciler dev --stop` first",
        exit=64,
    ),
    Code("RC018", "the server of this project does not run", "`reconciler dev --detach`"),
    Code(
        "RC019",
        "a step of `demo` did not do what the demo says",
        "run it with `--keep DIR` to look, and report it",
    ),
    Code(
        "RC020",
        "the directory of `demo --keep` is not empty, lies in a git repository or cannot be used",
        "name a new directory elsewhere",
        exit=64,
    ),
    Code(
        "RC021",
        "the command line cannot be understood: an unknown command or option, a missing or"
        " wrong value",
        "`--help` of the command that is named shows what it takes",
        exit=64,
    ),
    Code(
        "RC022",
        "the result cannot be written: stdout is full or closed. What was done is on record",
        "make room or send it elsewhere, then run the command again",
    ),
    Code("RC023", "the answer was no. Nothing was changed", "run the command again and answer `y`"),
    Code(
        "RC024",
        "stopped by Ctrl-C",
        "run the command again: what was begun is on record and goes on",
        exit=130,
    ),
    Code(
        "RC025",
        "the client declares no such webhook, or none at all",
        "use one of those that are named, or declare one first",
        exit=64,
    ),
    Code("RC026", "`--since` is not a duration", "write for example `--since 7d`", exit=64),
    Code(
        "RC027",
        "`--base` names no commit of this repository, or there is no repository",
        "name a commit, branch or tag that this clone has, such as `origin/main`; fetch it first",
        exit=64,
    ),
    Code(
        "RC030",
        "a `--secret-from` of `listen` is no source. It is not repeated: it may be the secret"
        " itself",
        "write `env:NAME`, `file:PATH`, `vault:ENV/CLIENT/WEBHOOK` or `-`. Rotate a secret that"
        " was on a command line",
        exit=64,
    ),
    Code(
        "RC031",
        "no signing secret can be read from a source of `listen`",
        "correct `--secret-from`, or what it names; a file and stdin hold one secret a line",
    ),
    Code(
        "RC032",
        "a signing secret cannot be used with the scheme",
        "give it as it is in Vault, or name the sender's scheme with `--scheme`",
    ),
    Code(
        "RC033",
        "the port of `listen` is taken, or may not be used",
        "end the program that uses it, or choose another with `--port`",
    ),
    Code(
        "RC034",
        "the webhook that `listen` was asked for is not declared, or not named as"
        " ENV/CLIENT/WEBHOOK",
        "use one of those that are named",
        exit=64,
    ),
    Code(
        "RC035",
        "what `audit verify` was given as an anchor cannot be read",
        "give the line that `reconciler audit key` printed, or a file that was kept",
        exit=64,
    ),
    Code(
        "RC037",
        "with `codeowners --check`: the file, between its two marks, is not what the"
        " declaration says, or is not there",
        "the same command without `--check`, then commit the file",
    ),
    Code(
        "RC038",
        "what `codeowners` or `schema` was asked to write (`--output`) cannot be written; or"
        " the marks of a CODEOWNERS file are not one pair",
        "choose another file, in a folder that exists; for `schema`, another directory; fix the"
        " marks",
        exit=64,
    ),
    Code(
        "RC039",
        "the CODEOWNERS file would be larger than GitHub reads (3 MB); it would ask nobody",
        "declare several clients in one file, or spread them over several repositories",
    ),
    Code(
        "RC040",
        "`--ci` without `--repository` or `--repository-id`, or one of its options without it",
        "name both, or leave all out",
        exit=64,
    ),
    Code(
        "RC041",
        "an option of `--ci` has an impossible value, such as a branch with `refs/heads/` or a"
        " repository with `.git`",
        "what the message says",
        exit=64,
    ),
    Code(
        "RC042",
        "the project, or its `reconciler.yaml`, belongs to another user, who could name a"
        " server of theirs",
        "if you trust that user: `git config --global --add safe.directory DIR`, which counts"
        " here as in git",
    ),
    Code(
        "RC060",
        "`--at` names a time in the past, by the server's clock: what was due then was done"
        " since, or is due now",
        "name a time in the future, or leave it out",
        exit=64,
    ),
    Code(
        "RC070",
        "nobody accepted the server that `reconciler.yaml` names, so no credential was sent there",
        "if it is yours: [`reconciler trust ADDRESS`](commands.md#trust), or set `VAULT_ADDR`"
        " (in CI: a variable of the job)",
    ),
    Code(
        "RC071",
        "in a job of CI `VAULT_ADDR` and `reconciler.yaml` name different servers",
        "correct the one that is wrong; an environment on another server has its own variable,"
        " `VAULT_ADDR_<ENV>`",
    ),
    Code(
        "RC072",
        "the file of accepted addresses belongs to somebody else, others may read or write it,"
        " or it cannot be read",
        "check what it lists; if that is right, `chown` it to yourself and `chmod 600` it",
    ),
    Code(
        "RC073",
        "the address is plain http and not this machine",
        "`https://`, or `plainHttp: true` beside the address where the network itself is encrypted",
    ),
    Code("RC080", "the session of a program was closed already", "open another one", exit=64),
    Code(
        "RC081",
        "a program passed an empty token or address",
        "pass one, or `None` to have it looked for",
        exit=64,
    ),
)
