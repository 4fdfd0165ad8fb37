/** Boots a container, says its first process, and waits to be killed. */

import { setTimeout as pause } from "node:timers/promises";
import { BootedContainer } from "../../tools/lab/booted_container.ts";

await using container = await BootedContainer.boot("bookworm");
console.error(`leader ${container.leader}`);
await pause(600_000);
