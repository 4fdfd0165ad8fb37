/**
 * How a server is set up, in captures and documents.
 *
 * @module
 */

import { z } from "zod";

/** How a server is set up, when its watch begins. */
export const setup = z.object({
  threads: z.int().nonnegative(),
  worker_threads: z.int().nonnegative().optional()
    .describe("Threads that serve packets; 0 for a single-threaded server; absent if not known"),
  cpus: z.int().positive().optional()
    .describe("CPUs that it may run on, by its affinity; absent in documents of earlier versions"),
  hook_libraries: z.array(z.string()).describe("File names"),
  debug_loggers: z.array(z.string()).optional()
    .describe("Loggers with severity DEBUG; absent if its configuration could not be read"),
});

/** How a server is set up. */
export type ServerSetup = z.infer<typeof setup>;
