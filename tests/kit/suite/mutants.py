"""Mutants: one safeguard each, how it is taken out, and the tests that must notice.

``old`` must occur exactly once in the file, so that a refactoring cannot disarm a mutant without a
word. It is looked for in the program as ``ast.unparse`` writes it (``plain``): one statement a line,
no comment, no bracket or comma that only the layout needs. So no formatter can disarm a mutant,
either. Choose the smallest test that stands for the safeguard; it runs against dictionaries
wherever that is possible.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

AGAIN = "tests/reliability/test_plan_again.py::"
BUCKET = "tests/registry/test_bucket.py::"
READING = "tests/engine/test_records.py::"
RUN_BUCKET = "tests/registry/test_run_bucket.py::"
SECRET = "tests/registry/test_secret_steps.py::"
CODEC = "tests/registry/test_codec.py::"
DOCUMENTS = "tests/registry/test_documents.py::"
LOG = "tests/reliability/test_log_orders.py::"
RENAME = "tests/registry/test_rename.py::"
FAULTS = "tests/reliability/test_faults_in_memory.py::"
EMERGENCY = "tests/planning/test_emergency.py::"
CHECKS = "tests/planning/test_checks.py::"
GUARDS = "tests/planning/test_guards.py::"
PLANNED = "tests/planning/test_clients.py::"
LIFE = "tests/domain/test_transitions.py::"


@dataclass(frozen=True, slots=True)
class Mutant:
    """``safeguard``: what is lost, a sentence. ``path``: below the root of the checkout."""

    name: str
    safeguard: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")

    def apply(self, text: str) -> str:
        """The module without its safeguard. AssertionError: ``old`` is not there exactly once."""
        program, old = plain(text), _one_quote(self.old)
        found = _one_quote(program).count(old)
        assert found == 1, (
            f"{self.path} has the text of {self.name!r} {found} times:"
            " adapt it in tests/kit/suite/mutants.py"
        )
        start = _one_quote(program).index(old)
        return program[:start] + self.new + program[start + len(old) :]


def plain(text: str) -> str:
    """The same program, laid out by Python itself."""
    return ast.unparse(ast.parse(text)) + "\n"


def _one_quote(text: str) -> str:
    """As long as the text, so that a place in one is the place in the other."""
    return text.replace('"', "'")


def bucket(name: str, safeguard: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, safeguard, "reconciler/registry/protocol/bucket.py", old, new, tests)


def protocol(name: str, safeguard: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, safeguard, "reconciler/registry/protocol/run_bucket.py", old, new, tests)


def secret(name: str, safeguard: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, safeguard, "reconciler/registry/protocol/secret_steps.py", old, new, tests)


def changes(name: str, safeguard: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, safeguard, "reconciler/registry/protocol/changes.py", old, new, tests)


def logging(name: str, safeguard: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, safeguard, "reconciler/registry/protocol/log.py", old, new, tests)


def closing(name: str, safeguard: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, safeguard, "reconciler/registry/protocol/closing.py", old, new, tests)


def codec(name: str, safeguard: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, safeguard, "reconciler/registry/codec/record_codec.py", old, new, tests)


def life(name: str, safeguard: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, safeguard, "reconciler/domain/live/transitions.py", old, new, tests)


def planned(module: str, name: str, safeguard: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, safeguard, f"reconciler/planning/{module}.py", old, new, tests)


def unasked(module: str, name: str, safeguard: str, row: str) -> Mutant:
    """A guard that is not asked. ``row``: its name in the table, with what is on both sides."""
    silent = f"{row[0]}(lambda situation: ()){row[-1]}"
    path = f"guards/{module}"
    return planned(path, f"no guard: {name}", safeguard, row, silent, f"{GUARDS}test_guard")


def guard(name: str, safeguard: str, row: str) -> Mutant:
    return unasked("guards", name, safeguard, row)


def budget(name: str, safeguard: str, row: str) -> Mutant:
    return unasked("budgets", name, safeguard, row)


def owned(name: str, safeguard: str, row: str) -> Mutant:
    return unasked("ownership", name, safeguard, row)


def saved(name: str, safeguard: str, old: str, new: str, test: str) -> Mutant:
    return Mutant(
        name,
        safeguard,
        "reconciler/engine/planfile/saved.py",
        old,
        new,
        (f"tests/engine/test_saved.py::{test}",),
    )


COMMIT = [
    bucket(
        "no check-and-set on commit",
        "A commit goes through only against the version that was read.",
        "write_clients(raw), self._version)",
        "write_clients(raw),\n"
        '                expect((yield ReadDocument(f"buckets/{self.name}")), StoredDocument).version)',
        f"{BUCKET}test_another_client_of_the_bucket_is_spliced_in",
    ),
    bucket(
        "a commit drops what it does not change",
        "The records of a bucket that a commit does not change are written back as they were read.",
        "raw = {name: one for name, one in self._raw.items() if name not in changed}",
        "raw = {}",
        f"{BUCKET}test_a_commit_stamps_what_it_changes_and_nothing_else",
    ),
    bucket(
        "no op id",
        "A commit whose answer was lost is known again by its op, and is not taken for somebody else's.",
        "if present is not None and present.op == op:",
        "if False:",
        f"{BUCKET}test_an_unclear_answer_is_settled_by_reading",
    ),
    bucket(
        "one op id for a whole run",
        "Each commit of a run has an op id of its own: one is not taken for the other.",
        'op = f"{self._run}.{stage}"',
        "op = self._run",
        f"{FAULTS}test_without_a_fault",
    ),
    bucket(
        "no revision splice",
        "A client that somebody changed meanwhile is left as they left it.",
        "if _revision(present) != expected[name]:",
        "if False:",
        f"{BUCKET}test_the_same_client_changed_by_another_is_lost_and_stays_as_they_left_it",
    ),
    bucket(
        "a lost race is not read again",
        "After a lost race the bucket is read again: other clients are not set back.",
        "            yield from self.load()\n",
        '            self._version = expect((yield ReadDocument(f"buckets/{self.name}")), StoredDocument).version\n',
        f"{BUCKET}test_another_client_of_the_bucket_is_spliced_in",
    ),
    bucket(
        "any removal is ours",
        "A client that somebody else removed is not taken for removed by us.",
        "if present is None and name in removed:",
        "if present is None:",
        f"{BUCKET}test_a_client_removed_by_another_is_lost",
    ),
    bucket(
        "other projects are overwritten",
        "The record of another project is never overwritten.",
        "if name in self._foreign:",
        "if False:",
        f"{BUCKET}test_the_record_of_another_project_is_never_overwritten",
    ),
    bucket(
        "a deleted bucket is an empty one",
        "A bucket that was deleted by hand never passes for an empty one.",
        "if document.text is None and document.version:",
        "if False:",
        f"{BUCKET}test_a_deleted_bucket_is_never_an_empty_one",
    ),
    bucket(
        "events dropped before they are reported",
        "Events stay in the record until they are in the ledger.",
        "return run not in self._kept_runs and run[:STAMP] < self._run[:STAMP]",
        "return run[:STAMP] < self._run[:STAMP]",
        f"{BUCKET}test_events_stay_until_they_are_in_the_ledger",
    ),
    bucket(
        "events of later runs dropped",
        "Events of a run that began after we looked stay, too.",
        "return run not in self._kept_runs and run[:STAMP] < self._run[:STAMP]",
        "return run not in self._kept_runs",
        f"{BUCKET}test_events_stay_until_they_are_in_the_ledger",
    ),
    bucket(
        "the revision stands still",
        "Every commit of a client raises its revision.",
        "revision=max(revision, record.revision) + 1",
        "revision=max(revision, record.revision, 1)",
        f"{BUCKET}test_a_commit_stamps_what_it_changes_and_nothing_else",
    ),
    bucket(
        "what is said of a change is kept as it is said",
        "Nothing that looks like a secret gets into a history.",
        "return (lost, self._mask_events(result))",
        "return (lost, result)",
        f"{BUCKET}test_no_secret_gets_into_a_history",
    ),
]

STAGES = [
    protocol(
        "write before claim",
        "The claim is on record before the secret is written: a crash leaves no secret that nobody knows.",
        "client.claims += ((yield from mint(client, action, bucket)),)",
        "client.claims += ((yield from mint(client, action, bucket)),)\n"
        "            one = client.claims[-1]\n"
        "            yield from write_version(one.path, one.current + 1, one.key_id, one.secret, one.current)",
        f"{FAULTS}test_every_request[register and issue-crash after]",
    ),
    protocol(
        "commit before write",
        "A version becomes active only after its secret was written.",
        "    for attempt in range(MAX_CLAIMS):\n",
        "    early = {one.name: make_committing(one) for one in clients if one.claims}\n"
        "    for client in clients:\n"
        "        client.claims = tuple(replace(one, written=True) for one in client.claims)\n"
        '    yield from bucket.commit("early", early)\n'
        "    for client in clients:\n"
        "        client.claims = tuple(replace(one, written=False) for one in client.claims)\n"
        "    for attempt in range(MAX_CLAIMS):\n",
        f"{FAULTS}test_every_request[rotate without grace-crash after]",
    ),
    protocol(
        "close before commit",
        "No version is revoked before its successor is active.",
        "write_and_commit, prove_webhooks, close,",
        "close, write_and_commit, prove_webhooks,",
        f"{FAULTS}test_every_request[rotate without grace-crash after]",
    ),
    protocol(
        "old versions end although the new one failed",
        "When a new version could not be made, no old one is ended.",
        'client.give_up("not done without its new version")',
        "pass",
        f"{RUN_BUCKET}test_no_old_version_is_ended_without_its_successor",
    ),
    protocol(
        "a client that changed since is not left alone",
        "A client that changed between the observation and now is left alone.",
        "if revision != client.work.revision:",
        "if False:",
        f"{RUN_BUCKET}test_a_client_that_changed_since_it_was_planned_is_left_alone",
    ),
    protocol(
        "an interrupt leaves claims",
        "What is claimed is written and committed before a run stops.",
        "if run.stopping() and stage is not write_and_commit:",
        "if run.stopping():",
        f"{RUN_BUCKET}test_an_interrupt_stops_between_the_stages_and_leaves_no_claim",
    ),
    closing(
        "destroy before revoke",
        "A revocation is on record before the secret is destroyed.",
        '    lost = (yield from bucket.commit("close", changes))\n',
        "    for client in clients:\n"
        "        for action in client.pending(*REVOCATIONS):\n"
        "            yield from destroy_one(client, bucket, action)\n"
        '    lost = (yield from bucket.commit("close", changes))\n',
        f"{FAULTS}test_without_a_fault",
    ),
    closing(
        "destroyed without looking",
        "Only what was seen to be gone is recorded as destroyed.",
        "if (yield from destroy_one(client, bucket, action)):",
        "if (yield from destroy_one(client, bucket, action)) or True:",
        f"{RUN_BUCKET}test_what_is_still_there_is_not_recorded_as_destroyed",
    ),
    closing(
        "no fence for a pending version",
        "A version that is pending when it is revoked is fenced off by a placeholder.",
        "and (version.state is VersionState.PENDING)",
        "and False",
        f"{EMERGENCY}test_a_claimed_version_ends_and_can_never_be_written",
    ),
    closing(
        "a client without a key stays active",
        "A client that a person left without any usable key is suspended.",
        "return suspend_held(record) if asked else record",
        "return record",
        f"{EMERGENCY}test_nothing_is_left_after_it_and_the_client_is_suspended",
    ),
]

WRITES = [
    secret(
        "any version at our number is ours",
        "In doubt a version is ours only if our id is there.",
        "if key_id not in subkeys.ids:",
        "if False:",
        f"{SECRET}test_a_version_of_somebody_else_is_told",
    ),
    secret(
        "an unclear write is taken for done",
        "After an unclear answer Vault is asked what is there.",
        "        if isinstance(response, Written):\n            if last:",
        '        if type(response).__name__ != "Conflict":\n            if last:',
        f"{SECRET}test_the_next_version[3-request_lost]",
    ),
    secret(
        "numbers start anew",
        "The number of a version is its KV version: gaps are filled with placeholders.",
        "last = current == number - 1",
        "last = True",
        f"{SECRET}test_a_number_is_never_used_twice_after_the_history_was_deleted",
    ),
    secret(
        "placeholders stay",
        "Placeholders are destroyed at once.",
        "    if filled:\n",
        "    if False:\n",
        f"{SECRET}test_a_number_is_never_used_twice_after_the_history_was_deleted",
    ),
    secret(
        "no placeholder",
        "A placeholder takes up the number that another run is about to write.",
        "    if claimed:\n",
        "    if False:\n",
        f"{SECRET}test_a_claimed_version_can_never_be_written_once_it_was_revoked",
    ),
    secret(
        "204 proves destruction",
        "A version is taken for destroyed only when its metadata says so.",
        "        expect((yield DestroyVersions(path, (number,))), Done)\n    metadata",
        "        expect((yield DestroyVersions(path, (number,))), Done)\n        return True\n    metadata",
        f"{SECRET}test_204_proves_nothing",
    ),
    secret(
        "soft-deleted is gone",
        "A soft-deleted version can be brought back: it is destroyed, too.",
        "return number in info.absent or",
        "return number in info.absent or number in info.deleted or",
        f"{SECRET}test_a_soft_deleted_version_is_destroyed_too",
    ),
    secret(
        "a name tells destruction",
        "A path of which only the name is known says nothing about destruction.",
        "return info is None\n",
        "return True\n",
        f"{SECRET}test_is_gone",
    ),
]

RECORDS = [
    changes(
        "a taken number is claimed",
        "The next number is one that neither the record nor Vault has used.",
        "number = max(series.last, claim.current) + 1",
        "number = series.last + 1",
        f"{RUN_BUCKET}test_the_next_number_is_one_that_nobody_used",
    ),
    changes(
        "somebody else's claim is committed",
        "Only a claim with our id is committed.",
        "if pending is None or pending.id != claim.key_id:",
        "if pending is None:",
        f"{RUN_BUCKET}test_a_claim_that_is_another_run_s_is_not_committed",
    ),
    changes(
        "no hold",
        "After an emergency revocation nothing is issued until the declaration says so.",
        'if "hold" in asked:',
        "if False:",
        f"{EMERGENCY}test_nothing_is_left_after_it_and_the_client_is_suspended",
    ),
    changes(
        "a changed endpoint stays proven",
        "A changed endpoint proves nothing any more, and its client is not active until it does.",
        "        if action.kind is ActionKind.UPDATE_WEBHOOK and action.after:\n",
        "        if False:\n",
        f"{FAULTS}test_every_request[webhook moved-crash after]",
    ),
    changes(
        "an edited record stays proven",
        "What an edited record says of its webhooks is not trusted.",
        "            if record.edited:\n                for webhook",
        "            if False:\n                for webhook",
        f"{FAULTS}test_every_request[record edited-crash after]",
    ),
    changes(
        "an edited series is trusted at once",
        "An edited series is trusted again only when every usable version in it is new.",
        "if not series.edited or any((version.run != run.run_id for version in series.in_state(*USABLE))):",
        "if not series.edited:",
        f"{FAULTS}test_every_request[record edited-crash after]",
    ),
    Mutant(
        "what was decoded once is believed for ever",
        "A bucket is decoded again when another write is found there, whatever its number.",
        "reconciler/engine/look/records.py",
        "if found is None or found.mark != mark:",
        "if found is None or found.mark.version != mark.version:",
        (f"{READING}test_a_bucket_that_was_removed_and_written_anew_is_decoded_anew",),
    ),
    codec(
        "a commit hides an edit of a record",
        "A record that was edited by hand keeps a wrong checksum until it was restored.",
        "shape.sum = EDITED if record.edited else sum_record(shape, kinds)",
        "shape.sum = sum_record(shape, kinds)",
        f"{CODEC}test_a_commit_for_another_reason_does_not_launder_an_edit",
    ),
    codec(
        "a commit hides an edit of a series",
        "A series that was edited by hand keeps a wrong checksum until it was replaced.",
        "shape.sum = EDITED if series.edited else sum_series(shape)",
        "shape.sum = sum_series(shape)",
        f"{CODEC}test_a_commit_for_another_reason_does_not_launder_an_edit",
    ),
    codec(
        "edits of a record do not show",
        "An edited record is known by its checksum.",
        "edited = edited or shape.name != name",
        "edited = shape.name != name",
        f"{CODEC}test_every_edit_shows[base_digest]",
    ),
    codec(
        "the history of an edited record is believed to be one",
        "What somebody edited into a history that is none is refused where it is read.",
        "record.events.read()",
        "pass",
        f"{READING}test_a_history_that_somebody_edited_into_none_is_refused_where_it_is_read",
    ),
    codec(
        "a record that was laid out anew is an edited one",
        "Only another content is an edit, not another layout of the JSON.",
        "return (shape, shape.sum != sum_record(shape, kinds))",
        "return (shape, True)",
        f"{CODEC}test_another_layout_of_a_bucket_is_no_edit",
    ),
    codec(
        "a record under another name is trusted",
        "A record that was copied under another name is an edited one.",
        "edited = edited or shape.name != name",
        "edited = edited or False",
        f"{CODEC}test_a_record_under_another_name_is_an_edited_record",
    ),
    Mutant(
        "every record is ours",
        "A record whose owner is another project is not ours.",
        "reconciler/registry/codec/bucket_codec.py",
        "if theirs == owner:",
        "if True:",
        (f"{RENAME}test_the_name_of_another_project_is_not_taken",),
    ),
    Mutant(
        "formats of the future are read",
        "A document of an unknown format is refused, and nothing is written.",
        "reconciler/registry/codec/stored.py",
        "    if type(found) is not int or found != FORMAT:",
        "    if False:",
        (f"{CODEC}test_nothing_is_written_over_an_unknown_format",),
    ),
    Mutant(
        "a rename takes a name that is taken",
        "A rename never overwrites another client of that name.",
        "reconciler/registry/protocol/rename.py",
        "if record.storage_name != moving.storage_name:",
        "if False:",
        (f"{RENAME}test_a_name_with_secrets_of_its_own_is_taken",),
    ),
    Mutant(
        "a rename undoes a revocation",
        "What was revoked under the old name while it was renamed is taken over.",
        "reconciler/registry/protocol/rename.py",
        "if source.records.get(old) == moving:",
        "if old in source.records:",
        (f"{RENAME}test_a_revocation_at_any_moment_is_never_lost",),
    ),
    Mutant(
        "this machine's clock holds the lease",
        "The server's time decides whether a lease has ended.",
        "reconciler/registry/protocol/documents.py",
        "lease.until > document.at)",
        "lease.until > __import__('datetime').datetime.now(document.at.tzinfo))",
        (f"{DOCUMENTS}test_one_holder_at_a_time_by_the_server_s_time",),
    ),
    Mutant(
        "a run id is used twice",
        "A run whose id is on record already does not begin.",
        "reconciler/registry/protocol/documents.py",
        'put_document(f"runs/{run.run_id}", encode_run(run), 0)',
        'put_document(f"runs/{run.run_id}", encode_run(run),'
        ' expect((yield ReadDocument(f"runs/{run.run_id}")), StoredDocument).version)',
        (f"{DOCUMENTS}test_a_run_is_put_on_record_once[duplicated]",),
    ),
]

LIVES = [
    life(
        "no grace cap",
        "A grace never lengthens a life.",
        "return min(version.expires_at, now + grace)",
        "return now + grace",
        f"{LIFE}test_grace",
    ),
    life(
        "revoked comes back",
        "Revoked is terminal: only a pending version becomes active.",
        "        return version\n    _require(series, number, VersionState.PENDING)\n",
        "        return version\n",
        f"{LIFE}test_what_may_follow",
    ),
    life(
        "two active versions",
        "At most one version is active.",
        "        if version.state is VersionState.ACTIVE:\n            return _retiring(version, now, grace)\n",
        "",
        f"{FAULTS}test_without_a_fault[rotate with grace]",
    ),
    life(
        "two pending versions",
        "At most one version is pending.",
        "if series.pending is not None or version.number",
        "if version.number",
        f"{LIFE}test_laws",
    ),
    life(
        "a number is used again",
        "A number that was used is not claimed again.",
        "version.number <= series.last or",
        "",
        f"{LIFE}test_a_claimed_number_that_was_used_is_refused",
    ),
    life(
        "numbers compared as text",
        "Version numbers are compared as integers: 10 follows 9.",
        "version.number <= series.last or",
        "str(version.number) <= str(series.last) or",
        f"{RUN_BUCKET}test_a_key_is_rotated_more_than_nine_times",
    ),
    planned(
        "actions/order",
        "versions ordered as text",
        "Versions are ordered as integers: 9 comes before 10.",
        "action.address, action.version or 0,",
        "action.address, str(action.version or 0),",
        "tests/planning/test_planner.py::test_the_order_is_total",
    ),
]

PLANS = [
    planned(
        "actions/series",
        "any claim is adopted",
        "A claim is adopted only when its own id is at the path.",
        "if pending.id in view.claimed and (not view.series.edited):",
        "if view.claimed and (not view.series.edited):",
        f"{PLANNED}test_planned",
    ),
    planned(
        "actions/series",
        "a claim of an edited series is adopted",
        "A claim of a series that was edited by hand is never adopted.",
        "if pending.id in view.claimed and (not view.series.edited):",
        "if pending.id in view.claimed:",
        f"{PLANNED}test_planned",
    ),
    planned(
        "actions/series",
        "edited versions keep a grace",
        "A version whose record was edited by hand ends without grace.",
        "    if cause.reason is Reason.RECORD_EDITED:\n",
        "    if False:\n",
        f"{PLANNED}test_planned",
    ),
    planned(
        "actions/checks",
        "an overwritten secret is adopted",
        "A version that somebody else wrote is never adopted.",
        " secret_overwritten,",
        "",
        f"{CHECKS}test_why_a_version_is_issued",
    ),
    planned(
        "actions/checks",
        "a hold is not kept",
        "While a revocation is held nothing is issued.",
        "return None if view.held else next(",
        "return next(",
        f"{CHECKS}test_why_a_version_is_issued",
    ),
    planned(
        "actions/checks",
        "a later revocation is not held",
        "A reissueAfter ends only the hold that it names.",
        "hold.version != self.lifecycle.reissue_after",
        "not self.lifecycle.reissue_after",
        f"{CHECKS}test_why_a_version_is_issued",
    ),
    planned(
        "emergency",
        "a revocation forgets what is retiring or claimed",
        "An emergency revocation ends every usable version.",
        "if version.state in USABLE or (",
        "if version.state is VersionState.ACTIVE or (",
        f"{EMERGENCY}test_every_usable_version_ends",
    ),
    planned(
        "actions/proof",
        "a failed proof is enough",
        "A webhook whose last delivery failed must prove itself.",
        "if known.last_delivery is not None and (not known.last_delivery.accepted):",
        "if False:",
        f"{PLANNED}test_planned",
    ),
    Mutant(
        "active without proof",
        "A client turns active only when every webhook has proven itself.",
        "reconciler/registry/protocol/proving.py",
        "if desired is None or not all((is_proven(record, webhook.name) for webhook in desired.webhooks)):",
        "if desired is None:",
        (f"{RUN_BUCKET}test_a_client_is_not_active_before_its_webhook_proved_itself",),
    ),
    owned("ownership", "A client of another project is never changed.", "(ownership,"),
    owned(
        "occupied paths", "A secret that is there already is never overwritten.", " occupied_paths,"
    ),
    owned(
        "edited undeclared",
        "An edited record that nobody vouches for ends nothing.",
        " edited_undeclared,",
    ),
    owned("doubtful", "Secrets that two records claim are left alone.", " doubtful)"),
    guard("protect", "A protected client is not removed with its file.", " protect,"),
    guard("lost rename", "What may be a rename is not taken for a removal.", " lost_rename,"),
    budget("remove all", "An empty declaration does not end every client.", "[remove_all,"),
    budget(
        "most removed",
        "Where no budget counts, half of the clients do not end by mistake.",
        " most_removed,",
    ),
    budget(
        "another number",
        "A removal ends exactly as many clients as somebody agreed to.",
        " other_number,",
    ),
    budget("removals", "One run ends no more clients than the budget allows.", " removal_budget,"),
    planned(
        "guards/budgets",
        "the removal budget counts the clients that are asked for",
        "What ends is counted over the whole declaration.",
        "touched = own | {",
        "touched = own or {",
        f"{GUARDS}test_guard",
    ),
    planned(
        "planner",
        "a plan is taken again whatever was seen",
        "Under the lease, what changed since the plan was made is planned anew.",
        "and (observed == inputs.observed)",
        "and observed.buckets == inputs.observed.buckets",
        f"{AGAIN}test_what_is_planned_again_is_what_changed",
    ),
    planned(
        "planner",
        "guards judge once",
        "Under the lease, guards judge by the present time.",
        "plan, findings=_findings(situation), approvals=",
        "plan, findings=plan.findings, approvals=",
        f"{AGAIN}test_guards_judge_what_is_taken_again_by_the_present_time",
    ),
    budget("changes", "One run changes no more clients than the budget allows.", " change_budget]"),
    guard("freeze", "Nothing that was declared changes in a freeze.", " freeze,"),
    guard(
        "promotion", "A specification is verified in the required environment first.", " promotion,"
    ),
]

SAVED = [
    Mutant(
        "a used plan is applied again",
        "A saved plan is applied once.",
        "reconciler/engine/planfile/continued.py",
        "if not any((one.kind is not ActionKind.NO_OP for one in rest)):",
        "if False:",
        ("tests/engine/test_saved.py::test_a_plan_is_applied_once",),
    ),
    saved(
        "an expired plan is applied",
        "A saved plan that expired is refused.",
        "if now >= saved.expires_at:",
        "if False:",
        "test_a_plan_expires_by_its_own_word_and_by_the_project_s",
    ),
    saved(
        "a plan says itself how long it holds",
        "The project says how long a saved plan holds, whatever is in the file.",
        "if now - saved.created_at >= holds:",
        "if False:",
        "test_a_plan_expires_by_its_own_word_and_by_the_project_s",
    ),
    saved(
        "a stale record",
        "A saved plan is refused when the live record of a client it touches changed.",
        "if saved.revisions.get(name) != fresh.revisions.get(name):",
        "if False:",
        "test_a_plan_is_stale_when_anything_of_its_clients_is_otherwise",
    ),
    saved(
        "a stale declaration",
        "A saved plan is refused when the declaration of a client it touches changed.",
        "if saved.desired_digests.get(name) != fresh.desired_digests.get(name):",
        "if False:",
        "test_a_plan_is_stale_when_anything_of_its_clients_is_otherwise",
    ),
    saved(
        "other actions",
        "A saved plan is refused when something else would be done now.",
        "if ours != theirs:",
        "if False:",
        "test_a_plan_is_stale_when_anything_of_its_clients_is_otherwise",
    ),
]

LOGGED = [
    logging(
        "another key",
        "What another key signed gets into no log.",
        ".verify(content, signed.signature):",
        ".verify(content, signed.signature) and False:",
        LOG + "test_what_another_key_signs_is_stored_nowhere",
    ),
    logging(
        "changed parts",
        "Stored bytes that are not what was signed are committed nowhere.",
        "if hashlib.sha256(entry).hexdigest() != claim.entry:",
        "if False:",
        LOG + "test_bytes_that_somebody_changed_are_not_what_was_signed",
    ),
]

MUTANTS = [*COMMIT, *STAGES, *WRITES, *RECORDS, *LIVES, *PLANS, *SAVED, *LOGGED]
