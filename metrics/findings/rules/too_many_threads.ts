/**
 * The server's own threads wait for each other's CPUs.
 *
 * @module
 */

import { exactEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { cpuWaitOf } from "../waits.ts";
import { counted, percent } from "../words.ts";

export const TOO_MANY_THREADS: Rule = {
  name: "too_many_threads",
  find: (facts) => {
    const setup = facts.document.server.setup;
    const wait = cpuWaitOf(facts);
    if (setup?.cpus === undefined || wait === null || !wait.isOwnLoad) return null;
    const threads = setup.worker_threads ?? setup.threads;
    return {
      severity: "slow",
      damage: wait.share,
      sentence:
        `${percent(wait.share)} of the packets' time Kea's threads wait for a CPU that others of ` +
        `its threads use: ${counted(threads, "thread")} on ${counted(setup.cpus, "CPU")}.`,
      evidence: [
        ...wait.evidence,
        exactEvidence("threads of Kea", "server.setup", {}, "threads", threads),
      ],
      remedy: [
        "Set multi-threading, thread-pool-size to the number of CPUs: more threads make each packet slower, and serve " +
        "no more of them",
        "If one thread per CPU is not enough, Kea needs more CPUs, or less to do: logging, hook libraries",
      ],
    };
  },
};
