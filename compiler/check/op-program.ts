/** check: a call of an operation as a program: the arguments are inputs of a model, and the call is its body. */
import type { AttrValue } from "../ir/graph/types.js"
import { printDim, printType } from "../ir/tensor.js"
import type { Dim } from "../ir/tensor.js"
import type { OpDef, Sample } from "../ops/op.js"

export function opProgram(def: OpDef, { args, attrs = {} }: Pick<Sample, "args" | "attrs">): string {
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
