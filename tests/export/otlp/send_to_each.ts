/**
 * Sends a request to each endpoint that it is given, and prints what became of it.
 *
 * @module
 */

import { sent } from "./sent.ts";

for (const url of Deno.args) console.log((await sent(url, {})).kind);
