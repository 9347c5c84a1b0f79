/** test: bundles whose manifest was changed somewhere, as by a stranger or by damage, and then used. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { loadBundle, RunError } from "../../runtime/node.js"
import { random, type Random } from "../support/random.js"

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Values that a manifest does not expect, and some that it might. */
const HOSTILE: readonly Json[] = [
  null, true, false, 0, 1, 2, -1, 0.5, 7, 1e9, 2 ** 31, 2 ** 53, 1e308, "", "x", "B", "../../outside", "/etc/passwd", "data/../../x",
  "\u001b[2J", "__proto__", "constructor", [], {}, [0], ["B"], { kind: "csv", path: "/etc/passwd", delimiter: "," },
] // prettier-ignore

export interface Tally {
  readonly tried: number
  /** By code; `used` were as good as unchanged. */
  readonly outcomes: Readonly<Record<string, number>>
  /** The changes after which nnc failed otherwise than with a message, or wrote elsewhere. */
  readonly wrong: string[]
}

/** `bundle`: a folder that `nnc compile` wrote, whose manifest is written over; `work`: an empty one, in which it is used. */
export async function useMutated(bundle: string, work: string, count: number, seed: number): Promise<Tally> {
  const file = join(bundle, "manifest.json")
  const text = readFileSync(file, "utf8")
  const draw = random(seed)
  const outcomes: Record<string, number> = {}
  const wrong: string[] = []
  const files = (): string => readdirSync(bundle, { recursive: true }).sort().join()
  const before = files()
  const home = process.cwd()
  process.chdir(work)
  try {
    for (let i = 0; i < count; i++) {
      const manifest = JSON.parse(text) as Json
      const changed = mutate(manifest, draw)
      writeFileSync(file, JSON.stringify(manifest))
      const outcome = await use(bundle)
      outcomes[outcome.code] = (outcomes[outcome.code] ?? 0) + 1
      if (outcome.code === "bug") wrong.push(`${changed}: ${outcome.message}`)
      const more = readdirSync(work).filter((name) => name !== "runs")
      if (more.length > 0 || files() !== before) wrong.push(`${changed}: writes ${more.join(", ")}`)
    }
  } finally {
    process.chdir(home)
    writeFileSync(file, text)
  }
  return { tried: count, outcomes, wrong }
}

async function use(bundle: string): Promise<{ readonly code: string; readonly message: string }> {
  try {
    const trainer = await loadBundle(bundle, { device: "wasm", threads: 1 })
    try {
      const [train] = trainer.bundle.manifest.trains
      await trainer.train({ steps: 2, runFolder: "new", ...(train && { train: train.name }) })
      await trainer.evaluate(train && { train: train.name })
    } finally {
      trainer.close()
    }
    return { code: "used", message: "" }
  } catch (caught) {
    if (caught instanceof RunError) return { code: caught.code, message: caught.message }
    return {
      code: "bug",
      message: caught instanceof Error ? (caught.stack ?? caught.message) : String(caught),
    }
  }
}

/** Changes one place of it, and says which. */
function mutate(value: Json, draw: Random): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)]!
  let [at, path]: [Json, string] = [value, ""]
  for (;;) {
    if (typeof at !== "object" || at === null) return path
    const keys = Object.keys(at)
    const key = pick(keys)
    path += `.${key}`
    const holder = at as { [key: string]: Json }
    const inner = holder[key]!
    const isLeaf = typeof inner !== "object" || inner === null || Object.keys(inner).length === 0
    if (!isLeaf && draw() < 0.85) {
      at = inner
      continue
    }
    const kind = draw()
    if (kind < 0.15) {
      if (Array.isArray(at)) at.splice(Number(key), 1)
      else delete holder[key]
      return `${path} left out`
    }
    if (kind < 0.25 && Array.isArray(at)) at.push(structuredClone(inner))
    else if (kind < 0.45 && typeof inner === "number") holder[key] = inner + pick([-4, -1, 1, 4, 1000])
    else if (kind < 0.55) Object.assign(holder, { [`${key}x`]: inner })
    else Object.defineProperty(holder, key, { value: pick(HOSTILE), enumerable: true })
    return `${path} is ${JSON.stringify(holder[key])?.slice(0, 80)}`
  }
}
