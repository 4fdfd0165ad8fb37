/**
 * Student's t distribution: how often chance alone makes a difference that is so many standard errors large.
 *
 * @module
 */

/**
 * The probability that |t| is at least this large by chance alone (two-sided).
 *
 * @param degrees of freedom, above 0; need not be an integer (Welch).
 */
export function tailProbability(t: number, degrees: number): number {
  if (!Number.isFinite(t)) return 0;
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
}

/** The t that chance alone reaches with this two-sided probability, from 0 to 1. */
export function criticalT(probability: number, degrees: number): number {
  let [low, high] = [0, 1];
  while (tailProbability(high, degrees) > probability) high *= 2;
  // Each round halves the distance: 60 are more than a number has digits.
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (tailProbability(middle, degrees) > probability) low = middle;
    else high = middle;
  }
  return high;
}

/** The regularized incomplete beta function by its continued fraction (DLMF 8.17.22, Lentz's method). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  let [fraction, c, d] = [1, 1, 0];
  for (let term = 0; term < 1000; term++) {
    const m = term >> 1;
    const factor = term === 0
      ? 1
      : term % 2 === 0
      ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + factor * d);
    c = notZero(1 + factor / c);
    const step = c * d;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-14) break;
  }
  return front * (fraction - 1) / a;
}

function notZero(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value;
}

/** Coefficients of Lanczos's approximation for g = 7: 15 digits. */
const LANCZOS = [
  0.99999999999980993,
  676.5203681218851,
  -1259.1392167224028,
  771.32342877765313,
  -176.61502916214059,
  12.507343278686905,
  -0.13857109526572012,
  9.9843695780195716e-6,
  1.5056327351493116e-7,
];

/** The logarithm of the gamma function of a positive number. */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const base = x + 6.5;
  const sum = LANCZOS.reduce(
    (sum, each, index) => index === 0 ? each : sum + each / (x - 1 + index),
    0,
  );
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(sum);
}
