/**
 * A line of the last hour, as small as a word.
 *
 * @module
 */

/** A value at a time, milliseconds since the epoch; null for none. */
export type SparkPoint = readonly [time: number, value: number | null];

/** Its coordinates; the page stretches it. */
const [WIDTH, HEIGHT] = [120, 28];

/** A longer time without a value interrupts the line, milliseconds. */
const GAP_MS = 60_000;

/**
 * Draws values from zero, over the time up to `now`. It has no words: the numbers are beside it.
 *
 * @param span how much time it shows, milliseconds.
 * @param colour the name of a colour of the page.
 */
export function sparkline(
  points: readonly SparkPoint[],
  now: number,
  span: number,
  colour: "blue" | "red",
): string {
  const most = points.reduce((a, [, value]) => Math.max(a, value ?? 0), 0) || 1;
  let path = "";
  let before: number | null = null;
  for (const [time, value] of points) {
    if (value === null || time < now - span) continue;
    const x = WIDTH * (1 - (now - time) / span);
    const y = HEIGHT - 2 - (HEIGHT - 4) * value / most;
    const isGap = before === null || time - before > GAP_MS;
    path += `${isGap ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    before = time;
  }
  return `<svg class="spark ${colour}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" ` +
    `aria-hidden="true"><path class="ground" d="M0 ${
      HEIGHT - 1
    }H${WIDTH}"/><path d="${path}"/></svg>`;
}
