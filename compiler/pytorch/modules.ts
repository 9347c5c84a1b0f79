/** pytorch: layers of the standard library that are modules of torch.nn, by their declaration, and how each is constructed.
 *  Such a layer has the parameters of the module under the same names, and computes the same. */
import type { Attrs } from "../ir/graph/types.js"
import { type CallStmt, opsOf, type OpStmt } from "../ir/model/statements.js"
import type { Shape } from "../ir/tensor.js"
import { dimsAttr, floatAttr, intAttr, intsAttr } from "../ops/attrs.js"
import { numberText, tuple } from "./python.js"

/** The facts about an instance. */
export interface Instance {
  /** Shapes of its own parameters and states, by name. */
  readonly slots: ReadonlyMap<string, Shape>
  /** Its calls in training and in evaluation; all say the same of its configuration. */
  readonly calls: readonly { readonly call: CallStmt; readonly training: boolean }[]
}
export interface Constructed {
  readonly text: string
  /** The part that is taken of a call's result. */
  readonly result?: string
}
type Construct = (instance: Instance) => Constructed | string | undefined

const ops = (instance: Instance): OpStmt[] => opsOf(instance.calls[0]!.call.body)
const attrsOf = (instance: Instance, op: string): Attrs | undefined =>
  ops(instance).find((s) => s.op === op)?.attrs
const sizes = (instance: Instance, name: string): number[] => (instance.slots.get(name) ?? []).map(Number)
const each = (values: readonly number[]): string =>
  values.every((v) => v === values[0]) ? String(values[0]) : tuple(values.map(String))
const unless = (name: string, values: readonly number[], usual: number): string[] =>
  values.every((v) => v === usual) ? [] : [`${name}=${each(values)}`]
const args = (...list: readonly (string | number)[]): string => list.join(", ")

/** The number that is added before a root is taken. */
function epsilon(instance: Instance): string[] {
  const all = ops(instance)
  const root = all.find((s) => s.op === "rsqrt" || s.op === "sqrt")
  const sum = root && all.find(({ id }) => id === root.args[0])
  const values = sum?.args.map((id) => constantAt(all, id)) ?? []
  const eps = values.find((v) => v !== undefined)
  return eps === undefined || Math.fround(eps) === Math.fround(1e-5)
    ? []
    : [`eps=${numberText(eps, true).text}`]
}
function constantAt(all: readonly OpStmt[], id: number): number | undefined {
  const s = all.find((each_) => each_.id === id)
  if (s?.op === "broadcast" || s?.op === "reshape") return constantAt(all, s.args[0]!)
  return s?.op === "constant" ? floatAttr(s.attrs, "value") : undefined
}

const convolution =
  (n: number): Construct =>
  (instance) => {
    const attrs = attrsOf(instance, "conv")
    if (!attrs) return undefined
    const [low, high] = [intsAttr(attrs, "padding_low"), intsAttr(attrs, "padding_high")]
    if (low.some((p, i) => p !== high[i])) return undefined
    const [out = 0, inner = 0, ...kernel] = sizes(instance, "weight")
    const groups = intAttr(attrs, "groups")
    return `nn.Conv${n}d(${args(
      inner * groups,
      out,
      each(kernel),
      ...unless("stride", intsAttr(attrs, "strides"), 1),
      ...unless("padding", low, 0),
      ...unless("dilation", intsAttr(attrs, "dilation"), 1),
      ...unless("groups", [groups], 1),
      ...(instance.slots.has("bias") ? [] : ["bias=False"]),
    )})`
  }

const maxPool =
  (n: number): Construct =>
  (instance) => {
    const attrs = attrsOf(instance, "window_max")
    if (!attrs) return undefined
    const [low, high] = [intsAttr(attrs, "padding_low"), intsAttr(attrs, "padding_high")]
    const window = intsAttr(attrs, "window")
    if (low.some((p, i) => p !== high[i] || 2 * p > window[i]!)) return undefined
    const strides = intsAttr(attrs, "strides")
    return `nn.MaxPool${n}d(${args(
      each(window),
      ...(strides.every((s, i) => s === window[i]) ? [] : [`stride=${each(strides)}`]),
      ...unless("padding", low, 0),
      ...unless("dilation", intsAttr(attrs, "dilation"), 1),
    )})`
  }

const batchNorm =
  (name: string): Construct =>
  (instance) => {
    const trained = instance.calls.find(({ training }) => training)?.call
    const updates = trained?.body.flatMap((s) => (s.kind === "update" ? [s.value] : [])) ?? []
    const momentum =
      updates.length === 0 || !trained ? undefined : momentumOf(opsOf(trained.body), updates[0]!)
    if (updates.length > 0 && momentum === undefined) return undefined
    const how =
      momentum === undefined || Math.fround(momentum) === Math.fround(0.1)
        ? []
        : [`momentum=${numberText(momentum, true).text}`]
    return `layers.${name}(${args(sizes(instance, "weight")[0]!, ...epsilon(instance), ...how)})`
  }
/** The momentum of (1 - momentum) * running + momentum * value. */
function momentumOf(all: readonly OpStmt[], id: number): number | undefined {
  const sum = all.find((s) => s.id === id)
  const second = all.find((s) => s.id === sum?.args[1])
  return second?.op === "mul" ? constantAt(all, second.args[0]!) : undefined
}

/** A recurrent module of one layer and one direction, from a state of zeros. */
const recurrent =
  (name: string): Construct =>
  (instance) => {
    const weights = [...instance.slots.keys()].sort().join(" ")
    if (weights !== "bias_hh_l0 bias_ih_l0 weight_hh_l0 weight_ih_l0") return undefined
    const everyCall = instance.calls.every(({ call }) => call.results.length === 1 && call.args.length === 1)
    const last = instance.calls.every(
      ({ call }) => opsOf(call.body).filter((s) => s.op === "scan").length === 1,
    )
    // The stacked results of the loop, with their axes back in the order of the argument.
    const isSequence = instance.calls.every(({ call }) => {
      const all = opsOf(call.body)
      const end = all.find((s) => s.id === call.results[0])
      return end?.op === "transpose" && all.find((s) => s.id === end.args[0])?.op === "scan_result"
    })
    if (!everyCall || !last || !isSequence || attrsOf(instance, "flip")) return undefined
    const [, input = 0] = sizes(instance, "weight_ih_l0")
    const [, hidden = 0] = sizes(instance, "weight_hh_l0")
    return { text: `nn.${name}(${input}, ${hidden}, batch_first=True)`, result: "[0]" }
  }

export const MODULES: Readonly<Record<string, Construct>> = {
  Linear: (instance) => {
    const [out, inner] = sizes(instance, "weight")
    return `nn.Linear(${args(inner!, out!, ...(instance.slots.has("bias") ? [] : ["bias=False"]))})`
  },
  Conv1d: convolution(1),
  Conv2d: convolution(2),
  Conv3d: convolution(3),
  MaxPool1d: maxPool(1),
  MaxPool2d: maxPool(2),
  BatchNorm1d: batchNorm("BatchNorm1d"),
  BatchNorm2d: batchNorm("BatchNorm2d"),
  LayerNorm: (instance) => {
    const shape = sizes(instance, "weight")
    return `nn.LayerNorm(${args(each_(shape), ...epsilon(instance))})`
  },
  GroupNorm: (instance) => {
    const shapes = instance.calls.map(({ call }) =>
      dimsAttr(opsOf(call.body).find((s) => s.op === "reshape")!.attrs, "shape"),
    )
    const [[, groups] = []] = shapes
    // torch refuses groups of one value each.
    if (typeof groups !== "number" || shapes.some(([, , ...group]) => group.every((d) => d === 1)))
      return undefined
    return `nn.GroupNorm(${args(groups, sizes(instance, "weight")[0]!, ...epsilon(instance))})`
  },
  Embedding: (instance) => `nn.Embedding(${sizes(instance, "weight").join(", ")})`,
  GRU: recurrent("GRU"),
  LSTM: recurrent("LSTM"),
  Dropout: (instance) => {
    const places = instance.calls.flatMap(({ call }) =>
      opsOf(call.body).filter((s) => s.op === "random_uniform"),
    )
    const trained = instance.calls.filter(({ training }) => training)
    if (trained.length !== 1 || places.length !== 1) return undefined
    const all = opsOf(trained[0]!.call.body)
    const p = all.find((s) => s.op === "ge")
    const share = p && constantAt(all, p.args[1]!)
    if (share === undefined) return undefined
    return `layers.Dropout(${numberText(share, true).text}, stream=${intAttr(places[0]!.attrs, "stream")})`
  },
}
const each_ = (shape: readonly number[]): string =>
  shape.length === 1 ? String(shape[0]) : tuple(shape.map(String))
