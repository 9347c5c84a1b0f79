/** cli: the times of plans that were measured before, kept for the user: an entry per kernel, adapter and number of threads.
 *  Guarantees: kernels of different programs with the same body and sizes share an entry; an entry is used only by the compiler that
 *              made it; a damaged entry counts as none, and so does one that others may write; an entry is there whole or not at all.
 *  Not here:   which plans are measured, and how (tune.ts). */
import { readFileSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as v from "valibot"
import { printKernel } from "../ir/kernels/text.js"
import type { Kernel } from "../ir/kernels/types.js"
import { cacheFolder, compilerBuild, isOwn, shrink, succeeds, writeWhole } from "./cache-folder.js"
import { hashOf } from "./compile-cache.js"

/** Milliseconds by the text of a plan. */
export type PlanTimes = ReadonlyMap<string, number>

/** The most bytes of all entries together; the one not used for longest goes first. */
const MOST_BYTES = 16 * 1024 * 1024
const ENTRY = v.record(v.string(), v.pipe(v.number(), v.finite(), v.minValue(0)))

export class MeasuredPlans {
  constructor(
    private readonly folder: string,
    /** Tells this compiler from every other one. */
    private readonly compiler: string,
    private readonly mostBytes = MOST_BYTES,
  ) {}

  /** `device`: the adapter and all else that times depend on; `kernel`: the key of `kernelKey`. */
  find(device: string, kernel: string): PlanTimes {
    const file = this.fileOf(device, kernel)
    try {
      if (!isOwn(file)) return new Map()
      const times = v.parse(ENTRY, JSON.parse(readFileSync(file, "utf8")))
      const now = new Date()
      utimesSync(file, now, now)
      return new Map(Object.entries(times))
    } catch {
      return new Map()
    }
  }

  keep(device: string, kernel: string, times: PlanTimes): void {
    const text = JSON.stringify(Object.fromEntries(times))
    const written = writeWhole(this.fileOf(device, kernel), (aside) => writeFileSync(aside, text))
    // Others may delete the same entries.
    if (written) succeeds(() => shrink(this.folder, this.mostBytes))
  }

  private fileOf(device: string, kernel: string): string {
    return join(this.folder, hashOf(JSON.stringify([this.compiler, device, kernel])))
  }
}

/** This user's; none where the compiler runs from its sources. */
export function userPlans(): MeasuredPlans | undefined {
  const build = compilerBuild()
  return build === undefined ? undefined : new MeasuredPlans(join(cacheFolder(), "plans"), build)
}

/** The kernel without its names and the lines it comes from. `sizes`: the sizes that its extents depend on. */
export function kernelKey(kernel: Kernel, sizes: string): string {
  const text = printKernel({ ...kernel, name: "k", template: "", origins: [] })
  const places = new Map(kernel.params.map(({ name }, i) => [name, `p${i}`]))
  return `${sizes}\n${text.replace(/[A-Za-z_]\w*/g, (word) => places.get(word) ?? word)}`
}
