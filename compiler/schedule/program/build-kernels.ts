/** schedule: groups -> kernels, buffers and dispatches.   GroupedGraph -> KernelProgram
 *  Assumes:    groups are in dispatch order, and stores into slots are legal in it (`fuse/order.ts`).
 *  Guarantees: kernels that differ only in the names of their buffers are one kernel.
 *  Not here:   which nodes share a kernel (`fuse/fuse.ts`), how a loop nest runs (`choose/`), loop nests (`templates/`). */
import type { Pass } from "../../pass.js"
import { bug } from "../../source/bug.js"
import type { ValueId } from "../../ir/graph/types.js"
import { MOST_ROWS } from "../../ir/kernels/most.js"
import { canonical } from "../../ir/kernels/canonical.js"
import type { Buffer, BufferRef, Dispatch, Kernel, KernelProgram, Pack } from "../../ir/kernels/types.js"
import type { Origin } from "../../ir/origin.js"
import { numel } from "../../ir/tensor.js"
import { contraction } from "../contraction/contraction.js"
import type { Group, GroupedGraph, KernelPlan } from "../../ir/groups/types.js"
import { groupForm } from "../kernel/form.js"
import { type BuiltBody, identifier, KernelBuild, type Placed } from "../kernel/kernel-build.js"
import { storedIn } from "../fuse/loads.js"
import { packForm } from "../fuse/pack.js"
import { panelsFor } from "../contraction/panels.js"
import { BufferTable, unaligned } from "../kernel/placed.js"
import { buildBlock } from "../templates/block.js"
import { buildChain } from "../templates/chain.js"
import { buildMap } from "../templates/map.js"
import { buildPanels } from "../templates/panels.js"
import { buildRow, buildSingles } from "../templates/row.js"
import { buildAcross, buildAlong, buildLines } from "../templates/row-vectors.js"
import { buildTile } from "../templates/tile.js"
import { defOf, type GraphIndex, indexGraph } from "../../ir/graph/graph-index.js"

type BuildKernels = Pass<readonly GroupedGraph[], readonly KernelProgram[]>

/** `mostRows`: the largest B that each will be run with, where that is known. */
export const kernelsFor = (mostRows: readonly number[]): BuildKernels => ({
  name: "kernels",
  summary: "give every group a loop nest",
  run: (all, cx) => {
    const bodies = new Map<string, FormBody>()
    return all.map((grouped, i) => {
      const rows = Math.min(mostRows[i] ?? MOST_ROWS, MOST_ROWS)
      return kernelsOf(grouped, { target: cx.target, mostRows: rows }, bodies)
    })
  },
})
export const buildKernels: BuildKernels = kernelsFor([])

/** A kernel without its name. `text` is equal for those that compute the same. */
interface Body extends Omit<Kernel, "name" | "origins"> {
  readonly text: string
}
/** The kernel body of all groups of one form: for each parameter, the index in the form of the buffer that it takes. */
interface FormBody extends Body {
  readonly positions: readonly number[]
}

function kernelsOf(
  grouped: GroupedGraph,
  how: Pick<Placed, "target" | "mostRows">,
  bodies: Map<string, FormBody>,
): KernelProgram {
  const { graph } = grouped
  const g = indexGraph(graph)
  const table = new BufferTable(g, grouped)
  const placed: Placed = { g, ...how, bufferOf: (v) => table.bufferOf(v), rows: table.rows }
  const inBuffer = storedIn(grouped)
  const narrow = unaligned(placed)
  const packs: Pack[] = []
  const kernels: Kernel[] = []
  const known = new Map<string, Kernel>()
  const names = new Set<string>()
  const dispatches: Dispatch[] = []
  for (const group of grouped.groups) {
    const { body, args } =
      group.kind === "pack" ? packed(placed, group, inBuffer, packs) : bodyOf(placed, group, narrow, bodies)
    let kernel = known.get(body.text)
    if (kernel === undefined) {
      const { params, shared, template } = body
      const name = kernelName(g, group, names)
      kernel = { name, params, shared, body: body.body, template, origins: originsOf(g, group) }
      known.set(body.text, kernel)
      kernels.push(kernel)
      names.add(name)
    }
    const waits = waitsFor(g, group, inBuffer)
    dispatches.push({ kernel: kernel.name, args, ...(waits && { waits }) })
  }
  const outputs = graph.outputs.map((o) => ({
    name: o.name,
    buffer: (table.bufferOf(o.value) ?? bug(`output ${o.name} is in no buffer`)).id,
  }))
  const buffers = table.used(dispatches, packs, outputs)
  return { name: graph.name, buffers, packs, kernels, dispatches, outputs }
}

/** Whether the group must not run any earlier. */
function waitsFor(g: GraphIndex, group: Group, inBuffer: (v: ValueId) => boolean): boolean {
  const seen = new Set<ValueId>()
  const waits = (v: ValueId): boolean => {
    const node = g.nodes.get(v)
    if (node === undefined || seen.has(v)) return false
    seen.add(v)
    return defOf(node).traits.waits === true || node.args.some((a) => !inBuffer(a) && waits(a))
  }
  return group.members.some(waits)
}

/** A kernel with the buffers that a dispatch binds. */
interface Bound {
  readonly body: Body
  readonly args: readonly BufferRef[]
}

function bodyOf(
  placed: Placed,
  group: Group,
  narrow: ReadonlySet<number>,
  bodies: Map<string, FormBody>,
): Bound {
  const { key: form, buffers } = groupForm(placed, group, narrow)
  const key = `${placed.mostRows} ${form}`
  let body = bodies.get(key)
  if (body === undefined) {
    const built = buildGroup(placed, group, narrow)
    body = { ...finished(built), positions: built.params.map((p) => buffers.indexOf(p.buffer)) }
    bodies.set(key, body)
  }
  return { body, args: body.positions.map((n) => ({ kind: "buffer", id: buffers[n]! })) }
}

function finished({ params, shared, body, template }: BuiltBody & { readonly template: string }): Body {
  const own = params.map(({ name, dtype, access, width }) => ({ name, dtype, access, width }))
  const made = { params: own, shared, body, template }
  return { ...made, text: canonical(made) }
}

function buildGroup(
  placed: Placed,
  group: Group,
  narrow: ReadonlySet<number>,
): BuiltBody & { template: string } {
  const b = new KernelBuild(placed, group, narrow)
  const built = transcribe(b, group.plan ?? bug(`${group.kind} ${group.id} has no plan`))
  return built.mixed.length === 0 ? built : buildGroup(placed, group, new Set([...narrow, ...built.mixed]))
}

/** The template of each kind of plan. */
function transcribe(b: KernelBuild, plan: KernelPlan): BuiltBody & { template: string } {
  switch (plan.kind) {
    case "map":
      return b.group.kind === "row" ? buildSingles(b, plan) : buildMap(b, plan)
    case "row":
      return buildRow(b, plan)
    case "along":
      return buildAlong(b, plan)
    case "across":
      return buildAcross(b, plan)
    case "lines":
      return buildLines(b, plan)
    case "tile":
      return buildTile(contraction(b), plan)
    case "block":
      return buildBlock(contraction(b), plan)
    case "panels":
      return buildPanels(panelsFor(contraction(b), plan))
    case "chain":
      return buildChain(b, plan)
  }
}

/** The kernel of one part, walking over the buffers of all. A pack stands for a buffer of number -1 - its own. */
function packed(placed: Placed, group: Group, inBuffer: (v: ValueId) => boolean, packs: Pack[]): Bound {
  const parts = group.parts.map((x) => ({
    group: x,
    operands: packForm(placed.g, x, inBuffer)?.operands ?? bug("a part of a pack has a form"),
  }))
  const first = parts[0]!
  const standIns = new Map<ValueId, Buffer>()
  first.operands.forEach((v, n) => {
    const id = packs.length
    const members = parts.map(
      (x) => placed.bufferOf(x.operands[n]!)?.id ?? bug(`no buffer for %${x.operands[n]}`),
    )
    const slot = placed.g.slots.get(v)
    const [, kind] = slot?.name.split("/") ?? []
    const role =
      slot === undefined ? "gradients" : slot.role === "param" ? "parameters" : `all_${kind ?? slot.role}`
    let name = role
    for (let i = 1; packs.some((x) => x.name === name); i++) name = `${role}_${i}`
    packs.push({ id, name, members })
    standIns.set(v, { id: -1 - id, name, dtype: "f32", elements: numel(group.outer), role: "temp" })
  })
  const over: Placed = { ...placed, bufferOf: (v) => standIns.get(v) ?? placed.bufferOf(v) }
  const built = buildGroup(over, { ...first.group, outer: group.outer, plan: group.plan }, unaligned(over))
  const args = built.params.map((p): BufferRef =>
    p.buffer < 0 ? { kind: "pack", id: -1 - p.buffer } : { kind: "buffer", id: p.buffer },
  )
  const template = `${built.template} over ${parts.length} packed parts`
  return { body: finished({ ...built, template }), args }
}

/** `linear_0_matmul_add_relu`: the layer of origin and the operations. */
function kernelName(g: GraphIndex, group: Group, taken: ReadonlySet<string>): string {
  const nodes = (group.parts[0] ?? group).members.flatMap((m) => g.nodes.get(m) ?? [])
  const root = nodes.find((n) => n.origin.in !== undefined)
  const within = root?.origin.in === undefined ? "" : `${identifier(root.origin.in)}_`
  const where = group.kind === "pack" ? "parameters_" : within
  const ops = nodes.map((n) => n.op)
  const chain = ops.filter((op, i) => op !== ops[i - 1])
  const what =
    chain.length === 0
      ? "copy"
      : [...chain.slice(0, 3), ...(chain.length > 3 ? [chain.at(-1)!] : [])].join("_")
  const stem = `${where}${what}`
  let name = stem
  for (let i = 1; taken.has(name); i++) name = `${stem}_${i}`
  return name
}

function originsOf(g: GraphIndex, group: Group): Origin[] {
  const seen = new Map<string, Origin>()
  for (const m of group.members) {
    const origin = g.nodes.get(m)?.origin
    if (origin === undefined || origin.at === "") continue
    seen.set(`${origin.at} ${origin.in ?? ""} ${origin.by ?? ""}`, origin)
  }
  return [...seen.values()]
}
