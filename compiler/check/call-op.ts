/** check: `op.NAME(args..., attr: constant)`: the primitives, as the library calls them.
 *  Guarantees: attributes are constants of the kind their specification asks for, defaults filled in; a pointwise primitive of
 *              constants is computed here and stays a constant; a random draw gets a place that edits elsewhere do not move. */
import type { Arg } from "../ir/ast/types.js"
import type { Attrs, AttrValue } from "../ir/graph/types.js"
import { isStatic, scalarType, type DType } from "../ir/tensor.js"
import { allOps, findOp, fitsAttr, inferType } from "../ops/index.js"
import { ConstraintError, type AttrSpec, type OpDef } from "../ops/op.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import { asTensor, emit, literalDType, pointwise } from "./emit.js"
import type { Env } from "./env.js"
import { complain, didYouMean } from "./report.js"
import { scalarInput } from "./section.js"
import * as v from "./values.js"
import type { TensorValue, Value } from "./values.js"

export function callOp(env: Env, name: string, given: readonly Given[], span: Span): Value {
  const def = findOp(name)
  if (!def)
    return complain(env, {
      code: "op-unknown",
      message: `there is no primitive \`op.${name}\``,
      span,
      label: "not a primitive",
      help: didYouMean(
        name,
        allOps().map((o) => o.name),
      ),
    })
  if (def.writtenAs !== undefined)
    return complain(env, {
      code: "op-by-hand",
      message: `\`op.${name}\` is made by the compiler alone`,
      span,
      label: "cannot be called",
      help: `write \`${def.writtenAs}\``,
    })
  if (given.some((g) => v.hasError(g.value))) return v.ERROR
  const attrs = attributes(
    env,
    def,
    given.filter((g) => g.name !== undefined && g.name in def.attrs),
    span,
  )
  const args = tensorArguments(
    env,
    def,
    given.filter((g) => g.name === undefined || !(g.name in def.attrs)),
    span,
  )
  if (!attrs || !args) return v.ERROR
  if (def.traits.kind === "pointwise") {
    const folded = fold(def, args, attrs)
    return folded ?? pointwise(env, def.name, args, attrs, span)
  }
  const dtype = literalDType(args)
  const tensors: TensorValue[] = []
  for (const arg of args) {
    const tensor = asTensor(env, arg, arg.kind === "bool" ? undefined : dtype, span)
    if (tensor.kind !== "tensor") return v.ERROR
    tensors.push(tensor)
  }
  return emit(env, def.name, tensors, attrs, span)
}

/** The arguments to evaluate: `step` and `seed` of a random draw stand there for the reader alone. */
export function writtenArgs(name: string, args: readonly Arg[]): readonly Arg[] {
  const def = findOp(name)
  return def && isDraw(def) ? args.filter((a) => a.name && a.name.text in def.attrs) : args
}

const isDraw = (def: OpDef): boolean => def.params.includes("step") && def.params.includes("seed")

/** One value per parameter of the primitive; `step` and `seed` of random draws are filled in. */
function tensorArguments(env: Env, def: OpDef, given: readonly Given[], span: Span): Value[] | undefined {
  const variadic = def.params.at(-1)?.endsWith("...") ?? false
  const rest = given
    .filter((g) => g.name === undefined)
    .flatMap((g) => (variadic && g.value.kind === "list" ? g.value.items : [g.value]))
  const out: Value[] = []
  if (isDraw(def)) return drawArguments(env, def, span)
  for (const param of def.params) {
    if (param.endsWith("...")) break
    const named = given.find((g) => g.name === param)
    const value = named ? named.value : rest.shift()
    if (!value) return wrongArguments(env, def, given, span)
    out.push(value)
  }
  if (rest.length > 0 && !variadic) return wrongArguments(env, def, given, span)
  if (given.some((g) => g.name !== undefined && !def.params.includes(g.name)))
    return wrongArguments(env, def, given, span)
  return [...out, ...rest]
}

/** An iteration of a loop counts as a step of its own, so that each draws other numbers. */
function drawArguments(env: Env, def: OpDef, span: Span): Value[] {
  const step = scalarInput(env.section, "step")
  const { loop } = env
  const inLoop = loop?.iteration.section === env.section
  const counted = inLoop
    ? pointwise(
        env,
        "add",
        [pointwise(env, "mul", [step, v.int(loop.iterations)], {}, span), loop.iteration],
        {},
        span,
      )
    : step
  return def.params.map((p) => (p === "seed" ? scalarInput(env.section, "seed") : counted))
}

function wrongArguments(env: Env, def: OpDef, given: readonly Given[], span: Span): undefined {
  const unknown = given.find((g) => g.name !== undefined && !def.params.includes(g.name))
  complain(env, {
    code: "op-arguments",
    message: unknown
      ? `\`op.${def.name}\` has no argument or attribute \`${unknown.name}\``
      : `\`op.${def.name}\` takes ${def.params.length} arguments, and got ${given.length}`,
    span,
    label: `it is op.${def.name}(${[...def.params, ...Object.keys(def.attrs).map((a) => `${a}: ...`)].join(", ")})`,
  })
}

function attributes(env: Env, def: OpDef, given: readonly Given[], span: Span): Attrs | undefined {
  const out: Record<string, AttrValue> = {}
  for (const [name, spec] of Object.entries(def.attrs)) {
    const arg = given.find((g) => g.name === name)
    const value = arg ? attrValue(arg.value) : name === "stream" ? randomStream(env) : spec.default
    if (value === undefined || (arg && value !== spec.default && !fitsAttr(spec.kind, value))) {
      complain(env, {
        code: "op-attribute",
        message: arg
          ? `\`${name}\` of \`op.${def.name}\` must be ${kinds[spec.kind]}, and this is ${v.describe(arg.value)}`
          : `\`op.${def.name}\` needs \`${name}\`: ${spec.doc}`,
        span: arg?.span ?? span,
        label: arg ? v.describe(arg.value) : "missing",
      })
      return undefined
    }
    out[name] = value
  }
  return out
}

const kinds: Record<AttrSpec["kind"], string> = {
  int: "an integer constant",
  float: "a constant number",
  bool: "true or false",
  string: "a text",
  ints: "a list of integers",
  dims: "a list of sizes",
  dim: "a size",
}

function attrValue(value: Value): AttrValue | undefined {
  switch (value.kind) {
    case "int":
    case "float":
    case "bool":
    case "string":
      return value.value
    case "none":
      return null
    case "dim":
      return value.dim
    case "list":
    case "tuple": {
      const items: AttrValue[] = []
      for (const item of value.items) {
        const part = attrValue(item)
        if (part === undefined) return undefined
        items.push(part)
      }
      return items
    }
    default:
      return undefined
  }
}

/** The key of a random draw: where its instance stands, and which draw of that instance it is. FNV-1a, 31 bits. */
function randomStream(env: Env): number {
  const { path } = env.naming
  const count = env.section.draws.get(path) ?? 0
  env.section.draws.set(path, count + 1)
  let hash = 0x811c9dc5
  for (const char of `${path}#${count}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return hash & 0x7fffffff
}

/** The value of a pointwise primitive of constants; undefined when some argument is not one. */
function fold(def: OpDef, args: readonly Value[], attrs: Attrs): Value | undefined {
  const numbers: number[] = []
  for (const arg of args) {
    if (v.isNumber(arg)) numbers.push(arg.value)
    else if (arg.kind === "bool") numbers.push(arg.value ? 1 : 0)
    else return undefined
  }
  if (args.length === 0) return undefined
  const asInts = args.every((a) => a.kind !== "float")
    ? evaluate(def, args, numbers, attrs, "i32")
    : undefined
  return asInts ?? evaluate(def, args, numbers, attrs, "f32")
}

function evaluate(
  def: OpDef,
  args: readonly Value[],
  numbers: readonly number[],
  attrs: Attrs,
  dtype: DType,
): Value | undefined {
  try {
    const type = inferType(
      def,
      args.map((a) => scalarType(a.kind === "bool" ? "bool" : dtype)),
      attrs,
    )
    if (!type.shape.every(isStatic)) return undefined
    const { data } = def.eval(
      numbers.map((n) => ({ shape: [], data: Float64Array.of(n) })),
      attrs,
      { type, dims: { B: 1, R: 1 }, scalars: { step: 0, epoch: 0, seed: 0, start: 0, iteration: 0 } },
    )
    const value = data[0] ?? NaN
    if (type.dtype === "bool") return v.bool(value !== 0)
    return type.dtype === "f32" || type.dtype === "f16" ? v.float(value) : v.int(value)
  } catch (error) {
    if (error instanceof ConstraintError) return undefined
    throw error
  }
}
