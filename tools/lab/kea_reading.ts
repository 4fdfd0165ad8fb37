/**
 * What Kea itself reads in a configuration: with -d, its test of a file (-t) logs the values before it
 * looks at what they mean.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { run, textOf } from "../../system/run.ts";

/**
 * Has a Kea read a file.
 *
 * @param command that runs the kea-dhcp4 or kea-dhcp6 in question: `["kea-dhcp4"]`.
 * @param directory from where it runs.
 * @returns the values, or why its grammar has none.
 */
export async function readByKea(
  command: readonly string[],
  path: string,
  directory: string,
): Promise<{ readonly values: unknown } | { readonly why: string }> {
  const [program, ...args] = command;
  const ran = await run([program!, ...args, "-d", "-t", path], {
    directory,
    // It logs to standard output, and writes no file but a lock.
    environment: { KEA_LOCKFILE_DIR: "none" },
  });
  const text = textOf(ran) + new TextDecoder().decode(ran.stderr);
  const logged = /DHCP([46])_CONFIG_START .*? following configuration: (\{.*\})$/m.exec(text);
  if (logged !== null) return { values: { [`Dhcp${logged[1]}`]: JSON.parse(logged[2]!) } };
  return { why: /Syntax check failed with: (.*)/.exec(text)?.[1] ?? text.slice(-300) };
}

/** A file's bytes, each of them one character. */
export function bytesIn(path: string): string {
  return Buffer.from(Deno.readFileSync(path)).toString("latin1");
}

/**
 * Values without what Kea changes before it logs them: a comment becomes a part of `user-context`,
 * secrets become stars, and one name has two forms.
 */
export function asLogged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asLogged);
  if (typeof value !== "object" || value === null) return value;
  const { comment, ...map } = value as Record<string, unknown>;
  if (comment !== undefined) {
    map["user-context"] = { ...map["user-context"] as object | undefined, comment };
  }
  return Object.fromEntries(
    Object.entries(map).map(([name, item]) => [
      name.replace("output-options", "output_options"),
      name === "user-context" ? item : /^(password|secret)$/.test(name) ? "*****" : asLogged(item),
    ]),
  );
}
