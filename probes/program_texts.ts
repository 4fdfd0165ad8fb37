/**
 * The texts of the probe programs.
 *
 * @module
 */

/** Templates by name: programs with their extension, parts without. */
export interface ProgramTexts {
  readonly programs: ReadonlyMap<string, string>;
  readonly parts: ReadonlyMap<string, string>;
}

const FOLDER = new URL("programs/", import.meta.url);

let known: Promise<ProgramTexts> | undefined;

/** Reads all of them, once. */
export function programTexts(): Promise<ProgramTexts> {
  return known ??= readTexts();
}

async function readTexts(): Promise<ProgramTexts> {
  const [programs, parts] = await Promise.all([
    textsIn(FOLDER),
    textsIn(new URL("parts/", FOLDER)),
  ]);
  return {
    programs: new Map(programs),
    parts: new Map(parts.map(([name, text]) => [name.replace(/\.bt$/, ""), text])),
  };
}

async function textsIn(folder: URL): Promise<[name: string, text: string][]> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".bt")).sort();
  return await Promise.all(
    names.map(async (name) => [name, await Deno.readTextFile(new URL(name, folder))] as const),
  ) as [string, string][];
}
