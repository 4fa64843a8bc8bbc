// Verifies a copy of an evidence log with Node's own crypto, and with nothing of reconciler.
//
//   node verify.mjs audit/production/log [KEY]
//
// KEY is the verifier key that you were given by another way than this pack: the line that
// `reconciler audit key` printed. Without it, the first key of the log itself is used, and a log that
// was replaced as a whole is not found. Exit 0: everything holds.
import { createHash, createPublicKey, verify } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const [folder, pinned] = process.argv.slice(2);
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const fail = (why) => {
  console.error(`does not hold: ${why}`);
  process.exit(1);
};

// A verifier key: <origin>+<8 hex digits>+<base64 of 0x01 and 32 bytes>.
const readKey = (line) => {
  const [, name, id, text] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(line) ?? fail(`no verifier key: ${line}`);
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== 33 || bytes[0] !== 1) fail(`not a key of ed25519: ${line}`);
  if (sha256(`${name}\n`, bytes).toString("hex", 0, 4) !== id) fail(`the digits are of another key: ${line}`);
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), bytes.subarray(1)]);
  return { name, id, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
};

// RFC 6962: a leaf is hashed after 0x00, two halves after 0x01.
const root = (leaves) => {
  if (leaves.length === 1) return leaves[0];
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Buffer.from([1]), root(leaves.slice(0, half)), root(leaves.slice(half)));
};

// RFC 8785 for what an entry holds: names in ASCII, whole numbers. So nothing can be written in two ways.
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const pairs = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${pairs.join(",")}}`;
};
const FIELDS = "actor bases closed command commit events key keys kind number open opened origin plan previous run";

for (const name of ["keys", "checkpoint"]) if (!existsSync(join(folder, name))) fail(`${name} is missing`);
const names = readdirSync(folder).filter((name) => /^[0-9]{8}\.json$/.test(name)).sort();
for (const name of readdirSync(folder)) if (!names.includes(name) && name !== "keys" && name !== "checkpoint") fail(`${name} is no file of a log`);
const first = readFileSync(join(folder, "keys"), "utf8").split("\n")[0];
const known = readKey(pinned ?? first);
let key = known;
let started = !pinned || pinned === first;
let previous = null;
let closed = "";
const leaves = [];
const introduced = [];
const histories = new Map(); // record -> the numbers of its events, and the one that they follow
const waiting = new Set(); // runs that were open, and have no entry yet
const entered = new Set(); // runs that have theirs
const removed = new Set(); // files that an entry says were erased, or archived
const reports = new Map();
const claims = []; // what an entry says is gone, and another log has to vouch for
const elsewhere = new Map(); // what the logs beside this one vouch for
const beside = readdirSync(dirname(folder));

for (const [index, name] of names.entries()) {
  const content = readFileSync(join(folder, name));
  const envelope = JSON.parse(content);
  const payload = Buffer.from(envelope.payload, "base64");
  const said = JSON.parse(payload);
  const entry = said.predicate;
  if (said.predicateType !== "urn:reconciler:evidence:v1") fail(`${name}: its format is another one`);
  if (canonical(said) !== payload.toString() || Object.keys(entry).sort().join(" ") !== FIELDS) fail(`${name}: its form`);
  const prefix = `DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${payload.length} `;
  const signed = Buffer.concat([Buffer.from(prefix), payload]);
  if (index === 0 && !started) key = readKey(entry.keys[0].verifier);
  if (!verify(null, signed, key.key, Buffer.from(envelope.signatures[0].sig, "base64"))) fail(`${name}: its signature`);
  if (entry.number !== index + 1 || name !== `${String(index + 1).padStart(8, "0")}.json`) fail(`${name}: its number`);
  if (entry.origin !== known.name) fail(`${name}: it is of another log`);
  if (entry.previous !== previous) fail(`${name}: the entry before it is another one`);
  if (entry.closed < closed) fail(`${name}: it was closed before the entry before it`);
  closed = entry.closed;
  introduced.push(...entry.keys.map((one) => one.verifier));
  for (const run of entry.open) if (!entered.has(run)) waiting.add(run);
  if (!entry.open.includes(entry.run)) waiting.delete(entry.run), entered.add(entry.run);
  const history = (record) => histories.get(record) ?? histories.set(record, { base: 0, numbers: [] }).get(record);
  if (entry.kind === "repair") {
    // The vault was restored from a backup: records count on from what it knew, and runs that it forgot never come.
    for (const run of waiting) if (!entry.open.includes(run)) waiting.delete(run);
    for (const record of Object.keys(entry.bases)) histories.delete(record);
  }
  for (const [record, base] of Object.entries(entry.bases)) history(record).base = base;
  for (const event of entry.events) history(event.record).numbers.push(event.seq);
  if (index === names.length - 1) {
    for (const run of waiting) if (!entry.open.includes(run)) fail(`the run ${run} was open and has no entry`);
    for (const [record, { base, numbers }] of histories) {
      const sorted = numbers.sort((one, other) => one - other);
      const whole = sorted.every((number, place) => number === base + place + 1);
      if (!whole && !entry.open.length) fail(`the events of ${record} are not each there once`);
    }
  }
  if (entry.kind === "key") {
    key = readKey(entry.keys[0].verifier);
    started ||= pinned === entry.keys[0].verifier;
  }
  for (const { name: file, digest } of said.subject) {
    if (digest.sha256 === entry.previous) continue; // an entry without reports names the one before it
    if (entry.kind !== "erased" && entry.kind !== "archived") reports.set(file, digest.sha256);
    else if (!/\.(json|md)$/.test(file)) fail(`${name}: ${file} is no report, and cannot be gone`);
    else if (removed.add(file) && reports.get(file) !== digest.sha256) claims.push([name, file, digest.sha256]);
  }
  previous = sha256(content).toString("hex");
  leaves.push(sha256(Buffer.from([0]), content));
}
if (!started) fail("the key that you were given is none of this log");

if (readFileSync(join(folder, "keys"), "utf8") !== introduced.map((line) => `${line}\n`).join("")) fail("keys holds others than the entries introduce");

const text = readFileSync(join(folder, "checkpoint"), "utf8");
const note = text.slice(0, text.indexOf("\n\n") + 1);
const [origin, size, hash] = note.split("\n");
if (origin !== known.name) fail("the checkpoint is of another log");
if (Number(size) !== leaves.length) fail(`the checkpoint is of ${size} entries, and ${leaves.length} are here`);
if (hash !== root(leaves).toString("base64")) fail("the root of the checkpoint is not that of the entries");
const lines = text.slice(note.length + 1).split("\n").filter(Boolean).map((line) => Buffer.from(line.split(" ").pop(), "base64"));
const own = lines.find((line) => line.toString("hex", 0, 4) === key.id) ?? fail("the key in force did not sign the checkpoint");
if (!verify(null, Buffer.from(note), key.key, own.subarray(4))) fail("the signature of the checkpoint");

// The logs beside this one. The present one follows the others, and it or one of them has to vouch for each.
const others = new Set(beside.filter((name) => /^log(-[0-9a-f]{8})?$/.test(name) && name !== basename(folder)));
const take = (name) => {
  others.delete(name);
  const other = join(dirname(folder), name);
  const files = readdirSync(other).filter((file) => /^[0-9]{8}\.json$/.test(file)).sort();
  const contents = files.map((file) => readFileSync(join(other, file)));
  const [, size, hash] = readFileSync(join(other, "checkpoint"), "utf8").split("\n");
  const whole = contents.length > 0 && root(contents.map((content) => sha256(Buffer.from([0]), content))).toString("base64");
  if (Number(size) !== contents.length || hash !== whole) fail(`${other} has other entries than its checkpoint`);
  for (const content of contents) {
    const { subject, predicate } = JSON.parse(Buffer.from(JSON.parse(content).payload, "base64"));
    for (const { name: file, digest } of subject) {
      if (predicate.kind === "erased" || predicate.kind === "archived") removed.add(file);
      else elsewhere.set(file, digest.sha256);
    }
  }
};
const vouched = (name) => ["keys", "checkpoint"].every((part) => {
  const file = join(dirname(folder), name, part);
  return existsSync(file) && (reports.get(file) ?? elsewhere.get(file)) === sha256(readFileSync(file)).toString("hex");
});
if (basename(folder) === "log") {
  for (let name; (name = [...others].find(vouched)); ) take(name);
  for (const name of others) fail(`${join(dirname(folder), name)} is no log that this one follows`);
} else if (others.size) {
  for (const name of others) take(name);
  console.log("What the logs beside it say is gone counts: verify them, too.");
}
for (const [name, file, digest] of claims) if (elsewhere.get(file) !== digest) fail(`${name}: no entry before it vouches for ${file}`);

let read = 0;
const gone = [];
const nothing = sha256(origin).toString("hex"); // of a first entry that is about no file
for (const [file, digest] of reports) {
  if (digest === nothing) continue;
  if (!existsSync(file)) gone.push(file);
  else if (sha256(readFileSync(file)).toString("hex") !== digest) fail(`${file} is not what its entry says`);
  else read += 1;
}
for (const name of beside.filter((name) => name.includes("."))) {
  const file = join(dirname(folder), name);
  if (!reports.has(file) && !elsewhere.has(file)) fail(`no entry vouches for ${file}`);
}
const lost = gone.filter((file) => !removed.has(file));
if (lost.length) fail(`not here, and no entry says that it was erased or archived: ${lost[0]}`);
console.log(`${leaves.length} entries of ${origin} hold, with ${read} files that they name`);
console.log(`root ${hash}`);
if (!pinned) console.log("The key was taken from the log itself: compare it with the one that you were given.");
