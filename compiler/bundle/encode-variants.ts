/** bundle: WebGPU code for several kinds of adapters -> kernels of one bundle and what differs from the first kind.
 *  Guarantees: a kernel that two kinds have in common is there once; no two kernels share a name; a kind that has nothing of its own
 *              is left out. */
import type { KernelSpec, ProgramSpec, VariantSpec } from "../../runtime/bundle/format.js"
import type { Kernel } from "../ir/kernels/types.js"
import type { Plan } from "../ir/plan/types.js"
import type { TargetProfile } from "../targets/target.js"
import { bug } from "../source/bug.js"
import type { Layout } from "./encode.js"

/** Code for one kind of adapters. */
export interface WebgpuCode {
  readonly target: TargetProfile
  readonly plan: Plan
  /** WGSL by kernel name. */
  readonly wgsl: ReadonlyMap<string, string>
}
export interface Variants {
  readonly variants: readonly VariantSpec[]
  /** Of the first kind and of all variants. */
  readonly wgsl: ReadonlyMap<string, string>
}

/** `own` is what `layoutOf` makes of the first kind. */
export function encodeVariants(
  first: WebgpuCode,
  own: Layout,
  others: readonly WebgpuCode[],
  layoutOf: (plan: Plan) => Layout,
): Variants {
  const all = new Map(first.wgsl)
  const known = new Map(first.plan.kernels.map((k) => [content(k, first.wgsl.get(k.name)!), k.name]))
  const variants = others.flatMap((code): VariantSpec[] => {
    const adapter = code.target.adapter ?? bug(`${code.target.name} is no target of WebGPU`)
    const names = new Map<string, string>()
    for (const kernel of code.plan.kernels) {
      const text = code.wgsl.get(kernel.name)!
      const key = content(kernel, text)
      let name = known.get(key)
      if (name === undefined) {
        name = unused(kernel.name, code.target, all)
        known.set(key, name)
        all.set(name, text.replace(`// ${kernel.name}:`, `// ${name}:`))
      }
      names.set(kernel.name, name)
    }
    const layout = layoutOf(renamed(code.plan, names))
    const kernels = shared(own.kernels, layout.kernels)
    const programs = shared<ProgramSpec>(own.programs, layout.programs)
    const slots = same(own.slots, layout.slots) ? {} : { slots: layout.slots }
    const arenas = same(own.arenas, layout.arenas) ? {} : { arenas: layout.arenas }
    if (
      [...kernels, ...programs].every((x) => typeof x === "string") &&
      programs.length === own.programs.length
    )
      return []
    return [{ target: code.target.name, ...adapter, ...arenas, ...slots, kernels, programs }]
  })
  return { variants, wgsl: all }
}

/** Where a kernel comes from, and what it is called, does not change what it computes. */
const withoutComments = (wgsl: string): string => wgsl.replace(/^\/\/.*\n/gm, "")
const content = ({ params }: Kernel, wgsl: string): string =>
  JSON.stringify([params.map((p) => [p.name, p.access]), withoutComments(wgsl)])

function unused(name: string, target: TargetProfile, taken: ReadonlyMap<string, string>): string {
  if (!taken.has(name)) return name
  const stem = `${name}_${target.name.split("-").at(-1)!}`
  let free = stem
  for (let i = 1; taken.has(free); i++) free = `${stem}_${i}`
  return free
}

function renamed(plan: Plan, names: ReadonlyMap<string, string>): Plan {
  const kernels = plan.kernels.map((k) => ({ ...k, name: names.get(k.name)! }))
  const programs = plan.programs.map((p) => ({
    ...p,
    dispatches: p.dispatches.map((d) => ({ ...d, kernel: names.get(d.kernel)! })),
  }))
  return { ...plan, kernels: [...new Map(kernels.map((k) => [k.name, k])).values()], programs }
}

/** The name instead of what is as in `own`. */
function shared<T extends KernelSpec | ProgramSpec>(own: readonly T[], list: readonly T[]): (T | string)[] {
  const byName = new Map(own.map((x) => [x.name, x]))
  return list.map((x) => (same(byName.get(x.name), x) ? x.name : x))
}
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
