/** check: which tensor in sight would have fitted where one did not: the `did you mean` of shapes. */
import type { Attrs } from "../ir/graph/types.js"
import { printType, type TensorType } from "../ir/tensor.js"
import { inferType } from "../ops/index.js"
import { ConstraintError, type OpDef } from "../ops/op.js"
import type { Span } from "../source/source.js"
import { userScope, type Env } from "./env.js"
import type { Scope } from "./scope.js"
import type { TensorValue } from "./values.js"

/** Help that names a tensor the program could have used instead; the last argument is tried first. */
export function wouldFit(
  env: Env,
  def: OpDef,
  args: readonly TensorValue[],
  attrs: Attrs,
  span: Span,
): string | undefined {
  const known = namedTensors(userScope(env, span))
  for (const [i, arg] of [...args.entries()].reverse()) {
    const written = known.find(({ tensor }) => tensor.id === arg.id && tensor.section === arg.section)
    if (!written) continue
    const other = known.find(
      ({ tensor }) =>
        tensor.section === arg.section &&
        args.every((a) => a.id !== tensor.id) &&
        fits(
          def,
          args.map((a, j) => (j === i ? tensor.type : a.type)),
          attrs,
        ),
    )
    if (other)
      return `\`${other.name}\` is ${printType(other.tensor.type)}; did you mean it instead of \`${written.name}\`?`
  }
  return undefined
}

function namedTensors(scope: Scope): { readonly name: string; readonly tensor: TensorValue }[] {
  const out: { name: string; tensor: TensorValue }[] = []
  for (let s: Scope | undefined = scope; s; s = s.parent)
    for (const [name, { value }] of s.names) if (value.kind === "tensor") out.push({ name, tensor: value })
  return out
}

function fits(def: OpDef, types: readonly TensorType[], attrs: Attrs): boolean {
  try {
    inferType(def, types, attrs)
    return true
  } catch (error) {
    if (error instanceof ConstraintError) return false
    throw error
  }
}
