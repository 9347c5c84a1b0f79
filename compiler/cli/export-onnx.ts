/** cli: writes the prediction of a model, with its trained parameters, as an ONNX model. */
import type { Manifest } from "../../runtime/bundle/format.js"
import { loadCheckpoint, saveWhole } from "../../runtime/node.js"
import type { Slot } from "../ir/model/types.js"
import { encodeModel } from "../onnx/proto.js"
import { type Opset, translate } from "../onnx/translate.js"
import { bug } from "../source/bug.js"
import { programToExport } from "./export-program.js"
import { refusalDiagnostic } from "./export-refusal.js"
import { Failure, Refused } from "./failure.js"
import { learnedValues, oneModel } from "./learned.js"
import { checkpointFor, type CheckpointOptions } from "./open-program.js"
import type { DataOptions } from "./usage.js"

export interface OnnxOptions extends DataOptions, CheckpointOptions {
  readonly out: string
  readonly model?: string
  readonly opset: Opset
}
export interface OnnxFile {
  readonly model: string
  readonly checkpoint: string
  readonly nodes: number
  readonly bytes: number
}

/** The most bytes of a protobuf message: readers refuse more. */
const MOST_BYTES = 2 ** 31 - 1

export async function exportOnnx(path: string, options: OnnxOptions): Promise<OnnxFile> {
  const { model, bundle } = await programToExport(path, options, "ONNX model")
  const { manifest } = bundle
  const predict = oneModel(model.predicts, options.model)
  const checkpoint = await checkpointFor(manifest, options)
  const { slots } = await loadCheckpoint(checkpoint, manifest)
  const { values } = learnedValues(manifest, slots)
  const { model: made, refusals } = translate({
    predict,
    slots: model.slots,
    bytes: (slot) => values.get(slot) ?? bug(`the checkpoint has no ${slot}`),
    opset: options.opset,
    metadata: metadataOf(manifest, predict.model),
  })
  if (made === undefined)
    throw new Refused(
      refusals.map((each) =>
        refusalDiagnostic(each, "ONNX", `prediction of ${predict.model} computes it here`),
      ),
    )
  requireRoom(model.slots, predict.model)
  const bytes = encodeModel(made)
  await saveWhole(options.out, bytes)
  return { model: predict.model, checkpoint, nodes: made.graph.nodes.length, bytes: bytes.length }
}

/** The names of the categories found in the training rows stand beside the model, by field. */
function metadataOf({ name, data }: Manifest, model: string): Record<string, string> {
  const classes = data.flatMap((set) =>
    set.fields.flatMap((field) =>
      field.stages.flatMap((stage) =>
        stage.kind === "categories" ? [[`classes.${field.name}`, JSON.stringify(stage.names)] as const] : [],
      ),
    ),
  )
  return { program: name, model, ...Object.fromEntries(classes) }
}

export function requireRoom(slots: readonly Pick<Slot, "name" | "type">[], model: string): void {
  const bytes = slots
    .filter(({ name }) => name.startsWith(`${model}.`))
    .reduce((sum, { type }) => sum + 4 * type.shape.reduce<number>((n, d) => n * Number(d), 1), 0)
  if (bytes > MOST_BYTES)
    throw new Failure(
      "export-size",
      `the parameters of ${model} take ${bytes} bytes, and an ONNX file holds ${MOST_BYTES} at most`,
      "write them as .safetensors",
    )
}
