/**
 * Options that every command has that watches a server.
 *
 * @module
 */

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { numberBetween } from "../system/command_line.ts";
import { GROUPINGS } from "./packet_counting.ts";
import { PROFILES } from "./programs.ts";

/** Which server. */
export const SERVER_OPTION = new Option(
  "--server <pid|dhcp4|dhcp6>",
  "the server to watch (default: the only one that runs)",
);

/** How much is probed. */
export const PROFILE_OPTION = new Option("--profile <name>", "how much is probed")
  .choices(PROFILES).default("standard" as const);

/** The clients and relays that send most. */
export const TOP_OPTION = new Option(
  "--top <number>",
  "list the clients and the relays that send most, so many of each",
).argParser(wholeNumberTo(100));

/** What the processing time is split by. */
export const BY_OPTION = new Option(
  "--by <what>",
  "split the processing time by relay or by interface, at most 200 of them",
).choices(GROUPINGS);

/** The length of a window, seconds. */
export const INTERVAL_OPTION = new Option("--interval <seconds>", "length of a window")
  .argParser(numberBetween(0.2, 10)).default(1);

/** The folder for the files of a run. */
export const OUTPUT_OPTION = new Option(
  "-o, --output <folder>",
  "where the files go (default: a new folder, named for the server)",
);

/** Reads the threshold of slow packets, milliseconds. */
export function slowness(text: string): number | "auto" {
  return text === "auto" ? text : numberBetween(0.001, 3_600_000)(text);
}

function wholeNumberTo(most: number): (text: string) => number {
  return (text) => {
    const number = numberBetween(1, most)(text);
    if (Number.isInteger(number)) return number;
    throw new InvalidArgumentError("Expected a whole number.");
  };
}
