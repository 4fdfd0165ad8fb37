/**
 * Units of times.
 *
 * @module
 */

/** Nanoseconds in each unit: what clients write is in seconds (DHCPv4) or hundredths of a second (DHCPv6). */
export const TIME_UNITS = { ns: 1, cs: 1e7, s: 1e9 } as const;
export type TimeUnit = keyof typeof TIME_UNITS;

/** Nanoseconds in a unit; null if it is not one of times. */
export function nanosecondsIn(unit: string): number | null {
  return Object.hasOwn(TIME_UNITS, unit) ? TIME_UNITS[unit as TimeUnit] : null;
}
