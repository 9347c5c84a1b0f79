/** test: two runs at once into one folder, again and again, each killed at a random time; then the run is finished. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { decodeTensors } from "../../runtime/node.js"
import { random } from "../support/random.js"

/** Momentum and a shuffled order: steps that are lost, done twice or by two runs show in the bytes. */
const PROGRAM = `data d = array(x: [[1, 2], [2, 1], [3, 5], [0, 4], [5, 5]], y: [2, 4, 6, 1, 3]) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
}
model M(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(4) |> tanh |> Dropout(0.2) |> Linear(1) }
train on d {
  minimize mse(M(x), y) with Adam(lr: 0.01)
  batch 2, shuffle, steps 100000000
  report every 20 steps, checkpoint every 20 steps, keep last 2
}
`
const LAST = "checkpoints/last.safetensors"
const LATEST_START_MS = 500
const LATEST_KILL_MS = 600

export interface Tally {
  readonly killed: number
  /** Processes that began to train, and those that were refused because another one did. */
  readonly began: number
  readonly refused: number
  /** Checkpoints that could not be read, were older than one before, or other than those of a run that was never killed. */
  readonly lost: string[]
  /** Signs of two runs writing at a time. */
  readonly mixed: string[]
}

/** Works in `cwd`, an empty folder, with the command line at `main`. */
export async function killAtRandom(main: string, cwd: string, kills: number, seed: number): Promise<Tally> {
  writeFileSync(join(cwd, "p.nn"), PROGRAM)
  const draw = random(seed)
  const [lost, mixed]: [string[], string[]] = [[], []]
  let [killed, began, refused, last] = [0, 0, 0, 0]
  const train = ["train", "p.nn", "--device", "wasm", "--threads", "1", "--json"]
  for (let round = 1; killed < kills; round++) {
    const resumes = existsSync(join(cwd, "run", LAST))
    const overwrites = !resumes && existsSync(join(cwd, "run/log.jsonl"))
    const args = [
      ...train,
      ...(resumes ? ["--resume", "run"] : ["--out", "run"]),
      ...(overwrites ? ["--overwrite"] : []),
    ]
    const one = async (): Promise<End> => {
      await wait(draw() * LATEST_START_MS)
      return killedAfter(
        spawn(process.execPath, [main, ...args], { cwd }),
        draw() < 0.2,
        draw() * LATEST_KILL_MS,
      )
    }
    for (const { out, wasKilled } of await Promise.all([one(), one()])) {
      if (wasKilled) killed++
      if (out.includes('"event":"start"')) began++
      if (out.includes('"run-in-use"')) refused++
      if (out.includes('"event":"error"') && !/"code":"run-(in-use|exists)"/.test(out))
        lost.push(`round ${round}: ${out.trim()}`)
    }
    if (!existsSync(join(cwd, "run", LAST))) continue
    const step = stepOf(join(cwd, "run", LAST))
    if (step < last) lost.push(`round ${round}: step ${step} after step ${last}`)
    last = step
  }
  mixed.push(...outOfOrder(join(cwd, "run/log.jsonl")))
  const until = [...train, "--steps", String(last + 50)]
  for (const args of [
    [...until, "--resume", "run"],
    [...until, "--out", "whole"],
  ]) {
    const { status, stdout } = spawnSync(process.execPath, [main, ...args], { cwd, encoding: "utf8" })
    if (status !== 0) lost.push(`${args.join(" ")}: exit ${status}: ${stdout.trim()}`)
  }
  const bytes = (run: string): Buffer => readFileSync(join(cwd, run, LAST))
  if (lost.length === 0 && !bytes("run").equals(bytes("whole")))
    lost.push("the run is not as if it was never killed")
  const left = readdirSync(join(cwd, "run"))
    .concat(readdirSync(join(cwd, "run/checkpoints")))
    .sort()
  const wanted = ["checkpoints", "last.safetensors", "log.jsonl", "report.html"]
  const more = left.filter((name) => !wanted.includes(name) && !/^step-\d+\.safetensors$/.test(name))
  if (more.length > 0) mixed.push(`left over: ${more.join(", ")}`)
  return { killed, began, refused, lost, mixed }
}

interface End {
  readonly out: string
  /** It may have ended by itself. */
  readonly wasKilled: boolean
}

/** Some time after it was started (`early`), or after it began to train. */
async function killedAfter(child: ChildProcess, early: boolean, ms: number): Promise<End> {
  let out = ""
  const begins = new Promise<void>((resolve) => {
    child.stdout?.on("data", (text) => {
      out += String(text)
      if (out.includes('"event":"start"')) resolve()
    })
  })
  child.stderr?.resume()
  const closed = once(child, "close")
  if (!early) await Promise.race([begins, closed])
  await Promise.race([wait(ms), closed])
  const wasKilled = child.exitCode === null
  child.kill("SIGKILL")
  await closed
  return { out, wasKilled }
}

/** A run goes on from its last checkpoint or the one before, and its own steps ascend. */
function outOfOrder(log: string): string[] {
  const wrong: string[] = []
  let [saved, reached] = [0, -1]
  for (const line of existsSync(log) ? readFileSync(log, "utf8").split("\n") : []) {
    const event = eventOf(line)
    if (event === undefined) continue
    if (event.event === "start") {
      if (event.step < saved) wrong.push(`goes on from step ${event.step}, saved was ${saved}`)
      reached = event.step - 1
    } else if (event.event === "report") {
      if (event.step <= reached) wrong.push(`reports step ${event.step} after ${reached}`)
      reached = event.step
    } else if (event.event === "checkpoint") {
      if (event.step <= saved && event.step !== 0) wrong.push(`saves step ${event.step} after ${saved}`)
      saved = event.step
    }
  }
  return wrong
}

/** A line that a kill cut off has none. */
function eventOf(line: string): { readonly event: string; readonly step: number } | undefined {
  try {
    return JSON.parse(line) as { event: string; step: number }
  } catch {
    return undefined
  }
}

const stepOf = (path: string): number => Number(decodeTensors(path, readFileSync(path)).metadata["step"])
