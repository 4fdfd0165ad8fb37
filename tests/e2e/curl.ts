/** curl, for tests of servers. */

/** What curl got. */
export interface Got {
  /** curl's own exit status. */
  readonly code: number;
  /** The HTTP status; 0 without an answer. */
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Runs curl; the answer may take 60 s. */
export async function curl(...args: readonly string[]): Promise<Got> {
  const { code, stdout } = await new Deno.Command("curl", {
    args: ["-sS", "-i", "--http1.1", "--noproxy", "*", "-m", "60", ...args],
    stdin: "null",
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).replace(/^HTTP\/1\.1 100 .*?\r\n\r\n/s, "");
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = new Headers(
    lines.map((line) => /^([^:]*): ?(.*)$/.exec(line)!.slice(1) as [string, string]),
  );
  return { code, status: Number(first.split(" ")[1] ?? 0), headers, body: rest.join("\r\n\r\n") };
}
