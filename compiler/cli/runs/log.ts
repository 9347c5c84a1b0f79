/** cli/runs: the events of a run, as its log has them. A line that a crash cut off is left out. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { TrainEvent } from "../../../runtime/node.js"

/** Undefined where there is no log. */
export function loggedEvents(folder: string): TrainEvent[] | undefined {
  const text = attempt(() => readFileSync(join(folder, "log.jsonl"), "utf8"))
  return text?.split("\n").flatMap((line) => attempt(() => [JSON.parse(line) as TrainEvent]) ?? [])
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
