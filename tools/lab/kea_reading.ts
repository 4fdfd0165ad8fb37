/**
 * How Kea itself reads a configuration: with -d, its test of a file (-t) logs the values before it interprets
 * them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { run, textOf } from "../../system/run.ts";

/**
 * Makes a Kea read a file.
 *
 * @param command runs kea-dhcp4 or kea-dhcp6: `["kea-dhcp4"]`.
 * @param directory its working folder.
 * @returns the values, or the error of its grammar.
 */
export async function readByKea(
  command: readonly string[],
  path: string,
  directory: string,
): Promise<{ readonly values: unknown } | { readonly why: string }> {
  const [program, ...args] = command;
  const ran = await run([program!, ...args, "-d", "-t", path], {
    directory,
    // It logs to standard output, and writes only a lock file.
    environment: { KEA_LOCKFILE_DIR: "none" },
  });
  const text = textOf(ran) + new TextDecoder().decode(ran.stderr);
  const logged = /DHCP([46])_CONFIG_START .*? following configuration: (\{.*\})$/m.exec(text);
  if (logged !== null) return { values: { [`Dhcp${logged[1]}`]: JSON.parse(logged[2]!) } };
  return { why: /Syntax check failed with: (.*)/.exec(text)?.[1] ?? text.slice(-300) };
}

/** A file's bytes, one character each. */
export function bytesIn(path: string): string {
  return Buffer.from(Deno.readFileSync(path)).toString("latin1");
}

/**
 * Undoes what Kea changes before it logs the values: a comment becomes part of `user-context`, secrets
 * become stars, and one name has two forms.
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
