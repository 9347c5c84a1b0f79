/** batching: a plan for one run -> a plan for several at once, with a leading axis over runs: every value except the rows of data has one copy
 *  per run, one after another in memory, and the third dimension of every kernel's grid counts the runs.
 *  Assumes:    the plan verified; no kernel uses the third dimension of its grid.
 *  Guarantees: a run computes the bits that it computes alone, since the bodies of kernels do not change. `planOfRun` is the plan
 *              as one of the runs sees it.
 *  How:        buffers that some kernel walks over as one pack are copied together, as one region. The copies of a region begin at its
 *              old offset times the number of runs, so regions that did not overlap in the plan for one run do not overlap here. */
import { openGrid } from "../ir/kernels/grid.js"
import type { Expr, Kernel, KernelParam, ScalarType, Stmt } from "../ir/kernels/types.js"
import { eachStmt, typeOf, widthOf, withChildren, withExprs } from "../ir/kernels/walk.js"
import type { Placement, PlannedDispatch, PlannedProgram, Plan } from "../ir/plan/types.js"
import { bytesOf } from "../ir/tensor.js"

/** Bytes that lie together; `stride`: from those of one run to those of the next. */
interface Region {
  readonly start: number
  readonly stride: number
}
type RegionOf = (place: Placement, buffers: readonly number[]) => Region | undefined

/** A text: why it cannot be. */
export function acrossRuns(plan: Plan, runs: number): Plan | string {
  if (plan.kernels.some((k) => openGrid(k.body).grid.some(({ axis }) => axis === "z")))
    return "a kernel has a grid of three dimensions"
  const kernels = new Kernels(plan.kernels, runs)
  const ofState = stateRegions(plan)
  const programs: PlannedProgram[] = []
  for (const program of plan.programs) {
    const regionOf = regionsIn(program, ofState)
    const dispatches: PlannedDispatch[] = []
    for (const dispatch of program.dispatches) {
      const made = kernels.dispatch(dispatch, regionOf)
      if (typeof made === "string") return made
      dispatches.push(made)
    }
    const buffers = program.buffers.map((b) => placedIn(b, regionOf(b, [b.id]), runs))
    programs.push({
      ...program,
      workBytes: program.workBytes * runs,
      liveBytes: program.liveBytes * runs,
      buffers,
      dispatches,
    })
  }
  return {
    arenas: plan.arenas.map(({ name, bytes }) => ({ name, bytes: bytes * runs })),
    slots: plan.slots.map((slot) => placedIn(slot, ofState(slot), runs)),
    kernels: kernels.made,
    programs,
  }
}

/** The places of run number `run`; its bindings are those of all runs. */
export const planOfRun = (plan: Plan, run: number): Plan => ({
  ...plan,
  slots: plan.slots.map((slot) => shifted(slot, run)),
  programs: plan.programs.map((p) => ({ ...p, buffers: p.buffers.map((b) => shifted(b, run)) })),
})

const shifted = <T extends Placement>({ stride = 0, ...place }: T, run: number): T =>
  ({ ...place, offset: place.offset + run * stride }) as T

const placedIn = <T extends Placement>(place: T, region: Region | undefined, runs: number): T =>
  region === undefined
    ? place
    : { ...place, offset: runs * region.start + place.offset - region.start, stride: region.stride }

const isData = ({ arena }: Placement): boolean => arena.startsWith("data:")
const isState = ({ arena }: Placement): boolean => arena === "state"
const regionOver = (start: number, end: number): Region => ({
  start,
  stride: Math.ceil((end - start) / REGION_ALIGN) * REGION_ALIGN,
})
/** Vectors are read whole. */
const REGION_ALIGN = 16

/** Slots lie at one place for all programs. */
function stateRegions({ slots, programs }: Plan): (place: Placement) => Region | undefined {
  const bound = programs.flatMap((p) => p.dispatches.flatMap((d) => d.bindings.filter(isState)))
  const sorted = [...slots, ...bound].sort((a, b) => a.offset - b.offset)
  const spans: { start: number; end: number }[] = []
  for (const { offset, bytes } of sorted) {
    const last = spans.at(-1)
    if (last !== undefined && offset < last.end) last.end = Math.max(last.end, offset + bytes)
    else spans.push({ start: offset, end: offset + bytes })
  }
  const regions = spans.map(({ start, end }) => ({ end, region: regionOver(start, end) }))
  return ({ offset }) => regions.find(({ end, region }) => region.start <= offset && offset < end)?.region
}

/** The regions of the values that live within a call; a pack is one region. */
function regionsIn(program: PlannedProgram, ofState: (place: Placement) => Region | undefined): RegionOf {
  const regions = new Map<number, Region>()
  for (const { bindings } of program.dispatches)
    for (const { offset, bytes, buffers, arena } of bindings) {
      if (isState({ arena, offset, bytes }) || buffers.length < 2) continue
      const region = regionOver(offset, offset + bytes)
      for (const id of buffers) regions.set(id, regions.get(id) ?? region)
    }
  for (const { id, offset, bytes } of program.buffers)
    if (!regions.has(id)) regions.set(id, regionOver(offset, offset + bytes))
  return (place, [first]) =>
    isData(place) ? undefined : isState(place) ? ofState(place) : regions.get(first!)
}

/** Where a parameter of a kernel is found: in a parameter, from an element on, so many elements further for each run. */
interface Moved {
  readonly name: string
  readonly base: number
  readonly stride: number
  /** Four elements are accessed one by one. */
  readonly isNarrowed?: true
}

class Kernels {
  readonly made: Kernel[] = []
  private readonly own: ReadonlyMap<string, Kernel>
  private readonly names = new Map<string, string>()

  constructor(
    kernels: readonly Kernel[],
    private readonly runs: number,
  ) {
    this.own = new Map(kernels.map((k) => [k.name, k]))
  }

  dispatch(dispatch: PlannedDispatch, regionOf: RegionOf): PlannedDispatch | string {
    const kernel = this.own.get(dispatch.kernel)!
    const regions = dispatch.bindings.map((b) => regionOf(b, b.buffers))
    const moved = new Map<string, Moved>()
    const params: KernelParam[] = []
    const bindings: PlannedDispatch["bindings"][number][] = []
    const whole = new Map<Region, string>()
    for (const [i, param] of kernel.params.entries()) {
      const [binding, region] = [dispatch.bindings[i]!, regions[i]]
      const size = bytesOf(param.dtype)
      const shared =
        region !== undefined && param.access !== "read" && regions.filter((r) => r === region).length > 1
      if (!shared) {
        params.push(param)
        const bytes = binding.bytes + (this.runs - 1) * (region?.stride ?? 0)
        bindings.push({ ...placedIn(binding, region, this.runs), bytes })
        moved.set(param.name, { name: param.name, base: 0, stride: (region?.stride ?? 0) / size })
        continue
      }
      // Ranges of several runs would lie between each other, which WebGPU forbids where one is written.
      const base = (binding.offset - region.start) / size
      const first = params.find(({ name }) => name === whole.get(region))
      if (first === undefined) {
        whole.set(region, param.name)
        params.push(param)
        bindings.push({
          ...binding,
          offset: this.runs * region.start,
          bytes: this.runs * region.stride,
        })
      } else {
        if (first.dtype !== param.dtype) return `${kernel.name} reads one pack in two ways`
        const at = params.indexOf(first)
        bindings[at] = { ...bindings[at]!, buffers: [...bindings[at]!.buffers, ...binding.buffers] }
        // One array has elements of one width.
        if (first.width !== param.width) params[at] = { ...first, width: 1 }
      }
      moved.set(param.name, { name: first?.name ?? param.name, base, stride: region.stride / size })
    }
    for (const { name, width } of kernel.params) {
      const place = moved.get(name)!
      if (width === 4 && params.find((p) => p.name === place.name)!.width === 1)
        moved.set(name, { ...place, isNarrowed: true })
    }
    const [x, y] = dispatch.grid
    return {
      kernel: this.kernel(kernel, params, moved),
      bindings: bindings.map(({ stride: _, ...binding }) => binding),
      grid: [x, y, int(this.runs)],
    }
  }

  private kernel(kernel: Kernel, params: readonly KernelParam[], moved: ReadonlyMap<string, Moved>): string {
    const key = JSON.stringify([kernel.name, ...moved])
    const known = this.names.get(key)
    if (known !== undefined) return known
    let name = kernel.name
    for (let i = 2; this.made.some((k) => k.name === name); i++) name = `${kernel.name}_runs_${i}`
    this.names.set(key, name)
    const run = unused(kernel)
    const body = movedIn(kernel.body, { kind: "ref", name: run, type: "i32", width: 1 }, moved)
    const all: Stmt = { kind: "for", name: run, extent: int(this.runs), on: "grid.z", body }
    this.made.push({ ...kernel, name, params, body: [all] })
    return name
  }
}

const int = (value: number): Expr => ({ kind: "const", type: "i32", value })
const binary = (op: "add" | "mul", a: Expr, b: Expr): Expr => ({
  kind: "op",
  op,
  args: [a, b],
  type: "i32",
  width: 1,
})

type Ref = Expr & { readonly kind: "ref" }

function movedIn(body: readonly Stmt[], run: Ref, moved: ReadonlyMap<string, Moved>): readonly Stmt[] {
  let narrowed = 0
  const place = (buffer: string, index: Expr): { readonly buffer: string; readonly index: Expr } => {
    const { name, base, stride } = moved.get(buffer)!
    const based = base === 0 ? index : binary("add", index, int(base))
    return {
      buffer: name,
      index: stride === 0 ? based : binary("add", based, binary("mul", run, int(stride))),
    }
  }
  const isNarrowed = (e: Load | Store): boolean => moved.get(e.buffer)!.isNarrowed ?? false
  const load = (e: Load): Expr => {
    if (e.width === 1 || !isNarrowed(e)) return { ...e, ...place(e.buffer, e.index) }
    return byLane(e.type, (lane) => ({
      ...e,
      ...place(e.buffer, binary("add", e.index, int(lane))),
      width: 1,
    }))
  }
  const expr = (e: Expr): Expr => {
    if (e.kind === "guard" && e.then.kind === "load" && e.width === 4 && isNarrowed(e.then)) {
      const [cond, then, otherwise] = [e.cond, e.then, e.otherwise].map(expr)
      return byLane(e.type, (lane) => ({
        ...e,
        cond: laneOf(cond!, lane),
        then: laneOf(then!, lane),
        otherwise: laneOf(otherwise!, lane),
        width: 1,
      }))
    }
    const inner = withChildren(e, expr)
    return inner.kind === "load" ? load(inner) : inner
  }
  const block = (inner: readonly Stmt[]): readonly Stmt[] =>
    inner.flatMap((s): Stmt[] => {
      const made = withExprs(s, expr, block)
      if (made.kind !== "store") return [made]
      if (widthOf(made.value) === 1 || !isNarrowed(made))
        return [{ ...made, ...place(made.buffer, made.index) }]
      // Worked out before any of it is stored.
      const name = `${run.name}_value_${narrowed++}`
      const value: Expr = { kind: "ref", name, type: typeOf(made.value), width: 4 }
      const stores = LANES.map((lane) => ({
        ...made,
        ...place(made.buffer, binary("add", made.index, int(lane))),
        value: laneOf(value, lane),
      }))
      return [{ kind: "let", name, value: made.value }, ...stores]
    })
  return block(body)
}

type Load = Expr & { readonly kind: "load" }
type Store = Stmt & { readonly kind: "store" }
const LANES = [0, 1, 2, 3] as const

const byLane = (type: ScalarType, item: (lane: number) => Expr): Expr => {
  const [a, b, c, d] = LANES.map(item)
  return { kind: "vec", items: [a!, b!, c!, d!], type, width: 4 }
}
function laneOf(e: Expr, lane: number): Expr {
  if (widthOf(e) === 1) return e
  return e.kind === "vec" ? e.items[lane]! : { kind: "lane", value: e, lane, type: typeOf(e) }
}

/** A name that no name of the kernel begins with. */
function unused({ params, shared, body }: Kernel): string {
  const taken = new Set([...params, ...shared].map(({ name }) => name))
  eachStmt(body, (s) => {
    if ("name" in s) taken.add(s.name)
  })
  let name = "run"
  for (let i = 1; [...taken].some((each) => each.startsWith(name)); i++) name = `run_${i}`
  return name
}
