/**
 * The version of this project.
 *
 * @module
 */

import configuration from "../deno.json" with { type: "json" };

/** As in `deno.json`: the one place where it is kept. */
export const VERSION: string = configuration.version;
