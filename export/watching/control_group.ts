/**
 * The control group of a process: who started it, and as what.
 *
 * @module
 */

import { printable } from "../../system/printable.ts";
import { isGone } from "../../system/proc.ts";

/** The longest part of a name that a process may choose. */
const LONGEST = 64;

/** A control group. */
export interface ControlGroup {
  /** Its systemd unit with `.service` or `.scope`; null without systemd. */
  readonly unit: string | null;
  /** For people: the unit, the container, or `host`. */
  readonly name: string;
  /** Whether root alone can have put the process there: into a service or a container, not a user's session. */
  readonly isOfRoot: boolean;
}

/** The control group of a process; null when it has ended. */
export function controlGroupOf(pid: number): ControlGroup | null {
  try {
    return parseControlGroup(Deno.readTextFileSync(`/proc/${pid}/cgroup`));
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/**
 * Parses /proc/PID/cgroup.
 *
 * Only the first unit of the path counts: a service or a user may make groups of any name below its own.
 */
export function parseControlGroup(text: string): ControlGroup {
  const path = text.trim().split("\n").at(-1)!.replace(/^\d+:[^:]*:/, "");
  const parts = path.split("/").filter((part) => part !== "");
  const unit = parts.find((part) => /\.(service|scope)$/.test(part)) ?? null;
  const name = (unit ?? parts.at(-1) ?? "").replace(/\.(service|scope)$/, "");
  return {
    unit,
    // Not half of a character: that is no text for a link.
    name: printable(name.slice(0, LONGEST).replace(/[\ud800-\udbff]$/, "")) || "host",
    isOfRoot: parts.length > 0 && !parts.includes("user.slice"),
  };
}
