// Writes JSON texts anew with the library of npm that RFC 8785 names. Reads a list of texts, prints one.
import { readFileSync } from "node:fs";
import canonicalize from "canonicalize";

const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => canonicalize(JSON.parse(text)))));
