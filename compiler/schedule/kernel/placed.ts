/** schedule: the buffer of every value of a program, as its groups are made into kernels.
 *  Not here:   where buffers lie in memory (memory/). */
import { elementsOf, type GraphIndex, typeOfValue } from "../../ir/graph/graph-index.js"
import type { Row, ValueId } from "../../ir/graph/types.js"
import type { GroupedGraph } from "../../ir/groups/types.js"
import type { Buffer, Dispatch, Pack } from "../../ir/kernels/types.js"
import { divDim, numel } from "../../ir/tensor.js"
import { bug } from "../../source/bug.js"
import type { Placed } from "./kernel-build.js"

/** Buffers whose rows do not start at multiples of four elements: they are accessed by element. */
export function unaligned({ g, rows, bufferOf, target }: Placed): ReadonlySet<number> {
  if (target.anyVectors) return new Set()
  const bad = [...rows.keys()].filter((v) => divDim(elementsOf(g, v), 4) === undefined)
  return new Set(bad.flatMap((v) => bufferOf(v)?.id ?? []))
}

/** The buffers of grouped graphs. */
export const buffersIn = (g: GraphIndex, grouped: GroupedGraph): Pick<Placed, "g" | "bufferOf" | "rows"> => {
  const table = new BufferTable(g, grouped)
  return { g, bufferOf: (v) => table.bufferOf(v), rows: table.rows }
}

/** Which buffer every value lives in. */
export class BufferTable {
  private readonly buffers: Buffer[] = []
  private readonly byValue = new Map<ValueId, Buffer>()
  readonly rows = new Map<ValueId, Row>()
  constructor(
    private readonly g: GraphIndex,
    grouped: GroupedGraph,
  ) {
    for (const s of g.graph.state) this.make(s.id, s.name, "slot")
    for (const i of g.graph.inputs) {
      if (i.source.kind === "data") this.make(i.id, i.source.field, "data")
      if (i.source.kind === "feed") this.make(i.id, i.name, "feed")
    }
    const outputs = new Set(g.graph.outputs.map((o) => o.value))
    for (const { value, into } of g.graph.outputs) {
      if (into === undefined) continue
      this.rows.set(value, into.row)
      this.byValue.set(value, this.byValue.get(into.input) ?? bug(`no input %${into.input}`))
    }
    for (const group of grouped.groups) {
      for (const { value, slot } of group.stores) {
        if (slot !== null) {
          if (!this.byValue.has(value))
            this.byValue.set(value, this.byValue.get(slot) ?? bug(`no slot %${slot}`))
        } else if (!this.rows.has(value)) {
          const node = g.nodes.get(value) ?? bug(`%${value} is stored twice`)
          this.make(value, `${node.op}_${value}`, outputs.has(value) ? "output" : "temp")
        }
      }
    }
  }
  bufferOf(value: ValueId): Buffer | undefined {
    return this.byValue.get(value)
  }
  used(
    dispatches: readonly Dispatch[],
    packs: readonly Pack[],
    outputs: readonly { buffer: number }[],
  ): Buffer[] {
    const ids = new Set([...outputs.map((o) => o.buffer), ...packs.flatMap((x) => x.members)])
    for (const d of dispatches) for (const a of d.args) if (a.kind === "buffer") ids.add(a.id)
    return this.buffers.filter((b) => ids.has(b.id))
  }
  private make(value: ValueId, name: string, role: Buffer["role"]): void {
    const { dtype, shape } = typeOfValue(this.g, value)
    const buffer: Buffer = { id: this.buffers.length, name, dtype, elements: numel(shape), role }
    this.buffers.push(buffer)
    this.byValue.set(value, buffer)
  }
}
