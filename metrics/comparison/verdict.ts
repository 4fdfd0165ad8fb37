/**
 * The verdict of a whole comparison.
 *
 * @module
 */

import type { Comparison, SeriesComparison } from "./comparison.ts";

/** The verdict of all times, and why in one sentence. */
export function verdictOf(
  series: readonly SeriesComparison[],
): Pick<Comparison, "verdict" | "why"> {
  const times = series.filter(({ time }) => time !== null);
  const timed = (verdict: SeriesComparison["time"]) =>
    times.filter(({ time }) => time === verdict).length;
  const [slower, faster, mixed, same, unknown] =
    (["slower", "faster", "mixed", "same", "not enough data"] as const).map(timed) as [
      number,
      number,
      number,
      number,
      number,
    ];
  const counted = (verdict: SeriesComparison["rate"]) =>
    series.filter(({ rate }) => rate === verdict).length;
  const parts = [
    ...slower > 0 ? [`${slower} slower`] : [],
    ...faster > 0 ? [`${faster} faster`] : [],
    ...mixed > 0 ? [`${mixed} both`] : [],
    `${same} same`,
    ...unknown > 0 ? [`${unknown} with not enough data`] : [],
  ];
  const counts = [["more", counted("more")], ["fewer", counted("fewer")]] as const;
  const rates = counts.filter(([, count]) => count > 0).map(([word, count]) => `${count} ${word}`);
  const why = times.length === 0
    ? "No time of either side can be compared."
    : `Of ${times.length} times, ${parts.join(", ")}.` +
      (rates.length === 0 ? "" : ` Of ${series.length} counts, ${rates.join(", ")}.`);
  const verdict = wordOf(slower, faster, mixed, isPacketTimeSame(times));
  return {
    verdict,
    why: verdict === "cannot say" && times.length > 0 ? `${why} Longer runs would say more.` : why,
  };
}

function wordOf(
  slower: number,
  faster: number,
  mixed: number,
  isSame: boolean,
): Comparison["verdict"] {
  if (mixed > 0 || slower > 0 && faster > 0) return "mixed";
  if (slower > 0) return "slower";
  if (faster > 0) return "faster";
  return isSame ? "same" : "cannot say";
}

/**
 * Whether most packets take as long as before: "same" needs proof. Without times of packets, that of any other series
 * counts.
 */
function isPacketTimeSame(times: readonly SeriesComparison[]): boolean {
  const packets = times.filter(({ metric }) => metric === "packet_processing_time");
  const all = packets.length === 0 ? times : packets;
  const countOf = (some: readonly SeriesComparison[]) =>
    some.reduce((sum, { count }) => sum + count.before + count.after, 0);
  return countOf(all.filter(({ time }) => time === "same")) > countOf(all) / 2;
}
