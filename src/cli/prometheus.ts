import type { Status } from "../read/status.ts";
import { type StatusMetric, statusMetrics } from "./status-metrics.ts";

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function textOf({ name: dotted, type, summed, help, samples }: StatusMetric): string {
  const name = `${dotted.replaceAll(".", "_")}${summed ? "_total" : ""}`;
  const lines = samples.map(([labels, value]) => {
    const text = Object.entries(labels).map(([key, label]) => `${key}="${escaped(label)}"`);
    return `${name}${text.length > 0 ? `{${text.join(",")}}` : ""} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

/** The status in the text format of Prometheus, version 0.0.4. */
export const prometheus = (status: Status): string => `${statusMetrics(status).map(textOf).join("\n")}\n`;
