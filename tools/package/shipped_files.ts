/**
 * The files of the project that its shipped commands need.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** Folders whose data are read at run time. */
const DATA = ["metrics", "probes", "viz", "export"];

/** Files for others: the package has them elsewhere. */
const FOR_OTHERS = ["export/service", "export/grafana", "export/alerts", "export/scrape"];

/** A path of a module in a string: imports, and scripts that are started by their path. */
const MODULE = /"([\w./-]+\.ts)"/g;

/**
 * Every module that is reachable from some scripts, and the data of the folders that have such.
 *
 * @param root the project.
 * @param scripts paths from there.
 * @returns paths from there, sorted.
 */
export function shippedFiles(root: string, scripts: readonly string[]): string[] {
  const found = new Set<string>(["deno.json"]);
  const waiting = [...scripts];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    const text = Deno.readTextFileSync(join(root, file));
    for (const [, path] of text.matchAll(MODULE)) {
      const other = join(dirname(file), path!);
      if (existsSync(join(root, other))) waiting.push(other);
    }
  }
  for (const folder of DATA) for (const file of dataIn(root, folder)) found.add(file);
  return [...found].sort();
}

function dataIn(root: string, folder: string): string[] {
  return [...Deno.readDirSync(join(root, folder))].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    if (isDirectory) return FOR_OTHERS.includes(path) ? [] : dataIn(root, path);
    return name.endsWith(".ts") ? [] : [path];
  });
}
