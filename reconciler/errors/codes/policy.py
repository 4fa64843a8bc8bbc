"""RC2xx: the policy, and what it demands."""

from __future__ import annotations

from reconciler.errors.codes.code import Code
from reconciler.errors.finding import Level

# What a policy can be faulted with, and its rules. A rule's level is the one that the policy gives it.
POLICY_CODES: tuple[Code, ...] = (
    Code(
        "RC201",
        "the date until which a waiver holds does not exist",
        "write a date such as 2027-01-31",
        title="Waiver date",
    ),
    Code(
        "RC202",
        "the waiver names a client that is not declared",
        "correct the name or remove the waiver",
        title="Waiver for nobody",
        level=Level.WARNING,
    ),
    Code(
        "RC203",
        "the policy has no rule of the name that the waiver gives, so it excuses nothing",
        "correct the name: a built-in rule, one of customRules, or a guard under `guard`",
        title="Waiver of an unknown rule",
    ),
    Code(
        "RC204",
        "in less than fifteen days what the waiver excuses is blocked again",
        "fix what it excuses before that, or have it approved anew",
        title="Waiver ends soon",
        level=Level.NOTE,
    ),
    Code(
        "RC205",
        "the day until which the waiver holds is over; it excuses nothing any more",
        "remove it, or have it approved anew with a later date",
        title="Waiver void",
        level=Level.WARNING,
    ),
    Code(
        "RC206",
        "nothing breaks the rule any more; left in the file, the waiver would excuse the next"
        " breach",
        "remove it",
        title="Waiver covers nothing",
        level=Level.WARNING,
    ),
    Code(
        "RC207",
        "a waiver is of one guard or of one rule",
        "write `guard: freeze` or `rule: wildcard-scopes`, and a second waiver for a second one",
        title="Guard or rule",
    ),
    Code(
        "RC208",
        "a rule of the policy cannot be kept as it is set: a host, a pattern or a limit is not"
        " usable",
        "correct the value as docs/policy.md describes the rules",
        title="Value of a rule",
    ),
    Code(
        "RC209",
        "the waiver is for every client, or ends more than a year from now: that is no"
        " exception any more",
        "name the client, and a day within a year; what is meant for all, and for ever, belongs"
        " into the rule",
        title="Waiver without bounds",
        level=Level.WARNING,
    ),
    Code(
        "RC210",
        "a scope with `*` also grants what is added to the catalogue later",
        "name the scopes, or allow the wildcard in the rule",
        title="Rule wildcard-scopes",
    ),
    Code(
        "RC211",
        "a client may use more scopes than one client should",
        "split the client by what it does, or raise the number",
        title="Rule scope-count",
    ),
    Code(
        "RC212",
        "a key or signing secret lives longer, or shorter, than the policy allows",
        "write a lifetime within the limits of the rule",
        title="Rule lifetime",
    ),
    Code(
        "RC213",
        "a rotation leaves too little time: before the expiry, or for consumers to change over;"
        " or too much of it",
        "write renewBefore and grace within the limits of the rule",
        title="Rule rotation",
    ),
    Code(
        "RC214",
        "a webhook is delivered without TLS: deliveries can be read on their way",
        "use https",
        title="Rule https-only",
    ),
    Code(
        "RC215",
        "a webhook leads to a host that the policy does not allow",
        "correct the host, or add it to the rule",
        title="Rule allowed-hosts",
    ),
    Code(
        "RC216",
        "a webhook leads to a host that the policy denies",
        "use another host",
        title="Rule denied-hosts",
    ),
    Code(
        "RC217",
        "a client does not say why it exists, or not in the form that is asked for",
        "write a justification as the rule asks for it",
        title="Rule justification",
    ),
    Code(
        "RC218",
        "nobody answers for a client",
        "write owner.team and owner.contact",
        title="Rule owner",
    ),
    Code(
        "RC219",
        "a stolen key works from everywhere, or from very wide networks, be it by many lines or"
        " by IPv4 inside IPv6",
        "list the networks that the client calls from",
        title="Rule allowed-cidrs",
    ),
    Code(
        "RC220",
        "a webhook need not pass a probe that the rule names",
        "require the probes that the rule names",
        title="Rule probes",
    ),
    Code(
        "RC221",
        "a client is not named as the policy asks for",
        "rename the client",
        title="Rule naming",
    ),
    Code(
        "RC222",
        "a client of this importance can be retired by deleting its file",
        "write `protect: true`",
        title="Rule protection",
    ),
    Code(
        "RC230",
        "a client breaks a rule of customRules; the message is that rule's",
        "change the declaration, or add a waiver of the rule",
        title="Rule of your own",
    ),
    Code(
        "RC231",
        "an expression ended in an error, had no true or false for an answer, or took too much"
        " time or memory, or other rules took the time that all have together. Whether the rule"
        " is kept is not known, so it counts as broken",
        "correct the expression: rule out every case that it does not expect, such as `before"
        " != null && …`, or, where it took too much time or memory, loop over less",
        title="Rule not evaluated",
    ),
    Code(
        "RC232",
        "the expression cannot be parsed, or names a variable or function that does not exist",
        "correct the expression; docs/policy.md has the variables and functions",
        title="Not a CEL expression",
    ),
    Code(
        "RC233",
        "two rules, or a rule and a guard, have the same name: a waiver would not say which it"
        " means",
        "rename the rule",
        title="Rule name taken",
    ),
)

# What the policy demands of ``apply``, before anything is written.
DEMAND_CODES: tuple[Code, ...] = (
    Code(
        "RC240",
        "the policy demands a signed commit, and the commit has no good ssh signature by an"
        " allowed key; or there is no commit",
        "sign it with a key that the file of allowed signers already has: `git commit --amend"
        " -S`, with `gpg.format ssh`",
        family="Policy rule",
        exit=3,
    ),
    Code(
        "RC241",
        "the file of allowed signers cannot be trusted: it is not in the commit before, or the"
        " history is cut off",
        "commit the file first, then demand signatures with a signed commit. In CI fetch the"
        " whole history",
        family="Policy rule",
        exit=3,
    ),
    Code(
        "RC242",
        "what would be applied is not what was committed",
        "commit and sign it, or restore it; a link is replaced by a copy",
        family="Policy rule",
        exit=3,
    ),
    Code(
        "RC243",
        "who approved the run wrote the change",
        "have somebody else merge, start or re-run it",
        family="Policy rule",
        exit=3,
    ),
    Code(
        "RC244",
        "the policy demands an approver who is not the author, and nothing tells who they are",
        "run it in CI, or have the pipeline set `RECONCILER_APPROVER` and `RECONCILER_AUTHOR`"
        " from its platform's API",
        family="Policy rule",
        exit=3,
    ),
    Code(
        "RC245",
        "the policy demands a signed commit, and this host cannot verify one: `ssh-keygen` is"
        " missing or too old",
        "install OpenSSH 8.9 or newer (`openssh-client`)",
        family="Policy rule",
        exit=3,
    ),
)

# What a change loosens of the terms that its own plan is judged by.
LOOSER_CODES: tuple[Code, ...] = (
    Code(
        "RC250",
        "`policy.yaml` is looser than at the commit that the change is made on: a rule, a"
        " budget, a probe, an approver, a demand of `apply`, a waiver",
        "have those agree who answer for it, or take it out of this change",
        family="Looser than before",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC251",
        "`scopes.yaml` calls a scope less risky than at that commit, or there is no catalogue"
        " any more",
        "have those agree who answer for it, or take it out of this change",
        family="Looser than before",
        level=Level.WARNING,
        exit=None,
    ),
    Code(
        "RC252",
        "the catalogue has a new scope, and clients may use it without a change of their own:"
        " they have a wildcard that means it",
        "name the scopes in these clients, or have those agree who answer for the scope",
        family="Looser than before",
        level=Level.WARNING,
        exit=None,
    ),
)
