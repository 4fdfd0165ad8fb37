/**
 * How fast a measured value grows.
 *
 * @module
 */

/**
 * The slope of the line through points with the least squares, in units of y per unit of x.
 *
 * @returns 0 for fewer than two points.
 */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const count = Math.max(points.length, 1);
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const both = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return spread === 0 ? 0 : both / spread;
}
