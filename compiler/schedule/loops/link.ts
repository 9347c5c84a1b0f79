/** schedule: the kernels of the parts of a graph -> one program.   Part[], KernelProgram[] -> KernelProgram
 *  Assumes:    the parts of `cut`, in its order, each scheduled.
 *  Guarantees: a value that parts share, by its name, is one buffer; equal kernels are one kernel; parts with iterations are loops. */
import type { Graph } from "../../ir/graph/types.js"
import type {
  Buffer,
  BufferRef,
  Dispatch,
  Kernel,
  KernelProgram,
  Loop,
  Pack,
} from "../../ir/kernels/types.js"
import { bug } from "../../source/bug.js"
import { canonical } from "../../ir/kernels/canonical.js"
import type { Part } from "../../ir/groups/types.js"

export function link(
  graph: Graph,
  parts: readonly Part[],
  programs: readonly KernelProgram[],
): KernelProgram {
  const [only] = programs
  if (parts.length === 1 && only !== undefined) return only
  const buffers = new SharedBuffers(graph)
  const kernels = new SharedKernels()
  const dispatches: Dispatch[] = []
  const loops: Loop[] = []
  const packs: Pack[] = []
  programs.forEach((program, i) => {
    const first = dispatches.length
    const ids = buffers.enter(program)
    const names = new Map(program.kernels.map((k) => [k.name, kernels.enter(k)]))
    const bufferOf = (id: number): number => ids.get(id) ?? bug(`no buffer ${id}`)
    const firstPack = packs.length
    for (const p of program.packs)
      packs.push({ id: packs.length, name: p.name, members: p.members.map(bufferOf) })
    for (const d of program.dispatches) {
      const args = d.args.map((ref): BufferRef =>
        ref.kind === "pack"
          ? { kind: "pack", id: firstPack + ref.id }
          : { kind: "buffer", id: bufferOf(ref.id) },
      )
      dispatches.push({ ...d, kernel: names.get(d.kernel) ?? bug(`no kernel ${d.kernel}`), args })
    }
    const iterations = parts[i]?.iterations ?? null
    if (iterations !== null && dispatches.length > first)
      loops.push({ first, end: dispatches.length, iterations })
  })
  return {
    name: graph.name,
    buffers: buffers.all,
    packs,
    kernels: kernels.all,
    dispatches,
    loops,
    outputs: graph.outputs.map((o) => ({ name: o.name, buffer: buffers.idOf(o.name) })),
  }
}

class SharedBuffers {
  readonly all: Buffer[] = []
  /** The buffers of inputs and outputs of the parts, by name. */
  private readonly byName = new Map<string, number>()
  private readonly slots = new Map<string, number>()

  constructor(private readonly graph: Graph) {}

  idOf(name: string): number {
    return this.byName.get(name) ?? bug(`${name} is in no buffer`)
  }
  /** The number here of each buffer of a part. */
  enter(program: KernelProgram): ReadonlyMap<number, number> {
    // One value may be several outputs of the graph, and be given to other parts besides.
    const given = new Map<number, string[]>()
    for (const o of program.outputs) given.set(o.buffer, [...(given.get(o.buffer) ?? []), o.name])
    return new Map(
      program.buffers.map((b) => {
        const shown = given.get(b.id) ?? []
        if (b.role === "slot") {
          // A new value of the slot may be an output too.
          const id = this.named(this.slots, [b.name], b)
          for (const name of shown) this.byName.set(name, id)
          return [b.id, id]
        }
        // An output that a part stores into an input's rows is that input.
        const names = b.role === "data" || b.role === "feed" ? [b.name] : shown
        return [b.id, names.length === 0 ? this.add(b) : this.named(this.byName, names, b)]
      }),
    )
  }

  private named(known: Map<string, number>, names: readonly string[], b: Buffer): number {
    const id =
      names.map((name) => known.get(name)).find((found) => found !== undefined) ??
      this.add({ ...b, role: this.roleOf(names, b) })
    for (const name of names) known.set(name, id)
    return id
  }
  private roleOf(names: readonly string[], b: Buffer): Buffer["role"] {
    if (b.role === "slot" || b.role === "data") return b.role
    if (this.graph.inputs.some((i) => names.includes(i.name))) return "feed"
    return this.graph.outputs.some((o) => names.includes(o.name)) ? "output" : "temp"
  }
  private add(b: Buffer): number {
    this.all.push({ ...b, id: this.all.length })
    return this.all.length - 1
  }
}

class SharedKernels {
  readonly all: Kernel[] = []
  private readonly byText = new Map<string, string>()
  private readonly names = new Set<string>()

  enter(kernel: Kernel): string {
    const text = canonical(kernel)
    const known = this.byText.get(text)
    if (known !== undefined) return known
    let name = kernel.name
    for (let i = 1; this.names.has(name); i++) name = `${kernel.name}_${i}`
    this.names.add(name)
    this.byText.set(text, name)
    this.all.push({ ...kernel, name })
    return name
  }
}
