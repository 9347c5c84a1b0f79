/** ir/kernels: a program as a diagram: its dispatches in order, and the buffers they read and write. */
import type { Arrow, Box, Diagram } from "../diagram.js"
import { printDim } from "../tensor.js"
import type { BufferRef, KernelProgram } from "./types.js"

export function programDiagram(program: KernelProgram): Diagram {
  const kernels = new Map(program.kernels.map((k) => [k.name, k]))
  const arrows: Arrow[] = []
  const dispatches = program.dispatches.map(({ kernel, args }, n): Box => {
    const id = `dispatch ${n}`
    const { template = "", origins = [], params = [] } = kernels.get(kernel) ?? {}
    params.forEach(({ access }, i) => {
      const buffer = boxOf(args[i]!)
      if (access !== "write") arrows.push({ from: buffer, to: id })
      if (access !== "read") arrows.push({ from: id, to: buffer })
    })
    return { id, kind: "dispatch", label: [`${n} ${kernel}`, template], origins }
  })
  const used = new Set(arrows.flatMap(({ from, to }) => [from, to]))
  const buffers = program.buffers.map((b): Box => {
    const id = boxOf({ kind: "buffer", id: b.id })
    return { id, kind: "buffer", label: [b.name, `${b.dtype}[${printDim(b.elements)}]`], origins: [] }
  })
  const packs = program.packs.map((p): Box => {
    const id = boxOf({ kind: "pack", id: p.id })
    return { id, kind: "buffer", label: [p.name, `${p.members.length} buffers`], origins: [] }
  })
  const boxes = [...dispatches, ...[...buffers, ...packs].filter(({ id }) => used.has(id))]
  return { title: program.name, boxes, arrows, frames: [] }
}

const boxOf = ({ kind, id }: BufferRef): string => `${kind} ${id}`
