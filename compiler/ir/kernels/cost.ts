/** ir/kernels: the bytes and operations of a dispatch, counted in its kernel. A person compares them with the time that it takes.
 *  bytes: every buffer bound counts once, twice where it is read and written; of a data set, the rows of one batch; in a loop, of a
 *  buffer with a row for each iteration, that row.
 *  flops: operations on floats, a function like `exp` as one. Where a condition lets only some invocations work, they are taken to be
 *  the first ones out of all: exact for tails and tiles, roughly right for the rest. */
import { bytesOf, type DimValues, evalDim } from "../tensor.js"
import { openGrid } from "./grid.js"
import { rowsByIteration } from "./loop-rows.js"
import { Most } from "./most.js"
import type { Dispatch, Expr, Kernel, KernelProgram, ScalarType, Stmt } from "./types.js"

export interface Cost {
  readonly bytes: number
  readonly flops: number
}

/** One iteration of it, when it stands in a loop; one call, when it makes many. */
export function costOf(program: KernelProgram, dispatch: Dispatch, dims: DimValues): Cost {
  const kernel = program.kernels.find((k) => k.name === dispatch.kernel)!
  const batch = { ...dims, R: Math.min(dims.R, dims.B) }
  const buffers = new Map(program.buffers.map((b) => [b.id, b]))
  const packs = new Map(program.packs.map((p) => [p.id, p.members]))
  const at = program.dispatches.indexOf(dispatch)
  const loop = program.loops?.find(({ first, end }) => first <= at && at < end)
  const rows = loop && rowsByIteration(kernel, loop.iterations)
  const bytes = dispatch.args.reduce((sum, ref, i) => {
    const { access, name } = kernel.params[i]!
    const times = (access === "read_write" ? 2 : 1) / Math.max(1, rows?.get(name) ?? 1)
    const ids = ref.kind === "buffer" ? [ref.id] : packs.get(ref.id)!
    const sizes = ids.map((id) => buffers.get(id)!).map((b) => evalDim(b.elements, batch) * bytesOf(b.dtype))
    return sum + times * sizes.reduce((a, b) => a + b, 0)
  }, 0)
  return { bytes: Math.round(bytes), flops: flopsOf(kernel, dims) }
}

/** `1.50 MB, 24.6 kflop` */
export const printCost = ({ bytes, flops }: Cost): string => `${scaled(bytes)}B, ${scaled(flops)}flop`

/** `1.50 M`: three digits, and the power of 1000 that they are to be taken times. */
export function scaled(value: number): string {
  const power = value < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(value) / 3))
  const digits = power === 0 ? String(Math.round(value)) : THREE_DIGITS.format(value / 1000 ** power)
  return `${digits} ${["", "k", "M", "G", "T"][power]}`
}
const THREE_DIGITS = new Intl.NumberFormat("en", {
  minimumSignificantDigits: 3,
  maximumSignificantDigits: 3,
  useGrouping: false,
})

function flopsOf(kernel: Kernel, dims: DimValues): number {
  const { grid, lanes, body } = openGrid(kernel.body)
  const count = new Count(dims)
  let times = 1
  for (const { name, extent } of grid) times *= count.loop(name, extent)
  if (lanes !== undefined) {
    count.most.byName.set(lanes.name, lanes.extent - 1)
    times *= lanes.extent
  }
  return Math.round(count.block(body, times))
}

class Count {
  readonly most: Most
  constructor(dims: DimValues) {
    this.most = new Most(dims)
  }

  /** How often a loop runs; its variable is known from now on. */
  loop(name: string, extent: Expr): number {
    return this.most.loop(name, extent) ?? 1
  }

  /** Operations of statements that run `times` times. */
  block(body: readonly Stmt[], times: number): number {
    return body.reduce((sum, s) => sum + this.stmt(s, times), 0)
  }

  private stmt(s: Stmt, times: number): number {
    switch (s.kind) {
      case "for":
        if (s.on !== "calls") return this.block(s.body, times * this.loop(s.name, s.extent))
        this.most.byName.set(s.name, 0)
        return this.block(s.body, times)
      case "when": {
        const share = this.share(s.cond)
        const before = new Map(this.most.byName)
        this.bound(s.cond)
        const inside = this.block(s.then, times * share)
        before.forEach((most, name) => this.most.byName.set(name, most))
        return inside
      }
      case "let":
        this.most.let(s.name, s.value)
        return times * operations(s.value)
      case "set":
        return times * operations(s.value)
      case "var":
        return times * operations(s.init)
      case "store":
      case "store-shared":
        return times * operations(s.value)
      case "join":
        return times * (operations(s.value) + 1)
      case "barrier":
        return 0
    }
  }

  /** The share of all iterations for which a condition holds. */
  private share(cond: Expr): number {
    if (cond.kind !== "op") return 1
    const [a, b] = cond.args
    if (cond.op === "and") {
      const [x, y] = [this.share(a!), this.share(b!)]
      // A lower and an upper bound of one name: each leaves out its own part.
      return isRange(a!, b!) ? Math.max(0, x + y - 1) : x * y
    }
    const [most, bound] = [this.most.of(a!), this.most.of(b ?? a!)]
    if (most === undefined || bound === undefined) return 1
    if (cond.op === "lt") return Math.min(1, bound / (most + 1))
    if (cond.op === "ge") return Math.max(0, 1 - bound / (most + 1))
    return cond.op === "eq" ? 1 / (most + 1) : 1
  }

  /** The ranges to which a condition limits the names in it. */
  private bound(cond: Expr): void {
    if (cond.kind !== "op") return
    if (cond.op === "and") return cond.args.forEach((c) => this.bound(c))
    const [a, b] = cond.args
    if (cond.op !== "lt" || a?.kind !== "ref" || b === undefined) return
    const [most, below] = [this.most.byName.get(a.name), this.most.of(b)]
    if (most !== undefined && below !== undefined) this.most.byName.set(a.name, Math.min(most, below - 1))
  }
}

/** `x >= a` and `x < b` */
function isRange(from: Expr, below: Expr): boolean {
  if (from.kind !== "op" || below.kind !== "op" || from.op !== "ge" || below.op !== "lt") return false
  const [a, b] = [from.args[0], below.args[0]]
  return a?.kind === "ref" && b?.kind === "ref" && a.name === b.name
}

const isFloat = (type: ScalarType): boolean => type === "f32" || type === "f16"

/** Float operations of an expression, lanes of a vector each. */
function operations(e: Expr): number {
  switch (e.kind) {
    case "op": {
      const own = isFloat(e.type) && e.op !== "select" && !e.op.startsWith("to_") ? e.width : 0
      return e.args.reduce((sum, a) => sum + operations(a), own)
    }
    case "guard":
      return operations(e.cond) + operations(e.then)
    case "splat":
    case "lane":
      return operations(e.value)
    case "vec":
      return e.items.reduce((sum, item) => sum + operations(item), 0)
    default:
      return 0
  }
}
