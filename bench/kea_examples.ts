#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:examples`: reads every configuration in Kea's own source tree, and compares with the
 * recorded result and with Kea's own reading. The files are fetched and not kept.
 *
 * @module
 */

import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { newCommand, runMain } from "../system/command_line.ts";
import { parseConfiguration } from "../discovery/configuration/parse.ts";
import { outputOf } from "../system/run.ts";
import { asLogged, bytesIn, readByKea } from "../tools/lab/kea_reading.ts";

const RECORD = join(import.meta.dirname!, "kea_examples.json");

/** Folders of Kea's example configurations. */
const FOLDERS = ["doc/examples", "src/bin/keactrl"];

/** The recorded results. */
interface Recorded {
  /** Commit of Kea's repository. */
  readonly commit: string;
  /** SHA-256 of the values as JSON, names sorted; or why the file is refused. */
  readonly files: Readonly<{ [path: string]: string }>;
}

const command = newCommand("bench:examples")
  .description(
    "Read every configuration of Kea's source tree, and compare with the recorded results and with " +
      "what the installed Kea reads.",
  )
  .argument("[repository]", "Kea's git repository", "https://gitlab.isc.org/isc-projects/kea.git")
  .option("--record <commit>", "record the results of another commit")
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:examples\n  deno task bench:examples /srv/mirror/kea.git",
  );

/** The result of our parser, or why there is none. */
function readHere(path: string): { readonly values: unknown } | { readonly why: string } {
  try {
    return { values: parseConfiguration(bytesIn(path), () => assert.fail("it includes a file")) };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

/** Values as JSON, with sorted names. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, item) =>
      typeof item === "object" && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => a < b ? -1 : 1))
        : item,
  );
}

async function hashOf(value: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(canonical(value));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Whether Kea reads the same values; they are put into user-context, which accepts all names. */
async function isAsKeaReads(folder: string, path: string, values: unknown): Promise<boolean> {
  const whole = join(folder, "whole.json");
  await Deno.writeTextFile(
    whole,
    `{ "Dhcp4": { "user-context": { "value": <?include "${path}"?> } } }`,
  );
  const read = await readByKea(["kea-dhcp4"], whole, folder);
  if (!("values" in read)) throw new Error(`Kea refuses ${path}: ${read.why}`);
  const { Dhcp4 } = read.values as { Dhcp4: { "user-context": { value: unknown } } };
  return canonical(asLogged(Dhcp4["user-context"].value)) === canonical(asLogged(values));
}

/** Fetches one commit, and extracts its configurations. */
async function fetchExamples(
  repository: string,
  commit: string,
  folder: string,
): Promise<string[]> {
  const [git, archive] = [join(folder, "git"), join(folder, "examples.tar")];
  await asked("git", "init", "--quiet", "--bare", git);
  await asked("git", "--git-dir", git, "fetch", "--quiet", "--depth", "1", repository, commit);
  await asked("git", "--git-dir", git, "archive", "-o", archive, "FETCH_HEAD", ...FOLDERS);
  await asked("tar", "-C", folder, "-xf", archive);
  return (await asked("tar", "-tf", archive)).split("\n")
    .filter((path) => /\.(json|conf|conf\.pre)$/.test(path)).toSorted();
}

async function asked(...words: [string, ...string[]]): Promise<string> {
  return await outputOf(
    words,
    (why) => new Error(`Cannot fetch Kea's examples, ${words[0]} failed: ${why}`),
  );
}

await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  const recorded: Recorded = JSON.parse(await Deno.readTextFile(RECORD));
  const { record } = command.opts();
  const commit = record ?? recorded.commit;
  const folder = await Deno.makeTempDir({ prefix: "kea-examples-" });
  try {
    const files: { [path: string]: string } = {};
    const wrong: string[] = [];
    for (const path of await fetchExamples(command.processedArgs[0], commit, folder)) {
      const read = readHere(join(folder, path));
      files[path] = "why" in read ? read.why : await hashOf(read.values);
      const isRight = "why" in read ||
        await isAsKeaReads(folder, join(folder, path), read.values);
      if (!isRight) wrong.push(`${path}: not as Kea reads it`);
      if (record === undefined && files[path] !== recorded.files[path]) {
        wrong.push(`${path}: not as recorded: ${files[path]}`);
      }
    }
    const missing = Object.keys(recorded.files).filter((path) => !(path in files));
    if (record === undefined) wrong.push(...missing.map((path) => `${path}: it is not there`));
    else await Deno.writeTextFile(RECORD, `${JSON.stringify({ commit, files }, null, 2)}\n`);
    const refused = Object.values(files).filter((yielded) => yielded.startsWith("line ")).length;
    console.log(
      `${Object.keys(files).length} files of ${basename(commit)}: ` +
        `${Object.keys(files).length - refused} read, ${refused} refused`,
    );
    for (const line of wrong) console.error(`error: ${line}`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
