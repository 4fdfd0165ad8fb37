/** The queries of the dashboard, for tests. */

import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Dataquery } from "@grafana/grafana-foundation-sdk/prometheus";
import { HISTOGRAMS, type Histograms } from "../../../export/grafana/expressions.ts";

/** All panels, those of closed rows included, without the rows. */
export function panelsOf({ panels = [] }: Dashboard): Panel[] {
  return panels.flatMap((panel) =>
    panel.type === "row" ? (panel as { panels: Panel[] }).panels : [panel as Panel]
  );
}

/** A query and the title of its panel. */
export interface PanelTarget {
  readonly title: string;
  readonly target: Dataquery;
}

/** All queries. */
export function targetsOf(dashboard: Dashboard): PanelTarget[] {
  return panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
    targets.map((target) => ({ title: title ?? "", target: target as Dataquery }))
  );
}

/** An expression with the dashboard's variables replaced, all servers chosen. */
export function substituted(
  expression: string,
  { histograms, interval = "1m" }: { readonly histograms: Histograms; readonly interval?: string },
): string {
  return expression
    .replaceAll("$__rate_interval", interval)
    .replaceAll("$histograms", String(HISTOGRAMS[histograms]))
    .replaceAll(/\$(job|instance|server)\b/g, ".+");
}
