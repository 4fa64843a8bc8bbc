"""RC3xx: guards, drift, saved plans and runs at the same time."""

from __future__ import annotations

from reconciler.errors.codes.code import Code
from reconciler.errors.finding import Level

# What blocks a plan; the word in brackets is what a waiver names.
GUARD_CODES: tuple[Code, ...] = (
    Code(
        "RC301",
        "the client is registered by another project (ownership, never waived)",
        "choose another name, or let that project give it up",
        family="Ownership",
        exit=3,
    ),
    Code(
        "RC302",
        "the path holds a secret that we did not write (ownership, never waived)",
        "move or delete it, or choose another name. It is never overwritten. While a run is"
        " open: leave it alone, it may be the work of that run",
        family="Ownership",
        exit=3,
    ),
    Code(
        "RC303",
        "the secrets of a renamed client are still kept under this name (ownership, never waived)",
        "choose another name",
        family="Ownership",
        exit=3,
    ),
    Code(
        "RC304",
        "a rename to the name of a client that was retired (ownership, never waived)",
        "rename to another name: a retired client keeps its name, its history and its version"
        " numbers",
        family="Ownership",
        exit=3,
    ),
    Code(
        "RC305",
        "two records claim the same secrets, or an edited record says that its secrets are"
        " elsewhere (ownership, never waived). A warning while nothing is planned for these"
        " clients",
        "find out which record is not the program's work; bring back the version of its bucket"
        " from before with `kv rollback`. Others go on with `--only`",
        family="Ownership",
        exit=3,
    ),
    Code(
        "RC306",
        "a record lies in a bucket where nobody looks for it (ownership, never waived). A"
        " warning when the right bucket has one too, or when nothing is planned for the client."
        " `bootstrap --buckets` refuses",
        "bring back the versions of both buckets from before with `kv rollback`",
        family="Ownership",
        exit=3,
    ),
    Code(
        "RC307",
        "the record of a client was edited by hand and the client is not declared (under that"
        " name): it counts as protected and is neither ended nor renamed (ownership, never"
        " waived)",
        "declare it again and apply that, which restores the record; then remove or rename it",
        family="Ownership",
        exit=3,
    ),
    Code(
        "RC308",
        "something contradicted the registry, which changed each time it was read: a run is at"
        " work. Nothing is concluded from it. A warning, but for a client whose own record"
        " moved: nothing is done for that one (ownership, never waived)",
        "wait for that run to end, then run the same command again",
        family="Ownership",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC310",
        "a protected client would be retired (`protect`)",
        "set `protect: false` in the same change; if its file is gone, bring it back with"
        " `protect: false` and apply that first",
        family="Protection",
        exit=3,
    ),
    Code(
        "RC311",
        "a client is no longer declared, and another one is declared as renamed from a name"
        " that this environment never had: after several renames it may be the same client"
        " (`protect`)",
        "if it is, apply the renames one by one, or set `renamedFrom` to the name that it has"
        " here. If not, declare the client with `state: retired`",
        family="Protection",
        exit=3,
    ),
    Code(
        "RC313",
        "a version would be made that the server ends, or that has it end another version in"
        " use, because of settings of the mount or of the path. Never waived",
        "for a mount: `reconciler bootstrap`. For a path: `reconciler apply`, which resets it,"
        " then the same command again",
        family="Protection",
        exit=3,
    ),
    Code(
        "RC314",
        "the registry's mount deletes every document a while after it was written"
        " (`delete_version_after`): nothing is written to it but a revocation. Never waived",
        "run `reconciler bootstrap` to restore the setting",
        family="Protection",
        exit=3,
    ),
    Code(
        "RC320",
        "more clients would be retired or suspended than the budget allows (`budget-removals`)."
        " What the declaration ends counts as a whole, also where a plan is for some clients"
        " only",
        "smaller steps, each committed and applied; a larger budget; or a waiver",
        family="Budget",
        exit=3,
    ),
    Code(
        "RC321",
        "more clients would be changed than the budget allows (`budget-changes`)",
        "smaller steps with `--only`, a larger budget, or a waiver",
        family="Budget",
        exit=3,
    ),
    Code(
        "RC322",
        "every registered client would be removed (`remove-all`)",
        "check that the `clients/` folder is there. To end them on purpose declare `state:"
        " retired`, add [`--yes-remove N`](policy.md#removals), or add a waiver",
        family="Budget",
        exit=3,
    ),
    Code(
        "RC323",
        "more than half of the registered clients would be removed where there are too few of"
        " them for the budget (`budget-removals`)",
        "check that every client is declared that should be. To end them on purpose declare"
        " `state: retired`, add [`--yes-remove N`](policy.md#removals), or add a waiver",
        family="Budget",
        exit=3,
    ),
    Code(
        "RC324",
        "`--yes-remove` gives another number of clients than the plan removes (never waived)",
        "check the plan. If it is right, give its number",
        family="Budget",
        exit=3,
    ),
    Code(
        "RC325",
        "a client would be removed, and a new one is like it: it may be the same one under"
        " another name (`protect`). A warning",
        "if it is, add the line `renamedFrom` that the remedy says. If not, declare the old one"
        " with `state: retired`",
        family="Rename",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC330",
        "the environment is frozen (`freeze`)",
        "wait, apply what others need with `--only`, or add a waiver",
        family="Freeze",
        exit=3,
    ),
    Code(
        "RC340",
        "the same specification is not verified in the required environment (`promotion`)",
        "apply this commit there first",
        family="Promotion",
        exit=3,
    ),
)

# What was found in Vault and at the receivers; each blocks nothing.
LIVE_CODES: tuple[Code, ...] = (
    Code(
        "RC312",
        "settings of the secrets or registry mount were changed by hand: `max_versions`,"
        " `delete_version_after` or `cas_required`",
        "run `reconciler bootstrap` to restore them",
        family="Protection",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC315",
        "the server will delete a version that is in use, or a registry document:"
        " `delete_version_after` was set when it was written",
        "run `reconciler bootstrap`, which has it kept",
        family="Protection",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC351",
        "a secret is missing (`SecretMissing`)",
        "find out who changed it by hand; the plan says what is done about it",
        family="Drift",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC352",
        "a secret was overwritten (`SecretOverwritten`)",
        "find out who changed it by hand; the plan says what is done about it",
        family="Drift",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC353",
        "a secret was destroyed (`SecretDestroyed`)",
        "find out who changed it by hand; the plan says what is done about it",
        family="Drift",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC354",
        "a record was edited (`RecordEdited`)",
        "find out who changed it by hand; the plan says what is done about it",
        family="Drift",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC355",
        "a Vault policy differs from what `bootstrap` writes (`PolicyEdited`)",
        "run `reconciler bootstrap` to restore it",
        family="Drift",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC356",
        "the settings of a secret were edited (`SecretMetadataEdited`)",
        "find out who changed it by hand; the plan resets it",
        family="Drift",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC357",
        "a path is not ours and is left alone",
        "remove it if nobody needs it. While a run is open: leave it alone, it may be the work"
        " of that run",
        family="Drift",
        level=Level.NOTE,
        exit=None,
    ),
    Code(
        "RC359",
        "a version of a secret can be read and is not on record: written by hand, or cut out of"
        " its record",
        "find out who wrote it, then destroy it with `kv destroy`; not while a run is open",
        family="Drift",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC364",
        "`reissueAfter` names a version that does not exist (yet): it ends no hold",
        "write the number that is named; without a revocation remove it",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC365",
        "a receiver answered 410 (gone) and is not called any more",
        "declare the new URL or remove the webhook; `apply --verify CLIENT/WEBHOOK` calls it"
        " once more",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC366",
        "a receiver does not know the new signing secret of a rotation yet",
        "let it read the new secret before the grace is over; `reconciler test` shows whether"
        " it does",
        level=Level.WARNING,
        exit=None,
    ),
)

# What a person asked for.
REQUEST_CODES: tuple[Code, ...] = (
    Code(
        "RC358",
        "the client has a key and a webhook of that name",
        "write the address of the one that is meant, such as"
        " `client/paystack-payouts/webhook/settlements`",
        family="Drift",
        exit=64,
    ),
    Code(
        "RC360",
        "nothing can be rotated",
        "`reconciler status` shows the versions that there are",
        exit=3,
    ),
    Code(
        "RC361",
        "the client is not registered (for `rotate`: not declared and registered), or was renamed",
        "use one of those that are named",
        exit=64,
    ),
    Code(
        "RC362", "the client has no such key or webhook", "use one of those that are named", exit=64
    ),
    Code(
        "RC363",
        "the client is declared suspended or retired",
        "only active clients get new versions",
        exit=64,
    ),
)

# What a change loosens, and where the declaration stands in git.
COMMIT_CODES: tuple[Code, ...] = (
    Code(
        "RC370",
        "`reconciler.yaml` is looser than at that commit: `allowedNetworks`, `freeze`,"
        " `requires`, ports, `plainHttp`, how long plans hold, alerts, `audit.git`; or Vault, a"
        " CA or the audit folder is another one",
        "have those agree who answer for it, or take it out of this change",
        family="Looser than before",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC371",
        "no commit holds what is used here. A warning",
        "commit it or undo it; otherwise nobody can tell from git what was applied",
        family="Commit",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC372",
        "a client is not declared here, and that does not prove that somebody removed it (never"
        " waived)",
        "as the message says: bring the file back, commit its removal, fetch the history; or"
        " declare it with `state: retired`",
        family="Commit",
        exit=3,
    ),
    Code(
        "RC373",
        "HEAD does not build on the commit that was applied last, or that is not known. For"
        " `plan` a warning",
        "check out the newest commit, fetch the whole history, or accept HEAD (a rewritten"
        " history, a rollback on purpose) with `--allow-rollback COMMIT`",
        family="Commit",
        exit=3,
    ),
    Code(
        "RC374",
        "a client is not declared here, and no applied commit is on record yet, so this clone"
        " may be old (never waived)",
        "put one on record: `reconciler apply -e ENV` of the commit that still declares it, or"
        " `reconciler apply -e ENV --only CLIENT` with a client that stays, then plan again; or"
        " declare `state: retired`",
        family="Commit",
        exit=3,
    ),
    Code(
        "RC375",
        "a rollback, which `--allow-rollback` allows. A warning",
        "check that everything which the newer commit brought may go",
        family="Commit",
        level=Level.WARNING,
        exit=None,
    ),
)

# Saved plans, and other runs.
SAVED_PLAN_CODES: tuple[Code, ...] = (
    Code(
        "RC389",
        "something else would be done now than was reviewed, or other reasons were told for it"
        " (`plan --reviewed`)",
        "look at a new plan for this commit and have that one reviewed",
        exit=4,
    ),
    Code(
        "RC390",
        "the plan is for a time to come (`--at`), by the server's time",
        "make a new plan without `--at` and have it reviewed",
        exit=4,
    ),
    Code(
        "RC391",
        "the plan was made for another environment or project",
        "apply it there, or make another one",
        exit=4,
    ),
    Code(
        "RC392",
        "the plan expired, by the server's time: by what it says itself, or by the project's"
        " `spec.plan.expires`",
        "make a new plan and have it reviewed",
        exit=4,
    ),
    Code(
        "RC393",
        "the plan was already applied, to its end. (One that was applied in part is continued"
        " by the same file, until something else changes its clients: RC394.)",
        "make a new plan and have it reviewed",
        exit=4,
    ),
    Code(
        "RC394",
        "the plan is stale for a client that it touches",
        "make a new plan and have it reviewed",
        exit=4,
    ),
    Code(
        "RC395",
        "live state changed between the plan and its confirmation by a person. (With `--yes`"
        " the run plans again.)",
        "look at the new plan and apply it",
        exit=4,
    ),
    Code("RC396", "the file is not a plan", "make one with `reconciler plan --out`"),
    Code(
        "RC397",
        "the plan file is of another version of this program",
        "make a new one with this version",
    ),
    Code(
        "RC398",
        "another run holds the lease (or has the same run id)",
        "wait for it to end. A lease that nobody renews ends by itself",
        exit=4,
    ),
    Code(
        "RC399",
        "the plan file was changed after it was made: its digest is wrong, or its parts do not"
        " agree",
        "make a new one",
        exit=4,
    ),
)
