/** test: a section as an ONNX model, run by onnxruntime. */
import { InferenceSession, Tensor } from "onnxruntime-web"
import type { Graph } from "../../compiler/ir/graph/types.js"
import type { ModelStmt, PredictSection, Slot } from "../../compiler/ir/model/types.js"
import { type DType, evalShape, type DimValues } from "../../compiler/ir/tensor.js"
import { encodeModel } from "../../compiler/onnx/proto.js"
import { type Opset, translate } from "../../compiler/onnx/translate.js"
import { bytesOfNumbers } from "../../compiler/onnx/writer.js"
import type { NdArray } from "../../compiler/ops/op.js"
import { fromHalf, toHalf } from "../../runtime/bundle/half.js"

export interface OnnxRun {
  readonly predict: PredictSection
  readonly slots?: readonly Slot[]
  readonly opset: Opset
  /** By name, inputs and slots. */
  readonly values: Readonly<Record<string, NdArray>>
  readonly dims: DimValues
}

/** The outputs by name; or what has no spelling. */
export async function runOnnx({
  predict,
  slots = [],
  opset,
  values,
  dims,
}: OnnxRun): Promise<
  | { readonly outputs: Readonly<Record<string, NdArray>>; readonly operators: readonly string[] }
  | { readonly refused: readonly string[] }
> {
  const types = new Map(slots.map((s) => [s.name, s.type]))
  const bytes = (name: string): Uint8Array => bytesOfNumbers([...values[name]!.data], types.get(name)!.dtype)
  const { model, refusals } = translate({ predict, slots, bytes, opset, metadata: {} })
  if (model === undefined) return { refused: refusals.map(({ op, why }) => `${op}: ${why}`) }
  const session = await InferenceSession.create(encodeModel(model), { logSeverityLevel: 3 })
  try {
    const feeds = predict.section.inputs.flatMap(({ name, type, source }) =>
      source.kind === "feed"
        ? [[name, tensorOf(values[name]!, type.dtype, evalShape(type.shape, dims))] as const]
        : [],
    )
    const outputs = await session.run(Object.fromEntries(feeds))
    return {
      outputs: Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, arrayOf(t)])),
      operators: model.graph.nodes.map((n) => n.op),
    }
  } finally {
    await session.release()
  }
}

function tensorOf({ data }: NdArray, dtype: DType, shape: readonly number[]): Tensor {
  switch (dtype) {
    case "f32":
      return new Tensor("float32", Float32Array.from(data), shape)
    case "f16":
      return new Tensor("float16", Uint16Array.from(data, toHalf), shape)
    case "i32":
      return new Tensor("int32", Int32Array.from(data), shape)
    case "u32":
      return new Tensor("uint32", Uint32Array.from(data), shape)
    case "bool":
      return new Tensor("bool", Uint8Array.from(data), shape)
  }
}

function arrayOf({ data, dims, type }: Tensor): NdArray {
  const bits = data instanceof Uint16Array && type === "float16"
  return { shape: dims, data: Float64Array.from(data as ArrayLike<number>, bits ? fromHalf : Number) }
}

/** A flat graph as a section. */
export const sectionOf = (graph: Graph): PredictSection => ({
  model: graph.name,
  origin: { at: "" },
  section: {
    inputs: graph.inputs.map(({ id, name, type, source }) => ({
      id,
      name,
      type,
      source: source.kind === "scalar" ? source : { kind: "feed" },
    })),
    body: graph.nodes.map(({ regions: _, ...node }): ModelStmt => ({ kind: "op", ...node })),
    results: graph.outputs,
  },
})
