/** check: the values of expressions while a program is elaborated.
 *  Constants are computed here and now; tensors are values of the section being written; the rest are first-class names.
 *  Guarantees: `ERROR` means that a diagnostic was given: whoever meets it stays silent. */
import type { FnDecl, LayerDecl, ModelDecl, OptimizerDecl } from "../ir/ast/types.js"
import type { ModelValue } from "../ir/model/types.js"
import { printDim, printType, type Dim, type DType, type TensorType } from "../ir/tensor.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import type { InputFirst } from "./habits.js"
import type { ModuleScope } from "./resolve.js"
import type { SectionState } from "./section.js"

export type Value =
  | Constant
  | TensorValue
  | ListValue
  | TupleValue
  | ParametersValue
  | { readonly kind: "instance"; readonly instance: Instance }
  | FnValue
  | { readonly kind: "layer"; readonly decl: LayerDecl; readonly module: ModuleScope }
  | { readonly kind: "model"; readonly decl: ModelDecl; readonly module: ModuleScope }
  | { readonly kind: "optimizer"; readonly decl: OptimizerDecl; readonly module: ModuleScope }
  | { readonly kind: "builtin"; readonly name: string }
  /** The namespace `op`, and a primitive in it. */
  | { readonly kind: "ops" }
  | { readonly kind: "op"; readonly name: string }
  /** In a train section on several data sets: the fields of one set, and a name that two sets have. */
  | { readonly kind: "fields"; readonly set: string; readonly fields: ReadonlyMap<string, Value> }
  | { readonly kind: "clash"; readonly name: string; readonly sets: readonly string[] }
  | { readonly kind: "error" }

/** The parameters of a model or an instance, or the result of arithmetic on them: tensors by their paths in it. */
export interface ParametersValue {
  readonly kind: "parameters"
  readonly of: string
  readonly tensors: ReadonlyMap<string, TensorValue>
}

export type Constant =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "none" }
  /** A size known only when the program runs: B, or an expression in it. */
  | { readonly kind: "dim"; readonly dim: Dim }

export interface FnValue {
  readonly kind: "fn"
  readonly decl: FnDecl
  readonly module: ModuleScope
  /** For `x.relu`, as PyTorch writes it: the receiver of the call, after its diagnostic. */
  readonly on?: { readonly value: Value; readonly span: Span; readonly takesSizes: boolean }
}
export interface ListValue {
  readonly kind: "list"
  readonly items: readonly Value[]
}
export interface TupleValue {
  readonly kind: "tuple"
  readonly items: readonly Value[]
}
export interface TensorValue {
  readonly kind: "tensor"
  readonly id: ModelValue
  readonly type: TensorType
  /** Values of one section mean nothing in another. */
  readonly section: SectionState
  /** Where it was declared, for messages. */
  readonly from?: { readonly span: Span; readonly text: string }
  /** The library fn or layer whose result it is; the warnings about doubtful pairs (softmax, then cross_entropy) read it. */
  readonly madeBy?: string
  /** The user's call that made it so. */
  readonly madeAt?: Span
}

/** One layer with its own parameters (or a model: the only one of its name). */
export interface Instance {
  /** Prefix of its parameter names. */
  readonly path: string
  readonly decl: LayerDecl | ModelDecl
  readonly module: ModuleScope
  /** Configuration by name, already of the declared types. */
  readonly config: ReadonlyMap<string, Value>
  /** Where it was made. */
  readonly span: Span
  /** The arguments it was made with, as they are written. */
  readonly given: ReadonlyMap<string, Given>
  /** For a convolution: its arguments are in PyTorch's order, if its input has these channels. */
  readonly order?: InputFirst
}

export const ERROR: Value = { kind: "error" }
export const NONE: Value = { kind: "none" }
export const int = (value: number): Value => ({ kind: "int", value })
export const float = (value: number): Value => ({ kind: "float", value })
export const bool = (value: boolean): Value => ({ kind: "bool", value })
export const string = (value: string): Value => ({ kind: "string", value })
export const list = (items: readonly Value[]): Value => ({ kind: "list", items })
/** A size as a value: an int when it is known. */
export const fromDim = (dim: Dim): Value => (typeof dim === "number" ? int(dim) : { kind: "dim", dim })
/** A value as a size, when it can be one. */
export function toDim(value: Value): Dim | undefined {
  if (value.kind === "int") return value.value
  return value.kind === "dim" ? value.dim : undefined
}

export const isNumber = (v: Value): v is Constant & { kind: "int" | "float" } =>
  v.kind === "int" || v.kind === "float"
/** Something a scalar tensor can be made of. */
export const isScalarConstant = (v: Value): v is Constant & { kind: "int" | "float" | "bool" | "dim" } =>
  isNumber(v) || v.kind === "bool" || v.kind === "dim"

/** Whether an error is in it anywhere. */
export const hasError = (v: Value): boolean =>
  v.kind === "error" || ((v.kind === "list" || v.kind === "tuple") && v.items.some(hasError))

/** The tensors in a value, lists and tuples opened. */
export function tensorsIn(value: Value): readonly TensorValue[] {
  if (value.kind === "tensor") return [value]
  if (value.kind === "list" || value.kind === "tuple") return value.items.flatMap(tensorsIn)
  if (value.kind === "parameters") return [...value.tensors.values()]
  return []
}

/** The value with `tensors` in the places of its tensors and numbers, in order. */
export function withTensors(value: Value, tensors: readonly TensorValue[]): Value {
  const left = [...tensors]
  const go = (x: Value): Value => {
    if (x.kind === "list" || x.kind === "tuple") return { kind: x.kind, items: x.items.map(go) }
    return x.kind === "tensor" || isScalarConstant(x) ? (left.shift() ?? ERROR) : x
  }
  return go(value)
}

/** The dtype a constant has when nothing else decides. */
export const naturalDType = (v: Constant): DType => (v.kind === "bool" ? "bool" : "f32")

/** A value as it is spelled in a text: `3`, `[B, 16]`, `f32[B, 16]`. */
export function spelled(value: Value): string {
  switch (value.kind) {
    case "int":
    case "float":
      return String(value.value)
    case "string":
      return value.value
    case "dim":
      return printDim(value.dim)
    case "list":
      return `[${value.items.map(spelled).join(", ")}]`
    case "tuple":
      return `(${value.items.map(spelled).join(", ")})`
    default:
      return describe(value)
  }
}

/** A value in words, for messages: `f32[B, 16]`, `the number 3`, `a layer`. */
export function describe(value: Value): string {
  switch (value.kind) {
    case "int":
    case "float":
      return `the number ${value.value}`
    case "bool":
      return `${value.value}`
    case "string":
      return `the text ${JSON.stringify(value.value)}`
    case "none":
      return "none"
    case "dim":
      return `the size ${printDim(value.dim)}`
    case "tensor":
      return printType(value.type)
    case "list":
      return `a list of ${value.items.length}`
    case "tuple":
      return `a tuple of ${value.items.length}`
    case "parameters":
      return `parameters of \`${value.of}\``
    case "instance":
      return `the ${value.instance.decl.kind} \`${value.instance.path}\``
    case "fn":
    case "layer":
    case "model":
    case "optimizer":
      return `the ${value.kind} \`${value.decl.name.text}\``
    case "builtin":
      return `the built-in \`${value.name}\``
    case "ops":
      return "the namespace `op`"
    case "op":
      return `the primitive \`op.${value.name}\``
    case "fields":
      return `the data set \`${value.set}\``
    case "clash":
      return `a field of ${value.sets.map((set) => `\`${set}\``).join(" and of ")}`
    case "error":
      return "an erroneous value"
  }
}
