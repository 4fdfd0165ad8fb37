/** A small generator with a fixed seed, so that every run sends the same bytes (xorshift32). */
let state = 2463534242;

/** The next 32 bits. */
export function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}
