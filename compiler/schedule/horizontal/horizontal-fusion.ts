/** schedule: kernels that do not wait for each other run as one.   KernelProgram[] -> KernelProgram[]
 *  Assumes:    dispatches are in an order in which the program is right.
 *  Guarantees: a dispatch that reads a buffer which another one writes, or writes one which it reads, stays after it; nothing moves into or out of
 *              a loop, or past a dispatch that waits; no kernel binds more buffers than the target allows.
 *  How:        a list of buckets, each one dispatch. The dispatch with the longest chain of dependents opens a bucket; whatever
 *              else is ready joins where it fits. Slots that a bucket updates may be bound as one pack.
 *  Not here:   the text of a merged kernel (`horizontal/fused-kernel.ts`). */
import type { Pass } from "../../pass.js"
import { bug } from "../../source/bug.js"
import type { HorizontalFusionCosts, TargetProfile } from "../../targets/target.js"
import { bytesOf, type DimValues } from "../../ir/tensor.js"
import { evalSize, gridOf } from "../../ir/kernels/grid.js"
import { hasBarrier } from "../../ir/kernels/walk.js"
import type { Buffer, BufferRef, Dispatch, Kernel, KernelProgram, Pack } from "../../ir/kernels/types.js"
import { canonical } from "../../ir/kernels/canonical.js"
import { LARGEST, MOST_EXTRA_WORKGROUPS, MOST_TRIED, NOMINAL } from "../cost/model.js"
import { type Bindings, bindingsOf } from "./bindings.js"
import { codeSize } from "../../ir/kernels/code-size.js"
import { commonArrays, commonLanes, lanesOf, fusedKernel } from "./fused-kernel.js"

export const horizontalFusion: Pass<readonly KernelProgram[], readonly KernelProgram[]> = {
  name: "horizontal-fusion",
  summary: "run kernels that need not wait for each other as one",
  run: (programs, cx) => {
    const costs = cx.target.costs.horizontalFusion
    if (costs === undefined) return programs
    return programs.map((program, i) => {
      const others = programs.filter((_, n) => n !== i)
      return new HorizontalFusion(program, packable(program, others), cx.target, costs, cx.remark).run()
    })
  },
}

/** Nothing changes places with a dispatch that waits. */
function untilOneWaits(dispatches: readonly Dispatch[]): readonly (readonly Dispatch[])[] {
  const starts = [0, ...dispatches.flatMap((d, i) => (d.waits && i > 0 ? [i] : []))]
  return starts.map((start, n) => dispatches.slice(start, starts[n + 1]))
}

const workgroups = (kernel: Kernel, dims: DimValues): number =>
  gridOf(kernel).reduce((n, extent) => n * evalSize(extent, dims), 1)

/** Slots that may lie in a pack: nobody else updates them, and no program has laid them into one already. */
function packable(program: KernelProgram, others: readonly KernelProgram[]): ReadonlySet<number> {
  const elsewhere = new Set(others.flatMap((p) => [...updatedSlots(p), ...packedSlots(p)]))
  const own = packedSlots(program)
  const updated = updatedSlots(program)
  return new Set(
    program.buffers
      .filter((b) => b.dtype === "f32" && updated.has(b.name) && !own.has(b.name) && !elsewhere.has(b.name))
      .map((b) => b.id),
  )
}
const packedSlots = (p: KernelProgram): Set<string> => {
  const members = new Set(p.packs.flatMap((x) => x.members))
  return new Set(p.buffers.filter((b) => members.has(b.id)).map((b) => b.name))
}
/** Read before they are written. */
function updatedSlots(p: KernelProgram): Set<string> {
  const uses = new Uses(p)
  const read = new Set<number>()
  const written = new Set<number>()
  const updated = new Set<number>()
  for (const d of p.dispatches) {
    const { reads, writes } = uses.of(d)
    for (const id of reads) if (!written.has(id)) read.add(id)
    for (const id of writes) {
      written.add(id)
      if (read.has(id)) updated.add(id)
    }
  }
  return new Set(p.buffers.filter((b) => b.role === "slot" && updated.has(b.id)).map((b) => b.name))
}

/** The buffers that dispatches read and write, those in packs included. */
class Uses {
  private readonly kernels: ReadonlyMap<string, Kernel>
  readonly packs: ReadonlyMap<number, readonly number[]>
  constructor(program: KernelProgram) {
    this.kernels = new Map(program.kernels.map((k) => [k.name, k]))
    this.packs = new Map(program.packs.map((p) => [p.id, p.members]))
  }
  kernel(d: Dispatch): Kernel {
    return this.kernels.get(d.kernel) ?? bug(`no kernel ${d.kernel}`)
  }
  of(d: Dispatch): { reads: ReadonlySet<number>; writes: ReadonlySet<number> } {
    const reads = new Set<number>()
    const writes = new Set<number>()
    this.kernel(d).params.forEach(({ access }, i) => {
      const ref = d.args[i]!
      for (const id of ref.kind === "buffer" ? [ref.id] : this.packs.get(ref.id)!) {
        if (access !== "write") reads.add(id)
        if (access !== "read") writes.add(id)
      }
    })
    return { reads, writes }
  }
}

class HorizontalFusion {
  private readonly uses: Uses
  private readonly buffers: ReadonlyMap<number, Buffer>
  private readonly packs: Pack[]
  private readonly kernels: Kernel[] = []
  private readonly known = new Map<string, string>()
  private readonly names: Set<string>
  private readonly packNames: Set<string>
  private lastPack = 0
  private readonly sizes = new Map<Kernel, number>()
  /** Kernels of several dispatches. */
  private readonly shared: ReadonlySet<string>

  constructor(
    private readonly program: KernelProgram,
    private readonly packable: ReadonlySet<number>,
    private readonly target: TargetProfile,
    private readonly costs: HorizontalFusionCosts,
    private readonly remark: (text: string) => void,
  ) {
    this.uses = new Uses(program)
    this.buffers = new Map(program.buffers.map((b) => [b.id, b]))
    this.packs = [...program.packs]
    this.packNames = new Set(program.packs.map((p) => p.name))
    this.names = new Set(program.kernels.map((k) => k.name))
    const first = new Set<string>()
    const again = program.dispatches.filter((d) => first.size === first.add(d.kernel).size)
    this.shared = new Set(again.map((d) => d.kernel))
  }

  run(): KernelProgram {
    const { dispatches, loops = [] } = this.program
    const out: Dispatch[] = []
    const newLoops = []
    let at = 0
    for (const loop of [...loops, undefined]) {
      for (const piece of untilOneWaits(dispatches.slice(at, loop?.first))) out.push(...this.segment(piece))
      if (loop === undefined) break
      const first = out.length
      out.push(...this.segment(dispatches.slice(loop.first, loop.end)))
      newLoops.push({ ...loop, first, end: out.length })
      at = loop.end
    }
    return {
      ...this.program,
      packs: this.packs,
      kernels: this.kernels,
      dispatches: out,
      ...(this.program.loops && { loops: newLoops }),
    }
  }

  private segment(dispatches: readonly Dispatch[]): Dispatch[] {
    const { after, rank } = this.hazards(dispatches)
    // Where memory is short, a value is read as soon as the program's order says, so that its buffer is free again.
    if (this.program.dispatches.some((d) => d.waits)) rank.fill(0)
    const waits = dispatches.map(() => 0)
    for (const next of after) for (const i of next) waits[i] = waits[i]! + 1
    let ready = [...dispatches.keys()].filter((i) => waits[i] === 0)
    const out: Dispatch[] = []
    while (ready.length > 0) {
      ready.sort((a, b) => rank[b]! - rank[a]! || a - b)
      let bucket: number[] = [ready[0]!]
      let bindings: Bindings | undefined
      for (const i of ready.slice(1, MOST_TRIED)) {
        const wanted = [...bucket, i]
        const fitting = this.fit(wanted.map((n) => dispatches[n]!))
        if (fitting === undefined) continue
        bucket = wanted
        bindings = fitting
      }
      const members = bucket.map((i) => dispatches[i]!)
      out.push(bindings === undefined ? this.alone(members[0]!) : this.merged(members, bindings))
      const done = new Set(bucket)
      ready = ready.filter((i) => !done.has(i))
      for (const i of bucket)
        for (const next of after[i]!) if ((waits[next] = waits[next]! - 1) === 0) ready.push(next)
    }
    return out
  }

  /** The dispatches that have to stay after each one, the nearest only, and the length of the longest chain from it to the end. */
  private hazards(dispatches: readonly Dispatch[]): { after: ReadonlySet<number>[]; rank: number[] } {
    const after = dispatches.map(() => new Set<number>())
    const lastWrite = new Map<number, number>()
    const readsSince = new Map<number, number[]>()
    dispatches.forEach((d, i) => {
      const { reads, writes } = this.uses.of(d)
      for (const id of [...reads, ...writes]) {
        const writer = lastWrite.get(id)
        if (writer !== undefined) after[writer]!.add(i)
      }
      for (const id of writes) for (const reader of readsSince.get(id) ?? []) after[reader]!.add(i)
      for (const id of writes) {
        lastWrite.set(id, i)
        readsSince.set(id, [])
      }
      for (const id of reads) if (!writes.has(id)) readsSince.set(id, [...(readsSince.get(id) ?? []), i])
    })
    const rank = dispatches.map(() => 1)
    for (let i = dispatches.length - 1; i >= 0; i--)
      for (const next of after[i]!) rank[i] = Math.max(rank[i]!, rank[next]! + 1)
    return { after, rank }
  }

  private fit(dispatches: readonly Dispatch[]): Bindings | undefined {
    if (!this.costs.repeatsCode && dispatches.some((d) => this.shared.has(d.kernel))) return undefined
    const kernels = dispatches.map((d) => this.uses.kernel(d))
    const lanes = commonLanes(kernels)
    if (lanes === undefined) return undefined
    if (!this.costs.barriers && kernels.some((k) => hasBarrier(k.body))) return undefined
    if (kernels.reduce((n, k) => n + this.sizeOf(k), 0) > this.costs.size) return undefined
    const arrays = commonArrays(kernels).arrays.filter((s) => !s.own)
    const bytes = arrays.reduce((n, s) => n + s.length * bytesOf(s.type), 0)
    if (bytes > this.target.maxWorkgroupMemory) return undefined
    const more = kernels.map((k) => workgroups(k, NOMINAL) * Math.max(0, lanesOf(k) / lanes - 1))
    if (more.reduce((a, b) => a + b) > MOST_EXTRA_WORKGROUPS) return undefined
    const parts = dispatches.map((d, i) => ({ kernel: kernels[i]!, args: d.args }))
    return bindingsOf(parts, this.buffers, this.uses.packs, this.packable, this.target)
  }

  private sizeOf(kernel: Kernel): number {
    let size = this.sizes.get(kernel)
    if (size === undefined) this.sizes.set(kernel, (size = codeSize(kernel.body)))
    return size
  }

  private alone(d: Dispatch): Dispatch {
    const kernel = this.uses.kernel(d)
    if (!this.kernels.includes(kernel)) this.kernels.push(kernel)
    return d
  }

  private merged(dispatches: readonly Dispatch[], bindings: Bindings): Dispatch {
    const kernels = dispatches.map((d) => this.uses.kernel(d))
    const parts = kernels.map((kernel, i) => ({ kernel, bindings: bindings.parts[i]! }))
    const lanes = commonLanes(kernels) ?? bug("kernels of different lanes run together")
    const groups = kernels.map((k) => Math.ceil((workgroups(k, LARGEST) * lanesOf(k)) / lanes))
    const folded = groups.reduce((a, b) => a + b) > this.target.maxWorkgroupsPerDimension
    const made = fusedKernel(parts, lanes, folded)
    const text = canonical(made)
    let name = this.known.get(text)
    if (name === undefined) {
      name = made.name
      for (let i = 1; this.names.has(name); i++) name = `${made.name}_${i}`
      this.names.add(name)
      this.known.set(text, name)
      this.kernels.push({ ...made, name })
      this.remark(`${name}: ${kernels.map((k) => k.name).join(", ")}`)
    }
    const packed = bindings.packs.map((members) => {
      const id = this.packs.length
      this.packs.push({ id, name: this.packName(), members })
      return id
    })
    const args = made.params.map((p): BufferRef => {
      const ref = bindings.refs.get(p) ?? bug(`${p.name} is bound to nothing`)
      return ref.kind === "pack" && ref.id < 0 ? { kind: "pack", id: packed[-1 - ref.id]! } : ref
    })
    return { kernel: name, args }
  }
  private packName(): string {
    let name = "updated"
    while (this.packNames.has(name)) name = `updated_${++this.lastPack}`
    this.packNames.add(name)
    return name
  }
}
