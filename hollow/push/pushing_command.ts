/**
 * The options that all scripts share that push.
 *
 * @module
 */

import { type Command, Option } from "@commander-js/extra-typings";
import { newCommand, say } from "../../system/command_line.ts";
import { ProducerClient } from "./producer_client.ts";
import { tokenSource } from "./token.ts";
import type { Family } from "../../metrics/dhcp.ts";

/** Where to push. */
export interface TargetOptions {
  readonly producer?: string | undefined;
  readonly dataset: string;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly allowPlainHttp?: true | undefined;
}

/** A command with the options for where to push. */
export function pushingCommand(name: string, dataset = "kea") {
  return newCommand(name)
    .option("-p, --producer <url>", "the producer's base URL")
    .option("-d, --dataset <name>", "the Hollow dataset", dataset)
    .addOption(
      new Option(
        "-t, --token <token>",
        "the token itself; visible to all users in the process list",
      ),
    )
    .option("--token-file <file>", "a file with the token (or set HOLLOW_TOKEN)")
    .option("--allow-plain-http", "send the token over http to another machine too")
    .showHelpAfterError("(--help shows the options)");
}

/** The client for the producer that the user named; ends with status 2 when none was. */
export function clientFor(command: Pick<Command, "error">, options: TargetOptions): ProducerClient {
  const { producer, dataset, token, tokenFile, allowPlainHttp = false } = options;
  if (producer === undefined) command.error("error: give the producer with -p URL");
  const source = tokenSource({
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
  }, say);
  return new ProducerClient({ url: producer, dataset, token: source, allowPlainHttp });
}

/** The name of a server in a dataset: host and kind, the same after each restart. */
export function serverName({ host, family }: {
  readonly host?: string | undefined;
  readonly family?: Family | undefined;
}): string | null {
  return host === undefined || family === undefined ? null : `${host}/dhcp${family}`;
}
