/** The alert rules in a hurry, for tests with real causes. */

/** Durations are this many times shorter: 5 minutes are 10 seconds. */
const FACTOR = 30;

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Rules whose ranges, offsets and `for` are shorter; their thresholds stay. */
export function shortenedRules(rules: string): string {
  return rules.replaceAll(
    /(\[|\boffset |\bfor: )(\d+)([smhd])/g,
    (_, before: string, count: string, unit: string) =>
      `${before}${Math.ceil(Number(count) * SECONDS[unit]! / FACTOR)}s`,
  );
}
