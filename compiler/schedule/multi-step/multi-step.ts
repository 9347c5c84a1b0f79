/** schedule: all kernels of a program as one, run by one workgroup, for many calls in one dispatch.
 *  Scheduled[] -> Scheduled[]
 *  Assumes:    each program stands beside the graph of which `kernels` made it.
 *  How:        a program that pays it is scheduled a second time, for one workgroup (`forOneWorkgroup` in cost/model.ts), so that every
 *              kernel has the same lanes; then its kernels become one.
 *  Guarantees: each lane computes the values that it computed in the kernels, in their order; a barrier stands wherever a kernel needs or
 *              replaces the results of others. Outputs have a row per call.
 *  Not here:   whether it pays (`cost/model.ts`); where values lie meanwhile (`multi-step/buffers.ts`). */
import type { Graph } from "../../ir/graph/types.js"
import { openGrid } from "../../ir/kernels/grid.js"
import {
  type Buffer,
  type Dispatch,
  type Expr,
  type Kernel,
  type KernelParam,
  type KernelProgram,
  MOST_CALLS,
  type SharedArray,
  type Stmt,
} from "../../ir/kernels/types.js"
import { slotsInOrder } from "../../ir/kernels/packs.js"
import type { Scheduled } from "../../ir/kernels/scheduled.js"
import { childrenOf, exprsOf } from "../../ir/kernels/walk.js"
import { type DimValues, evalDim, numel } from "../../ir/tensor.js"
import type { Pass } from "../../pass.js"
import { bug } from "../../source/bug.js"
import type { TargetProfile } from "../../targets/target.js"
import { kernelsFor } from "../program/build-kernels.js"
import { choose } from "../choose/choose.js"
import { forOneWorkgroup, multiStepPays, MOST_ACCESSES } from "../cost/model.js"
import { fuse } from "../fuse/fuse.js"
import { order } from "../fuse/order.js"
import { CALL, LANE, type Location, type Locations, locationsOf } from "./buffers.js"
import { Splice } from "./splice.js"
import { elementsOf, indexGraph, loweringOf, typeOfValue } from "../../ir/graph/graph-index.js"

export const multiStep: Pass<readonly Scheduled[], readonly Scheduled[]> = {
  name: "multi-step",
  summary: "make one kernel of a small training step, for many steps in a dispatch",
  run: (single, cx) => {
    const { target } = cx
    const slots = slotsInOrder(single.map((s) => s.program))
    const within = { ...cx, target: forOneWorkgroup(target) }
    const more = single.flatMap(({ graph, program, dims }): Scheduled[] => {
      if (!canBeMultiStep(graph) || !multiStepPays(workOf(graph, dims), program.dispatches.length, target))
        return []
      const groups = order.run(fuse.run(graph, within), within)
      const [kernels] = kernelsFor([dims.B]).run(choose.run([groups], within), within)
      const made = multiStepProgram(kernels ?? bug("groups give a program"), dims, slots, target)
      if (typeof made !== "string") return [{ graph, program: made, dims }]
      cx.remark(`${program.name} is not one kernel: ${made}`)
      return []
    })
    return [...single, ...more]
  },
}

/** Multiplications and the like of one call. */
export function workOf(graph: Graph, dims: DimValues): number {
  const g = indexGraph(graph)
  return graph.nodes.reduce((sum, node) => {
    const lower = loweringOf(node)
    const out = evalDim(elementsOf(g, node.id), dims)
    if (lower.kind === "map" || lower.kind === "none") return sum + out
    const argTypes = node.args.map((a) => typeOfValue(g, a))
    return sum + out * evalDim(numel(lower.extents(argTypes, node.attrs, node.type)), dims)
  }, 0)
}

/** Whether the host has nothing to do between two calls: new values stay in slots, and outputs are numbers. */
export function canBeMultiStep(graph: Graph): boolean {
  const { updates, outputs, nodes, inputs } = graph
  const isStep =
    updates.length > 0 &&
    outputs.length > 0 &&
    nodes.every((n) => n.regions === undefined) &&
    inputs.every((i) => i.source.kind !== "feed")
  if (!isStep) return false
  const g = indexGraph(graph)
  return outputs.every(({ value }) => {
    const { dtype, shape } = typeOfValue(g, value)
    return dtype === "f32" && numel(shape) === 1
  })
}

export const multiStepName = (program: string): string => `${program}.multi`

/** `slots`: those of f32, in the order in which they lie in memory. A text: why it cannot be. */
export function multiStepProgram(
  program: KernelProgram,
  dims: DimValues,
  slots: readonly Buffer[],
  target: TargetProfile,
): KernelProgram | string {
  const kernels = new Map(program.kernels.map((k) => [k.name, k]))
  const steps = program.dispatches.map((dispatch): Step => {
    return { dispatch, kernel: kernels.get(dispatch.kernel) ?? bug(`no kernel ${dispatch.kernel}`) }
  })
  const own = steps.flatMap((s) => s.kernel.shared)
  const locations = locationsOf(program, own, dims, slots, target)
  if (typeof locations === "string") return locations
  const shared: SharedArray[] = [...locations.shared]
  const taken = new Set([LANE, CALL, ...locations.params.map((p) => p.name), ...shared.map((s) => s.name)])
  const hazards = new Hazards(locations.of)
  const body = steps.flatMap((step) => {
    const spliced = splice(step, locations.of, taken)
    shared.push(...spliced.shared)
    const used = step.kernel.params.map((p, i) => ({ id: step.dispatch.args[i]!.id, access: p.access }))
    return [...hazards.before(used), ...spliced.body]
  })
  body.push(
    ...hazards.before(locations.copied.map(({ id }) => ({ id, access: "read" }))),
    ...copies(locations),
  )
  const accesses = accessesIn(body)
  if (accesses > MOST_ACCESSES) return `its code has ${accesses} loads and stores`
  const lanes = lanesOf(steps)
  const inOrder: Kernel = {
    name: `${program.name.replace(/\W/g, "_")}_multi`,
    params: locations.params.map(({ name, dtype, access }) => ({ name, dtype, access, width: 1 })),
    shared,
    body: [loop(LANE, "lane", lanes, [loop(CALL, "calls", MOST_CALLS, [...body, ...hazards.atEnd(shared)])])],
    template: `whole program in one workgroup of ${lanes}`,
    origins: distinct(program.kernels.flatMap((k) => k.origins)),
  }
  return {
    name: multiStepName(program.name),
    buffers: locations.buffers,
    packs: locations.packs,
    kernels: [inOrder],
    dispatches: [{ kernel: inOrder.name, args: locations.params.map((p) => p.ref) }],
    outputs: locations.results,
  }
}

/** By the first lane. */
function copies({ copied, of }: Locations): Stmt[] {
  if (copied.length === 0) return []
  const lane: Expr = { kind: "ref", name: LANE, type: "i32", width: 1 }
  const zero: Expr = { kind: "const", type: "i32", value: 0 }
  const first: Expr = { kind: "op", op: "eq", args: [lane, zero], type: "bool", width: 1 }
  const then = copied.map(({ id, to }): Stmt => {
    const from = of(id)
    if (from.kind === "shared") return bug("an output that is neither a slot nor a result")
    const value: Expr = { kind: "load", buffer: from.name, index: from.base, type: "f32", width: 1 }
    return { kind: "store", buffer: to.name, index: to.base, value }
  })
  return [{ kind: "when", cond: first, then }]
}

function accessesIn(body: readonly Stmt[]): number {
  const inExpr = (e: Expr): number =>
    childrenOf(e).reduce((n, x) => n + inExpr(x), e.kind === "load" || e.kind === "shared" ? 1 : 0)
  return body.reduce((n, s) => {
    const own = exprsOf(s).reduce((m, e) => m + inExpr(e), n)
    if (s.kind === "for") return own + accessesIn(s.body)
    if (s.kind === "when") return own + accessesIn(s.then)
    return s.kind === "store" || s.kind === "store-shared" ? own + 1 : own
  }, 0)
}

interface Step {
  readonly dispatch: Dispatch
  readonly kernel: Kernel
}

const loop = (name: string, on: "lane" | "calls", extent: number, body: readonly Stmt[]): Stmt => {
  return { kind: "for", name, extent: { kind: "const", type: "i32", value: extent }, on, body }
}

function lanesOf(steps: readonly Step[]): number {
  const all = new Set(steps.map((s) => openGrid(s.kernel.body).lanes?.extent ?? 1))
  const [lanes] = all
  return all.size === 1 && lanes !== undefined ? lanes : bug(`kernels of ${[...all].join(", ")} lanes`)
}

/** A kernel's body as part of a larger one: its grid becomes loops that all lanes run. */
function splice(
  { dispatch, kernel }: Step,
  locationOf: (id: number) => Location,
  taken: Set<string>,
): { shared: readonly SharedArray[]; body: readonly Stmt[] } {
  const { grid, lanes, body } = openGrid(kernel.body)
  const locations = new Map(
    kernel.params.map((p, i) => {
      const ref = dispatch.args[i]!
      return [p.name, ref.kind === "buffer" ? locationOf(ref.id) : bug(`${kernel.name} walks over a pack`)]
    }),
  )
  const s = new Splice(locations, taken)
  const shared = kernel.shared.map((a) => ({ ...a, name: s.declare(a.name) }))
  if (lanes !== undefined) s.alias(lanes.name, LANE)
  // An iteration may still read elements of the kernel's own arrays that the next one overwrites.
  const apart: readonly Stmt[] = hasBarrier(body) ? [{ kind: "barrier" }] : []
  const nest = grid.reduceRight<readonly Stmt[]>(
    (inner, g) => [{ kind: "for", name: g.name, extent: g.extent, on: "serial", body: inner }],
    [...body, ...apart],
  )
  return { shared, body: s.block(nest) }
}

const hasBarrier = (body: readonly Stmt[]): boolean =>
  body.some(
    (s) =>
      s.kind === "barrier" ||
      (s.kind === "for" && hasBarrier(s.body)) ||
      (s.kind === "when" && hasBarrier(s.then)),
  )

/** The reads and writes since the last barrier, by buffer. */
class Hazards {
  private readonly reads = new Set<number>()
  private readonly writes = new Set<number>()
  constructor(private readonly locationOf: (id: number) => Location) {}

  /** The barriers that a statement using these buffers needs before it, and records its accesses. */
  before(used: readonly { readonly id: number; readonly access: KernelParam["access"] }[]): Stmt[] {
    const waits = used.filter(({ id, access }) => {
      return this.writes.has(id) || (access !== "read" && this.reads.has(id))
    })
    const out = [false, true].flatMap((shared) =>
      waits.some(({ id }) => this.isShared(id) === shared) ? [this.barrier(shared)] : [],
    )
    for (const { id, access } of used) {
      if (access !== "write") this.reads.add(id)
      if (access !== "read") this.writes.add(id)
    }
    return out
  }
  /** The next call starts when all lanes are done with this one. */
  atEnd(shared: readonly SharedArray[]): Stmt[] {
    return [this.barrier(false), ...(shared.length > 0 ? [this.barrier(true)] : [])]
  }

  private barrier(shared: boolean): Stmt {
    for (const set of [this.reads, this.writes])
      for (const id of set) if (this.isShared(id) === shared) set.delete(id)
    return shared ? { kind: "barrier" } : { kind: "barrier", memory: "storage" }
  }
  private readonly isShared = (id: number): boolean => this.locationOf(id).kind === "shared"
}

function distinct<T extends object>(all: readonly T[]): T[] {
  return [...new Map(all.map((x) => [JSON.stringify(x), x])).values()]
}
