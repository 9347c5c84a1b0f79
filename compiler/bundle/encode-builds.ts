/** bundle: code for WebGPU, for several kinds of adapters -> a build for each kind, and the kernels of all builds.
 *  Guarantees: a kernel that builds have in common is there once; no two kernels share a name; a kind that has nothing of its own
 *              is left out. */
import type { BuildSpec, KernelSpec } from "../../runtime/bundle/format.js"
import type { Kernel } from "../ir/kernels/types.js"
import type { Plan } from "../ir/plan/types.js"
import type { TargetProfile } from "../targets/target.js"
import { kernelSpecs, type Layout, requirementsOf } from "./requirements.js"

/** Code for one kind of adapters. */
export interface WebgpuCode {
  readonly target: TargetProfile
  readonly plan: Plan
  /** WGSL by kernel name. */
  readonly wgsl: ReadonlyMap<string, string>
}
export interface WebgpuBuilds {
  readonly builds: readonly BuildSpec[]
  readonly kernels: readonly KernelSpec[]
  /** By kernel name, of all builds. */
  readonly wgsl: ReadonlyMap<string, string>
}

/** The first target that suits an adapter is taken, so the last is for all adapters. Its kernels keep their names. */
export function encodeBuilds(kinds: readonly WebgpuCode[], layoutOf: (plan: Plan) => Layout): WebgpuBuilds {
  const wgsl = new Map<string, string>()
  const specs = new Map<string, KernelSpec>()
  const known = new Map<string, string>()
  const builds = kinds.toReversed().map((code): BuildSpec => {
    const names = new Map<string, string>()
    for (const kernel of code.plan.kernels) {
      const text = code.wgsl.get(kernel.name)!
      const key = content(kernel, text)
      let name = known.get(key)
      if (name === undefined) {
        name = unused(kernel.name, code.target, wgsl)
        known.set(key, name)
        wgsl.set(name, text.replace(`// ${kernel.name}:`, `// ${name}:`))
      }
      names.set(kernel.name, name)
    }
    const plan = renamed(code.plan, names)
    for (const spec of kernelSpecs(plan)) if (!specs.has(spec.name)) specs.set(spec.name, spec)
    const kernels = plan.kernels.map((k) => k.name)
    const layout = layoutOf(plan)
    return {
      target: code.target.name,
      requires: requirementsOf(
        code.target,
        layout,
        kernels.map((name) => [specs.get(name)!, wgsl.get(name)!]),
      ),
      ...layout,
      code: { language: "wgsl", kernels },
    }
  })
  const last = builds[0]
  const own = builds.filter((build) => build === last || !same(build.programs, last?.programs))
  return { builds: own.toReversed(), kernels: [...specs.values()], wgsl }
}

/** The origin and the name of a kernel do not change its computation. */
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

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
