/** check: bodies that no section of the program runs, carried out once all the same where the sizes of their inputs are written
 *  down (numbers, or B), so that mistakes of shape in them are found.
 *  Guarantees: nothing of it gets into the Model: slots, instances and operations are thrown away.
 *  Not here:   bodies whose sizes only a call would say: of those, the names are checked (uncalled.ts). */
import type { FnDecl, LayerDecl, ModelDecl, Param } from "../ir/ast/types.js"
import { BATCH, type TensorType } from "../ir/tensor.js"
import { resolveType, type Given } from "./args.js"
import { callFn } from "./call.js"
import { newSignature, resolveDim } from "./dims.js"
import { topEnv, type Cx, type Env } from "./env.js"
import { callInstance, makeInstance, modelInstance } from "./layers.js"
import type { ModuleScope } from "./resolve.js"
import { addInput, newSection } from "./section.js"

/** Elaborates bodies that no train section runs. A model has been elaborated as a prediction; here it is as in training. */
export function carryOutUncalled(cx: Cx, module: ModuleScope): void {
  for (const decl of module.module.declarations) {
    if (decl.kind !== "fn" && decl.kind !== "layer" && decl.kind !== "model") continue
    if (decl.kind === "model" && decl.follows) continue
    if (cx.trained.has(decl) || (decl.kind !== "model" && cx.elaborated.has(decl))) continue
    carryOut(cx, module, decl)
  }
}

function carryOut(cx: Cx, module: ModuleScope, decl: FnDecl | LayerDecl | ModelDecl): void {
  const apart = {
    ...cx,
    slots: new Map(),
    weights: new Map(),
    instances: new Map(),
    modelCalls: new Map(),
    dropouts: new Map(),
  }
  const env = topEnv(apart, module, newSection(true))
  const given = inputsOf(env, decl.kind === "fn" ? decl.params : decl.inputs)
  if (!given) return
  const span = decl.name.span
  if (decl.kind === "fn") callFn(env, { kind: "fn", decl, module }, given, span)
  else if (decl.kind === "model") {
    const instance = modelInstance(env, { kind: "model", decl, module }, span)
    callInstance(env, instance, given, span)
  } else if (decl.config.every((param) => param.default)) {
    const instance = makeInstance(env, { kind: "layer", decl, module }, [], span, undefined)
    if (instance) callInstance(env, instance, given, span)
  }
}

/** A tensor for each parameter without a default; undefined when a size or type is not written down. */
function inputsOf(env: Env, params: readonly Param[]): Given[] | undefined {
  const given: Given[] = []
  for (const { name, type: written, default: otherwise, span } of params) {
    if (otherwise) continue
    if (given.some((before) => before.name === name.text)) return undefined
    const type = written?.kind === "type" && written.dims ? typeOf(env, written) : undefined
    if (!type) return undefined
    given.push({ name: name.text, value: addInput(env.section, name.text, type, { kind: "feed" }), span })
  }
  return given
}

function typeOf(env: Env, written: Param["type"] & { readonly kind: "type" }): TensorType | undefined {
  const signature = newSignature()
  signature.sizes.set("B", { value: BATCH, span: written.span, text: "the batch" })
  const known = written.dims?.every((d) => d.kind !== "rest" && resolveDim(env, d, signature).kind === "dim")
  return known && written.base.text !== "any" ? resolveType(env, written, signature) : undefined
}
