/** ops: the registry of operations, and asking one for its result type. */
import { bug, CompilerBug } from "../source/bug.js"
import type { OpName } from "../ir/op-name.js"
import type { Attrs, AttrValue } from "../ir/graph/types.js"
import type { TensorType } from "../ir/tensor.js"
import type { AttrSpec, InferContext, OpDef } from "./op.js"
import { ConstraintError } from "./op.js"
import { afterOps } from "./after.js"
import { metaOps } from "./meta.js"
import { movementOps } from "./movement.js"
import { contractOps } from "./contract.js"
import { windowOps } from "./window.js"
import { gatherOps } from "./gather.js"
import { orderOps } from "./order.js"
import { packedOps } from "./packed.js"
import { pointwiseOps } from "./pointwise.js"
import { randomOps } from "./random.js"
import { reduceOps } from "./reduce.js"
import { rowOps } from "./rows.js"
import { scanOps } from "./scan.js"
import { sourceOps } from "./source.js"

const registry: ReadonlyMap<string, OpDef> = new Map<OpName, OpDef>(
  [
    ...pointwiseOps,
    ...reduceOps,
    ...sourceOps,
    ...randomOps,
    ...movementOps,
    ...contractOps,
    ...windowOps,
    ...gatherOps,
    ...packedOps,
    ...orderOps,
    ...rowOps,
    ...metaOps,
    ...afterOps,
    ...scanOps,
  ].map((def: OpDef) => [def.name, def]),
)

export const allOps = (): readonly OpDef[] => [...registry.values()]
export const findOp = (name: string): OpDef | undefined => registry.get(name)
export const opDef = (name: OpName): OpDef => registry.get(name) ?? bug(`there is no operation \`${name}\``)

/** The result type. Throws `ConstraintError` where a constraint of the op does not hold. */
export function inferType(def: OpDef, args: readonly TensorType[], attrs: Attrs): TensorType {
  const variadic = def.params.at(-1)?.endsWith("...") ?? false
  if (variadic ? args.length < def.params.length - 1 : args.length !== def.params.length)
    bug(`${def.name} takes ${def.params.join(", ") || "no arguments"}; it was given ${args.length} arguments`)
  return def.infer(args, attrs, inferContext(def))
}

/** The result type of an operation in a text, or the reason why it has none. */
export function givenType(def: OpDef, args: readonly TensorType[], attrs: Attrs): TensorType | string {
  try {
    return inferType(def, args, completeAttrs(def, attrs))
  } catch (error) {
    if (error instanceof ConstraintError || error instanceof CompilerBug) return error.message
    throw error
  }
}

function inferContext(def: OpDef): InferContext {
  return {
    require(label, holds, detail, more) {
      if (holds) return
      if (!(label in def.constraints)) bug(`${def.name} checks a constraint it does not list: ${label}`)
      throw new ConstraintError(def.name, label, detail(), more?.arg, more?.help)
    },
  }
}

/** `attrs` with every default filled in, in the order of the definition. Unknown, missing or ill-typed attributes are bugs. */
export function completeAttrs(def: OpDef, attrs: Attrs): Attrs {
  for (const name of Object.keys(attrs))
    if (!(name in def.attrs)) bug(`${def.name} has no attribute \`${name}\``)
  return Object.fromEntries(
    Object.entries(def.attrs).map(([name, spec]) => {
      const value = attrs[name] ?? spec.default
      if (value === undefined) return bug(`${def.name} needs the attribute \`${name}\`: ${spec.doc}`)
      if (value !== spec.default && !fitsAttr(spec.kind, value))
        bug(`${def.name}: \`${name}\` must be of kind ${spec.kind}, not ${JSON.stringify(value)}`)
      return [name, value]
    }),
  )
}

/** Whether `value` is of the kind an attribute asks for. */
export function fitsAttr(kind: AttrSpec["kind"], value: AttrValue): boolean {
  switch (kind) {
    case "int":
      return Number.isInteger(value)
    case "float":
      return typeof value === "number"
    case "bool":
      return typeof value === "boolean"
    case "string":
      return typeof value === "string"
    case "dim":
      return Number.isInteger(value) || isSymbolic(value)
    case "ints":
      return Array.isArray(value) && value.every((v) => Number.isInteger(v))
    case "dims":
      return Array.isArray(value) && value.every((v: AttrValue) => fitsAttr("dim", v))
  }
}
const isSymbolic = (value: AttrValue): boolean =>
  typeof value === "object" && value !== null && "terms" in value
