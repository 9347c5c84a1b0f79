/** cli/sweep: the folder of a sweep: `sweeps/NAME-1/` with sweep.json, a run folder `01`, `02`, ... for each run, and a page.
 *  Guarantees: sweep.json is there whole before the first run begins, so that a sweep that was killed is resumed from it. */
import { createHash } from "node:crypto"
import { existsSync, readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import * as v from "valibot"
import { saveWhole } from "../../../runtime/node.js"
import { makeFolders } from "../../../runtime/folders.js"
import { Failure } from "../failure.js"

import { STOP_RULES } from "./pruning.js"

const PLAN = "sweep.json"

const plan = v.strictObject({
  sweep: v.literal(1),
  /** SHA-256 of the program's text. */
  program: v.string(),
  /** Settings of each run. */
  runs: v.array(v.record(v.string(), v.string())),
  /** The metric that orders the runs, and which values of it are better. */
  by: v.string(),
  better: v.picklist(["higher", "lower"]),
  /** Which runs are ended early. */
  stop: v.nullable(v.picklist(STOP_RULES)),
  device: v.picklist(["auto", "webgpu", "wasm"]),
  /** The options that all runs share. */
  options: v.strictObject({
    train: v.optional(v.string()),
    epochs: v.optional(v.number()),
    steps: v.optional(v.number()),
  }),
  /** The fate of runs that did not end by themselves, by number from 0. */
  ended: v.record(v.string(), v.string()),
})
export type SweepPlan = v.InferOutput<typeof plan>
/** Options of `nnc train`. */
export type TrainOptions = SweepPlan["options"]

/** The fate of runs that were ended because others did better. */
export const STOPPED_EARLY = "stopped early"

/** Whether a run could not be compiled, or broke off with an error. */
export const hasFailed = ({ ended }: SweepPlan, run: number): boolean =>
  ended[run] !== undefined && ended[run] !== STOPPED_EARLY

export const hashOfProgram = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex")

/** The next free `NAME-N` below `parent`. */
export function newSweepFolder(parent: string, name: string): string {
  makeFolders(parent)
  const numbers = readdirSync(parent)
    .filter((entry) => entry.startsWith(`${name}-`))
    .map((entry) => Number(entry.slice(name.length + 1)))
    .filter(Number.isSafeInteger)
  const folder = join(parent, `${name}-${Math.max(0, ...numbers) + 1}`)
  makeFolders(folder)
  return folder
}

/** An empty folder for a new sweep, since its contents would be taken for runs of the sweep. */
export function emptySweepFolder(folder: string): string {
  makeFolders(folder)
  if (readdirSync(folder).length === 0) return folder
  const [what, help] = existsSync(join(folder, PLAN))
    ? ["holds a sweep already", `name another folder; \`--resume ${folder}\` goes on with that sweep`]
    : ["is not empty", "name another folder"]
  throw new Failure("sweep-exists", `${folder} ${what}`, help)
}

export const savePlan = (folder: string, sweep: SweepPlan): Promise<void> =>
  saveWhole(join(folder, PLAN), new TextEncoder().encode(`${JSON.stringify(sweep, null, 2)}\n`))

/** Refused when `program` is another one than that of the sweep. */
export function readPlan(folder: string, program: string): SweepPlan {
  const path = join(folder, PLAN)
  if (!existsSync(path))
    throw new Failure(
      "sweep-folder",
      `${folder} is no sweep: it holds no ${PLAN}`,
      "name a folder of sweeps/",
    )
  const parsed = v.safeParse(plan, jsonOf(path))
  if (!parsed.success) throw new Failure("sweep-folder", `${path} is damaged: ${parsed.issues[0].message}`)
  if (parsed.output.program !== hashOfProgram(program))
    throw new Failure(
      "sweep-folder",
      `${folder} is a sweep of another program than ${program} is now`,
      "start a new sweep: its runs would not compare with those that are there",
    )
  return parsed.output
}

function jsonOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch {
    return undefined
  }
}

export const runFolder = (folder: string, { runs }: SweepPlan, run: number): string =>
  join(folder, String(run + 1).padStart(String(runs.length).length, "0"))
