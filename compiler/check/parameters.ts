/** check: the parameters of a model or instance as one value: `Net.parameters`, arithmetic on it, and `Net(x, with: p)`.
 *  Guarantees: its tensors go by their paths within the instance; arithmetic and functions of tensors act on each of them; a body that is
 *              given others reads these in the place of its own.
 *  Not here:   reading one parameter (slots.ts), gradients (autodiff/). */
import type { Param } from "../ir/ast/types.js"
import { printType, sameType } from "../ir/tensor.js"
import { Diagnostics } from "../source/diagnostic.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import { rootOf, type Cx, type Env } from "./env.js"
import { checkPredict } from "./predict.js"
import { complain, didYouMean } from "./report.js"
import { readValue } from "./slots.js"
import * as v from "./values.js"
import type { Instance, ParametersValue, TensorValue, Value } from "./values.js"

/** `Net.parameters`: those that training moves; for a model that follows another, the counterparts of those. */
export function parametersOf(env: Env, instance: Instance, span: Span): Value {
  const { path, span: made } = instance
  const { slots } = env.cx
  if (!hasSlots(env.cx, path)) makeSlots(env, instance)
  const own = [...slots.values()].filter(
    ({ slot: { name, role } }) =>
      role === "param" &&
      name.startsWith(`${path}.`) &&
      slots.get(rootOf(env.cx, name))?.slot.frozen === false,
  )
  if (own.length === 0)
    return complain(env, {
      code: "param-not-yet",
      message: `the parameters of \`${path}\` are not known before it is called`,
      span,
      label: "read before the first call",
      related: [{ span: made, text: "made here" }],
      help: "call it first: its inputs tell the sizes of its parameters",
    })
  return {
    kind: "parameters",
    of: path,
    tensors: new Map(own.map(({ slot }) => [slot.name.slice(path.length + 1), readValue(env, slot, span)])),
  }
}

/** Whether the slots of an instance are known. */
const hasSlots = ({ slots }: Cx, path: string): boolean =>
  [...slots.keys()].some((name) => name.startsWith(`${path}.`))

/** A model whose inputs have sizes that are written down has its slots before anything calls it. Its mistakes are reported where it is
 *  called. */
function makeSlots({ cx }: Env, { decl, module }: Instance): void {
  if (decl.kind !== "model" || cx.making.has(decl)) return
  const apart: Cx = {
    ...cx,
    diagnostics: new Diagnostics(),
    reported: new Set(),
    modelCalls: new Map(cx.modelCalls),
    making: new Set([...cx.making, decl]),
  }
  checkPredict(apart, module, decl)
}

/** Applies `each` to the tensors of one path in every value of parameters, and to the other values as they are. */
export function forEachPath(
  env: Env,
  values: readonly Value[],
  span: Span,
  each: (values: readonly Value[]) => Value,
): Value {
  const all = values.filter((value) => value.kind === "parameters")
  const [first, ...others] = all
  if (!first) return each(values)
  const other = others.find(({ tensors }) => !sameTensors(first, tensors))
  if (other)
    return complain(env, {
      code: "parameters-differ",
      message: `the parameters of \`${first.of}\` and of \`${other.of}\` are not alike`,
      span,
      label: differenceOf(first, other),
      help: "calculate with parameters of one model, of models of one body, or of one that follows the other",
    })
  const tensors = new Map<string, TensorValue>()
  for (const path of first.tensors.keys()) {
    const made = each(values.map((value) => (value.kind === "parameters" ? value.tensors.get(path)! : value)))
    if (made.kind !== "tensor") {
      if (v.hasError(made)) return v.ERROR
      return complain(env, {
        code: "argument-type",
        message: `of each parameter this makes ${v.describe(made)}, where parameters are tensors`,
        span,
        label: v.describe(made),
      })
    }
    tensors.set(path, made)
  }
  return { kind: "parameters", of: first.of, tensors }
}

const sameTensors = (a: ParametersValue, tensors: ParametersValue["tensors"]): boolean =>
  a.tensors.size === tensors.size && [...a.tensors].every(([path, t]) => fits(tensors.get(path), t))

const fits = (a: TensorValue | undefined, b: TensorValue): boolean =>
  a !== undefined && sameType(a.type, b.type)

function differenceOf(a: ParametersValue, b: ParametersValue): string {
  for (const [x, y] of [
    [a, b],
    [b, a],
  ] as const)
    for (const [path, tensor] of x.tensors) {
      const other = y.tensors.get(path)
      if (!other) return `\`${y.of}\` has no \`${path}\``
      if (!fits(other, tensor)) return `\`${path}\` is ${printType(tensor.type)} and ${printType(other.type)}`
    }
  return "their parameters differ"
}

/** The arguments of a fn as its parameters take them: a `list` gets all tensors, in the order of their paths. */
export const listsOf = (assigned: ReadonlyMap<Param, Given>, given: readonly Given[]): readonly Given[] => {
  const listed = new Set(
    [...assigned]
      .filter(([{ type }]) => type?.kind === "type" && type.base.text === "list")
      .map(([, g]) => g),
  )
  return given.map((g) =>
    g.value.kind === "parameters" && listed.has(g)
      ? { ...g, value: v.list([...g.value.tensors.values()]) }
      : g,
  )
}

/** The argument `with:` of a call, apart from the others; where an input has this name it is that one. */
export function withGiven(
  { decl }: Instance,
  given: readonly Given[],
): { readonly inputs: readonly Given[]; readonly parameters?: Given } {
  if (decl.inputs.some(({ name }) => name.text === "with")) return { inputs: given }
  const parameters = given.find(({ name }) => name === "with")
  return parameters ? { inputs: given.filter((g) => g !== parameters), parameters } : { inputs: given }
}

/** The tensors that replace the slots of an instance; undefined after a diagnostic. */
export function replacedBy(
  env: Env,
  { path, decl }: Instance,
  { value, span }: Given,
): ReadonlyMap<string, TensorValue> | undefined {
  if (value.kind !== "parameters") {
    if (!v.hasError(value))
      complain(env, {
        code: "with-parameters",
        message: `\`with\` takes parameters of \`${decl.name.text}\`, and this is ${v.describe(value)}`,
        span,
        label: v.describe(value),
        help: `for instance \`with: ${path}.parameters - 0.1 * grad(loss, ${path}.parameters)\``,
      })
    return undefined
  }
  // Those of a part stay those of the part.
  const within = value.of.startsWith(`${path}.`) ? value.of : path
  const { slots } = env.cx
  const called = hasSlots(env.cx, path)
  const replaced = new Map([...value.tensors].map(([name, tensor]) => [`${within}.${name}`, tensor]))
  for (const [name, tensor] of replaced) {
    const slot = slots.get(name)?.slot
    if (slot ? sameType(slot.type, tensor.type) : !called) continue
    complain(env, {
      code: "with-parameters",
      message: slot
        ? `\`${name}\` is ${printType(slot.type)}, and what \`with\` gives it is ${printType(tensor.type)}`
        : `\`${path}\` has no parameter \`${name.slice(path.length + 1)}\`, which \`with\` gives it`,
      span,
      label: v.describe(value),
      help: slot ? undefined : didYouMean(name, [...slots.keys()]),
    })
    return undefined
  }
  if (called) return replaced
  complain(env, {
    code: "param-not-yet",
    message: `\`${path}\` is not called before, so its own parameters are not known`,
    span,
    label: "in the place of which parameters?",
    help: `call \`${path}\` with its own parameters first`,
  })
  return undefined
}
