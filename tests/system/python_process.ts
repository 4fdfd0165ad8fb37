/** A Python program that runs beside a test: it does what no Deno program can. */

import assert from "node:assert/strict";

/** One that is ready; disposed, it ends. */
export interface PythonProcess extends AsyncDisposable {
  readonly pid: number;
  /** Gives it a line on standard input and waits for its answer, a line. */
  readonly ask: (question: string) => Promise<string>;
}

/**
 * Starts a program and waits until it prints that it is ready; it is to end with its standard input.
 *
 * @param within what starts it (`ip netns exec NAME`), which it takes the place of.
 */
export async function pythonProcess(
  program: string,
  args: readonly string[] = [],
  within: readonly string[] = [],
): Promise<PythonProcess> {
  const [command, ...before] = [...within, "python3"];
  const child = new Deno.Command(command!, {
    args: [...before, "-c", program, ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const [output, input] = [child.stdout.getReader(), child.stdin.getWriter()];
  /** The next line; what was printed before the end of the program, if that comes first. */
  const line = async () => {
    for (let text = "";;) {
      const { done, value } = await output.read();
      text += new TextDecoder().decode(value);
      if (done || text.endsWith("\n")) return text;
    }
  };
  const end = async () => {
    await input.close();
    await output.cancel();
    await child.status;
  };
  if (await line() === "") {
    await end();
    assert.fail(`Cannot start ${program}`);
  }
  return {
    pid: child.pid,
    ask: async (question) => {
      await input.write(new TextEncoder().encode(`${question}\n`));
      return await line();
    },
    [Symbol.asyncDispose]: end,
  };
}
