/**
 * The dashboard for Grafana, as its model.
 *
 * @module
 */

import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { PREFIX } from "../prometheus/families.ts";
import { HISTOGRAMS, HISTOGRAMS_VARIABLE } from "./expressions.ts";
import { DATASOURCE } from "./panels.ts";
import { DATABASE } from "./rows/database.ts";
import { HOOKS } from "./rows/hooks.ts";
import { LATENCY } from "./rows/latency.ts";
import { LOSSES } from "./rows/losses.ts";
import { OVERVIEW } from "./rows/overview.ts";
import { RESOURCES } from "./rows/resources.ts";
import { STAGES } from "./rows/stages.ts";
import { WATCH } from "./rows/watch.ts";

const ROWS = [OVERVIEW, LATENCY, STAGES, LOSSES, DATABASE, HOOKS, RESOURCES, WATCH];

/** Each variable has the values of those before it. */
const VARIABLES = [
  ["job", "Job", "server_up", ""],
  ["instance", "Instance", "server_up", 'job=~"$job"'],
  ["server", "Server", "server_up", 'job=~"$job",instance=~"$instance"'],
] as const;

/** The model, as Grafana imports it. */
export function keaDashboard(): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder("Kea DHCP, by eBPF")
    .uid("kea-ebpf-monitoring")
    .description(
      "Kea DHCP servers as kea-ebpf-monitoring sees them: times, losses, databases, hooks.",
    )
    .tags(["kea", "dhcp", "ebpf"])
    .readonly()
    .time({ from: "now-1h", to: "now" })
    .refresh("30s")
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .withVariable(
      new dashboard.DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"),
    );
  for (const [name, label, metric, matchers] of VARIABLES) {
    builder.withVariable(
      new dashboard.QueryVariableBuilder(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(`label_values(${PREFIX}${metric}{${matchers}}, ${name})`)
        .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
        .sort(dashboard.VariableSort.AlphabeticalAsc)
        .multi(true)
        .includeAll(true)
        .allValue(".+")
        .current({ text: "All", value: "$__all" }),
    );
  }
  builder.withVariable(
    new dashboard.CustomVariableBuilder(HISTOGRAMS_VARIABLE)
      .label("Histograms")
      .description("How Prometheus stores them: see docs/grafana.md.")
      .values(`Classic : ${HISTOGRAMS.classic}, Native : ${HISTOGRAMS.native}`)
      .options([
        { text: "Classic", value: String(HISTOGRAMS.classic), selected: true },
        { text: "Native", value: String(HISTOGRAMS.native), selected: false },
      ])
      .current({ text: "Classic", value: String(HISTOGRAMS.classic), selected: true }),
  );
  for (const { title, isClosed = false, panels } of ROWS) {
    const row = new dashboard.RowBuilder(title).collapsed(isClosed);
    // Panels of an open row stand behind it, those of a closed one inside.
    if (isClosed) { for (const panel of panels) row.withPanel(panel); }
    builder.withRow(row);
    if (!isClosed) { for (const panel of panels) builder.withPanel(panel); }
  }
  const model = withNumbers(builder.build());
  // The SDK gives the settings of interval variables to all.
  for (const variable of model.templating.list ?? []) {
    for (const name of ["auto", "auto_min", "auto_count"] as const) delete variable[name];
  }
  return model;
}

/** Panels have numbers, which links to them use. */
function withNumbers(model: dashboard.Dashboard): dashboard.Dashboard {
  let number = 0;
  for (const panel of model.panels ?? []) {
    panel.id = ++number;
    if ("panels" in panel) { for (const inner of panel.panels) inner.id = ++number; }
  }
  return model;
}
