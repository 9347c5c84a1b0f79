/** check: a loss with one argument too many: the input of the model beside its output, `mse(x, Net(x), y)`, or the
 *  model and its input side by side, `mse(Net, x, y)`.
 *  Not here:   two arguments in each other's places (args.ts, doubts/losses.ts). */
import { sameShape } from "../ir/tensor.js"
import type { Fix } from "../source/diagnostic.js"
import { spanText } from "../source/source.js"
import type { Given } from "./args.js"
import type { Env } from "./env.js"
import { complain } from "./report.js"
import { describe, type FnValue } from "./values.js"

/** Reports a call with that mistake. False: it has another one. */
export function takesInput(env: Env, { decl, module }: FnValue, given: readonly Given[]): boolean {
  if (!module.library || env.module.library || given.length < 3) return false
  const [first, target] = decl.params.map(({ name }) => name.text)
  if (first === undefined || target !== "target" || given.slice(0, 3).some(({ name }) => name !== undefined))
    return false
  const [a, b, c] = given as readonly [Given, Given, Given]
  const loss = decl.name.text
  const takes = `\`${loss}\` takes ${first} and the target`
  if (a.value.kind === "model" && fieldOf(env, b) && fieldOf(env, c)) {
    const called = `${spanText(a.span)}(${spanText(b.span)})`
    complain(env, {
      code: "argument-order",
      message: `${takes}: here stand the model, its input and the target`,
      span: { ...a.span, end: b.span.end },
      label: "the model is not called",
      help: `call it with its input: \`${loss}(${called}, ${spanText(c.span)})\``,
      fix: { span: { ...a.span, end: b.span.end }, replacement: called },
    })
    return true
  }
  const extra =
    fieldOf(env, a) && isComputed(env, b) && fieldOf(env, c)
      ? { it: a, next: b, computed: b }
      : isComputed(env, a) && fieldOf(env, b) && fieldOf(env, c) && fits(a, c) && !fits(a, b)
        ? { it: b, next: c, computed: a }
        : undefined
  if (!extra) return false
  const { it, next, computed } = extra
  const fix: Fix = { span: { ...it.span, end: next.span.start }, replacement: "" }
  complain(env, {
    code: "argument-order",
    message: `${takes}: here the field \`${fieldOf(env, it)}\` comes in too`,
    span: it.span,
    label: describe(it.value),
    related: [
      { span: computed.span, text: `${first}: ${describe(computed.value)}` },
      { span: c.span, text: `the target: ${describe(c.value)}` },
    ],
    help: `a loss does not read the model's input: \`${loss}(${spanText(computed.span)}, ${spanText(c.span)})\``,
    fix,
  })
  return true
}

/** The field of the data that an argument is, as it is read. */
function fieldOf({ section }: Env, { value }: Given): string | undefined {
  if (value.kind !== "tensor") return undefined
  return section.inputs.find(({ id, source }) => id === value.id && source.kind === "data")?.name
}

const isComputed = (env: Env, given: Given): boolean =>
  given.value.kind === "tensor" && fieldOf(env, given) === undefined

/** Whether it can be the target of scores: of their shape, or classes. */
function fits({ value: scores }: Given, { value: target }: Given): boolean {
  if (scores.kind !== "tensor" || target.kind !== "tensor") return false
  return target.type.dtype === "i32" || sameShape(scores.type.shape, target.type.shape)
}
