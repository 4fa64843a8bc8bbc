"""The codes of a policy, RC2xx: waivers, built-in rules, rules of one's own.

Part of the table of ``codes``.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.errors import Level


@dataclass(frozen=True, slots=True)
class Code:
    """``title`` names it, ``meaning`` says what is wrong and why that matters, ``remedy`` what to
    do."""

    title: str
    meaning: str
    remedy: str
    level: Level = Level.ERROR


POLICY_CODES: dict[str, Code] = {
    # Waivers, and what cannot be used
    "RC201": Code(
        "Waiver date",
        "The date until which a waiver holds does not exist.",
        "write a date such as 2027-01-31",
    ),
    "RC202": Code(
        "Waiver for nobody",
        "The waiver names a client that is not declared.",
        "correct the name or remove the waiver",
        Level.WARNING,
    ),
    "RC203": Code(
        "Waiver of an unknown rule",
        "The policy has no rule of the name that the waiver gives, so it excuses nothing.",
        "correct the name: a built-in rule, one of customRules, or a guard under `guard`",
    ),
    "RC204": Code(
        "Waiver ends soon",
        "In less than fifteen days what the waiver excuses is blocked again.",
        "fix what it excuses before that, or have it approved anew",
        Level.NOTE,
    ),
    "RC205": Code(
        "Waiver void",
        "The day until which the waiver holds is over; it excuses nothing any more.",
        "remove it, or have it approved anew with a later date",
        Level.WARNING,
    ),
    "RC206": Code(
        "Waiver covers nothing",
        "Nothing breaks the rule any more; left in the file, the waiver would excuse the next"
        " breach.",
        "remove it",
        Level.WARNING,
    ),
    "RC207": Code(
        "Guard or rule",
        "A waiver is of one guard or of one rule.",
        "write `guard: freeze` or `rule: wildcard-scopes`, and a second waiver for a second one",
    ),
    "RC208": Code(
        "Value of a rule",
        "A rule of the policy cannot be kept as it is set: a host, a pattern or a limit is not"
        " usable.",
        "correct the value as docs/policy.md describes the rules",
    ),
    "RC209": Code(
        "Waiver without bounds",
        "The waiver is for every client, or ends more than a year from now: that is no exception"
        " any more.",
        "name the client, and a day within a year; what is meant for all, and for ever, belongs"
        " into the rule",
        Level.WARNING,
    ),
    # The policy's own rules. Their level is the one that the policy gives them.
    "RC210": Code(
        "Rule wildcard-scopes",
        "A scope with `*` also grants what is added to the catalogue later.",
        "name the scopes, or allow the wildcard in the rule",
    ),
    "RC211": Code(
        "Rule scope-count",
        "A client may use more scopes than one client should.",
        "split the client by what it does, or raise the number",
    ),
    "RC212": Code(
        "Rule lifetime",
        "A key or signing secret lives longer, or shorter, than the policy allows.",
        "write a lifetime within the limits of the rule",
    ),
    "RC213": Code(
        "Rule rotation",
        "A rotation leaves too little time: before the expiry, or for consumers to change over; or"
        " too much of it.",
        "write renewBefore and grace within the limits of the rule",
    ),
    "RC214": Code(
        "Rule https-only",
        "A webhook is delivered without TLS: deliveries can be read on their way.",
        "use https",
    ),
    "RC215": Code(
        "Rule allowed-hosts",
        "A webhook leads to a host that the policy does not allow.",
        "correct the host, or add it to the rule",
    ),
    "RC216": Code(
        "Rule denied-hosts", "A webhook leads to a host that the policy denies.", "use another host"
    ),
    "RC217": Code(
        "Rule justification",
        "A client does not say why it exists, or not in the form that is asked for.",
        "write a justification as the rule asks for it",
    ),
    "RC218": Code(
        "Rule owner", "Nobody answers for a client.", "write owner.team and owner.contact"
    ),
    "RC219": Code(
        "Rule allowed-cidrs",
        "A stolen key works from everywhere, or from a very wide network.",
        "list the networks that the client calls from",
    ),
    "RC220": Code(
        "Rule probes",
        "A webhook need not refuse deliveries that are not genuine.",
        "require the probes that the rule names",
    ),
    "RC221": Code(
        "Rule naming", "A client is not named as the policy asks for.", "rename the client"
    ),
    "RC222": Code(
        "Rule protection",
        "A client of this importance can be retired by deleting its file.",
        "write `protect: true`",
    ),
    "RC230": Code(
        "Rule of your own",
        "A client breaks a rule of customRules; the message is that rule's.",
        "change the declaration, or add a waiver of the rule",
    ),
    "RC231": Code(
        "Rule not evaluated",
        "An expression ended in an error, had no true or false for an answer, or took too much time"
        " or memory. Whether the rule is kept is not known, so it counts as broken.",
        "correct the expression: rule out every case that it does not expect, such as `before !="
        " null && …`, or, where it took too much time or memory, loop over less",
    ),
    "RC232": Code(
        "Not a CEL expression",
        "The expression cannot be parsed, or names a variable or function that does not exist.",
        "correct the expression; docs/policy.md has the variables and functions",
    ),
    "RC233": Code(
        "Rule name taken",
        "Two rules, or a rule and a guard, have the same name: a waiver would not say which it"
        " means.",
        "rename the rule",
    ),
}
