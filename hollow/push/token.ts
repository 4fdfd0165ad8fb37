/**
 * The token of a producer: from a file, from the environment, or, with a warning, from the command line.
 *
 * @module
 */

import { resolveUserPath } from "../../system/command_line.ts";
import { parseStat } from "../../system/proc.ts";
import { reasonOf } from "../../system/reason.ts";

/** Where a token may come from. */
export interface TokenOptions {
  readonly token?: string;
  readonly tokenFile?: string;
}

/** Returns the current token: a file may be changed later. */
export type TokenSource = () => string | null;

/** There is no usable token. */
export class TokenError extends Error {
  override name = "TokenError";
}

/**
 * Finds the source of the token, and tries it once.
 *
 * @param variables of the environment: the token's is removed.
 * @throws {TokenError} when a file cannot be read, or does not contain a token.
 */
export function tokenSource(
  options: TokenOptions,
  warn: (line: string) => void,
  variables: Pick<Deno.Env, "get" | "delete"> = Deno.env,
): TokenSource {
  if (options.token !== undefined) {
    wipeFromCommandLine(options.token);
    warn(
      "warning: -t shows the token to all users in the process list: " +
        "use --token-file or HOLLOW_TOKEN",
    );
  }
  const fromEnvironment = variables.get("HOLLOW_TOKEN");
  // Child processes do not need it, wherever the token comes from.
  variables.delete("HOLLOW_TOKEN");
  const source = sourceOf(options, fromEnvironment);
  source();
  return source;
}

function sourceOf(
  { token, tokenFile }: TokenOptions,
  fromEnvironment: string | undefined,
): TokenSource {
  if (token !== undefined) return () => checked(token, "-t");
  if (tokenFile !== undefined) return () => checked(read(tokenFile), `"${tokenFile}"`);
  return () => fromEnvironment ? checked(fromEnvironment, "HOLLOW_TOKEN") : null;
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(resolveUserPath(path)).trim();
  } catch (error) {
    throw new TokenError(
      `Cannot read the token from "${path}" (${reasonOf(error)}): give a file with it`,
    );
  }
}

/** Characters that are valid in a header. */
function checked(token: string, from: string): string {
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  throw new TokenError(
    `Cannot use the token of ${from}: expected 1 to 4096 printable ASCII characters, no spaces`,
  );
}

/**
 * Overwrites a token in this process's own command line, which `ps` shows. Only on Linux, and not in the
 * command line of a `deno task` that started it.
 */
function wipeFromCommandLine(token: string): void {
  if (Deno.build.os !== "linux") return;
  try {
    const { argumentsStart: start, argumentsEnd: end } = parseStat(
      Deno.readTextFileSync("/proc/self/stat"),
    );
    using memory = Deno.openSync("/proc/self/mem", { read: true, write: true });
    const bytes = new Uint8Array(end - start);
    memory.seekSync(start, Deno.SeekMode.Start);
    memory.readSync(bytes);
    const secret = new TextEncoder().encode(token);
    for (let at = 0; at + secret.length <= bytes.length; at++) {
      if (!secret.every((byte, index) => bytes[at + index] === byte)) continue;
      memory.seekSync(start + at, Deno.SeekMode.Start);
      memory.writeSync(new Uint8Array(secret.length).fill("*".charCodeAt(0)));
    }
  } catch {
    // Some systems do not allow it; the warning remains.
  }
}
