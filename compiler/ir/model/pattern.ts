/** ir/model: tests whether the body of a call computes a given expression.
 *  An export writes a call as one operator only where the body computes exactly what the operator computes; the name of the function
 *  does not matter. The test skips broadcasts, `stop_gradient` and padding of width 0; a name stands for the same value wherever it occurs. */
import type { OpName } from "../op-name.js"
import type { Attrs } from "../graph/types.js"
import { type CallStmt, type OpStmt, opsOf } from "./statements.js"
import type { ModelValue } from "./types.js"
import { dimsAttr, floatAttr, intsAttr } from "../../ops/attrs.js"

export type Pattern =
  | { readonly kind: "value"; readonly name: string }
  /** A number, that of its name, or any if it has one only. */
  | { readonly kind: "number"; readonly name?: string; readonly value?: number }
  | { readonly kind: "op"; readonly op: OpName; readonly args: readonly Pattern[]; readonly name?: string }
  /** Under another shape, or not. */
  | { readonly kind: "reshaped"; readonly of: Pattern }

export const value = (name: string): Pattern => ({ kind: "value", name })
export const number = (of: string | number): Pattern =>
  typeof of === "string" ? { kind: "number", name: of } : { kind: "number", value: of }
export const op = (name: OpName, ...args: readonly Pattern[]): Pattern => ({ kind: "op", op: name, args })
/** The same, with a name for its attributes and its result. */
export const named = (name: string, of: Pattern): Pattern => ({ ...of, name }) as Pattern
export const reshaped = (of: Pattern): Pattern => ({ kind: "reshaped", of })

/** The values that the names of a pattern stand for. */
export interface Found {
  readonly values: ReadonlyMap<string, ModelValue>
  readonly numbers: ReadonlyMap<string, number>
  readonly attrs: ReadonlyMap<string, Attrs>
}

export function find(pattern: Pattern, call: CallStmt): Found | undefined {
  const [result] = call.results
  if (result === undefined || call.results.length !== 1) return undefined
  const made = new Map(opsOf(call.body).map((s) => [s.id, s]))
  const found = {
    values: new Map<string, ModelValue>(),
    numbers: new Map<string, number>(),
    attrs: new Map<string, Attrs>(),
  }

  const seen = (id: ModelValue): ModelValue => {
    const s = made.get(id)
    return s !== undefined && isLookedThrough(s) ? seen(s.args[0]!) : id
  }
  const same = <T>(known: Map<string, T>, name: string, is: T): boolean => {
    if (!known.has(name)) known.set(name, is)
    return known.get(name) === is
  }
  const fits = (p: Pattern, at: ModelValue): boolean => {
    const id = seen(at)
    const s = made.get(id)
    switch (p.kind) {
      case "value":
        return s === undefined && same(found.values, p.name, id)
      case "number": {
        if (s?.op !== "constant") return false
        const is = floatAttr(s.attrs, "value")
        if (p.value !== undefined && !nearly(is, p.value)) return false
        return p.name === undefined || same(found.numbers, p.name, is)
      }
      case "reshaped":
        return s?.op === "reshape" ? fits(p.of, s.args[0]!) : fits(p.of, id)
      case "op":
        if (s?.op !== p.op || s.args.length !== p.args.length) return false
        if (!p.args.every((arg, i) => fits(arg, s.args[i]!))) return false
        if (p.name === undefined) return true
        found.attrs.set(p.name, s.attrs)
        return same(found.values, p.name, id)
    }
  }
  return fits(pattern, result) ? found : undefined
}

const isLookedThrough = ({ op, attrs }: OpStmt): boolean =>
  op === "broadcast" || op === "stop_gradient" || (op === "pad" && addsNothing(attrs))
const addsNothing = (attrs: Attrs): boolean =>
  [...dimsAttr(attrs, "low"), ...dimsAttr(attrs, "high"), ...intsAttr(attrs, "interior")].every(
    (d) => d === 0,
  )

/** Whether two numbers are the same f32. */
const nearly = (a: number, b: number): boolean => Math.fround(a) === Math.fround(b)
