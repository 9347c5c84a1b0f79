/** ops: the rule of shapes, the evaluation and the lowering through the scalar table that all pointwise ops share.
 *  Arguments have one shape, except that rank-0 scalars may stand beside a shaped one; broadcasting is a node of its own.
 *  Not here:   the ops and their gradients (pointwise.ts, functions.ts). */
import type { OpName } from "../ir/op-name.js"
import type { ScalarOp } from "../ir/kernels/scalar.js"
import { scalarDef } from "../ir/kernels/scalar.js"
import type { Expr } from "../ir/kernels/types.js"
import {
  BATCH,
  evalShape,
  isFloat,
  printShape,
  printType,
  sameShape,
  scalarType,
  tensorType,
} from "../ir/tensor.js"
import type { Dim, DType, Shape, TensorType } from "../ir/tensor.js"
import type { GradContext, GraphBuilder, InferContext, LowerContext, NdArray, OpDef } from "./op.js"
import type { Sample, Value } from "./op.js"
import { TO_BOOL, TO_FLOAT } from "./wording.js"

/** dtypes an op accepts, and how its constraint says so. */
export interface DTypeClass {
  readonly rule: string
  /** Advice for an argument of another dtype. */
  readonly help: string
  readonly has: (dtype: DType) => boolean
}
export const FLOATS: DTypeClass = { rule: "arguments are f32 or f16", help: TO_FLOAT, has: isFloat }
export const NUMBERS: DTypeClass = {
  rule: "arguments are numbers, not bool",
  help: TO_FLOAT,
  has: (d) => d !== "bool",
}
export const ANYTHING: DTypeClass = { rule: "arguments are of any dtype", help: "", has: () => true }
export const BOOLS: DTypeClass = { rule: "arguments are bool", help: TO_BOOL, has: (d) => d === "bool" }

/** The common shape of pointwise arguments: that of the shaped ones, which must agree. */
export function commonShape(args: readonly TensorType[], label: string, at: InferContext): Shape {
  const shaped = args.find((t) => t.shape.length > 0)
  if (shaped === undefined) return []
  args.forEach((t, arg) =>
    at.require(
      label,
      t.shape.length === 0 || sameShape(t.shape, shaped.shape),
      () => `the shapes are ${args.map((a) => printShape(a.shape)).join(" and ")}`,
      { arg, help: "broadcast one of them to the other's shape first" },
    ),
  )
  return shaped.shape
}

export function requireSameDType(args: readonly TensorType[], label: string, at: InferContext): void {
  at.require(
    label,
    args.every((t) => t.dtype === args[0]!.dtype),
    () => `the dtypes are ${args.map((t) => t.dtype).join(" and ")}`,
    { help: "convert one of them, for instance with f32(...)" },
  )
}

export function requireDType(
  args: readonly TensorType[],
  accepts: DTypeClass,
  label: string,
  at: InferContext,
): void {
  args.forEach((t, arg) =>
    at.require(
      label,
      accepts.has(t.dtype),
      () => `${args.length === 1 ? "the argument" : `argument ${arg + 1}`} is ${printType(t)}`,
      { arg, help: accepts.help },
    ),
  )
}

/** Element `flat` of the result from the same elements of the arguments. */
export function mapArrays(
  args: readonly NdArray[],
  shape: readonly number[],
  f: (values: readonly number[]) => number,
): NdArray {
  const data = new Float64Array(shape.reduce((n, d) => n * d, 1))
  for (let flat = 0; flat < data.length; flat++)
    data[flat] = f(args.map((x) => (x.shape.length === 0 ? x.data[0]! : x.data[flat]!)))
  return { shape, data }
}

/** Argument i at the index of the output element. */
export const elementOf = (cx: LowerContext, i: number): Expr =>
  cx.args[i]!(cx.argTypes[i]!.shape.length === 0 ? [] : cx.index)

/** How a pointwise op computes: a scalar op of the same arguments. */
export const byScalar = (op: ScalarOp): Pick<OpDef, "eval" | "lower" | "rounding"> => ({
  eval: (args, _attrs, { type, dims }) =>
    mapArrays(args, evalShape(type.shape, dims), (v) => scalarDef(op).eval(v, type.dtype)),
  lower: { kind: "map", value: (cx) => cx.k.op(op, ...cx.args.map((_, i) => elementOf(cx, i))) },
  rounding: scalarDef(op).rounding ?? "exact",
})

/** Words for gradient rules: pointwise arithmetic that broadcasts, and constants of one dtype. */
export class Algebra {
  constructor(
    private readonly g: GraphBuilder,
    private readonly dtype: DType,
  ) {}
  num(value: number): Value {
    return this.g.constant(value, this.dtype)
  }
  op(name: OpName, x: Value): Value {
    return this.g.apply(name, [x])
  }
  add(a: Value, b: Value): Value {
    return this.g.binary("add", a, b)
  }
  sub(a: Value, b: Value): Value {
    return this.g.binary("sub", a, b)
  }
  mul(a: Value, b: Value): Value {
    return this.g.binary("mul", a, b)
  }
  div(a: Value, b: Value): Value {
    return this.g.binary("div", a, b)
  }
  pow(a: Value, b: Value): Value {
    return this.g.binary("pow", a, b)
  }
  compare(op: "eq" | "gt" | "lt" | "ge", a: Value, b: Value): Value {
    return this.g.binary(op, a, b)
  }
  where(cond: Value, a: Value, b: Value): Value {
    return this.g.apply("where", [cond, a, b])
  }
}

/** The gradient of a two-argument op from the elementwise one, computed only where wanted and summed to scalars. */
export const binaryGrad =
  (
    left: (m: Algebra, dy: Value, a: Value, b: Value, out: Value) => Value,
    right: (m: Algebra, dy: Value, a: Value, b: Value, out: Value) => Value,
  ) =>
  (cx: GradContext, g: GraphBuilder): readonly (Value | null)[] => {
    const [a, b] = [cx.args[0]!, cx.args[1]!]
    const m = new Algebra(g, a.type.dtype)
    const one = (i: number, rule: typeof left): Value | null =>
      cx.needs(i) ? g.sumTo(rule(m, cx.dy, a, b, cx.out), cx.args[i]!.type) : null
    return [one(0, left), one(1, right)]
  }

/** Shapes every pointwise op is tried on. `values` is the range of each argument. */
export function samplesOf(
  arity: 1 | 2,
  dtypes: readonly DType[],
  values: readonly (readonly [number, number] | undefined)[] = [],
): Sample[] {
  const shapes: readonly (readonly Dim[])[] = [[], [5], [2, 3], [BATCH, 3]]
  const [first, ...rest] = dtypes
  const make = (args: readonly TensorType[]): Sample => ({ args, ranges: values })
  const same = (dtype: DType, shape: Shape): Sample =>
    make(arity === 1 ? [tensorType(dtype, shape)] : [tensorType(dtype, shape), tensorType(dtype, shape)])
  const mixed =
    arity === 1 ? [] : [0, 1].map((scalar) => make([0, 1].map((i) => oneScalar(first!, i === scalar))))
  return [...shapes.map((s) => same(first!, s)), ...mixed, ...rest.map((d) => same(d, [2, 3]))]
}
const oneScalar = (dtype: DType, scalar: boolean): TensorType =>
  scalar ? scalarType(dtype) : tensorType(dtype, [2, 3])
