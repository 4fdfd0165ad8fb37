/** Every file is in the folder that docs/development.md gives it, and imports go one way. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname!, "..");

/** A folder imports only from itself and from those before it; tests and benchmarks from all. */
const FOLDERS = [
  "system",
  "metrics",
  "discovery",
  "probes",
  "viz",
  "hollow",
  "export",
  "tools",
  "bench",
  "docs",
  "tests",
];

/** Longest file, lines: a longer one is two things. */
const LONGEST = 400;

/** It runs alone, copied to another machine. */
const ALONE = "tools/dras_wrapper.ts";

/** All files of the project with one of these endings, their paths from the root. */
function filesOf(...endings: readonly string[]): string[] {
  const found: string[] = [];
  const walk = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(join(ROOT, folder))) {
      const path = `${folder}/${name}`;
      if (isDirectory && name !== "target") walk(path);
      else if (endings.some((ending) => name.endsWith(ending))) found.push(path);
    }
  };
  for (const folder of FOLDERS) {
    try {
      walk(folder);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found.sort();
}

const text = (file: string) => Deno.readTextFileSync(join(ROOT, file));

/** The files that each file imports. */
const imports = new Map(
  filesOf(".ts").map((file) => [
    file,
    [...text(file).matchAll(/^(?:import|export)\b[^;]*?"(\.{1,2}\/[^"]+\.ts)";$/gm)]
      .map(([, path]) => join(dirname(file), path!)),
  ]),
);

const { tasks } = JSON.parse(text("deno.json")) as {
  readonly tasks: Readonly<Record<string, { readonly command?: string }>>;
};

/** The entry script of each task that has one. */
const scripts = new Map(
  Object.entries(tasks).flatMap(([task, { command = "" }]) => {
    const script = /^deno run -A (?:--v8-flags=\S+ )?(\S+\.ts)$/.exec(command)?.[1];
    return script === undefined ? [] : [[task, script] as const];
  }),
);

Deno.test("a folder imports only from those before it", () => {
  const place = (file: string) => FOLDERS.indexOf(file.split("/")[0]!);
  const last = FOLDERS.indexOf("bench");
  const backwards = [...imports].flatMap(([file, imported]) =>
    imported
      .filter((other) => place(file) < last && place(other) > place(file))
      .map((other) => `${file} imports ${other}`)
  );
  assert.deepEqual(backwards, []);
});

Deno.test("no file imports itself through others", () => {
  const finished = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, way: readonly string[]) => {
    if (way.includes(file)) {
      circles.push([...way.slice(way.indexOf(file)), file].join(" -> "));
      return;
    }
    if (finished.has(file)) return;
    for (const other of imports.get(file) ?? []) visit(other, [...way, file]);
    finished.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});

Deno.test("no file is too long", () => {
  const tooLong = filesOf(".ts", ".bt", ".java").filter((file) =>
    file !== ALONE && text(file).split("\n").length - 1 > LONGEST &&
    !file.startsWith("tests/")
  );
  assert.deepEqual(tooLong, []);
});

Deno.test("each task has one entry script, and the pages say in which folder its work is", () => {
  const rows = new Map(
    [
      ...text("docs/development.md").matchAll(
        /^\| `([\w:-]+)` \| (?:\[(\S+\.ts)\])?.* \| \[(\S+)\]\(\.\.\/\3\) \|$/gm,
      ),
    ].map(([, task, script, folder]) => [task!, { script, folder: folder! }]),
  );
  assert.deepEqual([...rows.keys()].sort(), Object.keys(tasks).sort());
  for (const [task, script] of scripts) assert.equal(rows.get(task)?.script, script, task);
  for (const { folder } of rows.values()) assert.ok(Deno.statSync(join(ROOT, folder)).isDirectory);
  assert.equal(new Set(scripts.values()).size, scripts.size, "two tasks have one entry script");
});

Deno.test("the tops of hollow and tools hold nothing but entry scripts", () => {
  const entries = new Set(scripts.values());
  const others = filesOf(".ts").filter((file) =>
    /^(hollow|tools)\/[^/]+$/.test(file) && !entries.has(file)
  );
  assert.deepEqual(others, []);
});

Deno.test("no test changes the environment, which other tests run in at the same time", () => {
  const changing = /\bDeno\.env\.(?:set|delete)\(|\bprocess\.env\b|\bDeno\.(?:chdir|umask)\(/;
  const tests = filesOf(".ts").filter((file) => file.startsWith("tests/"));
  assert.deepEqual(tests.filter((file) => changing.test(text(file))), []);
});
