/** pack: updates of one structure over different slots become one kernel.   GroupedGraph -> GroupedGraph
 *  Assumes:    `fuse` ran; groups are not ordered yet.
 *  Guarantees: the parts of a pack read and write their slots at the same index only, and nobody reads their stores: they can
 *              run as one, after everyone who needs an old value. No buffer is in two packs.
 *  Not here:   where the members of a pack lie (memory/). */
import type { Pass, PassContext } from "../../pass.js"
import { bug } from "../../source/bug.js"
import type { ValueId } from "../../ir/graph/types.js"
import { printExpr } from "../../ir/kernels/text.js"
import { type Expr, PACK_ALIGN } from "../../ir/kernels/types.js"
import { bytesOf, isStatic, numel, type TensorType } from "../../ir/tensor.js"
import type { Group, GroupedGraph } from "../../ir/groups/types.js"
import { groupLoads, storedIn } from "./loads.js"
import { Probe } from "./probe.js"
import { type GraphIndex, indexGraph, typeOfValue } from "../../ir/graph/graph-index.js"

export const pack: Pass<GroupedGraph, GroupedGraph> = {
  name: "pack",
  summary: "run equal updates of different parameters as one kernel",
  run: (grouped, cx) => {
    const g = indexGraph(grouped.graph)
    const inBuffer = storedIn(grouped)
    const read = new Set(grouped.groups.flatMap((x) => [...groupLoads(g, x, inBuffer).values]))
    const alike = new Map<string, Part[]>()
    for (const group of grouped.groups) {
      // A group with a plan stays a kernel of its own.
      if (group.kind !== "map" || group.plan !== null) continue
      if (group.stores.some((s) => s.slot === null || read.has(s.value))) continue
      const form = packForm(g, group, inBuffer)
      if (form === undefined) continue
      alike.set(form.key, [...(alike.get(form.key) ?? []), { group, operands: form.operands }])
    }
    const taken = new Set<ValueId>()
    const packed = new Map<number, Group>()
    let id = Math.max(-1, ...grouped.groups.map((x) => x.id)) + 1
    for (const parts of alike.values()) {
      for (const chunk of chunks(g, parts, taken, cx)) {
        const made = packOf(id++, chunk)
        for (const x of made.parts) packed.set(x.id, made)
        cx.remark(`${chunk.length} updates of one form run as one kernel`)
      }
    }
    const groups = grouped.groups.flatMap((x) => {
      const into = packed.get(x.id)
      if (into === undefined) return [x]
      return into.parts.at(-1) === x ? [into] : []
    })
    return { graph: grouped.graph, groups }
  },
}

interface Part {
  readonly group: Group
  readonly operands: readonly ValueId[]
}

/** The structure of a group, its operands numbered: equal keys are one structure. Undefined where it is not elementwise in buffers of
 *  its own and scalars. Scalars are part of the key: all parts read the same ones. */
export function packForm(
  g: GraphIndex,
  group: Group,
  inBuffer: (v: ValueId) => boolean,
): { key: string; operands: readonly ValueId[] } | undefined {
  const size = numel(group.outer)
  if (!isStatic(size) || size < 2) return undefined
  const members = new Set(group.members)
  const probe = new Probe(g, group.outer, [], (v) => inBuffer(v) && !members.has(v))
  const operands: ValueId[] = []
  const number = (v: ValueId): number => {
    if (!operands.includes(v)) operands.push(v)
    return operands.indexOf(v)
  }
  const lines: string[] = []
  for (const s of group.stores) {
    const value = probe.atOuter(s.value) ?? bug(`%${s.value} does not fit its group`)
    let plain = true
    const named = probe.k.rewrite(value, (e): Expr | undefined => {
      if (e.kind !== "load") return undefined
      const v = Number(e.buffer)
      if (g.inputs.has(v) || e.type !== "f32") plain = false
      const scalar = numel(typeOfValue(g, v).shape) === 1
      if (!scalar && e.index !== probe.linear) plain = false
      return probe.k.ref(scalar ? `scalar${v}` : `operand${number(v)}`, e.type)
    })
    const indexed = [...probe.k.namesIn(named)].some((n) => !/^(scalar|operand)/.test(n))
    if (!plain || indexed || typeOfValue(g, s.value).dtype !== "f32") return undefined
    lines.push(`operand${number(s.slot ?? bug("an update has a slot"))} = ${printExpr(named)}`)
  }
  return { key: lines.join("; "), operands }
}

/** The buffers that a pack walks over at the same time: for each operand, that of every part. */
export function packOperands(g: GraphIndex, pack: Group, inBuffer: (v: ValueId) => boolean): ValueId[][] {
  const parts = pack.parts.map(
    (x) => packForm(g, x, inBuffer)?.operands ?? bug("a part of a pack has a form"),
  )
  return parts[0]!.map((_, n) => parts.map((operands) => operands[n]!))
}
/** The slot in which a value lies, if any, as the groups stand. */
export function slotHolding(g: GraphIndex, groups: readonly Group[]): (v: ValueId) => ValueId | undefined {
  const into = new Map(
    groups.flatMap((x) => (x.members.length === 0 ? [] : x.stores)).map((s) => [s.value, s.slot]),
  )
  return (v) => (g.slots.has(v) ? v : (into.get(v) ?? undefined))
}

/** Elements of a value in a pack: members start at multiples of PACK_ALIGN. */
export const paddedSize = (type: TensorType): number => {
  const size = numel(type.shape)
  return isStatic(size) ? Math.ceil(size / PACK_ALIGN) * PACK_ALIGN : bug("members of packs have fixed sizes")
}

/** Parts that share no buffer, as many as fit one binding. */
function chunks(g: GraphIndex, parts: readonly Part[], taken: Set<ValueId>, cx: PassContext): Group[][] {
  const out: Group[][] = []
  let chunk: Group[] = []
  let bytes = 0
  const close = (): void => {
    if (chunk.length > 1) out.push(chunk)
    chunk = []
    bytes = 0
  }
  for (const { group, operands } of parts) {
    if (operands.some((v) => taken.has(v))) continue
    const size = paddedSize(typeOfValue(g, operands[0]!)) * bytesOf("f32")
    if (bytes + size > cx.target.maxBindingBytes) close()
    for (const v of operands) taken.add(v)
    chunk.push(group)
    bytes += size
  }
  close()
  return out
}

function packOf(id: number, parts: readonly Group[]): Group {
  const total = parts.reduce((n, x) => n + paddedSize({ dtype: "f32", shape: x.outer }), 0)
  return {
    id,
    kind: "pack",
    outer: [total],
    rootAxes: null,
    inner: [],
    members: parts.flatMap((x) => x.members),
    full: [],
    stores: parts.flatMap((x) => x.stores),
    parts,
    plan: null,
  }
}
