"""All rows, in the order of the table, with their goals."""

from __future__ import annotations

from benchmarks.measuring.figures import By, Goal
from benchmarks.rows import applies, deliveries, evidence, growth, peers, plans, starts
from benchmarks.rows.row import Row

FILES = "PyYAML's C loader over the same files"
WRITES = "bare http.client writes of as many secrets, 16 threads, same server"
SMALLER = "the same with a tenth of the clients, in 256 buckets"

ROWS: tuple[Row, ...] = (
    Row(
        "plan-cold",
        "plan, nothing to do, nothing kept",
        FILES,
        plans.measure_cold,
        Goal(ratio=1.5, peak=150),
    ),
    Row(
        "plan-warm",
        "plan, nothing to do, nothing changed since the last plan here",
        FILES,
        plans.measure_warm,
        Goal(ratio=0.7, peak=150),
    ),
    Row(
        "plan-warm-keys",
        "the same, clients with one key and no webhook",
        FILES,
        plans.measure_warm_with_keys,
        Goal(ratio=0.5, peak=150),
    ),
    Row(
        "status",
        "status of all clients",
        FILES,
        plans.measure_status,
    ),
    Row(
        "apply-keys",
        "apply of new keys, no webhooks",
        WRITES,
        applies.measure_keys,
        Goal(ratio=2.0, peak=300),
    ),
    Row(
        "apply-webhooks",
        "apply of new keys and webhooks, probes off",
        f"{WRITES}; then bare deliveries, as many and 16 threads",
        applies.measure_webhooks,
        Goal(ratio=1.5, peak=300),
    ),
    Row(
        "verify",
        "test of 1,000 webhooks at most, two events and five probes each",
        "the same deliveries by the same sender and nothing else, its imports not counted",
        deliveries.measure_verifications,
        Goal(ratio=1.5, from_clients=deliveries.VERIFICATIONS),
    ),
    Row(
        "sender",
        "2,000 deliveries at most, 8 at once, by our sender; without its imports",
        "bare http.client posting the same requests from as many threads",
        deliveries.measure_sender,
    ),
    Row(
        "help",
        "reconciler --help",
        'python -c "import click"',
        starts.measure_help,
        Goal(ratio=1.5, from_clients=0),
        By.CPU,
    ),
    Row(
        "imports",
        "what a plan imports, and nothing else, the interpreter's start included",
        "python -c pass",
        starts.measure_imports,
        Goal(seconds=0.25, from_clients=0),
        By.CPU,
    ),
    Row(
        "evidence-verify",
        "an evidence log verified offline, an entry and two reports for each client",
        "the signatures of its entries, and nothing else",
        evidence.measure_verification,
        Goal(seconds=4.0),
        By.CPU,
    ),
    Row(
        "growth-apply",
        "apply of ten times as many new keys, no webhooks, 4,096 buckets",
        SMALLER,
        growth.measure_apply,
        Goal(ratio=10.5, peak=1500),
        By.CPU,
        apart=True,
    ),
    Row(
        "growth-plan",
        "plan of these, nothing to do, nothing kept",
        SMALLER,
        growth.measure_plan,
        Goal(ratio=10.5, peak=1500),
        By.CPU,
        apart=True,
    ),
    Row(
        "growth-status",
        "status of these",
        SMALLER,
        growth.measure_status,
        Goal(ratio=10.5, peak=1500),
        By.CPU,
        apart=True,
    ),
    Row(
        "peer-hvac-apply",
        "apply of new keys, no webhooks",
        "a script on hvac that writes as many, 16 threads with a session each, same server",
        peers.measure_apply,
        apart=True,
    ),
    Row(
        "peer-hvac-plan",
        "plan of these, nothing to do, nothing kept",
        "the same script once more, when nothing is left to do",
        peers.measure_plan,
        apart=True,
    ),
    Row(
        "peer-octodns",
        "plan, everything new, nothing kept",
        "octoDNS planning as many records from YAML to YAML, no server",
        peers.measure_octodns,
        apart=True,
    ),
)
