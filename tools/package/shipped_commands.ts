/**
 * Which commands the package has: those for operators.
 *
 * @module
 */

import configuration from "../../deno.json" with { type: "json" };

/** A command of the package. */
export interface ShippedCommand {
  /** The name of the task. */
  readonly name: string;
  readonly description: string;
  /** Arguments of `deno run`. */
  readonly flags: readonly string[];
  /** Path from the root of the project. */
  readonly script: string;
}

/** Tasks that need the checkout: they test, measure, draw or build, or install what the package depends on. */
const OF_CHECKOUT =
  /^(ok|test|test:.*|bench:.*|install|lab|demo|dashboard|package|hollow-producer|.*-pictures?)$/;

/** All of them, by name. */
export function shippedCommands(): ShippedCommand[] {
  return Object.entries(configuration.tasks).flatMap(([name, { description, command }]) => {
    if (OF_CHECKOUT.test(name)) return [];
    const [, flags, script] = /^deno run ((?:-\S+ )+)(\S+\.ts)$/.exec(command) ?? [];
    if (script === undefined) return [];
    return [{ name, description, flags: flags!.trim().split(" "), script }];
  }).sort((a, b) => a.name < b.name ? -1 : 1);
}
