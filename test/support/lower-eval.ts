/** test: evaluates an op's lowering directly, element by element, so that meaning (`eval`) and lowering can be compared without a
 *  scheduler. Assumes expressions of width 1. A load outside its argument throws, except in the untaken side of a guard. */
import { scalarDef, type ScalarOp } from "../../compiler/ir/kernels/scalar.js"
import type { ScalarName } from "../../compiler/ir/graph/types.js"
import type { Expr, ScalarType } from "../../compiler/ir/kernels/types.js"
import {
  BATCH,
  DATA_ROWS,
  type Dim,
  type DimValues,
  evalShape,
  isStatic,
  sameDim,
  strides,
} from "../../compiler/ir/tensor.js"
import type { TensorType } from "../../compiler/ir/tensor.js"
import { completeAttrs, inferType } from "../../compiler/ops/index.js"
import { indices, ndarray } from "../../compiler/ops/ndarray.js"
import type { ExprBuilder, LowerContext, NdArray, OpDef, Sample } from "../../compiler/ops/op.js"

export type Scalars = Readonly<Record<ScalarName, number>>

/** An ExprBuilder that also makes loop variables. */
export interface LoopExprs extends ExprBuilder {
  variable(name: string, extent?: Dim): Expr
}

/** The value of `def` on `args` by its lowering; undefined where it has none. */
export function evalLowering(
  def: OpDef,
  sample: Sample,
  args: readonly NdArray[],
  dims: DimValues,
  k: LoopExprs,
  scalars: Scalars = { step: 0, epoch: 0, seed: 0, start: 0, iteration: 0 },
): NdArray | undefined {
  const { lower } = def
  if (lower.kind === "none") return undefined
  const attrs = completeAttrs(def, sample.attrs ?? {})
  const type = inferType(def, sample.args, attrs)
  const cx: LowerContext = {
    args: sample.args.map((t, i) => (index) => loadOf(k, `a${i}`, t, index)),
    argTypes: sample.args,
    type,
    attrs,
    index: type.shape.map((size, axis) => k.variable(`i${axis}`, size)),
    k,
  }
  const loaded: LoadedBundle = {
    arrays: new Map(args.map((a, i) => [`a${i}`, a])),
    dims,
    scalars,
    names: new Map(),
  }
  const shape = evalShape(type.shape, dims)
  if (lower.kind === "map") {
    const value = lower.value(cx)
    return ndarray(shape, (index) => run(value, { ...loaded, names: named("i", index) }))
  }

  const extents = lower.extents(sample.args, attrs, type)
  const r = extents.map((size, axis) => k.variable(`r${axis}`, size))
  const space = [...indices(evalShape(extents, dims))]
  if (lower.kind === "fold") {
    const init = lower.init(cx)
    const acc = init.map((e, i): Expr => ({ kind: "ref", name: `acc${i}`, type: typeOf(e), width: 1 }))
    const step = lower.step(cx, r, acc)
    const result = lower.result(cx, acc)
    return ndarray(shape, (index) => {
      const names = named("i", index)
      let values = init.map((e) => run(e, { ...loaded, names }))
      for (const at of space) {
        const inner = new Map([...names, ...named("r", at), ...named("acc", values)])
        values = step.map((e) => run(e, { ...loaded, names: inner }))
      }
      return run(result, { ...loaded, names: new Map([...names, ...named("acc", values)]) })
    })
  }
  const terms = lower.kind === "reduce" ? [lower.term(cx, r)] : [lower.left(cx, r), lower.right(cx, r)]
  const combine = COMBINE[lower.kind === "reduce" ? lower.combine : "sum"]
  return ndarray(shape, (index) =>
    space
      .map((at) => new Map([...named("i", index), ...named("r", at)]))
      .map((names) => terms.reduce((product, e) => product * run(e, { ...loaded, names }), 1))
      .reduce(combine.of, combine.start),
  )
}

const COMBINE = {
  sum: { start: 0, of: (a: number, b: number) => a + b },
  prod: { start: 1, of: (a: number, b: number) => a * b },
  max: { start: -Infinity, of: (a: number, b: number) => Math.max(a, b) },
  min: { start: Infinity, of: (a: number, b: number) => Math.min(a, b) },
}
const named = (letter: string, values: readonly number[]): Map<string, number> =>
  new Map(values.map((v, i) => [`${letter}${i}`, v]))

function loadOf(k: LoopExprs, buffer: string, type: TensorType, index: readonly Expr[]): Expr {
  if (index.length !== type.shape.length)
    throw new Error(`${index.length} indices for ${type.shape.length} axes of ${buffer}`)
  const steps = strides(type.shape)
  const at = index.reduce((sum, i, axis) => k.add(sum, k.mul(i, k.dim(steps[axis]!))), k.int(0))
  return { kind: "load", buffer, index: at, type: type.dtype, width: 1 }
}

interface LoadedBundle {
  readonly arrays: ReadonlyMap<string, NdArray>
  readonly dims: DimValues
  readonly scalars: Scalars
  readonly names: ReadonlyMap<string, number>
}
function run(e: Expr, m: LoadedBundle): number {
  switch (e.kind) {
    case "const":
      return e.value
    case "ref": {
      const value = m.names.get(e.name)
      if (value === undefined) throw new Error(`no value for ${e.name}`)
      return value
    }
    case "dim":
      return m.dims[e.symbol]
    case "param":
      return m.scalars[e.name]
    case "op": {
      const args = e.args.map((a) => run(a, m))
      return scalarDef(e.op).eval(args, typeOf(e.args[0]!))
    }
    case "load": {
      const at = run(e.index, m)
      const value = m.arrays.get(e.buffer)?.data[at]
      if (value === undefined) throw new RangeError(`load of element ${at} of ${e.buffer}`)
      return value
    }
    case "guard":
      return run(run(e.cond, m) ? e.then : e.otherwise, m)
    default:
      throw new Error(`${e.kind} has no place in a lowering`)
  }
}
const typeOf = (e: Expr): ScalarType => (e.kind === "dim" ? "i32" : e.type)

/** Builds exactly what it is told, without any simplification. */
export class PlainExprs implements LoopExprs {
  variable(name: string): Expr {
    return { kind: "ref", name, type: "i32", width: 1 }
  }
  int(value: number): Expr {
    return this.constant(value, "i32")
  }
  f32(value: number): Expr {
    return this.constant(value, "f32")
  }
  constant(value: number, type: ScalarType): Expr {
    return { kind: "const", type, value }
  }
  dim(d: Dim): Expr {
    if (isStatic(d)) return this.int(d)
    if (sameDim(d, BATCH)) return { kind: "dim", symbol: "B" }
    if (sameDim(d, DATA_ROWS)) return { kind: "dim", symbol: "R" }
    return d.terms
      .map((t) =>
        t.syms.reduce((product, symbol) => this.mul(product, { kind: "dim", symbol }), this.int(t.coef)),
      )
      .reduce((a, b) => this.add(a, b))
  }
  param(name: ScalarName): Expr {
    return { kind: "param", name, type: name === "seed" ? "u32" : "i32" }
  }
  op(op: ScalarOp, ...args: Expr[]): Expr {
    const types = args.map(typeOf)
    if (args.length !== scalarDef(op).arity) throw new Error(`${op} takes ${scalarDef(op).arity} arguments`)
    const operands = op === "select" ? types.slice(1) : op.startsWith("sh") ? [] : types
    if (new Set(operands).size > 1) throw new Error(`${op} of ${types.join(", ")}`)
    return { kind: "op", op, args, type: scalarDef(op).result(types), width: 1 }
  }
  add(a: Expr, b: Expr): Expr {
    return this.index("add", a, b)
  }
  sub(a: Expr, b: Expr): Expr {
    return this.index("sub", a, b)
  }
  mul(a: Expr, b: Expr): Expr {
    return this.index("mul", a, b)
  }
  div(a: Expr, b: Expr): Expr {
    return this.index("div", a, b)
  }
  rem(a: Expr, b: Expr): Expr {
    return this.index("rem", a, b)
  }
  select(cond: Expr, a: Expr, b: Expr): Expr {
    return this.op("select", cond, a, b)
  }
  guard(cond: Expr, then: Expr, otherwise: Expr): Expr {
    if (typeOf(then) !== typeOf(otherwise))
      throw new Error(`guard of ${typeOf(then)} and ${typeOf(otherwise)}`)
    return { kind: "guard", cond, then, otherwise, type: typeOf(then), width: 1 }
  }
  and(...conds: Expr[]): Expr {
    return conds.reduce((a, b) => this.op("and", a, b))
  }
  private index(op: ScalarOp, a: Expr, b: Expr): Expr {
    if (typeOf(a) !== "i32" || typeOf(b) !== "i32")
      throw new Error(`index arithmetic on ${typeOf(a)}, ${typeOf(b)}`)
    return this.op(op, a, b)
  }
}
