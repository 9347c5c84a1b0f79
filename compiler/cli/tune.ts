/** cli: `nnc tune` measures other plans for the kernels of a training step that take long, and keeps those that win.
 *  How:        a kernel is a dispatch of its own here (no horizontal fusion, no kernel of many steps), so that one run of the step measures
 *              one plan of every kernel; the step as a whole is measured last, with and without the plans that won.
 *  Guarantees: plans are kept only where the whole step is faster with them; a kernel whose plans were all measured before on this device
 *              is not measured again.
 *  Not here:   which plans there are (schedule/choose), how a dispatch is timed (runtime/train/timing.ts). */
import { cpus } from "node:os"
import { programsOf } from "../../runtime/bundle/builds.js"
import { Refused } from "./failure.js"
import { compile } from "../driver/compile.js"
import { valueOf } from "../driver/levels.js"
import { DEVICE_PASSES, type DriverPass } from "../driver/passes.js"
import type { PlanEntry } from "../ir/groups/plan-file.js"
import { printPlan } from "../ir/groups/plans.js"
import { printHead } from "../ir/groups/text.js"
import type { Scheduled } from "../ir/kernels/scheduled.js"
import type { Group, GroupedGraph, GroupedProgram, KernelPlan } from "../ir/groups/types.js"
import { buildKernels, choose, multiStep, horizontalFusion, plansOf } from "../schedule/index.js"
import { bug } from "../source/bug.js"
import type { TargetProfile } from "../targets/target.js"
import type { Bundle } from "../../runtime/bundle/format.js"
import type { DeviceInfo } from "../../runtime/device/device.js"
import type { ProgramTimes } from "../../runtime/train/timing.js"
import { whenConverted } from "./convert/index.js"
import { readProgram } from "./compile-file.js"
import { fileHost } from "./host.js"
import { userTables } from "./kept-tables.js"
import { kernelKey, type MeasuredPlans, userPlans } from "./measured-plans.js"
import { type MeasureOptions, measureStep, onDevice, trainSpec } from "./measure.js"
import { compiling } from "./usage.js"

export interface TunedKernel {
  readonly graph: string
  /** `contract 8 over [16, 30] x [B]` */
  readonly group: string
  /** Plans that were measured, the cost model's first. */
  readonly tried: number
  /** They were measured in an earlier run, on the same device. */
  readonly known: boolean
  readonly before: string
  readonly before_ms: number
  /** null: nothing was faster than the cost model's plan. */
  readonly after: string | null
  readonly after_ms: number
}
export interface Tuned {
  readonly target: string
  readonly train: string
  /** The time of the whole step, with the cost model's plans and with those that won; equal where none is kept. */
  readonly before_ms: number
  readonly after_ms: number
  readonly kernels: readonly TunedKernel[]
  readonly entries: readonly PlanEntry[]
}

/** Kernels of a smaller share of the step are left alone. */
const LEAST_SHARE = 0.02
/** Plans of each kind that are measured for a kernel. */
const PER_KIND = 12
/** A plan wins by this much at least: less may be chance. */
const LEAST_GAIN = 0.05
/** The time of a step is the fastest of so many. */
const ROUNDS = 3

const UNFUSED: readonly DriverPass[] = DEVICE_PASSES.filter(
  (p) => p.name !== horizontalFusion.name && p.name !== multiStep.name,
)

/** `progress`: rounds done, of how many. */
export async function tune(
  path: string,
  options: MeasureOptions,
  progress: (done: number, of: number) => void = () => {},
  kept: MeasuredPlans | undefined = userPlans(),
): Promise<Tuned> {
  const tables = userTables()
  let info: DeviceInfo | undefined
  const measured = async (built: Built, which: ReadonlySet<number>): Promise<ProgramTimes> => {
    const spec = trainSpec(built.bundle, options.train)
    const run = await onDevice(built.bundle, path, options, (loaded, chosen) =>
      measureStep(loaded, chosen, spec, path, tables.open, options, which),
    )
    info = run.info
    return run.times
  }
  const built = (plans: readonly PlanEntry[], devicePasses?: readonly DriverPass[]): Built =>
    build(path, options, plans, devicePasses)
  const first = await whenConverted(() => built([], UNFUSED))
  const train = trainSpec(first.bundle, options.train)
  const kernels = kernelsOf(first, train.step)
  const all = new Set(kernels.map((_, i) => i))
  const times = await measured(first, all)
  const total = times.dispatches.reduce((sum, d) => sum + d.ms, 0)
  const device = deviceKey(info, first.target)
  const slow = kernels
    .map((kernel, i) => ({ ...kernel, at: i, ms: [times.dispatches[i]!.ms] }))
    .filter(({ ms }) => ms[0]! >= LEAST_SHARE * total)
    .map((k) => {
      const plans = sample(plansOf(k.grouped, k.group, first.target))
      const before = kept?.find(device, k.key)
      const all = plans.flatMap((plan) => before?.get(printPlan(plan)) ?? [])
      const known = all.length === plans.length
      return { ...k, plans, known, ms: known ? all : k.ms }
    })
  const fresh = slow.filter((k) => !k.known)
  const rounds = Math.max(1, ...fresh.map((k) => k.plans.length))
  for (let n = 1; n < rounds; n++) {
    progress(n, rounds)
    const trying = fresh.filter((k) => n < k.plans.length)
    const entries = trying.map((k) => entryOf(first.target, k, k.plans[n]!))
    const round = await measured(built(entries, UNFUSED), new Set(trying.map((k) => k.at)))
    for (const k of trying) k.ms.push(round.dispatches[k.at]!.ms)
  }
  for (const k of fresh)
    kept?.keep(device, k.key, new Map(k.plans.map((plan, n) => [printPlan(plan), k.ms[n]!])))
  const tuned = slow.map((k) => {
    const best = k.ms.indexOf(Math.min(...k.ms))
    return { ...k, best: k.ms[best]! < (1 - LEAST_GAIN) * k.ms[0]! ? best : 0 }
  })
  const won = tuned
    .filter((k) => k.best > 0)
    .map((k) =>
      entryOf(
        first.target,
        k,
        k.plans[k.best]!,
        `${k.ms[0]!.toFixed(3)} ms -> ${k.ms[k.best]!.toFixed(3)} ms`,
      ),
    )
  const [before, after] = [built([]), built(won)]
  let [before_ms, after_ms] = [Infinity, Infinity]
  for (let n = 0; n < ROUNDS; n++) {
    before_ms = Math.min(before_ms, (await measured(before, new Set())).ms)
    if (won.length > 0) after_ms = Math.min(after_ms, (await measured(after, new Set())).ms)
  }
  const wins = after_ms < before_ms
  return {
    target: first.target.name,
    train: train.name,
    before_ms,
    after_ms: wins ? after_ms : before_ms,
    kernels: tuned.map((k): TunedKernel => ({
      graph: k.grouped.graph.name,
      group: printHead(k.group),
      tried: k.ms.length,
      known: k.known,
      before: printPlan(k.plans[0]!),
      before_ms: k.ms[0]!,
      after: wins && k.best > 0 ? printPlan(k.plans[k.best]!) : null,
      after_ms: wins ? k.ms[k.best]! : k.ms[0]!,
    })),
    entries: wins ? won : [],
  }
}

interface Built {
  readonly bundle: Bundle
  readonly programs: readonly GroupedProgram[]
  readonly kernels: readonly Scheduled[]
  readonly target: TargetProfile
}

/** Warnings are those of every compilation of the program, and not shown. */
function build(
  path: string,
  options: MeasureOptions,
  plans: readonly PlanEntry[],
  devicePasses: readonly DriverPass[] = DEVICE_PASSES,
): Built {
  const { device, target } = options
  const host = fileHost(path, options, userTables())
  let programs: readonly GroupedProgram[] = []
  let kernels: readonly Scheduled[] = []
  let used = target
  const { bundle, diagnostics } = compile(readProgram(path, host.read), host, {
    ...compiling(options),
    devices: [device],
    target,
    plans,
    devicePasses,
    hooks: {
      after: (pass, _, output, cx) => {
        if (pass.name === buildKernels.name) kernels = valueOf(output, "kernels")
        if (pass.name !== choose.name) return
        programs = valueOf(output, "groups")
        used = cx.target
      },
    },
  })
  if (bundle === undefined) throw new Refused(diagnostics)
  return { bundle, programs, kernels, target: used }
}

interface KernelOf {
  readonly grouped: GroupedGraph
  readonly group: Group
  /** The same for kernels that take the same time (measured-plans.ts). */
  readonly key: string
}
/** The groups of a program in the order of its dispatches. */
function kernelsOf({ programs, kernels: scheduled, bundle }: Built, name: string): KernelOf[] {
  const program = programs.find((p) => p.graph.name === name) ?? bug(`no groups of ${name}`)
  const groups = program.groups.flatMap((grouped) => grouped.groups.map((group) => ({ grouped, group })))
  const { dispatches } = programsOf(bundle.manifest).find((p) => p.name === name) ?? bug(`no program ${name}`)
  if (dispatches.length !== groups.length) bug("a dispatch for each group")
  const { program: own, dims } =
    scheduled.find((s) => s.program.name === name) ?? bug(`no kernels of ${name}`)
  const bodies = new Map(own.kernels.map((k) => [k.name, k]))
  return groups.map((each, i) => {
    const kernel = bodies.get(own.dispatches[i]!.kernel) ?? bug(`a dispatch without a kernel`)
    return { ...each, key: kernelKey(kernel, JSON.stringify(dims)) }
  })
}

/** The adapter and the processor, which runs WebAssembly and software adapters. */
const deviceKey = (info: DeviceInfo | undefined, { name }: TargetProfile): string =>
  JSON.stringify([name, info?.device, info?.adapter, info?.vendor, info?.architecture, cpus()[0]?.model])

const entryOf = (
  target: TargetProfile,
  { grouped, group }: Pick<KernelOf, "grouped" | "group">,
  plan: KernelPlan,
  comment?: string,
): PlanEntry => ({
  target: target.name,
  graph: grouped.graph.name,
  group,
  plan,
  ...(comment === undefined ? {} : { comment }),
})

/** The first plan, and of each kind some: of panels, which are ranked, the first; of others evenly from all. */
function sample([best, ...others]: readonly KernelPlan[]): KernelPlan[] {
  const kinds = new Map<string, KernelPlan[]>()
  for (const plan of others) kinds.set(plan.kind, [...(kinds.get(plan.kind) ?? []), plan])
  const some = [...kinds].flatMap(([kind, plans]) => {
    const step = kind === "panels" ? 1 : Math.max(1, plans.length / PER_KIND)
    return Array.from({ length: Math.min(PER_KIND, plans.length) }, (_, n) => plans[Math.floor(n * step)]!)
  })
  return [best ?? bug("a group has a plan"), ...some]
}
