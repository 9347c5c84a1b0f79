/** driver: compiles several runs of one program, each with its own settings. Where they differ in numbers only, it also makes code that trains
 *  all of them at once.
 *  Guarantees: a run that is compiled with others has the bundle that it has alone, except for its code and the offsets of its values. */
import type { BatchedRun, Bundle } from "../../runtime/bundle/format.js"
import { encode, type EmittedCode } from "../bundle/encode.js"
import type { Graph } from "../ir/graph/types.js"
import type { Model } from "../ir/model/types.js"
import type { Plan } from "../ir/plan/types.js"
import { acrossRuns, planOfRun } from "../batching/across-runs.js"
import { alike, joined, type RunNumbers } from "../batching/joined.js"
import type { SourceFile } from "../source/source.js"
import { Compilation, type CompileOptions } from "./compilation.js"
import { described, type CompileHost, type FrontEnd, frontEnd } from "./compile.js"
import { codeOf, startingAt } from "./emit.js"
import { stateOf, valueOf } from "./levels.js"
import { PROGRAM_PASSES } from "./passes.js"
import type { GivenSettings } from "./settings.js"

/** Runs that go together, by their numbers from 0. */
export interface RunsAtOnce {
  readonly runs: readonly number[]
  /** One for each, for the one device that was asked for. */
  readonly bundles: readonly BatchedRun[]
}

interface Ready {
  readonly run: number
  readonly front: FrontEnd
  readonly graphs: readonly Graph[]
}

/** The sets of two runs and more that one set of kernels can train. A run that does not compile, or differs from all others, is in none.
 *  `most`: bytes of memory on the device that all runs of a set may take together. */
export function compileRuns(
  main: SourceFile,
  host: CompileHost,
  given: readonly GivenSettings[],
  { most, ...options }: CompileOptions & { readonly most: number },
): readonly RunsAtOnce[] {
  const ready = given.flatMap((settings, run): Ready[] => {
    const compilation = new Compilation({ ...options, settings })
    const { front, graphs } = compilation.finish(() => {
      const front = frontEnd(main, host, compilation)
      const from = stateOf("model", front.stored)
      const best = compilation.through(startingAt(PROGRAM_PASSES, from), from, front.facts)
      return { front, graphs: valueOf(best, "graphs") }
    })
    return front && graphs && !isStaged(front.model) ? [{ run, front, graphs }] : []
  })
  const sections = new Map<string, Ready[]>()
  for (const each of ready) {
    const key = sectionsOf(each.front)
    sections.set(key, [...(sections.get(key) ?? []), each])
  }
  return [...sections.values()].flatMap((runs) =>
    alike(runs.map(({ graphs }) => graphs)).flatMap((members) =>
      setsOf(
        members.map((n) => runs[n]!),
        { ...options, most },
      ),
    ),
  )
}

/** Whether a section has rows brought together for its steps: those of one run are not those of another. */
const isStaged = ({ trains }: Model): boolean =>
  trains.some(({ beside, settings }) => beside.length > 0 || settings.draw !== null)

/** Runs in step with each other go through the same rows for as long. */
const sectionsOf = ({ model, data }: FrontEnd): string =>
  JSON.stringify([model.trains.map(({ settings, reports }) => [settings, reports]), data])

/** Sets of as many runs as there is room for. */
function setsOf(
  runs: readonly Ready[],
  { most, ...options }: CompileOptions & { readonly most: number },
): readonly RunsAtOnce[] {
  if (runs.length < 2) return []
  const { graphs, numbers } = joined(runs.map((each) => each.graphs))
  const compilation = new Compilation(options)
  const atOnce = (plan: Plan): Plan => {
    const room = Math.floor(most / plan.arenas.reduce((sum, arena) => sum + arena.bytes, 0))
    const all = room < runs.length ? "too large" : acrossRuns(plan, runs.length)
    if (typeof all === "string") throw new Apart(room < runs.length ? room : 0)
    return all
  }
  try {
    const { facts } = runs[0]!.front
    const { code } = compilation.finish(() => ({
      code: codeOf(stateOf("graphs", graphs), facts, compilation, atOnce),
    }))
    if (!code) return []
    return [
      {
        runs: runs.map(({ run }) => run),
        bundles: runs.map((each, run) => batchedRun(each, run, code, numbers)),
      },
    ]
  } catch (caught) {
    if (!(caught instanceof Apart)) throw caught
    if (caught.room < 2) return []
    return parts(runs, caught.room).flatMap((part) => setsOf(part, { most, ...options }))
  }
}

/** There is room for so many runs at once. */
class Apart extends Error {
  constructor(readonly room: number) {
    super()
  }
}

const parts = <T>(list: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))

function batchedRun(
  { front, graphs }: Ready,
  run: number,
  { webgpu, wasm }: EmittedCode,
  numbers: readonly RunNumbers[],
): BatchedRun {
  const given = new Map(numbers.map(({ slot, values }) => [slot, values[run]!]))
  const own = (plan: Plan): Plan => {
    const { slots, ...rest } = planOfRun(plan, run)
    return { ...rest, slots: slots.filter(({ name }) => !given.has(name)) }
  }
  const bundle: Bundle = encode({
    ...described(front),
    graphs,
    webgpu: webgpu.map((code) => ({ ...code, plan: own(code.plan) })),
    wasm: wasm && { ...wasm, plan: own(wasm.plan) },
  })
  const { slots } = planOfRun((webgpu[0] ?? wasm)!.plan, run)
  return {
    bundle,
    numbers: slots.flatMap(({ name, arena, offset, type }) =>
      given.has(name) ? [{ arena, offset, dtype: type.dtype, value: given.get(name)! }] : [],
    ),
  }
}
