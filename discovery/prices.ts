/**
 * What one hit of a probe costs.
 *
 * @module
 */

/**
 * Microseconds that one hit takes from a busy server (bench:overhead): on a uprobe by the class of its
 * instruction, measured inside a Kea under load, in a nested virtual machine. Bare metal takes a quarter
 * of it and less.
 */
export const HIT_PRICE_US = { emulated: 3, "single-stepped": 16, tracepoint: 0.6 } as const;

/** What every other process of the host pays a probed system call, microseconds. */
export const HOST_PRICE_US = 0.1;
