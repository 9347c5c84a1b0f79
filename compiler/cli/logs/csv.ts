/** cli/logs: the reports of a run as a CSV file: a row per report, a column per metric, empty where it was not reported. */
import { join } from "node:path"
import { saveWhole } from "../../../runtime/node.js"
import { loggedEvents, reportsOf } from "../runs/log.js"

export async function writeCsvLog(folder: string): Promise<void> {
  const reports = reportsOf(loggedEvents(folder) ?? [])
  const names = [...new Set(reports.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) =>
    reports.some(({ metrics }) => typeof metrics[name] === "number"),
  )
  const rows = reports.map(({ step, epoch, metrics }) => [
    step,
    epoch,
    ...names.map((name) => (typeof metrics[name] === "number" ? metrics[name] : "")),
  ])
  const text = [["step", "epoch", ...names], ...rows].map((row) => `${row.join(",")}\n`).join("")
  await saveWhole(join(folder, "log.csv"), new TextEncoder().encode(text))
}
