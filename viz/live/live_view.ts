/**
 * The live view: state and size in, lines of text out. Pure.
 *
 * @module
 */

import { styleText } from "node:util";
import type { HistogramSeries, Window } from "../../metrics/document.ts";
import { type LiveState, ROLLING_SECONDS, rollingWindow } from "./live_state.ts";
import type { MetricName } from "../../metrics/metric_names.ts";
import { printable } from "../../system/printable.ts";
import { gauges, histograms, nameOf, quantileText, secondsOf, significant } from "../series.ts";
import { axisOf, histogramBar, sparkline } from "./sparkline.ts";
import { aligned, cut, widthOf } from "./text_layout.ts";
import { SEVERITY_WORDS } from "../finding_words.ts";
import { duration, longestPart, size, wrappedAt } from "../format.ts";

/** What the terminal can show. */
export interface LiveScreen {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
  /** Whether block characters can be shown; else ASCII. */
  readonly unicode: boolean;
  readonly paused: boolean;
  readonly help: boolean;
}

/** With this many columns, two parts fit side by side. */
const TWO_PARTS = 150;

/** Columns between them. */
const GAP = 3;

/** Lines that losses and errors may take. */
const ERROR_LINES = 3;

const HELP = [
  "q, ^C  stop: summary and files are written, as at the end",
  "p      pause the display; the measurement continues",
  "?      this help, and back",
  "",
  `Rates and percentiles in tables cover the last ${ROLLING_SECONDS} s;`,
  "received packets, CPU and memory cover the newest window;",
  "losses and errors count from the start, (+n) in the newest window.",
];

/** The least and the most columns that are useful for a histogram. */
const [LEAST_SPREAD, GREATEST_SPREAD] = [8, 60];

/** A name is cut to fewer columns than this only if nothing else can be left out. */
const LEAST_NAME = 18;

/** Which of rate, p50, p95 and p99 are shown: as many as fit. */
const NUMBERS = [[0, 1, 2, 3], [0, 1, 3], [1, 3], [3]] as const;

/**
 * Renders the view.
 *
 * @returns at most as many lines as the screen has rows, none wider than its columns.
 */
export function liveView(state: LiveState, screen: LiveScreen): string[] {
  const { columns, rows } = screen;
  const draw = new Draw(state, screen);
  const head = draw.head();
  const body = screen.help
    ? ["", ...HELP]
    : columns >= TWO_PARTS
    ? beside(draw.main(leftOf(columns)), draw.details(columns - leftOf(columns) - GAP), columns)
    : [...draw.main(columns), ...draw.details(columns)];
  const lines = [...head, ...body];
  const shown = lines.length <= rows ? lines : withoutHeadings(lines.slice(0, rows - 1));
  const left = lines.length - shown.length;
  const more = left === 0 ? [] : [draw.muted(draw.text(`\u2026 ${left} more lines`))];
  return [...shown, ...more].slice(0, rows).map((line) => fitted(line, columns));
}

/** Leaves out a heading at the end whose rows do not fit. */
function withoutHeadings(lines: readonly string[]): readonly string[] {
  const isHeading = lines.at(-2) === "";
  return lines.slice(0, isHeading ? -2 : lines.at(-1) === "" ? -1 : undefined);
}

function fitted(line: string, columns: number): string {
  return widthOf(line) <= columns ? line : cut(line, columns);
}

/** Columns of the left part of two. */
function leftOf(columns: number): number {
  return Math.floor((columns - GAP) * 0.54);
}

function beside(left: readonly string[], right: readonly string[], columns: number): string[] {
  const half = leftOf(columns);
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => {
    const line = fitted(left[index] ?? "", half);
    const pad = " ".repeat(half - widthOf(line) + GAP);
    return `${line}${pad}${right[index] ?? ""}`.trimEnd();
  });
}

/** The parts of the view. */
class Draw {
  readonly #state: LiveState;
  readonly #screen: LiveScreen;
  readonly #rolling: Window | null;

  constructor(state: LiveState, screen: LiveScreen) {
    this.#state = state;
    this.#screen = screen;
    this.#rolling = rollingWindow(state);
  }

  /** The server, and the progress of the run. */
  head(): string[] {
    const { facts: { version, family, pid, profile, durationSeconds }, elapsedSeconds } =
      this.#state;
    const part = Math.min(1, elapsedSeconds / durationSeconds);
    const width = Math.max(4, Math.min(40, this.#screen.columns - 52));
    const done = Math.round(part * width);
    const left = clockOf(Math.max(0, durationSeconds - elapsedSeconds));
    return [
      this.#styled("bold", `Kea ${this.text(version)} DHCPv${family}, pid ${pid}`) +
      this.muted(`  profile ${this.text(profile)}${this.#screen.paused ? "  PAUSED" : ""}`),
      `${this.#bar(done, width)} ` +
      `${clockOf(elapsedSeconds)}, ${left} left` + this.muted("   q stop  p pause  ? help"),
    ];
  }

  /** Messages, the last minutes, losses, overhead; in `room` columns. */
  main(room: number): string[] {
    return [
      ...this.#messages(room),
      ...this.#rate(room),
      ...this.#errors(room),
      ...this.#findings(room),
      ...this.#slow(),
      ...this.#machine(),
      ...this.#notes(),
    ];
  }

  /** Where the time goes. */
  details(room: number): string[] {
    return [
      ...this.#times("Wait in the socket", "packet_socket_wait", room),
      ...this.#times("Lease allocation", "lease_allocation_time", room),
      ...this.#times("Database", "database_query_time", room),
      ...this.#times("Hook callouts", "hook_callout_time", room),
      ...this.#threads(),
      ...this.#times("Stages", "packet_stage_time", room),
      ...this.#times("Running and waiting", "packet_wait_time", room),
    ];
  }

  /** Text from outside as this screen can show it. */
  text(text: string): string {
    const shown = printable(text);
    if (this.#screen.unicode) return shown;
    return shown.replaceAll("\u2192", "->").replaceAll("\u2026", "...")
      .replaceAll("\u00b7", ".").replaceAll(/[^\x20-\x7e]/gu, "?");
  }

  muted(text: string): string {
    return this.#styled("dim", text);
  }

  #styled(style: "bold" | "dim" | "red", text: string): string {
    return this.#screen.colour ? styleText(style, text, { validateStream: false }) : text;
  }

  #bar(done: number, width: number): string {
    const [full, empty] = this.#screen.unicode ? ["\u2588", "\u2591"] : ["#", "."];
    return `${full!.repeat(done)}${this.muted(empty!.repeat(width - done))}`;
  }

  #messages(room: number): string[] {
    if (this.#rolling === null) return ["", "Attaching the probes, waiting for the first window"];
    const rows = this.#times(`Last ${ROLLING_SECONDS} s`, "packet_processing_time", room);
    return rows.length > 0 ? rows : ["", `No packet was answered in the last ${ROLLING_SECONDS} s`];
  }

  #rate(room: number): string[] {
    const { rates } = this.#state;
    if (rates.length === 0) return [];
    const width = Math.min(60, Math.max(4, room - 40));
    const shown = rates.slice(-width);
    const most = Math.max(...shown);
    return [
      `Received ${significant(rates.at(-1)!).padStart(6)}/s ` +
      `${sparkline(shown, most, this.#screen.unicode)} ${
        this.muted(`at most ${significant(most)}/s`)
      }`,
    ];
  }

  #errors(room: number): string[] {
    const { errors } = this.#state;
    const real = errors.filter(({ count }) => count > 0);
    if (real.length === 0) return [`${this.#styled("bold", "Losses and errors")}  none`];
    const parts = real.map(({ name, count, newest }) => {
      const text = `${this.text(name)} ${count}${newest > 0 ? ` (+${newest})` : ""}`;
      return newest > 0 ? this.#styled("red", text) : text;
    });
    const lines = [`${this.#styled("bold", "Losses and errors")}  `];
    while (parts.length > 0) {
      const line = `${lines.at(-1)}${parts[0]}${parts.length > 1 ? ", " : ""}`;
      const isEmpty = lines.at(-1) === "  ";
      if (isEmpty || widthOf(line) <= room - 12) {
        lines[lines.length - 1] = line;
        parts.shift();
      } else if (lines.length < ERROR_LINES) {
        lines.push("  ");
      } else {
        lines[lines.length - 1] += `${parts.length} more`;
        break;
      }
    }
    return lines;
  }

  /** The worst of what is wrong or slow, and how many more there are. */
  #findings(room: number): string[] {
    const [worst, ...others] = this.#state.findings;
    if (worst === undefined) return [];
    const word = SEVERITY_WORDS[worst.severity];
    const more = others.length === 0 ? "" : ` (+${others.length} more)`;
    const [first, ...rest] = wrappedAt(this.text(`${word}: ${worst.sentence}${more}`), room);
    return [this.#styled("red", word) + first!.slice(word.length), ...rest];
  }

  #slow(): string[] {
    const { facts: { slowNs }, slowCount, slow } = this.#state;
    if (slowNs === undefined) return [];
    const rows = slow.map(({ time, message, duration_ns, stages, waits, client, transaction }) =>
      [
        `  ${time.slice(11, 19)} ${message}`,
        duration(duration_ns),
        longestPart(stages),
        longestPart(waits ?? {}),
        client,
        transaction,
      ].map((cell) => this.text(cell))
    );
    const title = this.#styled("bold", `Slow packets, over ${duration(slowNs)}`);
    return [`${title}  ${slowCount || "none"}`, ...aligned(rows, new Set([1]))];
  }

  #machine(): string[] {
    const { newest, cost } = this.#state;
    if (newest === null) return [];
    const cpu = (mode: string) =>
      gauges(newest.series, "cpu_usage", "ratio").find(({ labels }) =>
        labels["thread"] === "all" && labels["mode"] === mode
      )?.value ?? 0;
    const memory = gauges(newest.series, "memory_usage", "bytes")
      .find(({ labels }) => labels["kind"] === "rss");
    return [
      `Kea      ${significant(100 * (cpu("user") + cpu("system")))} % of a core` +
      (memory === undefined ? "" : `, ${size(memory.value)}`),
      ...cost === null ? [] : [
        `Overhead ` +
        (cost.bpf_us_per_packet === null || cost.hits === 0
          ? ""
          : `${significant(cost.bpf_us_per_packet)} us per packet, `) +
        `${significant(100 * cost.monitor_cpu_ratio)} % of a core, ${
          size(cost.monitor_memory_bytes)
        }`,
      ],
    ];
  }

  #notes(): string[] {
    return this.#state.notes.slice(-3).map((note) => this.muted(this.text(`! ${note}`)));
  }

  /** A table of histograms: rate, percentiles and, if there is room, the shape. */
  #times(title: string, metric: MetricName, room: number): string[] {
    const found = histograms(this.#rolling?.series ?? [], metric);
    if (found.length === 0) return [];
    const seconds = secondsOf(this.#rolling!);
    const all = [
      ["/s", "p50", "p95", "p99"],
      ...found.map((
        series,
      ) => [
        significant(series.count / seconds),
        ...[0.5, 0.95, 0.99].map((q) => quantileText(series, q)),
      ]),
    ];
    const widths = all[0]!.map((_, column) =>
      2 + Math.max(...all.map((row) => row[column]!.length))
    );
    const takenBy = (kept: readonly number[]) => kept.reduce((sum, each) => sum + widths[each]!, 0);
    // A cut number would be wrong, so whole columns are left out.
    const kept = NUMBERS.find((kept) => takenBy(kept) + LEAST_NAME <= room) ?? NUMBERS.at(-1)!;
    const numbers = all.map((row) => kept.map((each) => row[each]!));
    const taken = takenBy(kept);
    const most = Math.max(4, room - taken);
    const names = [title, ...found.map((series) => this.text(nameOf(series)))].map((name) =>
      widthOf(name) <= most ? name : cut(name, most - 3) + this.text("\u2026")
    );
    const left = room - taken - Math.max(...names.map((name) => widthOf(name))) - 2;
    const shapes = left < LEAST_SPREAD ? [] : this.#shapes(found, Math.min(GREATEST_SPREAD, left));
    const rows = names.map((name, row) => [name, ...numbers[row]!, ...shapes.slice(row, row + 1)]);
    const [heading, ...lines] = aligned(rows, new Set([1, 2, 3, 4].slice(0, kept.length)));
    return ["", this.#styled("bold", heading!), ...lines];
  }

  /** Histograms on one axis, below its scale. */
  #shapes(found: readonly HistogramSeries[], width: number): string[] {
    const axis = axisOf(found);
    const [least, greatest] = [duration(axis.least), duration(axis.greatest)];
    const dots = width - least.length - greatest.length - 2;
    const scale = dots < 1 ? "" : `${least} ${"\u00b7".repeat(dots)} ${greatest}`;
    return [
      this.text(scale),
      ...found.map((series) => histogramBar(series, axis, width, this.#screen.unicode)),
    ];
  }

  #threads(): string[] {
    const all = gauges(this.#state.newest?.series ?? [], "cpu_usage", "ratio")
      .filter(({ labels }) => labels["thread"] !== "all");
    const threads = [...new Set(all.map(({ labels }) => labels["thread"] ?? ""))];
    if (threads.length === 0) return [];
    const shares = threads.map((thread) => ({
      thread,
      share: all.filter(({ labels }) => labels["thread"] === thread)
        .reduce((sum, { value }) => sum + value, 0),
    })).filter(({ share }) => share > 0).toSorted((a, b) => b.share - a.share);
    const width = 20;
    const rows = shares.slice(0, 8).map(({ thread, share }) => {
      const done = Math.min(width, Math.round(share * width));
      return [
        this.text(thread),
        `${significant(100 * share)} %`,
        this.#bar(done, width),
      ];
    });
    if (rows.length === 0) return [];
    return [
      ...["", this.#styled("bold", "CPU by thread, of one core")],
      ...aligned(rows, new Set([1])),
    ];
  }
}

function clockOf(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}
