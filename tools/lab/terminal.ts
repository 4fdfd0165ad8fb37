/**
 * A terminal without a user: tmux, for tests and pictures of the live view.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";

/** A terminal: a tmux server of its own, with one session. */
export class Terminal implements AsyncDisposable {
  readonly #socket = `kea-live-${crypto.randomUUID()}`;

  /** Starts a command in a terminal of this size. */
  static async open(command: string, columns: number, rows: number): Promise<Terminal> {
    const terminal = new Terminal();
    const size = ["-x", String(columns), "-y", String(rows)];
    // The shell keeps running, so that the final screen can be read.
    await terminal.#tmux("new-session", "-d", ...size, `${command}; echo "status $?"; sleep 60`);
    return terminal;
  }

  /** The screen, one line per row; `styled`: with escape sequences for styles. */
  async screen(styled = false): Promise<string[]> {
    const text = await this.#tmux("capture-pane", "-p", ...(styled ? ["-e"] : []));
    return text.split("\n").slice(0, -1);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** Waits until the screen holds something. */
  async shows(what: RegExp, seconds: number): Promise<string> {
    const limit = Date.now() + 1000 * seconds;
    for (;;) {
      const text = (await this.screen()).join("\n");
      if (what.test(text)) return text;
      if (Date.now() > limit) throw new Error(`Waited ${seconds} s in vain for ${what}:\n${text}`);
      await pause(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server");
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-L", this.#socket, "-f", "/dev/null", ...args],
      env: { LANG: "C.UTF-8", TERM: "xterm-256color" },
      stdin: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  }
}
