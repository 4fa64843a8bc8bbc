"""RC64x to RC69x: the evidence log, what it is made of and whether it holds."""

from __future__ import annotations

from reconciler.errors.codes.code import Code

EVIDENCE_CODES: tuple[Code, ...] = (
    Code(
        "RC640",
        "an entry of the log is not in the one form in which entries are written",
        "restore the file from git: it was edited, converted or shortened after it was signed;"
        " where git converts line ends, write `audit/** -text` into .gitattributes and check the"
        " folder out anew",
    ),
    Code(
        "RC641",
        "what an entry says is not a statement as this program writes it",
        "restore the file from git; when it was committed so, whoever signed it did not use this"
        " program",
        more="Other spaces, escapes or numbers that mean the same are refused, too",
    ),
    Code(
        "RC642",
        "an entry has a format that this version does not read",
        "use the version of reconciler that wrote it, or a newer one",
    ),
    Code(
        "RC643",
        "a line is no verifier key, or one of a kind that this version does not know",
        "take the line that `reconciler audit key` prints, whole",
    ),
    Code(
        "RC644",
        "a checkpoint is not a signed note",
        "restore the file from git: it was edited, or shortened, after it was signed",
    ),
    Code(
        "RC645",
        "a signed note is no checkpoint: it does not hold an origin, a size and a root",
        "restore the file from git, or take a checkpoint of this log",
    ),
    Code(
        "RC646",
        "the head of the log in the registry does not fit its size",
        "run `reconciler audit repair`: it makes the head anew from the log",
    ),
    Code(
        "RC647",
        "a repair of the evidence log was begun and did not finish",
        "run `reconciler audit repair`: it goes on from there",
    ),
    Code(
        "RC648",
        "`--new-log` was given and the evidence log can go on",
        "run `reconciler audit repair` without --new-log",
    ),
    Code(
        "RC649",
        "a key was pinned, or a checkpoint kept, of a log that the present one follows",
        "verify that one with --log; find out who began another log, and why, before you pin"
        " its key",
    ),
    Code(
        "RC650",
        "an entry was changed after it was signed",
        "`git log -p` of its file shows by whom; restore the file as it was committed first",
    ),
    Code(
        "RC651",
        "an entry is signed by a key that is not in force: a superseded one, or one that no entry"
        " introduced",
        "treat the log as forged from there on, and the key as stolen: rotate the key `ledger`",
    ),
    Code(
        "RC652",
        "an entry, a key or a checkpoint is of another log, such as that of another environment",
        "restore the files of this environment's log from git",
    ),
    Code(
        "RC653",
        "an entry is missing, or another one stands in its place: entries were removed, added or"
        " swapped",
        "restore the files of the log from git",
    ),
    Code(
        "RC654",
        "an entry does not hold the digest of the one before it: one of the two was replaced",
        "compare both with what Vault keeps (`reconciler audit verify --live`): who signed the"
        " replacement holds the key",
    ),
    Code(
        "RC655",
        "an entry was closed before the one in front of it: a clock was set back",
        "look at the clock of the Vault server, and at who may sign with the key `ledger`",
    ),
    Code(
        "RC656",
        "events of a client are in no entry, or in two",
        "run `reconciler audit verify --live`, which says what Vault knows of this client",
    ),
    Code(
        "RC657",
        "a report was changed after an entry vouched for it",
        "`git log -p` of the file shows by whom; restore it as it was committed first",
    ),
    Code(
        "RC658",
        "a report is missing for which an entry vouches, and no entry says that it was erased or"
        " archived",
        "restore it from git",
    ),
    Code(
        "RC659",
        "a file lies beside the reports for which no entry vouches",
        "remove it; a report of a run that is in no entry was not made by a run",
    ),
    Code(
        "RC660",
        "the file of keys is not what the entries introduce",
        "restore it from git; it follows from the entries",
    ),
    Code(
        "RC661",
        "a checkpoint is not signed by a key of the log that may sign it",
        "restore it from git; it follows from the entries",
    ),
    Code(
        "RC662",
        "the checkpoint counts more or fewer entries than there are, or is missing",
        "restore the files of the log from git, all of one commit",
    ),
    Code(
        "RC663",
        "the checkpoint has the root of other entries",
        "restore the files of the log from git, all of one commit",
    ),
    Code(
        "RC664",
        "the log was cut: more entries of it are known elsewhere",
        "restore the entries from git; what Vault still keeps of them `reconciler audit repair`"
        " writes anew",
    ),
    Code(
        "RC665",
        "the log was rewritten: another one is known elsewhere",
        "find the commit that replaced it, and who pushed it; restore the log from before",
    ),
    Code(
        "RC666",
        "a pinned key is not of this log: it is another log, or was replaced as a whole",
        "compare the key with what `reconciler audit key` prints, and find out who pushed the log",
    ),
    Code(
        "RC667",
        "too few of the witnesses that the policy asks for cosigned the checkpoint",
        "let the witnesses run, or look why they refuse: they refuse what is no extension of what"
        " they saw",
    ),
    Code(
        "RC668",
        "a file is no policy for witnesses",
        "write it as c2sp.org/tlog-policy says: lines `log`, `witness`, `group` and one `quorum`",
    ),
    Code(
        "RC669",
        "what Vault tells of a client is not what the log tells",
        "somebody changed the registry by hand, or restored it from a backup: `reconciler audit"
        " repair` says what is missing",
    ),
    Code(
        "RC670",
        "the log holds, and nothing outside says that it is the right one (`unanchored`)",
        "give `audit verify` a key that was pinned, a checkpoint that was kept, a witness policy,"
        " or `--live`",
    ),
    Code(
        "RC671",
        "a run that was open has no entry, and the newest entry does not name it as open",
        "run `reconciler audit verify --live`; an entry was left out by whoever signed the later"
        " ones",
    ),
    Code(
        "RC672",
        "the log has more entries than Vault knows: the registry was restored from an older state",
        "run `reconciler audit repair`",
    ),
    Code(
        "RC673",
        "an entry says that a file was erased or archived for which no entry before it vouches, or"
        " which is no report",
        "treat the log as forged from there on: an entry of this program names only files that the"
        " log knows, with the digests that it knows",
    ),
    Code(
        "RC674",
        "a run whose report is to be erased is unknown to the log, or has no report",
        "take the run id from `reconciler audit show`, or from the name of the report",
        exit=64,
    ),
    Code(
        "RC675",
        "an option of `audit show` or `audit export` is no date and no instant with a time zone, or"
        " a period ends before it begins",
        "write `2026-03-03` (a day in UTC) or `2026-03-03T09:30:00Z`",
        exit=64,
        more="`--since` of `audit show` takes a duration, too",
    ),
    Code(
        "RC676",
        "`--kind` is no kind of change and no kind of entry",
        "use one of those that are named",
        exit=64,
    ),
    Code(
        "RC677",
        "the pack for an auditor cannot be written: its folder is not empty, is a link, lies among"
        " the audit reports or cannot be made",
        "name a folder that does not exist yet, outside of the audit reports",
        exit=64,
    ),
    Code(
        "RC678",
        "a report is to be erased or archived whose run is still open",
        "run `reconciler apply`, which closes it, then the same command again",
    ),
    Code(
        "RC679",
        "a report is to be erased or archived whose entry is not in this branch, or not in its"
        " upstream",
        "run `git pull`, then `git push`, so that nothing is lost, then the same command again",
    ),
    Code(
        "RC680",
        "what the log's signing key signed does not verify with the key that the log has on record:"
        " somebody made the key in the transit engine anew",
        "restore the key from a backup of Vault; if it is lost, `reconciler audit repair --new-log`"
        " keeps the log and begins another one",
    ),
    Code(
        "RC681",
        "an environment has no evidence log, and the command needs one",
        "run `reconciler bootstrap` with an administrator's token",
    ),
    Code(
        "RC682",
        "the log's signing key does not sign with the version that the log uses:"
        " `min_encryption_version` was raised, or the key was made anew",
        "write `min_encryption_version` back as the message says and run the same command again:"
        " the log then hands over to the newest version by itself",
    ),
    Code(
        "RC683",
        "the log in git is that of another registry",
        "run `reconciler audit repair` if the registry was made anew; correct vault.address,"
        " vault.namespace or vault.mounts if it is the wrong one; revert the commit of whoever put"
        " another log into git",
    ),
    Code(
        "RC684",
        "the log in git is longer than the registry's: the registry was restored from a backup",
        "run `reconciler audit repair`; until then nothing but revocations is written",
    ),
    Code(
        "RC685",
        "the log has two branches: an entry in git is another one than that of the registry, or of"
        " the remote, and both are signed",
        "run `git pull` if the branch is behind, then `reconciler audit repair`",
    ),
    Code(
        "RC686",
        "`audit repair` cannot move the registry to the log in git",
        "read what does not hold, correct it (`reconciler audit verify` names it too), and run it"
        " again",
    ),
    Code(
        "RC687",
        "a run is not in the evidence log yet",
        "see what keeps it, and run the same command again: the next run writes its entry",
    ),
    Code(
        "RC688",
        "the log in HEAD does not hold, so that nothing is removed from it",
        "read what does not hold, correct it (`reconciler audit verify` names it too), and run it"
        " again",
    ),
    Code(
        "RC689",
        "the folder of an archive does not hold what is to be removed from the branch, byte for"
        " byte",
        "name another folder, which does not exist yet: the archive is written there anew",
    ),
    Code(
        "RC690",
        "a witness does not cosign a log that does not hold",
        "read what does not hold, and restore the files of the log from git",
    ),
    Code(
        "RC691",
        "a witness does not cosign a log that is no extension of what it saw: it was rewritten or"
        " cut, or it is another one",
        "keep the state file: its notes prove what the log was; ask who changed the log, with which"
        " key, and restore the one that was seen",
    ),
    Code(
        "RC692",
        "the state file of a witness cannot be read or written, was edited, or is of another key",
        "restore it from the witness's own history, with the key that wrote it",
    ),
    Code(
        "RC693",
        "`audit witness` has no state file and `--first` was not said, or the other way round",
        "restore the state file; say `--first` the very first time, and then never again",
        exit=64,
    ),
    Code(
        "RC694",
        "the private key of a witness cannot be used or made: it is missing, is no key, is there"
        " already, or others than its owner may read it",
        "make one with `reconciler audit witness-key`; `chmod 600` the file",
        exit=64,
    ),
    Code(
        "RC695",
        "the key or the state file of a witness lies in the repository of the log",
        "run the witness from another repository, or keep its files in a folder of your own",
        exit=64,
    ),
    Code(
        "RC696",
        "the clock of a witness is before its last cosignature",
        "set the clock of the machine, and run it again",
    ),
    Code(
        "RC697",
        "`init --witness` was given an address or an environment that no job can look at",
        "write an address such as `https://git.example.com/acme/integrations.git`, without a name"
        " or password in it, and the names of environments",
        exit=64,
    ),
    Code(
        "RC698",
        "a witness was to be put into the repository of the log, or into somebody's project",
        "name a directory outside of any repository, or the top of a repository of the witness's"
        " own",
        exit=64,
    ),
)
