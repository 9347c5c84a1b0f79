/** check: `x.shape`, `layer.weight`, `x[...]`. */
import type {
  Expr,
  FieldExpr,
  IndexExpr,
  IndexItem,
  LayerDecl,
  ModelDecl,
  ParamStmt,
} from "../ir/ast/types.js"
import { addDim, BATCH, printDim, printType, sameDim, type Dim } from "../ir/tensor.js"
import { type Span, spanText } from "../source/source.js"
import { typeIsKnown } from "./args.js"
import { warnOfFeatureTaken } from "./doubts/axes.js"
import { noteDone } from "./doubts/done.js"
import { emit } from "./emit.js"
import { newNaming, under, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { MODEL_HABITS } from "../source/habits.js"
import { adviceOnMember, evalModuleMember, methodOf } from "./habits.js"
import { parametersOf } from "./parameters.js"
import { complain, didYouMean, meantName } from "./report.js"
import { newScope } from "./scope.js"
import { declareParam, readValue } from "./slots.js"
import * as v from "./values.js"
import type { Instance, TensorValue, Value } from "./values.js"
import { modelInstance } from "./layers.js"

export function evalField(env: Env, expr: FieldExpr): Value {
  const module = evalModuleMember(env, expr)
  if (module) return module
  const object = evalExpr(env, expr.object)
  const { text, span } = expr.name
  switch (object.kind) {
    case "error":
      return object
    case "ops":
      return { kind: "op", name: text }
    case "tensor":
      if (text === "shape") return v.list(object.type.shape.map(v.fromDim))
      if (text === "rank") return v.int(object.type.shape.length)
      if (text === "dtype") return v.string(object.type.dtype)
      break
    case "int":
    case "float":
    case "bool":
    case "dim":
      // A literal beside tensors is a scalar, so library code may ask it for its shape.
      if (text === "shape") return v.list([])
      if (text === "rank") return v.int(0)
      if (text === "dtype") return v.string(v.naturalDType(object))
      break
    case "fields": {
      const field = object.fields.get(text)
      if (field) return field
      break
    }
    case "instance":
      return memberOf(env, object.instance, text, span)
    case "model":
      return memberOf(env, modelInstance(env, object, expr.object.span), text, span)
  }
  complain(env, {
    code: "field-unknown",
    message: `${v.describe(object)} has no \`.${text}\``,
    span,
    label: "not found",
    ...(object.kind === "tensor"
      ? (adviceOnMember(env, expr) ??
        meantName(text, span, ["shape", "rank", "dtype"]) ?? {
          help: "a tensor has `.shape`, `.rank` and `.dtype`",
        })
      : object.kind === "layer"
        ? {
            help: `\`${object.decl.name.text}\` is the layer itself; make an instance first: \`let a = ${object.decl.name.text}(...)\``,
          }
        : object.kind === "fields"
          ? (meantName(text, span, object.fields.keys()) ?? {
              help: `its fields are ${[...object.fields.keys()].join(", ")}`,
            })
          : {}),
  })
  return object.kind === "tensor" ? methodOf(env, object, expr) : v.ERROR
}

/** A parameter, a state or an inner instance. */
function memberOf(env: Env, instance: Instance, name: string, span: Span): Value {
  const path = under(instance.path, name)
  const slot = env.cx.slots.get(path) ?? declaredByConfig(env, instance, name)
  if (slot)
    return readValue(env, slot.slot, span, {
      span: slot.span,
      text: `declared here: ${printType(slot.slot.type)}`,
    })
  const inner = env.cx.instances.get(path)
  if (inner) return { kind: "instance", instance: inner }
  const numbered = numberedAt(env, path)
  if (numbered.length > 0) return v.list(numbered.map((each) => ({ kind: "instance", instance: each })))
  const declared = paramsOf(instance.decl).map((p) => p.name.text)
  if (name === "parameters" && !declared.includes(name)) return parametersOf(env, instance, span)
  const known = [
    ...declared,
    ...[...env.cx.slots.keys(), ...env.cx.instances.keys()]
      .filter((k) => k.startsWith(`${instance.path}.`))
      .map((k) => k.slice(instance.path.length + 1).split(".")[0]!),
  ]
  if (declared.includes(name))
    return complain(env, {
      code: "param-not-yet",
      message: `the size of \`${path}\` is not known before \`${instance.path}\` is called`,
      span,
      label: "read before the first call",
      related: [{ span: instance.span, text: "made here" }],
      help: "call it first: its inputs tell the sizes of its parameters",
    })
  return complain(env, {
    code: "field-unknown",
    message: `the ${instance.decl.kind} \`${instance.path}\` has no \`${name}\``,
    span,
    label: "no such parameter, state or layer",
    related: [{ span: instance.decl.name.span, text: "declared here" }],
    help: MODEL_HABITS[name] ?? didYouMean(name, known),
  })
}

/** The instances `linear.0`, `linear.1`, ... as a list. */
function numberedAt(env: Env, path: string): Instance[] {
  const out: Instance[] = []
  for (
    let next = env.cx.instances.get(`${path}.0`);
    next;
    next = env.cx.instances.get(`${path}.${out.length}`)
  )
    out.push(next)
  return out
}

const paramsOf = (decl: LayerDecl | ModelDecl): ParamStmt[] =>
  decl.body.statements.filter((s) => s.kind === "param")

/** Declares a parameter whose size the configuration alone tells (`Embedding(65, 128).weight`). */
function declaredByConfig(env: Env, instance: Instance, name: string): ReturnType<Env["cx"]["slots"]["get"]> {
  const param = paramsOf(instance.decl).find((p) => p.name.text === name)
  if (!param) return undefined
  const scope = newScope()
  for (const [key, value] of instance.config)
    scope.names.set(key, { value, span: instance.span, kind: "config" })
  const inner: Env = {
    ...env,
    scope,
    module: instance.module,
    naming: newNaming(instance.path),
    iterations: [],
  }
  if (!typeIsKnown(inner, param.type)) return undefined
  declareParam(inner, param)
  return env.cx.slots.get(under(instance.path, name))
}

export function evalIndex(env: Env, expr: IndexExpr): Value {
  const object = evalExpr(env, expr.object)
  if (v.hasError(object)) return v.ERROR
  if (object.kind === "list" || object.kind === "tuple") return itemOf(env, object.items, object.kind, expr)
  if (object.kind === "string") return characterOf(env, object.value, expr)
  if (object.kind === "tensor") {
    warnOfRowTaken(env, object, expr)
    warnOfFeature(env, object, expr)
    const result = sliceOf(env, object, expr)
    noteDone(env, {
      name: "index",
      args: new Map([["x", object]]),
      given: new Map(),
      result,
      span: expr.span,
    })
    return result
  }
  return complain(env, {
    code: "index",
    message: `${v.describe(object)} cannot be indexed`,
    span: expr.object.span,
    label: "only tensors, lists, tuples and texts can",
  })
}

/** `h[-1]` of f32[B, 6, 8]: the last row of the batch, where mostly the last step of a sequence is meant. */
function warnOfRowTaken(env: Env, { type }: TensorValue, { items }: IndexExpr): void {
  const [item] = items
  const [rows] = type.shape
  if (env.module.library || item?.kind !== "at" || rows === undefined || !sameDim(rows, BATCH)) return
  const place = spanText(item.value.span)
  complain(env, {
    severity: "warning",
    code: "batch-axis",
    message: `this takes one row of the batch, for axis 0 of ${printType(type)} are its rows`,
    span: item.value.span,
    label: "along axis 0",
    help: type.shape.length > 1 ? `along axis 1 it is \`[:, ${place}]\`` : undefined,
    ...(type.shape.length > 2 &&
      items.length === 1 && {
        fix: { span: item.value.span, replacement: `:, ${place}` },
      }),
  })
}

/** `h[:, :, -1]`: the axis that one place is taken of. */
function warnOfFeature(env: Env, object: TensorValue, { items }: IndexExpr): void {
  const rest = items.findIndex((item) => item.kind === "rest")
  for (const [i, item] of items.entries()) {
    if (item.kind !== "at") continue
    const axis = rest >= 0 && i > rest ? object.type.shape.length - items.length + i : i
    warnOfFeatureTaken(env, object, axis, item.value.span)
  }
}

function itemOf(env: Env, items: readonly Value[], kind: "list" | "tuple" | "text", expr: IndexExpr): Value {
  const [item, more] = expr.items
  if (!item || more || item.kind === "rest") return badIndex(env, "one index is needed here", expr.span)
  if (item.kind === "slice") {
    const from = optionalInt(env, item.start, 0)
    const to = optionalInt(env, item.stop, items.length)
    if (from === undefined || to === undefined) return v.ERROR
    return { kind: kind === "tuple" ? kind : "list", items: items.slice(from, to) }
  }
  const index = evalExpr(env, item.value)
  if (v.hasError(index)) return v.ERROR
  if (index.kind !== "int")
    return badIndex(env, `an index must be an integer, and this is ${v.describe(index)}`, item.value.span)
  const value = items.at(index.value)
  return (
    value ??
    badIndex(env, `there is no place ${index.value} in a ${kind} of ${items.length}`, item.value.span)
  )
}

/** A text is indexed as the list of its characters, and the result is a text. */
function characterOf(env: Env, text: string, expr: IndexExpr): Value {
  const found = itemOf(env, [...text].map(v.string), "text", expr)
  if (found.kind !== "list") return found
  return v.string(found.items.map((item) => (item.kind === "string" ? item.value : "")).join(""))
}

function optionalInt(env: Env, expr: Expr | undefined, otherwise: number): number | undefined {
  if (!expr) return otherwise
  const value = evalExpr(env, expr)
  if (value.kind === "int") return value.value
  if (!v.hasError(value))
    badIndex(env, `an index must be an integer, and this is ${v.describe(value)}`, expr.span)
  return undefined
}

function badIndex(env: Env, message: string, span: Span): Value {
  return complain(env, { code: "index", message, span, label: "this index" })
}

/** One axis of the slice: which places, and whether the axis stays. */
interface Range {
  readonly start: Dim
  readonly stop: Dim
  readonly step: number
  readonly keep: boolean
}

function sliceOf(env: Env, x: TensorValue, expr: IndexExpr): Value {
  const { shape } = x.type
  const given = expr.items.filter((i) => i.kind !== "rest").length
  if (given > shape.length)
    return badIndex(env, `${given} indices for the ${shape.length} axes of ${printType(x.type)}`, expr.span)
  const rest = expr.items.findIndex((i) => i.kind === "rest")
  const ranges: Range[] = shape.map((size) => ({ start: 0, stop: size, step: 1, keep: true }))
  for (const [i, item] of expr.items.entries()) {
    if (item.kind === "rest") continue
    const axis = rest >= 0 && i > rest ? shape.length - expr.items.length + i : i
    const range = rangeOf(env, item, shape[axis]!)
    if (!range) return v.ERROR
    ranges[axis] = range
  }
  const sliced = ranges.every((r, axis) => r.start === 0 && r.step === 1 && sameSize(r.stop, shape[axis]!))
    ? x
    : emit(
        env,
        "slice",
        [x],
        {
          starts: ranges.map((r) => r.start),
          stops: ranges.map((r) => r.stop),
          steps: ranges.map((r) => r.step),
        },
        expr.span,
      )
  if (sliced.kind !== "tensor" || ranges.every((r) => r.keep)) return sliced
  return emit(
    env,
    "reshape",
    [sliced],
    { shape: sliced.type.shape.filter((_, axis) => ranges[axis]!.keep) },
    expr.span,
  )
}

const sameSize = (a: Dim, b: Dim): boolean => printDim(a) === printDim(b)

function rangeOf(env: Env, item: Exclude<IndexItem, { kind: "rest" }>, size: Dim): Range | undefined {
  if (item.kind === "at") {
    const start = place(env, item.value, size, "index")
    return start === undefined ? undefined : { start, stop: addDim(start, 1), step: 1, keep: false }
  }
  const start = item.start ? place(env, item.start, size, "bound") : 0
  const stop = item.stop ? place(env, item.stop, size, "bound") : size
  const step = optionalInt(env, item.step, 1)
  if (start === undefined || stop === undefined || step === undefined) return undefined
  return { start, stop, step, keep: true }
}

/** A place along an axis; negative ones count from the end, bounds beyond the end stop there. */
function place(env: Env, expr: Expr, size: Dim, kind: "index" | "bound"): Dim | undefined {
  const value = evalExpr(env, expr)
  if (v.hasError(value)) return undefined
  const dim = v.toDim(value)
  if (dim === undefined) {
    complain(env, {
      code: "index",
      message: `an index must be an integer known when compiling, and this is ${v.describe(value)}`,
      span: expr.span,
      label: v.describe(value),
      help:
        value.kind === "tensor" ? "read at places found in data with `index_select` or `gather`" : undefined,
    })
    return undefined
  }
  if (typeof dim !== "number") return dim
  const at = dim < 0 ? addDim(size, dim) : dim
  if (typeof at !== "number" || typeof size !== "number") return at
  if (kind === "bound") return Math.max(0, Math.min(at, size))
  if (at >= 0 && at < size) return at
  complain(env, {
    code: "index",
    message: `there is no place ${dim} on an axis of ${size}`,
    span: expr.span,
    label: `places are 0 to ${size - 1}`,
  })
  return undefined
}
