/**
 * The block bootstrap: how much a figure of a run would vary if the same run were repeated.
 *
 * Successive windows resemble each other (a burst, a neighbour on the host), so they are not drawn one by one but in
 * blocks of neighbours: the circular block bootstrap of Politis and Romano (1992).
 *
 * @module
 */

import { mulberry32 } from "../../system/mulberry32.ts";

/** How often the run is drawn again; a standard error is then known to about 2 %. */
export const DRAWS = 1000;

/** Draws blocks of windows at random, always the same ones from the same seed. */
export class BlockBootstrap {
  /** Windows of the run. */
  readonly windows: number;
  /** Windows in a block. */
  readonly blockLength: number;
  /** The first window of each block, draw by draw. */
  readonly #starts: Int32Array;
  readonly #blocksPerDraw: number;

  constructor(windows: number, blockLength: number, seed: number) {
    this.windows = windows;
    this.blockLength = blockLength;
    this.#blocksPerDraw = Math.ceil(windows / this.blockLength);
    const random = mulberry32(seed);
    this.#starts = Int32Array.from(
      { length: DRAWS * this.#blocksPerDraw },
      () => Math.floor(random() * windows),
    );
  }

  /** Blocks that do not overlap: about how many independent observations the run has. */
  get blocks(): number {
    return this.windows / this.blockLength;
  }

  /** The sum of a figure over the windows of each draw. */
  sums(values: Float64Array): Float64Array {
    const sums = this.#blockSums(values);
    const drawn = new Float64Array(DRAWS);
    for (let draw = 0, at = 0; draw < DRAWS; draw++) {
      let sum = 0;
      for (let block = 0; block < this.#blocksPerDraw; block++) sum += sums[this.#starts[at++]!]!;
      drawn[draw] = sum;
    }
    return drawn;
  }

  /** In how many blocks that do not overlap something happened. */
  blocksWith(values: Float64Array): number {
    let found = 0;
    for (let start = 0; start < this.windows; start += this.blockLength) {
      if (values.subarray(start, start + this.blockLength).some((value) => value > 0)) found++;
    }
    return Math.min(found, this.blocks);
  }

  /**
   * The standard error of a figure, from its values in all draws.
   *
   * Drawn blocks vary less than the run's own by the share of one block, and a draw may have more windows than the
   * run: both are corrected.
   */
  standardError(drawn: Float64Array): number {
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    const squares = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const drawnWindows = this.#blocksPerDraw * this.blockLength;
    return Math.sqrt(
      squares / (drawn.length - 1) * (this.blocks / (this.blocks - 1)) *
        (drawnWindows / this.windows),
    );
  }

  /** The sum over the block that begins at each window; behind the last window comes the first. */
  #blockSums(values: Float64Array): Float64Array {
    const sums = new Float64Array(this.windows);
    for (let start = 0; start < this.windows; start++) {
      let sum = 0;
      for (let each = 0; each < this.blockLength; each++) {
        sum += values[(start + each) % this.windows]!;
      }
      sums[start] = sum;
    }
    return sums;
  }
}

/** The long blocks of a run: so many that do not overlap. */
const LONG_BLOCKS = 5;

/**
 * The two lengths of blocks, in windows. The short one is the cube root of the number of windows, the rule of Hall,
 * Horowitz and Jing (1995) for a standard error: 30 windows have 10 blocks of 3. The long one is a fifth of the run, for
 * disturbances that last longer than a short block. The larger error of the two counts.
 */
export function blockLengthsFor(windows: number): readonly [short: number, long: number] {
  const short = Math.max(1, Math.round(Math.cbrt(windows)));
  return [short, Math.max(short, Math.round(windows / LONG_BLOCKS))];
}
