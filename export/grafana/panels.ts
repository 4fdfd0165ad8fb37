/**
 * Panels of the dashboard: each has a title, a description, a unit and its queries.
 *
 * @module
 */

import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import type { OfHistogram } from "./expressions.ts";

/** A panel of the dashboard. */
export type Panel = { build(): dashboard.Panel };

/** What every panel has. */
export interface PanelText {
  readonly title: string;
  /** What it shows, and what a reader does with it. */
  readonly description: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  /** Of 24 columns; default 8. */
  readonly width?: number;
}

/** An expression, or both of a histogram, and the legend of its series. */
export interface Query {
  readonly expression: string | OfHistogram;
  /** Labels behind instance and server, or a text. */
  readonly legend?: string;
}

/** The data source of every panel: a variable. */
export const DATASOURCE: common.DataSourceRef = { type: "prometheus", uid: "${datasource}" };

/** Units that panels use, by Grafana's names. */
export const UNITS = {
  seconds: "s",
  bytes: "bytes",
  packets: "pps",
  events: "cps",
  operations: "ops",
  share: "percentunit",
  count: "short",
} as const;

const [HEIGHT, STAT_HEIGHT, HEAT_MAP_HEIGHT] = [8, 4, 10];

/** Lines over time. */
export function lines(
  text: PanelText,
  queries: readonly Query[],
  { stacked = false, logarithmic = false } = {},
): Panel {
  const panel = new timeseries.PanelBuilder()
    .fillOpacity(stacked ? 30 : 5)
    .lineWidth(1)
    .showPoints(common.VisibilityMode.Never)
    .stacking(
      new common.StackingConfigBuilder().mode(
        stacked ? common.StackingMode.Normal : common.StackingMode.None,
      ),
    )
    .scaleDistribution(
      logarithmic
        ? new common.ScaleDistributionConfigBuilder().type(common.ScaleDistribution.Log).log(10)
        : new common.ScaleDistributionConfigBuilder().type(common.ScaleDistribution.Linear),
    )
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(["lastNotNull", "max"]),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    );
  // A logarithmic axis has no zero.
  if (!logarithmic) panel.min(0);
  return filled(panel, text, HEIGHT, queries);
}

/** One number, red from a threshold on. */
export function number(
  text: PanelText,
  queries: readonly Query[],
  { red, isBad = "above" }: { readonly red: number; readonly isBad?: "above" | "below" },
): Panel {
  const [low, high] = isBad === "above" ? ["green", "red"] : ["red", "green"];
  const panel = new stat.PanelBuilder()
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.Area)
    .thresholds(
      new dashboard.ThresholdsConfigBuilder()
        .mode(dashboard.ThresholdsMode.Absolute)
        .steps([{ value: null, color: low! }, { value: red, color: high! }]),
    );
  return filled(panel, text, STAT_HEIGHT, queries);
}

/** How many events took how long, over time. */
export function heatMap(text: PanelText, expression: OfHistogram): Panel {
  const panel = new heatmap.PanelBuilder()
    .calculate(false)
    .color(
      new heatmap.HeatmapColorOptionsBuilder()
        .mode(heatmap.HeatmapColorMode.Scheme)
        .scheme("Oranges")
        .steps(64),
    )
    .cellValues(new heatmap.CellValuesBuilder().unit(UNITS.count))
    .rowsFrame(new heatmap.RowsHeatmapOptionsBuilder().layout(common.HeatmapCellLayout.Auto))
    .yAxis(new heatmap.YAxisConfigBuilder().unit(text.unit));
  return filled(panel, text, HEAT_MAP_HEIGHT, [{ expression, legend: "{{le}}" }], {
    format: prometheus.PromQueryFormat.Heatmap,
  });
}

/** One row per series: the columns are labels. */
export function rowsOf(text: PanelText, query: Query, hidden: readonly string[]): Panel {
  const panel = new table.PanelBuilder().withTransformation({
    id: "organize",
    options: { excludeByName: Object.fromEntries(hidden.map((name) => [name, true])) },
  });
  return filled(panel, text, HEIGHT, [query], {
    format: prometheus.PromQueryFormat.Table,
    isInstant: true,
  });
}

interface Builder extends Panel {
  title(text: string): this;
  description(text: string): this;
  unit(text: string): this;
  datasource(ref: common.DataSourceRef): this;
  height(rows: number): this;
  span(columns: number): this;
  withTarget(target: { build(): prometheus.Dataquery }): this;
}

function filled(
  panel: Builder,
  { title, description, unit, width = 8 }: PanelText,
  height: number,
  queries: readonly Query[],
  { format = prometheus.PromQueryFormat.TimeSeries, isInstant = false } = {},
): Panel {
  panel.title(title).description(description).unit(unit).datasource(DATASOURCE).height(height)
    .span(width);
  const expressions = queries.flatMap(({ expression, legend = "" }) =>
    typeof expression === "string"
      ? [{ expr: expression, legend }]
      : [{ expr: expression.classic, legend }, { expr: expression.native, legend }]
  );
  for (const [index, { expr, legend }] of expressions.entries()) {
    const query = new prometheus.DataqueryBuilder()
      .expr(expr)
      .legendFormat(legend)
      .format(format)
      .datasource(DATASOURCE)
      .editorMode(prometheus.QueryEditorMode.Code)
      .refId(String.fromCharCode("A".charCodeAt(0) + index));
    panel.withTarget(isInstant ? query.instant() : query.range());
  }
  return panel;
}

/** The legend of series of a server, with more labels. */
export function legend(...labels: readonly string[]): string {
  return ["instance", "server", ...labels].map((label) => `{{${label}}}`).join(" ");
}
