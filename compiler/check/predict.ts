/** check: models as something to predict with: elaborated once more with `training` false and any number of rows. */
import type { ModelDecl } from "../ir/ast/types.js"
import type { PredictSection } from "../ir/model/types.js"
import { BATCH, type TensorType } from "../ir/tensor.js"
import { resolveType } from "./args.js"
import { newSignature, resolveDim, type Signature } from "./dims.js"
import { originAt, topEnv, type Cx, type Env } from "./env.js"
import { checkIndices } from "./indices.js"
import { callInstance, modelInstance } from "./layers.js"
import { complain } from "./report.js"
import type { ModuleScope } from "./resolve.js"
import { addInput, finish, newSection } from "./section.js"
import * as v from "./values.js"

export function checkPredict(cx: Cx, module: ModuleScope, decl: ModelDecl): PredictSection | undefined {
  const env = topEnv(cx, module, newSection(false))
  const types = inputTypes(env, decl)
  if (!types) return undefined
  const instance = modelInstance(env, { kind: "model", decl, module }, decl.name.span)
  const inputs = types.map((type, i) => {
    const param = decl.inputs[i]!
    return {
      value: addInput(env.section, param.name.text, type, { kind: "feed" }),
      span: param.span,
    }
  })
  const result = callInstance(env, instance, inputs, decl.name.span)
  if (v.hasError(result)) return undefined
  const tensors = v.tensorsIn(result)
  if (tensors.length === 0) {
    complain(env, {
      code: "model-result",
      message: `the model \`${decl.name.text}\` gives ${v.describe(result)}, and a model gives tensors`,
      span: decl.name.span,
      label: v.describe(result),
    })
    return undefined
  }
  const results = tensors.map((t, i) => ({
    name: tensors.length === 1 ? "output" : `output.${i}`,
    value: t.id,
  }))
  const section = finish(env.section, results, (input) => input.source.kind === "scalar")
  checkIndices(env, section)
  return {
    model: decl.name.text,
    section,
    origin: originAt(env, decl.name.span),
  }
}

/** The sizes of the first call; for a model that follows another, those of a call of that one. */
function callsOf({ modelCalls, followers }: Cx, { name, follows }: ModelDecl): Signature | undefined {
  const names = [name.text]
  for (let at = follows && name.text; at !== undefined; at = followers.get(at)?.leader) names.push(at)
  const calls = [...modelCalls].filter(([decl]) => names.includes(decl.name.text))
  return calls[0]?.[1]
}

/** The inputs' types: B is the batch, other names have their sizes from the first call. Undefined after a diagnostic. */
function inputTypes(env: Env, decl: ModelDecl): TensorType[] | undefined {
  if (new Set(decl.inputs.map(({ name }) => name.text)).size < decl.inputs.length) return undefined
  const called = callsOf(env.cx, decl)
  const signature: Signature = newSignature()
  signature.sizes.set("B", { value: BATCH, span: decl.span, text: "the batch" })
  for (const [name, size] of called?.sizes ?? []) if (name !== "B") signature.sizes.set(name, size)
  if (called?.rest) signature.rest = called.rest
  const types: TensorType[] = []
  for (const param of decl.inputs) {
    if (!param.type || param.type.kind !== "type") {
      complain(env, {
        code: "model-input-type",
        message: `the input \`${param.name.text}\` of a model needs a tensor type`,
        span: param.span,
        label: "of which dtype and shape?",
        help: `for instance \`${param.name.text}: f32[B, 30]\``,
      })
      return undefined
    }
    const free = param.type.dims?.find((d) =>
      d.kind === "rest" ? !signature.rest : resolveDim(env, d, signature).kind === "unbound",
    )
    if (free && !called) {
      complain(env, {
        severity: "warning",
        code: "model-size",
        message: `\`${decl.name.text}\` is never called, so nothing says how large its input \`${param.name.text}\` is`,
        span: free.span,
        label: "unknown size",
        help: "it will not be compiled; call it in a `train` section, or write a number here",
      })
      return undefined
    }
    const type = resolveType(env, param.type, signature)
    if (!type) return undefined
    types.push(type)
  }
  return types
}
