/** test: a call that breaks a constraint, as a program: the arguments are inputs of a model, the call is its body. */
import type { AttrValue } from "../../compiler/ir/graph/types.js"
import { printDim, printType } from "../../compiler/ir/tensor.js"
import type { Dim } from "../../compiler/ir/tensor.js"
import type { OpDef } from "../../compiler/ops/op.js"
import type { ConstraintCase } from "./constraint-cases.js"

export function constraintProgram(def: OpDef, { args, attrs = {} }: ConstraintCase): string {
  const names = args.map((_, i) => {
    const param = def.params[Math.min(i, def.params.length - 1)]!
    return param.endsWith("...") ? `${param.slice(0, -3)}${i}` : param
  })
  const inputs = args.map((type, i) => `${names[i]}: ${printType(type)}`)
  const given = [...names, ...Object.entries(attrs).map(([name, value]) => `${name}: ${written(value)}`)]
  return `model M(${inputs.join(", ")}) { op.${def.name}(${given.join(", ")}) }\n`
}

function written(value: AttrValue): string {
  if (Array.isArray(value)) return `[${(value as readonly AttrValue[]).map(written).join(", ")}]`
  if (typeof value === "object" && value !== null) return printDim(value as Dim)
  return JSON.stringify(value)
}
