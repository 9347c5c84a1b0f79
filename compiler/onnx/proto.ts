/** onnx: the messages of onnx.proto that an exported model consists of, and their encoding.
 *  Not here: operators (ops/, calls/). */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import type { DType } from "../ir/tensor.js"

/** 64-bit types stand in fragments only: ONNX counts and indexes in i64. */
export type OnnxDType = DType | "i64" | "f64"
/** `TensorProto.DataType` */
export const DATA_TYPES: Readonly<Record<OnnxDType, number>> = {
  f32: 1,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  u32: 12,
}
/** Bytes of an element in `raw_data`. */
export const ELEMENT_BYTES: Readonly<Record<OnnxDType, number>> = {
  f32: 4,
  i32: 4,
  i64: 8,
  bool: 1,
  f16: 2,
  f64: 8,
  u32: 4,
}

/** `number`: an integer. */
export type OnnxAttr = number | { readonly float: number } | string | readonly number[] | OnnxGraph

export interface OnnxNode {
  readonly name: string
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attrs: Readonly<Record<string, OnnxAttr>>
  /** Shown beside the node by viewers: the place in the program. */
  readonly doc: string
}
export interface OnnxTensor {
  readonly name: string
  readonly dtype: OnnxDType
  readonly shape: readonly number[]
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array
}
export interface OnnxValue {
  readonly name: string
  readonly dtype: OnnxDType
  /** A name stands for a size known when the model runs. */
  readonly shape: readonly (number | string)[]
}
export interface OnnxGraph {
  readonly name: string
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxTensor[]
}
export interface OnnxModel {
  readonly irVersion: number
  readonly opset: number
  readonly producer: { readonly name: string; readonly version: string }
  readonly graph: OnnxGraph
  readonly metadata: Readonly<Record<string, string>>
}

const MODEL = { irVersion: 1, producerName: 2, producerVersion: 3, graph: 7, opsetImport: 8, metadata: 14 }
const OPSET = { version: 2 }
const ENTRY = { key: 1, value: 2 }
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 }
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, doc: 6 }
const ATTRIBUTE = { name: 1, f: 2, i: 3, s: 4, g: 6, ints: 8, type: 20 }
const ATTRIBUTE_TYPES = { f: 1, i: 2, s: 3, g: 5, ints: 7 }
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 }
const VALUE = { name: 1, type: 2 }
const TYPE = { tensor: 1 }
const TENSOR_TYPE = { elemType: 1, shape: 2 }
const SHAPE = { dim: 1 }
const DIMENSION = { value: 1, param: 2 }

export function encodeModel({ irVersion, opset, producer, graph, metadata }: OnnxModel): Uint8Array {
  const out = new BinaryWriter()
  int(out, MODEL.irVersion, irVersion)
  text(out, MODEL.producerName, producer.name)
  text(out, MODEL.producerVersion, producer.version)
  message(out, MODEL.graph, (w) => writeGraph(w, graph))
  message(out, MODEL.opsetImport, (w) => int(w, OPSET.version, opset))
  for (const [key, value] of Object.entries(metadata))
    message(out, MODEL.metadata, (w) => {
      text(w, ENTRY.key, key)
      text(w, ENTRY.value, value)
    })
  return out.finish()
}

function writeGraph(w: BinaryWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) message(w, GRAPH.node, (n) => writeNode(n, node))
  text(w, GRAPH.name, graph.name)
  for (const tensor of graph.initializers) message(w, GRAPH.initializer, (n) => writeTensor(n, tensor))
  for (const value of graph.inputs) message(w, GRAPH.input, (n) => writeValue(n, value))
  for (const value of graph.outputs) message(w, GRAPH.output, (n) => writeValue(n, value))
}

function writeNode(w: BinaryWriter, { name, op, inputs, outputs, attrs, doc }: OnnxNode): void {
  for (const input of inputs) text(w, NODE.input, input)
  for (const output of outputs) text(w, NODE.output, output)
  text(w, NODE.name, name)
  text(w, NODE.opType, op)
  for (const [key, value] of Object.entries(attrs))
    message(w, NODE.attribute, (n) => writeAttribute(n, key, value))
  if (doc !== "") text(w, NODE.doc, doc)
}

function writeAttribute(w: BinaryWriter, name: string, value: OnnxAttr): void {
  text(w, ATTRIBUTE.name, name)
  int(w, ATTRIBUTE.type, ATTRIBUTE_TYPES[kindOf(value)])
  if (typeof value === "number") int(w, ATTRIBUTE.i, value)
  else if (typeof value === "string") text(w, ATTRIBUTE.s, value)
  else if (isInts(value)) for (const each of value) int(w, ATTRIBUTE.ints, each)
  else if ("float" in value) w.tag(ATTRIBUTE.f, WireType.Bit32).float(value.float)
  else message(w, ATTRIBUTE.g, (n) => writeGraph(n, value))
}

const isInts = (value: OnnxAttr): value is readonly number[] => Array.isArray(value)

function kindOf(value: OnnxAttr): keyof typeof ATTRIBUTE_TYPES {
  if (typeof value === "number") return "i"
  if (typeof value === "string") return "s"
  if (isInts(value)) return "ints"
  return "float" in value ? "f" : "g"
}

function writeTensor(w: BinaryWriter, { name, dtype, shape, bytes }: OnnxTensor): void {
  for (const size of shape) int(w, TENSOR.dims, size)
  int(w, TENSOR.dataType, DATA_TYPES[dtype])
  text(w, TENSOR.name, name)
  w.tag(TENSOR.rawData, WireType.LengthDelimited).bytes(bytes)
}

function writeValue(w: BinaryWriter, { name, dtype, shape }: OnnxValue): void {
  text(w, VALUE.name, name)
  message(w, VALUE.type, (type) =>
    message(type, TYPE.tensor, (tensor) => {
      int(tensor, TENSOR_TYPE.elemType, DATA_TYPES[dtype])
      message(tensor, TENSOR_TYPE.shape, (dims) => {
        for (const size of shape)
          message(dims, SHAPE.dim, (dim) =>
            typeof size === "number" ? int(dim, DIMENSION.value, size) : text(dim, DIMENSION.param, size),
          )
      })
    }),
  )
}

const int = (w: BinaryWriter, field: number, value: number): void =>
  void w.tag(field, WireType.Varint).int64(value)
const text = (w: BinaryWriter, field: number, value: string): void =>
  void w.tag(field, WireType.LengthDelimited).string(value)
function message(w: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  w.tag(field, WireType.LengthDelimited).fork()
  write(w)
  w.join()
}
