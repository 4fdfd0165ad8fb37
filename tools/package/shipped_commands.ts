/**
 * Which commands the package has: those for operators.
 *
 * @module
 */

import configuration from "../../deno.json" with { type: "json" };
import { PackageError } from "./package_error.ts";

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
  /^(ok|check|test|test:.*|bench:.*|install|lab|check-kea|demo|dashboard|package|hollow-producer|.*-pictures?)$/;

/** A task, as deno.json has it. */
interface Task {
  readonly description: string;
  /** None for a task that only runs others. */
  readonly command?: string;
}

/**
 * All of them, by name.
 *
 * @param tasks those of the project.
 * @throws {PackageError} for a task that is more than `deno run` of one script.
 */
export function shippedCommands(
  tasks: Readonly<Record<string, Task>> = configuration.tasks,
): ShippedCommand[] {
  return Object.entries(tasks).filter(([name]) => !OF_CHECKOUT.test(name))
    .map(([name, { description, command = "" }]) => {
      const [, flags, script] = /^deno run ((?:-\S+ )+)(\S+\.ts)$/.exec(command) ?? [];
      if (script === undefined) {
        throw new PackageError(
          `Cannot package the task "${name}", "${command}": expected "deno run FLAGS SCRIPT.ts"`,
        );
      }
      return { name, description, flags: flags!.trim().split(" "), script };
    }).sort((a, b) => a.name < b.name ? -1 : 1);
}
