/** schedule: the names, parameters and values of a group's nodes inside its kernel, which all templates use.
 *  Not here:   loop nests (`templates/`). */
import { bug } from "../../source/bug.js"
import type { TargetProfile } from "../../targets/target.js"
import type { Row, ValueId } from "../../ir/graph/types.js"
import type { Buffer, Expr, KernelParam, SharedArray, Stmt } from "../../ir/kernels/types.js"
import { MOST_ROWS } from "../../ir/kernels/most.js"
import { childrenOf, eachStmt, exprsOf, widthOf } from "../../ir/kernels/walk.js"
import { type Dim, evalDim } from "../../ir/tensor.js"
import { Exprs } from "../expressions/exprs.js"
import type { Group } from "../../ir/groups/types.js"
import { placeLets } from "../expressions/place-lets.js"
import { shortSums } from "./short-sums.js"
import { elementsOf, type GraphIndex, typeOfValue } from "../../ir/graph/graph-index.js"
import { fromStored, linearIndex, storedType, Values } from "../expressions/values.js"
import { vectorBase, vectorize, type VectorRules } from "../expressions/vectorize.js"

/** Where values are, for all kernels of a program. */
export interface Placed {
  readonly g: GraphIndex
  readonly target: TargetProfile
  /** The largest B that the kernels will be run with. */
  readonly mostRows: number
  /** The buffer a value is loaded from, unless the group computes it. */
  bufferOf(value: ValueId): Buffer | undefined
  /** Values that are rows of a buffer. */
  readonly rows: ReadonlyMap<ValueId, Row>
}

export interface BuiltBody {
  /** Buffers accessed in both widths: the kernel has to be built again with these narrow. */
  readonly mixed: readonly number[]
  readonly params: readonly (KernelParam & { readonly buffer: number })[]
  readonly shared: readonly SharedArray[]
  readonly body: readonly Stmt[]
}

export interface PendingStore {
  readonly buffer: string
  readonly index: Expr
  readonly value: Expr
}

export class KernelBuild {
  readonly k = new Exprs()
  readonly values: Values
  readonly shared: SharedArray[] = []
  private readonly members: ReadonlySet<ValueId>
  private readonly taken = new Set<string>(["B", "R"])
  private readonly paramNames = new Map<number, string>()
  private readonly buffers = new Map<string, Buffer>()
  private readonly bound = new Map<ValueId, (index: readonly Expr[]) => Expr>()

  constructor(
    readonly placed: Placed,
    readonly group: Group,
    /** Buffers accessed by element only. */
    private readonly narrow: ReadonlySet<number> = new Set(),
  ) {
    this.members = new Set(group.members)
    this.values = new Values(placed.g, this.k, (value, index) => this.resolve(value, index))
  }

  /** A local name not used before. */
  name(wanted: string): string {
    let name = wanted
    for (let i = 1; this.taken.has(name); i++) name = `${wanted}_${i}`
    this.taken.add(name)
    return name
  }
  /** A loop variable or index with a range. `beside`: see `Exprs`. */
  variable(wanted: string, extent?: Dim, beside?: string): Expr & { kind: "ref" } {
    const v = this.k.variable(this.name(wanted), extent, beside)
    return v.kind === "ref" ? v : bug("a variable is a reference")
  }

  /** The largest value of `d`, as far as that is known. */
  most(d: Dim): number {
    return evalDim(d, { B: this.placed.mostRows, R: MOST_ROWS })
  }

  /** Another start on the same kernel, to try something out. */
  fork(): KernelBuild {
    return new KernelBuild(this.placed, this.group, this.narrow)
  }
  private get vectorRules(): VectorRules {
    const narrow = (param: string): boolean => {
      const buffer = this.buffers.get(param)
      return buffer !== undefined && this.narrow.has(buffer.id)
    }
    return { narrow, anywhere: this.placed.target.anyVectors }
  }
  /** The four values of `e` at `j` from 0 to 3. */
  widen(e: Expr, j: string, given?: ReadonlyMap<Expr, Expr>): Expr {
    return vectorize(this.k, e, j, this.vectorRules, given)
  }
  /** The stores of a vector: one where its elements lie side by side. */
  wideStores(buffer: string, linear: Expr, j: string, value: Expr): PendingStore[] {
    const { k } = this
    const first = vectorBase(k, buffer, linear, j, this.vectorRules)
    if (first !== undefined) return [{ buffer, index: first, value }]
    return [0, 1, 2, 3].map((lane) => ({
      buffer,
      index: k.substitute(linear, j, k.int(lane)),
      value: k.lane(value, lane),
    }))
  }

  /** Sets the value of a reduction or contraction of this group throughout the kernel, at any index. */
  bind(value: ValueId, at: (index: readonly Expr[]) => Expr): void {
    this.bound.set(value, at)
  }

  /** Values at one point of the group, where its reductions and contractions are `sums`. They are so at whatever index they are asked
   *  for: which nodes need a sum at its own point alone is settled when the group is made (`fuse/probe.ts`), and is not found out again
   *  from how indices look here. */
  valuesAt(sums: ReadonlyMap<ValueId, Expr>): Values {
    return new Values(this.placed.g, this.k, (value, index) => sums.get(value) ?? this.resolve(value, index))
  }

  /** The parameter that `value` is stored into. */
  target(value: ValueId): string {
    const store = this.group.stores.find((s) => s.value === value) ?? bug(`%${value} is not stored here`)
    const buffer = this.placed.bufferOf(store.slot ?? value) ?? bug(`no buffer for %${value}`)
    return this.param(buffer)
  }

  load(value: ValueId, index: readonly Expr[]): Expr {
    const buffer = this.placed.bufferOf(value) ?? bug(`no buffer for %${value}`)
    const { dtype, shape } = typeOfValue(this.placed.g, value)
    const name = this.param(buffer)
    const linear = this.inRow(value, linearIndex(this.k, index, shape))
    return fromStored(this.k, this.k.load(name, linear, storedType(dtype)), dtype)
  }

  /** The index of a value's element within its buffer. */
  private inRow(value: ValueId, linear: Expr): Expr {
    const row = this.placed.rows.get(value)
    if (row === undefined || row === "first") return linear
    const { k } = this
    const iteration = k.param("iteration")
    const next = k.add(iteration, k.int(1))
    const number = row === "iteration" ? iteration : row === "next" ? next : k.rem(next, k.int(2))
    return k.add(linear, k.mul(number, k.dim(elementsOf(this.placed.g, value))))
  }
  /** The stores of values that are rows, at the index of this iteration. */
  private storesInRows(body: readonly Stmt[]): readonly Stmt[] {
    const rows = this.group.stores.filter((s) => this.placed.rows.has(s.value))
    if (rows.length === 0) return body
    const valueIn = new Map(rows.map((s) => [this.target(s.value), s.value]))
    return body.map((s): Stmt => {
      if (s.kind === "for") return { ...s, body: this.storesInRows(s.body) }
      if (s.kind === "when") return { ...s, then: this.storesInRows(s.then) }
      const value = s.kind === "store" ? valueIn.get(s.buffer) : undefined
      return s.kind === "store" && value !== undefined ? { ...s, index: this.inRow(value, s.index) } : s
    })
  }

  /** The kernel around a finished loop nest: long sums cut, lets placed, parameters with their access and width. */
  finish(body: readonly Stmt[]): BuiltBody {
    const placed = placeLets(shortSums(this, this.storesInRows(body)), this.k, this.taken)
    const uses = new Map<string, { read: boolean; written: boolean; widths: Set<1 | 4> }>()
    const use = (name: string, width: 1 | 4): { read: boolean; written: boolean } => {
      let u = uses.get(name)
      if (u === undefined) uses.set(name, (u = { read: false, written: false, widths: new Set() }))
      u.widths.add(width)
      return u
    }
    const loads = (e: Expr): void => {
      if (e.kind === "load") use(e.buffer, e.width).read = true
      childrenOf(e).forEach(loads)
    }
    eachStmt(placed, (s) => {
      for (const e of exprsOf(s)) loads(e)
      if (s.kind === "store") {
        use(s.buffer, widthOf(s.value)).written = true
      }
    })
    const params = [...uses].map(([name, u]) => {
      const buffer = this.buffers.get(name)!
      // Where vectors are allowed anywhere, nothing is declared: accesses have their own widths.
      const wide = !this.placed.target.anyVectors && u.widths.has(4)
      const access = u.read ? (u.written ? ("read_write" as const) : ("read" as const)) : ("write" as const)
      return {
        name,
        dtype: storedType(buffer.dtype),
        access,
        width: wide ? (4 as const) : (1 as const),
        buffer: buffer.id,
      }
    })
    // Inputs first, then outputs.
    const sorted = [
      ...params.filter((p) => p.access === "read"),
      ...params.filter((p) => p.access !== "read"),
    ]
    const { anyVectors } = this.placed.target
    const mixed = anyVectors
      ? []
      : params.filter((p) => uses.get(p.name)!.widths.size > 1).map((p) => p.buffer)
    return { mixed, params: sorted, shared: this.shared, body: placed }
  }

  private resolve(value: ValueId, index: readonly Expr[]): Expr | undefined {
    const bound = this.bound.get(value)
    if (bound !== undefined) return bound(index)
    if (this.members.has(value)) return undefined
    return this.placed.bufferOf(value) === undefined ? undefined : this.load(value, index)
  }
  private param(buffer: Buffer): string {
    const known = this.paramNames.get(buffer.id)
    if (known !== undefined) return known
    const name = this.name(identifier(buffer.name))
    this.paramNames.set(buffer.id, name)
    this.buffers.set(name, buffer)
    return name
  }
}

/** `Classifier.linear.0.weight/m` -> `linear_0_weight_m`: readable, and never a plain local name. */
export function identifier(name: string): string {
  const parts = name.split(/[^A-Za-z0-9]+/).filter((p) => p !== "")
  const tail = parts.length > 2 ? parts.slice(1) : parts
  const text = tail.join("_")
  return /^[A-Za-z]\w+$/.test(text) && !/^[a-z]\d*$/.test(text) ? text : `in_${text}`
}
