/** ops: the definition of an operation. One object per operation, and nothing about it anywhere else: meaning, constraints, shape rule,
 *  gradient, lowering and samples. Generic stages ask; they never compare op names.   This room imports only ir/. */
import type { OpName } from "../ir/op-name.js"
import type { Attrs, AttrValue, ScalarName } from "../ir/graph/types.js"
import type { Expr, ScalarType } from "../ir/kernels/types.js"
import type { ScalarOp } from "../ir/kernels/scalar.js"
import type { Dim, DimValues, TensorType } from "../ir/tensor.js"

/** An array of the float64 interpreter, row-major. Integers and bools are stored as numbers too. */
export interface NdArray {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** Thrown by `infer` through `at.require`; the checker turns it into a diagnostic `<op>-<label>`. No `Error`, as the checker tries
 *  many operations that do not fit, and a trace of the stack takes longer than the rest of a trial. */
export class ConstraintError {
  constructor(
    readonly op: string,
    readonly label: string,
    readonly detail: string,
    /** Index of the argument at fault, if one is. */
    readonly arg?: number,
    readonly help?: string,
  ) {}

  get message(): string {
    return `${this.op}-${this.label}: ${this.detail}`
  }
}
export interface InferContext {
  /** Rejects with the op's constraint `label` unless `holds`. `detail` says what was found, with sizes. */
  require(
    label: string,
    holds: boolean,
    detail: () => string,
    more?: { arg?: number; help?: string },
  ): asserts holds
}

export interface AttrSpec {
  readonly doc: string
  /** ints: list of integers; dims: list of dimensions. */
  readonly kind: "int" | "float" | "bool" | "string" | "ints" | "dims" | "dim"
  /** Absent: required. */
  readonly default?: AttrValue
}

/** A graph value with its type, as gradient rules and builders handle it. */
export interface Value {
  readonly id: number
  readonly type: TensorType
}
/** Adds nodes to a graph. `apply` infers the type and takes the origin of the node being differentiated. */
export interface GraphBuilder {
  apply(op: OpName, args: readonly Value[], attrs?: Attrs): Value
  /** A scalar constant of this dtype, broadcast nowhere. */
  constant(value: number, dtype?: "f32" | "f16" | "i32" | "u32" | "bool"): Value
  /** Broadcasts by NumPy's rule and applies a two-argument pointwise op. */
  binary(op: OpName, a: Value, b: Value): Value
  /** Sums `dy` over the axes that broadcasting `to` a larger shape added or stretched. */
  sumTo(dy: Value, to: TensorType): Value
}
export interface GradContext {
  readonly args: readonly Value[]
  readonly out: Value
  readonly dy: Value
  readonly attrs: Attrs
  /** Whether a gradient for argument i is wanted (skip work otherwise). */
  needs(i: number): boolean
}
/** One gradient per argument, of that argument's type; null where none flows. */
export type GradRule = (cx: GradContext, g: GraphBuilder) => readonly (Value | null)[]
export interface NoGradient {
  readonly none: string
}
/** No gradient, and why: an integer result, for instance. Zero gradient (floor) is `zeroGrad`, not this. */
export const none = (reason: string): NoGradient => ({ none: reason })

/** Makes kernel expressions, simplifying index arithmetic as it goes. */
export interface ExprBuilder {
  int(value: number): Expr
  f32(value: number): Expr
  constant(value: number, type: ScalarType): Expr
  /** A dimension as an i32 expression. */
  dim(d: Dim): Expr
  param(name: ScalarName): Expr
  op(op: ScalarOp, ...args: Expr[]): Expr
  add(a: Expr, b: Expr): Expr
  sub(a: Expr, b: Expr): Expr
  mul(a: Expr, b: Expr): Expr
  /** i32 quotient and remainder by a positive divisor, of a non-negative dividend; simplified with the ranges of loop variables. */
  div(a: Expr, b: Expr): Expr
  rem(a: Expr, b: Expr): Expr
  select(cond: Expr, a: Expr, b: Expr): Expr
  /** `then` where `cond`, else `otherwise`; loads in `then` may be out of range where `cond` is false. */
  guard(cond: Expr, then: Expr, otherwise: Expr): Expr
  and(...conds: Expr[]): Expr
}
export interface LowerContext {
  /** The value of argument i at these i32 index expressions (one per axis). */
  readonly args: readonly ((index: readonly Expr[]) => Expr)[]
  readonly argTypes: readonly TensorType[]
  readonly type: TensorType
  readonly attrs: Attrs
  /** One i32 expression per axis of the output. */
  readonly index: readonly Expr[]
  readonly k: ExprBuilder
}
export type Combine = "sum" | "prod" | "max" | "min"
/** How one element of the output is computed. The scheduler sees only this. */
export type Lowering =
  /** From single elements of the arguments: pointwise ops, views, gathers, sources. */
  | { readonly kind: "map"; readonly value: (cx: LowerContext) => Expr }
  /** Over a reduction space of the given extents. */
  | {
      readonly kind: "reduce"
      readonly combine: Combine
      readonly extents: (argTypes: readonly TensorType[], attrs: Attrs, type: TensorType) => readonly Dim[]
      readonly term: (cx: LowerContext, r: readonly Expr[]) => Expr
    }
  /** The sum over the reduction space of left * right: matmul, convolution and their gradients. */
  | {
      readonly kind: "contract"
      readonly extents: (argTypes: readonly TensorType[], attrs: Attrs, type: TensorType) => readonly Dim[]
      readonly left: (cx: LowerContext, r: readonly Expr[]) => Expr
      readonly right: (cx: LowerContext, r: readonly Expr[]) => Expr
    }
  /** Several accumulators carried over the reduction space in row-major order: argmax, pooling indices, rank of an element. */
  | {
      readonly kind: "fold"
      readonly extents: (argTypes: readonly TensorType[], attrs: Attrs, type: TensorType) => readonly Dim[]
      readonly init: (cx: LowerContext) => readonly Expr[]
      readonly step: (cx: LowerContext, r: readonly Expr[], acc: readonly Expr[]) => readonly Expr[]
      readonly result: (cx: LowerContext, acc: readonly Expr[]) => Expr
    }
  /** Replaced by an earlier pass; never reaches the scheduler (`grad`, `scan` before its own lowering). */
  | { readonly kind: "none"; readonly why: string }

/** The error that the f32 result of a device may have. exact: it is the f32 nearest to the exact result. digits: the last ones may
 *  differ. angle: by so much of a turn, however small the result. sum: by a share of the sum of the terms' magnitudes, which
 *  does not shrink where they cancel. */
export type Rounding = "exact" | "digits" | "angle" | "sum"

/** All that generic passes look at. */
export interface Traits {
  /** pointwise: output[i] from args[i], all of one shape (scalars allowed). view: every output element is one input element or a
   *  constant. gather: reads at a data-dependent index. source: no tensor arguments. meta: expanded by an earlier pass. */
  readonly kind: "pointwise" | "view" | "gather" | "reduce" | "contraction" | "source" | "meta"
  readonly commutative?: boolean
  /** Takes any number of arguments, of which neighbours may be joined by the same operation first. */
  readonly nests?: boolean
  /** Equal arguments and attributes do not mean an equal result may be shared (never true for pure ops). */
  readonly barrier?: boolean
  /** Its arguments are rounded to f16 where a program asks for mixed precision; sums and results stay f32. */
  readonly autocast?: boolean
  /** The last argument is not read; it only orders: the users of the node run after it. */
  readonly waits?: boolean
}

/** One try of the op: types of the arguments (with B where wanted), attributes, and optionally ranges of the values. */
export interface Sample {
  readonly args: readonly TensorType[]
  readonly attrs?: Attrs
  /** Range of random values per argument; integers are drawn from [lo, hi). Default [-2, 2]. */
  readonly ranges?: readonly (readonly [number, number] | undefined)[]
}

/** An argument whose values stand for indices: whole numbers from 0 to `count` - 1, or `or`. */
export interface IndexArgument {
  readonly arg: number
  readonly count: Dim
  readonly or: number | null
}

/** How the sum of an operation's results over all iterations of a loop is computed once, after the loop (optimize/after-loops.ts). */
export type LoopSum =
  /** The operation is linear: it is applied to the sums of its arguments. */
  | "linear"
  /** From its arguments of all iterations, stacked along a new first axis. */
  | {
      /** Whether results of this type have such a sum. */
      readonly accepts: (type: TensorType) => boolean
      /** The sum is one contraction, worth a stack that nothing else needs; an argument that is a transpose may be stacked untransposed. */
      readonly isContraction: boolean
      readonly build: (stacks: readonly StackedArgument[], attrs: Attrs, g: GraphBuilder) => Value
    }
export interface StackedArgument {
  readonly stack: Value
  /** The argument is the transpose of what is stacked. */
  readonly isTransposed: boolean
}

export interface OpDef {
  readonly name: OpName
  /** Argument names. A last name ending in `...` takes any number (concat). */
  readonly params: readonly string[]
  readonly attrs: Readonly<Record<string, AttrSpec>>
  /** Meaning, shapes and the PyTorch or ONNX definition it matches. */
  readonly doc: string
  readonly traits: Traits
  /** Label -> rule. The labels are diagnostic codes: `matmul-c2`. */
  readonly constraints: Readonly<Record<string, string>>
  readonly infer: (args: readonly TensorType[], attrs: Attrs, at: InferContext) => TensorType
  /** Obvious, unhurried, in double precision. `type` is the inferred result type. */
  readonly eval: (args: readonly NdArray[], attrs: Attrs, cx: EvalContext) => NdArray
  readonly grad: GradRule | NoGradient
  readonly lower: Lowering
  /** How far the f32 that a device computes may be off, where the lowering does not say (`roundingOf`). */
  readonly rounding?: Rounding
  readonly samples: readonly Sample[]
  /** Absent: a loop that adds up results of this operation keeps the sum inside. */
  readonly loopSum?: LoopSum
  /** Only the compiler makes this operation; a program writes this instead. */
  readonly writtenAs?: string
  /** Which argument holds indices, and how far they go: data is checked against it before it gets here. */
  readonly indexes?: (args: readonly TensorType[], attrs: Attrs) => IndexArgument
}
export interface EvalContext {
  readonly type: TensorType
  readonly dims: DimValues
  readonly scalars: Readonly<Record<ScalarName, number>>
}
/** Sums are sums however they are lowered; an operation that moves elements, or picks one of them, rounds nothing. */
export function roundingOf({ rounding, lower }: Pick<OpDef, "rounding" | "lower">): Rounding {
  if (rounding !== undefined) return rounding
  if (lower.kind === "contract" || (lower.kind === "reduce" && lower.combine === "sum")) return "sum"
  return lower.kind === "fold" || (lower.kind === "reduce" && lower.combine === "prod") ? "digits" : "exact"
}
export const defineOp = (def: OpDef): OpDef => def
/** The gradient exists and is zero everywhere (floor, sign): nothing flows, and nothing is wrong with that. */
export const zeroGrad: GradRule = (cx) => cx.args.map(() => null)
