/** schedule: the bindings of a merged kernel: each buffer once, and slots that it updates as packs when there are too many. */
import { bytesOf, divDim, isStatic } from "../../ir/tensor.js"
import {
  type Buffer,
  type BufferRef,
  type Kernel,
  type KernelParam,
  PACK_ALIGN,
} from "../../ir/kernels/types.js"
import type { TargetProfile } from "../../targets/target.js"
import type { Binding } from "./fused-kernel.js"

export interface Bindings {
  /** For each part, the bindings of its parameters. */
  readonly parts: readonly (readonly Binding[])[]
  readonly refs: ReadonlyMap<KernelParam, BufferRef>
  /** The members of new packs; a reference to pack -1 - n means the n-th. */
  readonly packs: readonly (readonly number[])[]
}
interface Part {
  readonly kernel: Kernel
  readonly args: readonly BufferRef[]
}

/** Undefined where the parts bind too much together, one that cannot be bound at all, one by itself and in a pack, or one in two
 *  widths; but a buffer that is only read may be read in both widths if it is made of whole vectors. `packs`: members by id. */
export function bindingsOf(
  parts: readonly Part[],
  buffers: ReadonlyMap<number, Buffer>,
  packs: ReadonlyMap<number, readonly number[]>,
  packable: ReadonlySet<number>,
  target: TargetProfile,
): Bindings | undefined {
  const limit = target.maxStorageBuffersPerStage
  const all = parts.flatMap(({ kernel, args }) =>
    kernel.params.map((param, i): Use => ({ param, ref: args[i]! })),
  )
  const tooLarge = ({ ref }: Use): boolean => {
    const b = ref.kind === "buffer" ? buffers.get(ref.id)! : undefined
    return b !== undefined && isStatic(b.elements) && b.elements * bytesOf(b.dtype) > target.maxBindingBytes
  }
  if (all.some(tooLarge)) return undefined
  const plain = new Set(all.map((u) => keyOf(u.ref)))
  const layout = plain.size <= limit ? NO_PACKS : packsOf(all, buffers, packable, target)
  const bound = new Map<string, { param: KernelParam; ref: BufferRef }>()
  const names = new Set<string>()
  const offsets = new Map<Use, { key: string; offset: number }>()
  for (const use of all) {
    const { param, ref } = use
    const inPack = ref.kind === "buffer" ? layout.of.get(ref.id) : undefined
    const key = inPack === undefined ? keyOf(ref) : `new ${inPack.pack}`
    offsets.set(use, { key, offset: inPack?.offset ?? 0 })
    const known = bound.get(key)
    if (known === undefined) {
      let name = inPack === undefined ? param.name : "updated"
      for (let i = 1; names.has(name); i++) name = `${inPack === undefined ? param.name : "updated"}_${i}`
      names.add(name)
      const to: BufferRef = inPack === undefined ? ref : { kind: "pack", id: -1 - inPack.pack }
      bound.set(key, { param: { ...param, name }, ref: to })
    } else {
      if (known.param.dtype !== param.dtype) return undefined
      const access = known.param.access === param.access ? param.access : "read_write"
      const mixed = known.param.width !== param.width
      if (mixed && !(access === "read" && inWholeVectors(ref, buffers))) return undefined
      bound.set(key, { ...known, param: { ...known.param, access, width: mixed ? 4 : param.width } })
    }
  }
  if (bound.size > limit) return undefined
  const members = [...bound.values()].flatMap(({ ref: { kind, id } }) =>
    kind === "buffer" ? [id] : id < 0 ? layout.packs[-1 - id]! : packs.get(id)!,
  )
  if (new Set(members).size < members.length) return undefined
  const next = all[Symbol.iterator]()
  return {
    parts: parts.map(({ kernel }) =>
      kernel.params.map((): Binding => {
        const { key, offset } = offsets.get(next.next().value as Use)!
        return { param: bound.get(key)!.param, offset }
      }),
    ),
    refs: new Map([...bound.values()].map(({ param, ref }) => [param, ref])),
    packs: layout.packs,
  }
}

interface Use {
  readonly param: KernelParam
  readonly ref: BufferRef
}
const inWholeVectors = (ref: BufferRef, buffers: ReadonlyMap<number, Buffer>): boolean =>
  ref.kind === "buffer" && divDim(buffers.get(ref.id)!.elements, 4) !== undefined
const keyOf = (ref: BufferRef): string => `${ref.kind} ${ref.id}`

interface Layout {
  readonly packs: readonly (readonly number[])[]
  readonly of: ReadonlyMap<number, { readonly pack: number; readonly offset: number }>
}
const NO_PACKS: Layout = { packs: [], of: new Map() }

/** One pack for the slots written by vector, one for those written by element. */
function packsOf(
  uses: readonly Use[],
  buffers: ReadonlyMap<number, Buffer>,
  packable: ReadonlySet<number>,
  target: TargetProfile,
): Layout {
  const packs: number[][] = []
  const of = new Map<number, { pack: number; offset: number }>()
  for (const width of [4, 1] as const) {
    const ids = new Set<number>()
    for (const { param, ref } of uses) {
      if (ref.kind === "buffer" && packable.has(ref.id) && param.access !== "read" && param.width === width)
        ids.add(ref.id)
    }
    const offsets = new Map<number, number>()
    let end = 0
    for (const id of ids) {
      offsets.set(id, end)
      const { elements } = buffers.get(id)!
      end += Math.ceil(Number(elements) / PACK_ALIGN) * PACK_ALIGN
    }
    if (ids.size < 2 || end * bytesOf("f32") > target.maxBindingBytes) continue
    for (const [id, offset] of offsets) of.set(id, { pack: packs.length, offset })
    packs.push([...ids])
  }
  return { packs, of }
}
