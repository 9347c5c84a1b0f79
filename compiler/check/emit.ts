/** check: writing operations into a section, each typed by its own `infer`; literals and sizes become tensors here, and the
 *  arguments of pointwise operations are broadcast against each other.
 *  Not here:   the meaning of operators and calls (arithmetic.ts, call-op.ts). */
import type { OpName } from "../ir/op-name.js"
import type { Attrs } from "../ir/graph/types.js"
import {
  broadcastShapes,
  printDim,
  printType,
  sameShape,
  scalarType,
  type DType,
  type Shape,
  isStatic,
  numel,
} from "../ir/tensor.js"
import { opDef, inferType } from "../ops/index.js"
import { ConstraintError } from "../ops/op.js"
import type { Fix, Label } from "../source/diagnostic.js"
import { type Span, spanText } from "../source/source.js"
import { calledName, originAt, userSpan, type Env } from "./env.js"
import { warnOfBatchBroadcast } from "./lints.js"
import { complain } from "./report.js"
import { broadcastHelp } from "./shape-help.js"
import { append, fromStep, scalarInput } from "./section.js"
import { wouldFit } from "./would-fit.js"
import { describe, ERROR, hasError, naturalDType, type TensorValue, type Value } from "./values.js"

/** Adds an operation. `attrs` are complete. */
export function emit(env: Env, op: OpName, given: readonly TensorValue[], attrs: Attrs, span: Span): Value {
  const def = opDef(op)
  const args: TensorValue[] = []
  for (const value of given) {
    const arg = value.section === env.section ? value : fromStep(env.section, value)
    if (!arg) return outOfReach(env, value, span)
    args.push(arg)
  }
  try {
    const type = inferType(
      def,
      args.map((a) => a.type),
      attrs,
    )
    if (!countable(type.shape))
      return complain(env, {
        code: "tensor-size",
        message: `this would be ${printType(type)}, with more elements than can be counted`,
        span,
        label: "too large for any device",
        related: args.map(declaredAt),
      })
    const id = env.section.nextId++
    env.section.places.set(id, userSpan(env, span))
    const alike = args.find((arg) => arg.type.shape.length > 0 && sameShape(arg.type.shape, type.shape))
    const shapedAt = alike ? env.section.shapedAt.get(alike.id) : userSpan(env, span)
    if (shapedAt) env.section.shapedAt.set(id, shapedAt)
    append(env.section, {
      kind: "op",
      id,
      op,
      args: args.map((a) => a.id),
      attrs,
      type,
      origin: originAt(env, span),
    })
    return { kind: "tensor", id, type, section: env.section }
  } catch (error) {
    if (!(error instanceof ConstraintError)) throw error
    const atFault = error.arg === undefined ? args : args.slice(error.arg, error.arg + 1)
    return complain(env, {
      code: `${op}-${error.label}`,
      message: `${calledName(env) ?? op}: ${error.detail}`,
      span,
      label: `required: ${def.constraints[error.label] ?? "its rules"}`,
      related: atFault.map(declaredAt),
      help: error.help ?? wouldFit(env, def, args, attrs, span),
    })
  }
}

/** Sizes are computed with as numbers: beyond 2^53 they would not be exact. */
function countable(shape: Shape): boolean {
  const count = numel(shape)
  const coefficients = isStatic(count) ? [count] : count.terms.map((t) => t.coef)
  return coefficients.every((c) => Math.abs(c) <= Number.MAX_SAFE_INTEGER)
}

/** Where a tensor was declared, as a second label. */
export const declaredAt = (tensor: TensorValue): Label | undefined => tensor.from

export function outOfReach(env: Env, tensor: TensorValue, span: Span): Value {
  return complain(env, {
    code: "value-out-of-reach",
    message: `this ${printType(tensor.type)} is computed in another part of the program and cannot be used here`,
    span,
    label: "initial values and optimizer settings are computed apart from the training step",
    related: [tensor.from],
    help: "use constants, parameters' own sizes, `step` and `epoch` here; in an optimizer's settings also single numbers of the step",
  })
}

/** A literal as a scalar tensor. */
export function constant(env: Env, value: number, dtype: DType, span: Span): Value {
  return emit(env, "constant", [], { value, dtype }, span)
}

/** A run-time size as a scalar tensor. */
function sizeTensor(env: Env, value: Value & { kind: "dim" }, dtype: DType, span: Span): Value {
  const key = `size ${printDim(value.dim)} ${dtype}`
  const made = env.section.made.get(key)
  if (made) return made
  const tensor = emit(env, "size", [], { dim: value.dim, dtype }, span)
  env.section.made.set(key, tensor)
  return tensor
}

export function cast(env: Env, x: TensorValue, dtype: DType, span: Span): Value {
  return x.type.dtype === dtype ? x : emit(env, "cast", [x], { dtype }, span)
}

/** The value as a tensor; a constant becomes a scalar of dtype `as` (or of the one natural to it). */
export function asTensor(env: Env, value: Value, as: DType | undefined, span: Span): Value {
  switch (value.kind) {
    case "error":
    case "tensor":
      return value
    case "dim":
      return sizeTensor(env, value, as ?? "f32", span)
    case "int":
    case "float": {
      const dtype = as ?? naturalDType(value)
      const isInt = dtype === "i32" || dtype === "u32"
      if (
        dtype === "bool" ||
        (isInt && !Number.isInteger(value.value)) ||
        (dtype === "u32" && value.value < 0)
      )
        return complain(env, {
          code: "dtype-mismatch",
          message: `${value.value} is no ${dtype}`,
          span,
          label: `${dtype} is wanted here`,
          help: dtype === "bool" ? "compare to get a bool: `x > 0`" : `convert the other side: \`f32(...)\``,
        })
      return constant(env, value.value, dtype, span)
    }
    case "bool":
      if (as !== undefined && as !== "bool")
        return complain(env, {
          code: "dtype-mismatch",
          message: `${value.value} is a bool, not ${as}`,
          span,
          label: `${as} is wanted here`,
          help: `convert it: \`${as}(...)\``,
        })
      return constant(env, value.value ? 1 : 0, "bool", span)
    default:
      return complain(env, {
        code: "not-a-tensor",
        message: `a tensor is needed here, and this is ${describe(value)}`,
        span,
        label: describe(value),
        help:
          value.kind === "layer" || value.kind === "instance" || value.kind === "fn"
            ? "call it: a layer or fn becomes a tensor only when it is given its inputs"
            : undefined,
      })
  }
}

/** The dtype that literals take beside these values: that of the first tensor that is not bool. */
export function literalDType(values: readonly Value[]): DType | undefined {
  const tensors = values.filter((v) => v.kind === "tensor")
  return tensors.find((t) => t.type.dtype !== "bool")?.type.dtype
}

/** A pointwise operation: literals adapt, shapes are broadcast by NumPy's rule. */
export function pointwise(
  env: Env,
  op: OpName,
  values: readonly Value[],
  attrs: Attrs,
  span: Span,
  /** Where each of the values is written. */
  places: readonly Span[] = [],
): Value {
  if (values.some(hasError)) return ERROR
  const dtype = literalDType(values)
  const tensors: TensorValue[] = []
  for (const value of values) {
    const tensor = asTensor(env, value, value.kind === "bool" ? undefined : dtype, span)
    if (tensor.kind !== "tensor") return ERROR
    tensors.push(tensor)
  }
  let shape: Shape = []
  for (const t of tensors) {
    const joined = broadcastShapes(shape, t.type.shape)
    if (!joined) return doNotBroadcast(env, tensors, span, places)
    shape = joined
  }
  warnOfBatchBroadcast(env, tensors, shape, span)
  const args: TensorValue[] = []
  for (const t of tensors) {
    const arg = t.type.shape.length === 0 ? t : stretch(env, t, shape, span)
    if (arg.kind !== "tensor") return ERROR
    args.push(arg)
  }
  return emit(env, op, args, attrs, span)
}

/** Broadcasts to exactly `shape`. */
export function stretch(env: Env, t: TensorValue, shape: Shape, span: Span): Value {
  return sameShape(t.type.shape, shape) ? t : emit(env, "broadcast", [t], { shape }, span)
}

/** One side of an operator: where it is written, with its type. */
export const operandAt = ({ type }: TensorValue, span: Span): Label => ({ span, text: printType(type) })

function doNotBroadcast(
  env: Env,
  tensors: readonly TensorValue[],
  span: Span,
  places: readonly Span[],
): Value {
  const outputs = outputHelp(tensors)
  return complain(env, {
    code: "broadcast",
    message: `${tensors.map((t) => printType(t.type)).join(" and ")} do not broadcast`,
    span,
    label: "sizes, aligned from the right, must be equal or 1",
    related: tensors.flatMap((tensor, i) => [
      places[i] ? operandAt(tensor, places[i]) : declaredAt(tensor),
      shapeOrigin(tensor, places[i] ?? span),
    ]),
    help: [broadcastHelp(tensors.map((t) => t.type.shape)), outputs?.help]
      .filter((text) => text !== undefined)
      .join("; "),
    ...(outputs && { fix: outputs.fix }),
  })
}

/** The line that gave an operand its shape, where it is another one. */
function shapeOrigin({ id, type, section }: TensorValue, operand: Span): Label | undefined {
  const at = section.shapedAt.get(id)
  if (at === undefined || (at.file === operand.file && at.start >= operand.start && at.end <= operand.end))
    return undefined
  return { span: at, text: `${printType(type)} comes from here` }
}

/** Where only the number of outputs of a layer keeps two tensors apart: the layer with the other number. */
function outputHelp(
  tensors: readonly TensorValue[],
): { readonly help: string; readonly fix: Fix } | undefined {
  const [a, b] = tensors
  if (!a || !b || tensors.length > 2 || !sameShape(a.type.shape.slice(0, -1), b.type.shape.slice(0, -1)))
    return undefined
  for (const [one, other] of [
    [b, a],
    [a, b],
  ] as const) {
    const at = one.section.shapedAt.get(one.id)
    if (!at) continue
    const text = spanText(at)
    const size = printDim(one.type.shape.at(-1)!)
    const wanted = printDim(other.type.shape.at(-1)!)
    if (text.startsWith(`Linear(${size}`) && /^\d+$/.test(wanted))
      return {
        help: `\`${text.replace(size, wanted)}\` in place of \`${text}\` gives both one size`,
        fix: { span: at, replacement: text.replace(size, wanted) },
      }
  }
  return undefined
}

/** `step`, `epoch` or `seed` as programs see them: counts as f32. */
export function scalarName(env: Env, name: "step" | "epoch" | "seed", span: Span): Value {
  if (name === "seed") return scalarInput(env.section, "seed")
  const key = `${name} + ${env.stepsFrom}`
  const made = env.section.made.get(key)
  if (made) return made
  const count = cast(env, scalarInput(env.section, name), "f32", span)
  const value = name === "step" && env.stepsFrom === 1 ? pointwise(env, "add", [count, one], {}, span) : count
  env.section.made.set(key, value)
  return value
}
const one: Value = { kind: "float", value: 1 }

export const isScalar = (t: TensorValue): boolean => sameShape(t.type.shape, scalarType("f32").shape)
