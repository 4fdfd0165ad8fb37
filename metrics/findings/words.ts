/**
 * Numbers in the sentences of findings.
 *
 * @module
 */

/** A share: `71 %`, `4.1 %`. */
export function percent(share: number): string {
  const value = 100 * share;
  return `${value.toFixed(value < 9.95 ? 1 : 0)} %`;
}

/** A count with its noun: `1 packet`, `1,000 packets`. */
export function counted(count: number, thing: string): string {
  return `${String(count).replace(/\B(?=(\d{3})+$)/g, ",")} ${thing}${count === 1 ? "" : "s"}`;
}
