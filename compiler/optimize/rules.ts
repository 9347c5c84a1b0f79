/** optimize/rules: the algebra of `simplify`: each rule under its equation, with the reason it holds in floating point where that
 *  is not plain. A rule never makes something dearer; rules do not try both orders except where written.
 *  "Exact" below means the same bits, up to the sign of a zero. */
import type { OpName } from "../ir/op-name.js"
import type { Attrs } from "../ir/graph/types.js"
import { sameShape, sameType } from "../ir/tensor.js"
import type { Shape, TensorType } from "../ir/tensor.js"
import { dimsAttr, intsAttr } from "../ops/attrs.js"
import { opDef } from "../ops/index.js"
import type { Value } from "../ops/op.js"

export interface Made {
  readonly op: OpName
  readonly args: readonly Value[]
  readonly attrs: Attrs
}
/** A node about to be made, with the questions and actions open to a rule. */
export interface Match extends Made {
  readonly type: TensorType
  /** The node that computes a value. */
  readonly from: (value: Value) => Made | undefined
  /** The number a value is, where it is a scalar constant. */
  readonly known: (value: Value) => number | undefined
  /** A scalar constant of the result's dtype. */
  readonly number: (value: number) => Value
  /** Makes a node, simplified. */
  readonly make: (op: OpName, args: readonly Value[], attrs?: Attrs) => Value
}
/** The simpler value, or undefined where the rule does not apply. */
export type Rule = (m: Match) => Value | undefined

/** The rules to try on a node, in order. */
export const rulesFor = (op: OpName): readonly Rule[] => [
  ...(RULES[op] ?? []),
  ...(opDef(op).traits.kind === "pointwise" ? POINTWISE : []),
]

const isFloat = (t: TensorType): boolean => t.dtype === "f32" || t.dtype === "f16"
/** `value` where it has the result's type: a scalar beside a shaped constant does not. */
const as = (m: Match, value: Value): Value | undefined => (sameType(value.type, m.type) ? value : undefined)
const negated = (m: Match, value: Value): Value | undefined => {
  const made = m.from(value)
  return made?.op === "neg" ? made.args[0] : undefined
}

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  add: [
    // x + 0 == x, 0 + x == x
    (m) => (m.known(m.args[1]!) === 0 ? as(m, m.args[0]!) : undefined),
    (m) => (m.known(m.args[0]!) === 0 ? as(m, m.args[1]!) : undefined),
    // a + -b == a - b, -a + b == b - a   exact: subtraction is addition of the negation
    (m) => {
      const b = negated(m, m.args[1]!)
      return b && m.make("sub", [m.args[0]!, b])
    },
    (m) => {
      const a = negated(m, m.args[0]!)
      return a && m.make("sub", [m.args[1]!, a])
    },
  ],
  sub: [
    // x - 0 == x
    (m) => (m.known(m.args[1]!) === 0 ? as(m, m.args[0]!) : undefined),
    // 0 - x == -x
    (m) => (m.known(m.args[0]!) === 0 && as(m, m.args[1]!) ? m.make("neg", [m.args[1]!]) : undefined),
    // a - -b == a + b
    (m) => {
      const b = negated(m, m.args[1]!)
      return b && m.make("add", [m.args[0]!, b])
    },
  ],
  mul: [
    // x * 1 == x, 1 * x == x
    (m) => (m.known(m.args[1]!) === 1 ? as(m, m.args[0]!) : undefined),
    (m) => (m.known(m.args[0]!) === 1 ? as(m, m.args[1]!) : undefined),
    // x * -1 == -x, -1 * x == -x
    (m) => (m.known(m.args[1]!) === -1 && as(m, m.args[0]!) ? m.make("neg", [m.args[0]!]) : undefined),
    (m) => (m.known(m.args[0]!) === -1 && as(m, m.args[1]!) ? m.make("neg", [m.args[1]!]) : undefined),
    // -a * -b == a * b
    (m) => {
      const [a, b] = [negated(m, m.args[0]!), negated(m, m.args[1]!)]
      return a && b && m.make("mul", [a, b])
    },
  ],
  div: [
    // x / 1 == x
    (m) => (m.known(m.args[1]!) === 1 ? as(m, m.args[0]!) : undefined),
    // x / 2^k == x * 2^-k   exact: both are powers of two within the range of f32
    (m) => {
      const by = m.known(m.args[1]!)
      if (by === undefined || !isFloat(m.type) || !isPowerOfTwo(by)) return undefined
      return m.make("mul", [m.args[0]!, m.number(1 / by)])
    },
  ],
  pow: [
    // x ^ 0 == 1 has no rule: it would need x's shape for nothing that programs write
    // x ^ 1 == x
    (m) => (m.known(m.args[1]!) === 1 ? as(m, m.args[0]!) : undefined),
    // x ^ 2 == x * x   exact: correctly rounded; and right for x < 0, where some devices have no pow
    (m) => (m.known(m.args[1]!) === 2 ? m.make("mul", [m.args[0]!, m.args[0]!]) : undefined),
    // x ^ 3 == x * x * x, x ^ 4 == (x * x) * (x * x)   within a unit in the last place or two, as any pow
    (m) =>
      m.known(m.args[1]!) === 3
        ? m.make("mul", [m.make("mul", [m.args[0]!, m.args[0]!]), m.args[0]!])
        : undefined,
    (m) => {
      if (m.known(m.args[1]!) !== 4) return undefined
      const square = m.make("mul", [m.args[0]!, m.args[0]!])
      return m.make("mul", [square, square])
    },
    // x ^ -1 == 1 / x   exact: correctly rounded
    (m) => (m.known(m.args[1]!) === -1 ? m.make("div", [m.number(1), m.args[0]!]) : undefined),
    // x ^ 0.5 == sqrt x   exact but at -infinity, where no program has business
    (m) => (m.known(m.args[1]!) === 0.5 && as(m, m.args[0]!) ? m.make("sqrt", [m.args[0]!]) : undefined),
  ],
  neg: [
    // - -x == x
    (m) => negated(m, m.args[0]!),
  ],
  not: [
    // not not x == x
    (m) => {
      const made = m.from(m.args[0]!)
      return made?.op === "not" ? made.args[0] : undefined
    },
  ],
  where: [
    // where(true, a, b) == a, where(false, a, b) == b
    (m) => {
      const cond = m.known(m.args[0]!)
      return cond === undefined ? undefined : as(m, m.args[cond === 0 ? 2 : 1]!)
    },
    // where(c, a, a) == a
    (m) => (m.args[1]!.id === m.args[2]!.id ? as(m, m.args[1]!) : undefined),
  ],
  cast: [
    // cast x to its own dtype == x
    (m) => as(m, m.args[0]!),
  ],
  stop_gradient: [
    // stop_gradient x == x   once gradients are expanded
    (m) => m.args[0]!,
  ],
  below: [
    // below x == x   its bound on the data was read off the model
    (m) => m.args[0]!,
  ],
  reshape: [
    // reshape x to its own shape == x
    (m) => as(m, m.args[0]!),
    // reshape (reshape x) == reshape x
    (m) => through(m, "reshape", (x) => m.make("reshape", [x], m.attrs)),
    // reshape (broadcast s) == broadcast s   where s is a scalar
    (m) => through(m, "broadcast", (x) => (isScalar(x) ? m.make("broadcast", [x], m.attrs) : undefined)),
  ],
  broadcast: [
    // broadcast x to its own shape == x
    (m) => as(m, m.args[0]!),
    // broadcast (broadcast x) == broadcast x
    (m) => through(m, "broadcast", (x) => m.make("broadcast", [x], m.attrs)),
    // broadcast (reshape x) == broadcast x   where the reshape only adds leading axes of size 1
    (m) =>
      through(m, "reshape", (x) =>
        addsLeadingOnes(x.type.shape, m.args[0]!.type.shape) ? m.make("broadcast", [x], m.attrs) : undefined,
      ),
  ],
  transpose: [
    // transpose x in order == x
    (m) => (intsAttr(m.attrs, "perm").every((axis, i) => axis === i) ? m.args[0]! : undefined),
    // transpose (transpose x) == transpose x
    (m) => {
      const made = m.from(m.args[0]!)
      if (made?.op !== "transpose") return undefined
      const inner = intsAttr(made.attrs, "perm")
      return m.make("transpose", made.args, { perm: intsAttr(m.attrs, "perm").map((axis) => inner[axis]!) })
    },
    // transpose (broadcast s) == broadcast s   where s is a scalar
    (m) =>
      through(m, "broadcast", (x) =>
        isScalar(x) ? m.make("broadcast", [x], { shape: m.type.shape }) : undefined,
      ),
    // transpose x == reshape x   where only axes of size 1 move
    (m) => {
      const { shape } = m.args[0]!.type
      const moved = intsAttr(m.attrs, "perm").filter((axis) => shape[axis] !== 1)
      return moved.every((axis, i) => i === 0 || moved[i - 1]! < axis)
        ? m.make("reshape", [m.args[0]!], { shape: m.type.shape })
        : undefined
    },
  ],
  slice: [
    // all of x == x
    (m) =>
      dimsAttr(m.attrs, "starts").every((start) => start === 0) &&
      intsAttr(m.attrs, "steps").every((step) => step === 1)
        ? as(m, m.args[0]!)
        : undefined,
  ],
  pad: [
    // x padded by nothing == x
    (m) => as(m, m.args[0]!),
  ],
  concat: [
    // concat of one == it
    (m) => (m.args.length === 1 ? m.args[0]! : undefined),
  ],
  sum: [
    // sum over axes of size 1 == reshape
    (m) => overOnes(m),
  ],
  prod: [(m) => overOnes(m)],
  max: [(m) => overOnes(m)],
  min: [(m) => overOnes(m)],
}

/** For every pointwise operation, whatever it computes. */
const POINTWISE: readonly Rule[] = [
  // f(x, broadcast s) == f(x, s)   scalars may stand beside a shaped argument
  // f(broadcast s, broadcast t) == broadcast f(s, t)
  (m) => {
    if (isScalar(m) || !m.args.some((a) => stretched(m, a) !== undefined)) return undefined
    const bare = m.args.map((a) => stretched(m, a) ?? a)
    const made = bare.some((a) => !isScalar(a))
    const value = m.make(m.op, bare, m.attrs)
    return made ? value : m.make("broadcast", [value], { shape: m.type.shape })
  },
]

/** s where the value is `broadcast s` of a scalar. */
function stretched(m: Match, value: Value): Value | undefined {
  const made = m.from(value)
  return made?.op === "broadcast" && isScalar(made.args[0]!) ? made.args[0] : undefined
}
const isScalar = (x: { readonly type: TensorType }): boolean => x.type.shape.length === 0

/** Looks through the argument's `op`. */
function through(m: Match, op: OpName, then: (x: Value) => Value | undefined): Value | undefined {
  const made = m.from(m.args[0]!)
  return made?.op === op ? then(made.args[0]!) : undefined
}
function addsLeadingOnes(from: Shape, to: Shape): boolean {
  const added = to.length - from.length
  return added >= 0 && to.slice(0, added).every((d) => d === 1) && sameShape(to.slice(added), from)
}
function overOnes(m: Match): Value | undefined {
  const x = m.args[0]!
  return intsAttr(m.attrs, "axes").every((axis) => x.type.shape[axis] === 1)
    ? m.make("reshape", [x], { shape: m.type.shape })
    : undefined
}
/** Whether x is a power of two whose reciprocal is a normal f16 or f32 as well. */
function isPowerOfTwo(x: number): boolean {
  const exponent = Math.log2(Math.abs(x))
  return Number.isInteger(exponent) && Math.abs(exponent) <= 14
}
