/** cli: writes a trained model as a folder for the Hugging Face Hub: model.safetensors under names that PyTorch and transformers read,
 *  config.json, the program, and a model card with metrics that are measured when it is written. */
import { mkdirSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { loadCheckpoint, saveWhole, type Trainer } from "../../runtime/node.js"
import { encodeWeights } from "../../runtime/checkpoint/checkpoint.js"
import { PART_NAMES } from "../../runtime/data/shares.js"
import { product } from "../../runtime/exec/size.js"
import { makeFolders } from "../../runtime/folders.js"
import type { Evaluation } from "../../runtime/session/evaluation.js"
import { VERSION } from "../version.js"
import { refuseBundle } from "./export-program.js"
import { writtenFrom } from "./export-pytorch.js"
import { EXIT, Failure } from "./failure.js"
import { learnedValues, ofModel, oneModel } from "./learned.js"
import { checkpointFor, type CheckpointOptions, openProgram } from "./open-program.js"
import type { DataOptions } from "./usage.js"

export interface HuggingFaceOptions extends DataOptions, CheckpointOptions {
  /** The folder. */
  readonly out: string
  readonly model?: string
}
export interface HuggingFaceFolder {
  readonly model: string
  readonly checkpoint: string
  readonly files: readonly string[]
  readonly values: number
  /** undefined: the section that the parameters come from has no data. */
  readonly evaluation?: Evaluation
}

type Manifest = Trainer["bundle"]["manifest"]
type Predict = Manifest["predicts"][number]

export async function exportHuggingFace(
  path: string,
  options: HuggingFaceOptions,
): Promise<HuggingFaceFolder> {
  refuseBundle(path, "Hugging Face folder")
  const sources = sourcesOf(path)
  const trainer = await openProgram(path, { ...options, device: "wasm" })
  try {
    const { manifest } = trainer.bundle
    const predict = oneModel(manifest.predicts, options.model)
    const checkpoint = await checkpointFor(manifest, options)
    const { slots } = await loadCheckpoint(checkpoint, manifest)
    const { specs, values } = ofModel(manifest, learnedValues(manifest, slots), predict.model)
    const count = specs.reduce((sum, { shape }) => sum + product(shape), 0)
    const { position } = await trainer.load(checkpoint)
    const section = manifest.trains.find(({ name }) => name === position?.train) ?? manifest.trains[0]
    const evaluation =
      section && section.evaluate !== null && section.data !== null
        ? await trainer.evaluation({ train: section.name })
        : undefined
    const labels = labelsOf(manifest, predict)
    const config = {
      architectures: [predict.model],
      model_type: "nnc",
      torch_dtype: "float32",
      nnc_version: VERSION,
      program: basename(path),
      inputs: Object.fromEntries(predict.inputs.map(({ name, shape }) => [name, shape.map(sizeText)])),
      values: count,
      ...(labels && {
        id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
        label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
      }),
    }
    const texts = new Map([
      ...sources,
      ["config.json", `${JSON.stringify(config, undefined, 2)}\n`] as const,
      [
        "README.md",
        card({ path, manifest, predict, data: section?.data ?? null, count, evaluation }),
      ] as const,
    ])
    makeFolders(options.out)
    for (const [name, text] of texts) {
      mkdirSync(dirname(join(options.out, name)), { recursive: true })
      writeFileSync(join(options.out, name), text)
    }
    await saveWhole(
      join(options.out, WEIGHTS),
      encodeWeights({ ...manifest, slots: specs }, values, predict.model),
    )
    const files = [...texts.keys(), WEIGHTS]
    return { model: predict.model, checkpoint, files, values: count, ...(evaluation && { evaluation }) }
  } finally {
    trainer.close()
  }
}
const WEIGHTS = "model.safetensors"

/** The program and its imports, by their paths beside it. */
function sourcesOf(path: string): (readonly [name: string, text: string])[] {
  return writtenFrom(path).map(({ path: file, text }) => {
    const name = relative(dirname(path), file)
    if (name.startsWith(".."))
      throw new Failure(
        "usage",
        `the program imports ${file}, which is outside of its folder`,
        "the exported folder holds the whole program: put that file beside it",
        EXIT.usage,
      )
    return [name, text]
  })
}

/** The names of the classes that the model was trained to tell apart, where `categories` found any. */
function labelsOf({ data }: Manifest, { feeds }: Predict): readonly string[] | undefined {
  const targets = feeds.flatMap(({ targets: all = [] }) => all)
  const stages = targets.flatMap(({ data: set, field }) => {
    const fields = data.find(({ name }) => name === set)?.fields ?? []
    return fields.find(({ name }) => name === field)?.stages ?? []
  })
  return stages.flatMap((stage) => (stage.kind === "categories" ? [stage.names.map(String)] : []))[0]
}

/** The rows are `batch`. */
const sizeText = (size: Predict["inputs"][number]["shape"][number]): number | string =>
  typeof size === "number" ? size : "batch"

interface Facts {
  readonly path: string
  readonly manifest: Manifest
  readonly predict: Predict
  readonly data: string | null
  readonly count: number
  readonly evaluation: Evaluation | undefined
}

function card({ path, manifest, predict, data, count, evaluation }: Facts): string {
  const file = basename(path)
  const { name } = manifest
  // Tables have no place in it.
  const measured = Object.entries(evaluation?.metrics ?? {}).flatMap(([metric, value]) =>
    typeof value === "number" && Number.isFinite(value) ? [[metric, value] as const] : [],
  )
  const over = evaluation && `${evaluation.rows} ${PART_NAMES[evaluation.part]} rows`
  const results =
    data === null || measured.length === 0
      ? []
      : [
          "model-index:",
          `- name: ${JSON.stringify(name)}`,
          "  results:",
          "  - task: {type: other}",
          `    dataset: {name: ${JSON.stringify(data)}, type: ${JSON.stringify(data)}, split: ${evaluation?.part}}`,
          "    metrics:",
          ...measured.map(([metric, value]) => `    - {type: ${JSON.stringify(metric)}, value: ${value}}`),
        ]
  const table = [
    "| metric | value |",
    "| --- | --- |",
    ...measured.map(([metric, value]) => `| ${metric} | ${Number(value.toPrecision(5))} |`),
  ]
  return `${["---", "library_name: nnc", "tags: [nnc]", ...results, "---"].join("\n")}

# ${name}

Model \`${predict.model}\` of \`${file}\`, ${count} values in f32, written by nnc ${VERSION}.
${measured.length === 0 ? "" : `\nMeasured on ${over} when this folder was written:\n\n${table.join("\n")}\n`}
\`\`\`sh
nnc train ${file} --init ${predict.model}=model.safetensors     # starts from these parameters
\`\`\`

\`\`\`python
from safetensors.torch import load_file
state = load_file("model.safetensors")     # names and layouts of PyTorch: nnc export --to pytorch writes the modules
\`\`\`
`
}
