/**
 * The cost of one hit of a probe.
 *
 * @module
 */

/**
 * Microseconds per hit in a busy server (bench:overhead): a uprobe by the class of its instruction, measured
 * inside a Kea under load, in a nested virtual machine. Bare metal takes at most a quarter.
 */
export const COST_PER_HIT_US = { emulated: 3, "single-stepped": 16, tracepoint: 0.6 } as const;

/** The cost of a probed system call for every other process of the host, microseconds (bench:samples). */
export const HOST_COST_PER_CALL_US = 0.1;

/** The cost of every other system call of the host while one is probed, microseconds (bench:samples). */
export const HOST_COST_PER_OTHER_CALL_US = 0.04;

/**
 * The cost of a packet that another process sends where packets are seen at the sockets, microseconds: two tracepoints
 * and their programs. One that it receives costs half of that.
 */
export const HOST_COST_PER_PACKET_US = 0.2;

/**
 * The cost of a context switch for every process of the host where packets' waits are watched, microseconds: two
 * tracepoints and their programs (bench:switches).
 */
export const HOST_COST_PER_SWITCH_US = 0.3;
