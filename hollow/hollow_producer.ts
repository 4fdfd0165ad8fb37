#!/usr/bin/env -S deno run -A
/**
 * `deno task hollow-producer`: the ingest service with Netflix's own Hollow library, in Java.
 *
 * @module
 */

import { exitWith } from "../command_line.ts";
import { ensureProducer } from "./producer_build.ts";

/** Signals that the producer is to get too. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

if (import.meta.main) {
  await exitWith(async () => {
    const { jar } = await ensureProducer();
    const java = ["java", "-XX:+ExitOnOutOfMemoryError", "-jar", jar, ...Deno.args];
    // It stops as by SIGTERM when this process is killed.
    const [program, ...args] = Deno.build.os === "linux"
      ? ["setpriv", "--pdeathsig", "TERM", "--", ...java]
      : java;
    const child = new Deno.Command(program!, {
      args,
      cwd: Deno.env.get("INIT_CWD") ?? Deno.cwd(),
    }).spawn();
    for (const signal of SIGNALS) {
      Deno.addSignalListener(signal, () => {
        try {
          child.kill(signal);
        } catch {
          // It has ended already.
        }
      });
    }
    return (await child.status).code;
  });
}
