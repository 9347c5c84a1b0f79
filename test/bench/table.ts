/** bench: samples -> tables: medians with their spread and ratios to the best peer; the costs of our steps. */
import type { Workload } from "./data.js"
import { median, ratesOf } from "./median.js"
import type { Sample } from "./peers.js"

export function printTable(samples: readonly Sample[], workloads: readonly Workload[]): void {
  const peers = [...new Set(samples.map((s) => s.peer))]
  const rows = [["", ...peers.map((p) => `${p} steps/s`), "÷ best peer", "first step ms", "dispatches"]]
  for (const workload of workloads) {
    const of = (peer: string): Sample[] => samples.filter((s) => s.workload === workload && s.peer === peer)
    const rates = peers.map((peer) => of(peer).flatMap(ratesOf))
    const [own, ...others] = rates.map(median)
    const best = Math.max(...(others ?? []).filter((x) => !Number.isNaN(x)))
    const first = (s: Sample): number => Number(s["true_first_step_ms"] ?? s.first_step_ms)
    const dispatches = (s: Sample): number => Number(s.dispatches ?? s["dispatches_per_step"])
    const each = (f: (s: Sample) => number): string =>
      peers
        .map((peer) => number(median(of(peer).flatMap((s) => (s.error === undefined ? [f(s)] : [])))))
        .join(" / ")
    rows.push([
      workload,
      ...rates.map((r, n) => (r.length === 0 ? failure(of(peers[n]!)) : spread(r))),
      Number.isFinite(best) ? (own! / best).toFixed(1) : "",
      each(first),
      each(dispatches),
    ])
  }
  print(rows)
}

/** Of the runner that tells: nnc. Megabytes are beside the least that they could be. */
export function printCosts(samples: readonly Sample[], workloads: readonly Workload[]): void {
  const rows = [
    [
      "",
      "first step ms",
      "compile / open / step",
      "dispatches",
      "MB moved (least)",
      "MB in all (bound)",
      "bundle KB",
    ],
  ]
  for (const workload of workloads) {
    const own = samples.filter((s) => s.workload === workload && "first_step_parts_ms" in s)
    const of = (f: (s: Sample) => unknown): number => median(own.map((s) => Number(f(s))))
    const part = (name: string): string =>
      number(of((s) => (s["first_step_parts_ms"] as Record<string, number>)[name]))
    const mega = (f: (s: Sample) => unknown): string => number(of(f) / 1e6)
    const state = of((s) => s["state_bytes"])
    rows.push([
      workload,
      number(of((s) => s.first_step_ms)),
      ["compile", "open", "step"].map(part).join(" / "),
      number(of((s) => s.dispatches)),
      `${mega((s) => s["moved_bytes"])} (${mega((s) => s["least_bytes"])})`,
      `${mega((s) => state + Number(s["work_bytes"]))} (${mega((s) => state + Number(s["live_bytes"]))})`,
      number(of((s) => s["bundle_bytes"]) / 1e3),
    ])
  }
  print(rows)
}

function print(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)))
  for (const row of rows) console.log(`| ${row.map((cell, n) => cell.padEnd(widths[n]!)).join(" | ")} |`)
}

const failure = (samples: readonly Sample[]): string =>
  samples.length === 0 ? "" : samples[0]!.error?.startsWith("not available") ? "not available" : "failed"
const spread = (rates: readonly number[]): string =>
  `${number(median(rates))} (${number(Math.min(...rates))} to ${number(Math.max(...rates))})`
const number = (x: number): string =>
  Number.isNaN(x) ? "–" : x >= 100 ? x.toFixed(0) : Number(x.toPrecision(3)).toString()
