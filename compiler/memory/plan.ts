/** memory: KernelProgram[] -> Plan. Every buffer gets its place, every dispatch its ranges and grid.
 *  Assumes:    schedule ordered the dispatches; updates of slots are stores into the slot's own buffer.
 *  Guarantees: two buffers that are alive at once never share a byte; binding offsets are aligned; all bindings to an arena
 *              that a dispatch writes are read_write; no binding, arena or grid beyond the target's limits (a diagnostic says which).
 *  Not here:   the split into kernels (schedule/), text of kernels (codegen/). */
import type { Graph, StateSlot } from "../ir/graph/types.js"
import { NOWHERE } from "../ir/origin.js"
import type { Scheduled } from "../ir/kernels/scheduled.js"
import type { Buffer, Dispatch, Kernel } from "../ir/kernels/types.js"
import type { PlacedBuffer, PlannedDispatch, PlannedProgram, Placement, Plan } from "../ir/plan/types.js"
import { type DimValues, type TensorType } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import type { Pass } from "../pass.js"
import { gridOf } from "../ir/kernels/grid.js"
import { liveSetBound, placeAll } from "./arena.js"
import { allocations, bufferBytes, packLayout, type Allocation } from "./lifetimes.js"
import { checkLimits } from "./limits.js"
import { placeSlots } from "./slots.js"

export const planMemory: Pass<readonly Scheduled[], Plan> = {
  name: "plan",
  summary: "place every buffer, list every dispatch",
  run: (items, cx) => {
    const alignment = cx.target.minStorageOffsetAlignment
    const slots = placeSlots(
      allSlots(items.map((i) => i.graph)),
      items.map((i) => i.program),
      alignment,
    )
    const slotPlaces = new Map(slots.slots.map((s) => [s.name, s]))
    const kernels = new KernelTable()
    const arenaBytes: number[] = []
    const programs = items.map((item) => {
      const list = allocations(item.program, item.dims)
      const { placed, arenas } = placeAll(list, alignment, cx.target.maxBufferBytes)
      arenas.forEach((bytes, i) => (arenaBytes[i] = Math.max(arenaBytes[i] ?? 0, bytes)))
      const places = new Map<number, PlacedBuffer>()
      for (const { allocation, arena, offset } of placed)
        for (const m of allocation.members)
          places.set(
            m.buffer.id,
            describe(
              m.buffer,
              { arena: workName(arena), offset: offset + m.offset, bytes: m.bytes },
              allocation,
            ),
          )
      for (const b of item.program.buffers) {
        if (b.role === "slot") {
          const at = slotPlaces.get(b.name) ?? bug(`no slot ${b.name}`)
          places.set(b.id, describe(b, { arena: at.arena, offset: at.offset, bytes: at.bytes }, ALWAYS))
        } else if (b.role === "data") {
          // Those of a batch lie there at the least.
          const place = {
            arena: `data:${fieldOf(item.graph, b)}`,
            offset: 0,
            bytes: bufferBytes(b, { ...item.dims, R: item.dims.B }),
          }
          places.set(b.id, describe(b, place, ALWAYS))
        }
      }
      const workBytes = arenas.reduce((sum, bytes) => sum + bytes, 0)
      const liveBytes = liveSetBound(list, alignment)
      const ratio = liveBytes === 0 ? 1 : workBytes / liveBytes
      cx.remark(
        `${item.program.name}: ${workBytes} bytes of work memory, ${ratio.toFixed(2)} x what is alive at once`,
      )
      return { ...planProgram(item, places, kernels), workBytes, liveBytes }
    })
    const plan: Plan = {
      arenas: [slots.arena, ...arenaBytes.map((bytes, i) => ({ name: workName(i), bytes }))],
      slots: slots.slots,
      kernels: kernels.all,
      programs,
    }
    checkLimits(plan, cx)
    return plan
  },
}

const ALWAYS: Pick<Allocation, "first" | "last"> = { first: 0, last: Number.MAX_SAFE_INTEGER }
const workName = (i: number): string => (i === 0 ? "work" : `work.${i}`)

function describe(b: Buffer, place: Placement, life: Pick<Allocation, "first" | "last">): PlacedBuffer {
  return { ...b, ...place, first: life.first, last: life.last }
}

function allSlots(graphs: readonly Graph[]): StateSlot[] {
  const byName = new Map<string, StateSlot>()
  for (const g of graphs) for (const s of g.state) if (!byName.has(s.name)) byName.set(s.name, s)
  return [...byName.values()]
}

function fieldOf(graph: Graph, b: Buffer): string {
  const input = graph.inputs.find((i) => i.name === b.name)
  return input?.source.kind === "data" ? input.source.field : bug(`buffer ${b.name} is not a data field`)
}

function planProgram(
  { graph, program, dims }: Scheduled,
  places: ReadonlyMap<number, PlacedBuffer>,
  kernels: KernelTable,
): Omit<PlannedProgram, "workBytes" | "liveBytes"> {
  const byName = new Map(program.kernels.map((k) => [k.name, k]))
  const packs = new Map(program.packs.map((p) => [p.id, p.members]))
  const place = (id: number): PlacedBuffer =>
    places.get(id) ?? bug(`buffer ${id} of ${program.name} has no place`)
  const dispatches = program.dispatches.map((dispatch): PlannedDispatch => {
    const kernel = byName.get(dispatch.kernel) ?? bug(`no kernel ${dispatch.kernel}`)
    const bindings = dispatch.args.map((ref) => {
      const ids = ref.kind === "buffer" ? [ref.id] : packs.get(ref.id)!
      const first = place(ids[0]!)
      const bytes = ref.kind === "buffer" ? first.bytes : packRange(ids.map(place), dims)
      return { arena: first.arena, offset: first.offset, bytes, buffers: ids }
    })
    const placed = withAccess(kernel, bindings, dispatch)
    return { kernel: kernels.add(placed, program.name), bindings, grid: gridOf(placed) }
  })
  const types = valueTypes(graph)
  const inputs = program.buffers.filter((b) => b.role === "data" || b.role === "feed")
  return {
    name: program.name,
    maxBatch: dims.B,
    buffers: program.buffers.map((b) => place(b.id)),
    dispatches,
    ...(program.loops && { loops: program.loops }),
    outputs: program.outputs.map((o) => {
      const value = graph.outputs.find((g) => g.name === o.name)?.value ?? bug(`no output ${o.name}`)
      return { ...o, type: types.get(value)! }
    }),
    inputs: inputs.map((b) => {
      const input = graph.inputs.find((i) => i.name === b.name) ?? bug(`no input ${b.name}`)
      const data = input.source.kind === "data" ? input.source.field : null
      return { name: b.name, buffer: b.id, type: input.type, data }
    }),
  }
}

/** Bytes of all members with the padding between and behind them, which a kernel walks over too; they must lie as packs do. */
function packRange(members: readonly PlacedBuffer[], dims: DimValues): number {
  const layout = packLayout(members, dims)
  const base = members[0]!.offset
  members.forEach((m, i) => {
    if (m.offset - base !== layout.members[i]!.offset || m.arena !== members[0]!.arena)
      bug(`${m.name} does not lie in its pack`)
  })
  return layout.bytes
}

/** WebGPU tracks usage per buffer: one written range makes every range of that arena read_write in this dispatch. */
function withAccess(kernel: Kernel, bindings: readonly Placement[], dispatch: Dispatch): Kernel {
  if (bindings.length !== kernel.params.length)
    bug(`${dispatch.kernel} takes ${kernel.params.length} buffers`)
  const written = new Set(bindings.filter((_, i) => kernel.params[i]!.access !== "read").map((b) => b.arena))
  return {
    ...kernel,
    params: kernel.params.map((p, i) => ({
      ...p,
      access: written.has(bindings[i]!.arena) ? "read_write" : "read",
    })),
  }
}

function valueTypes(graph: Graph): Map<number, TensorType> {
  return new Map([...graph.inputs, ...graph.state, ...graph.nodes].map((v) => [v.id, v.type]))
}

/** Kernels of all programs: equal ones once, equal names for different ones told apart. */
class KernelTable {
  readonly all: Kernel[] = []
  private readonly byText = new Map<string, string>()
  private readonly names = new Set<string>()
  /** A number of its own per distinct body. */
  private readonly bodies = new Map<string, number>()
  private readonly bodyOf = new Map<Kernel["body"], number>()

  add(kernel: Kernel, program: string): string {
    const text = JSON.stringify([kernel.params, this.body(kernel)])
    const known = this.byText.get(text)
    if (known !== undefined) return known
    let name = kernel.name
    if (this.names.has(name)) name = `${program.replace(/\W/g, "_")}_${kernel.name}`
    for (let i = 2; this.names.has(name); i++) name = `${kernel.name}_${i}`
    this.names.add(name)
    this.byText.set(text, name)
    this.all.push({ ...kernel, name, origins: kernel.origins.length > 0 ? kernel.origins : [NOWHERE] })
    return name
  }
  /** Many dispatches run one body: its text is made once. */
  private body({ body, shared }: Kernel): number {
    const known = this.bodyOf.get(body)
    if (known !== undefined) return known
    const text = JSON.stringify([shared, body])
    const number = this.bodies.get(text) ?? this.bodies.size
    this.bodies.set(text, number)
    this.bodyOf.set(body, number)
    return number
  }
}
