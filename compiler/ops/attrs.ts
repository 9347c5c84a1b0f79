/** ops: reading attributes by kind. A graph whose attributes have another kind than the op's `attrs` say is our own bug: the
 *  checker and the parser make them by that specification.   Not here: whether the values make sense (each op's `infer`). */
import type { AttrValue, Attrs } from "../ir/graph/types.js"
import type { DType, Dim } from "../ir/tensor.js"
import { bug } from "../source/bug.js"

export function intAttr(attrs: Attrs, name: string): number {
  const value = attrs[name]
  return typeof value === "number" && Number.isInteger(value) ? value : wrong(name, "an integer", value)
}
export function floatAttr(attrs: Attrs, name: string): number {
  const value = attrs[name]
  return typeof value === "number" ? value : wrong(name, "a number", value)
}
export function boolAttr(attrs: Attrs, name: string): boolean {
  const value = attrs[name]
  return typeof value === "boolean" ? value : wrong(name, "true or false", value)
}
export function dimAttr(attrs: Attrs, name: string): Dim {
  const value = attrs[name]
  return isDim(value) ? value : wrong(name, "a dimension", value)
}
export function intsAttr(attrs: Attrs, name: string): readonly number[] {
  const value = attrs[name]
  if (!isList(value)) return wrong(name, "a list of integers", value)
  return value.map((v) =>
    typeof v === "number" && Number.isInteger(v) ? v : wrong(name, "a list of integers", v),
  )
}
export function dimsAttr(attrs: Attrs, name: string): readonly Dim[] {
  const value = attrs[name]
  if (!isList(value)) return wrong(name, "a list of dimensions", value)
  return value.map((v) => (isDim(v) ? v : wrong(name, "a list of dimensions", v)))
}

const isList = (v: AttrValue | undefined): v is readonly AttrValue[] => Array.isArray(v)
const isDim = (v: AttrValue | undefined): v is Dim =>
  (typeof v === "number" && Number.isInteger(v)) || (typeof v === "object" && v !== null && "terms" in v)

const wrong = (name: string, wanted: string, value: unknown): never =>
  bug(`attribute ${name} must be ${wanted}, not ${JSON.stringify(value)}`)

export function stringAttr(attrs: Attrs, name: string): string {
  const value = attrs[name]
  return typeof value === "string" ? value : wrong(name, "a string", value)
}
const DTYPES: readonly DType[] = ["f32", "f16", "i32", "u32", "bool"]
/** A string attribute that names a dtype, or undefined when it names none. */
export const dtypeAttr = (attrs: Attrs, name: string): DType | undefined => {
  const text = stringAttr(attrs, name)
  return DTYPES.find((d) => d === text)
}
