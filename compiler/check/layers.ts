/** check: instances of layers and models, and the paths that name their parameters.
 *  Guarantees: `let enc = Linear(64)` is at `enc`; an anonymous one at `linear.K`, the K-th of its layer in that body; calling
 *              an instance again finds the slots of the first call; a model has one instance, at its own name. */
import { isStatic } from "../ir/tensor.js"
import type { Span } from "../source/source.js"
import { assign, bindAll, bindSizes, byName, type Given } from "./args.js"
import { noteBatchNorm } from "./batch-norm.js"
import { isRecursive, runBody } from "./call.js"
import { noteDone } from "./doubts/done.js"
import { newSignature } from "./dims.js"
import { calleeEnv, frameOf, newNaming, under, userSpan, type Env } from "./env.js"
import { inputFirst } from "./habits.js"
import { warnOfChannelsLast, warnOfRowsInside } from "./lints.js"
import { replacedBy, withGiven } from "./parameters.js"
import { complain } from "./report.js"
import { noteCounting } from "./run-length.js"
import { uniqueName } from "./slots.js"
import * as v from "./values.js"
import type { Instance, Value } from "./values.js"

/** A new instance; `hint` is the name a `let` gives it. Undefined after a diagnostic. */
export function makeInstance(
  env: Env,
  layer: Value & { kind: "layer" },
  given: readonly Given[],
  span: Span,
  hint: string | undefined,
): Instance | undefined {
  const { decl, module } = layer
  const path = under(env.naming.path, uniqueName(env, hint ?? anonymousName(env, decl.name.text)))
  if (given.some((g) => v.hasError(g.value))) return undefined
  const order = module.library ? inputFirst(decl, given, span) : undefined
  const inputGiven = order !== undefined && INPUT_APART.has(decl.config[1]!.name.text)
  if (inputGiven) {
    complain(env, order.complaint)
    if (given.length > 2) return undefined
  }
  const assigned = assign(env, decl.config, inputGiven ? given.slice(1) : given, decl.name.text, span)
  if (!assigned) return undefined
  const named = byName(assigned)
  const inner = calleeEnv(env, module, frameOf(env, decl, span, named))
  const signature = newSignature()
  if (!bindAll(env, inner, decl.config, assigned, signature, decl.name.text, "config")) return undefined
  bindSizes(inner, signature)
  const config = new Map([...inner.scope.names].map(([name, binding]) => [name, binding.value]))
  const instance: Instance = {
    path,
    decl,
    module,
    config,
    span,
    given: named,
    ...(order && !inputGiven && { order }),
  }
  env.cx.instances.set(path, instance)
  return instance
}

/** Names of second settings that no number is: two numbers are one too many. */
const INPUT_APART = new Set(["bias", "causal"])

/** `linear.0`, `linear.1`, ... in order of the source. */
function anonymousName(env: Env, layer: string): string {
  const base = snakeCase(layer)
  const count = env.naming.counts.get(base) ?? 0
  env.naming.counts.set(base, count + 1)
  return `${base}.${count}`
}

/** LayerNorm -> layer_norm, Conv2d -> conv2d, GRU -> gru. */
export const snakeCase = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .toLowerCase()

/** The one instance of a model. */
export function modelInstance(env: Env, model: Value & { kind: "model" }, span: Span): Instance {
  const path = model.decl.name.text
  const before = env.cx.instances.get(path)
  if (before) return before
  const instance: Instance = {
    path,
    decl: model.decl,
    module: model.module,
    config: new Map(),
    span,
    given: new Map(),
  }
  env.cx.instances.set(path, instance)
  return instance
}

export function callInstance(outer: Env, instance: Instance, all: readonly Given[], span: Span): Value {
  const { decl, module, path } = instance
  if (all.some((g) => v.hasError(g.value)) || isRecursive(outer, decl, span)) return v.ERROR
  const { inputs: given, parameters } = withGiven(instance, all)
  const replaced = parameters && replacedBy(outer, instance, parameters)
  if (parameters && !replaced) return v.ERROR
  const env: Env = replaced
    ? { ...outer, replaced: new Map([...(outer.replaced ?? []), ...replaced]) }
    : outer
  const assigned = assign(env, decl.inputs, given, decl.name.text, span)
  if (!assigned) return v.ERROR
  if (instance.order && featuresOf(decl.name.text, given[0]) === instance.order.input)
    return complain(env, instance.order.complaint)
  const frame = frameOf(env, decl, span, new Map([...instance.given, ...byName(assigned)]))
  const inner = calleeEnv(env, module, frame, newNaming(path))
  for (const [name, value] of instance.config) {
    inner.scope.names.set(name, { value, span: instance.span, kind: "config" })
  }
  const signature = newSignature()
  if (!bindAll(env, inner, decl.inputs, assigned, signature, decl.name.text, "argument")) return v.ERROR
  bindSizes(inner, signature)
  if (module.library) {
    const input = assigned.get(decl.inputs[0]!)?.value
    warnOfRowsInside(env, decl.name.text, input, span)
    warnOfChannelsLast(env, decl.name.text, input, span)
  }
  noteBatchNorm(env, instance, assigned.get(decl.inputs[0]!)?.value, span)
  if (decl.kind === "model" && !env.cx.modelCalls.has(decl)) env.cx.modelCalls.set(decl, signature)
  const args = new Map([...inner.scope.names].map(([name, { value }]) => [name, value]))
  const result = runBody(env, inner, decl, signature, path, given, span)
  if (module.library) {
    const done = {
      name: decl.name.text,
      args,
      given: new Map([...instance.given, ...byName(assigned)]),
      span,
    }
    noteDone(env, { ...done, result })
    noteCounting(env, done)
  }
  return result.kind === "tensor" && module.library
    ? { ...result, madeBy: decl.name.text, madeAt: userSpan(env, span) }
    : result
}

/** The features of images, [N, C, ...], and of sequences, [N, T, I]; undefined where they are not a known number. */
function featuresOf(layer: string, input: Given | undefined): number | undefined {
  if (input?.value.kind !== "tensor") return undefined
  const size = input.value.type.shape.at(layer.startsWith("Conv") ? 1 : -1)
  return size !== undefined && isStatic(size) ? size : undefined
}
