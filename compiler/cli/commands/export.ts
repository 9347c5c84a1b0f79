/** cli: `nnc export`: a checkpoint's parameters as a file for other programs.
 *  Guarantees: the values that prediction reads: parameters, or the averages kept of them, and running values; nothing of the
 *              optimizer. nnc reads a file of tensors back as a checkpoint of parameters. */
import { withBuild } from "../../../runtime/bundle/builds.js"
import { InvalidArgumentError, Option, type Command } from "commander"
import { encodeWeights } from "../../../runtime/checkpoint/checkpoint.js"
import { product } from "../../../runtime/exec/size.js"
import { loadCheckpoint, readBundleFolder, saveWhole, type Bundle } from "../../../runtime/node.js"
import { OPSETS, type Opset } from "../../onnx/translate.js"
import { bundleOf, isBundleFolder } from "../compile-file.js"
import { note, printJson } from "../console.js"
import { whenConverted } from "../convert/index.js"
import { exportHuggingFace } from "../export-huggingface.js"
import { exportOnnx } from "../export-onnx.js"
import { exportPytorch } from "../export-pytorch.js"
import { EXIT, Failure } from "../failure.js"
import { learnedValues, ofModel } from "../learned.js"
import {
  checkpointFor,
  type CheckpointOptions,
  refuseSettings,
  withCheckpoint,
  withSettingsOf,
} from "../open-program.js"
import { type DataOptions, compiling, withData } from "../usage.js"

const FORMATS = ["safetensors", "onnx", "pytorch", "huggingface"] as const
type Format = (typeof FORMATS)[number]

interface Options extends DataOptions, CheckpointOptions {
  readonly out: string
  readonly to?: Format
  readonly model?: string
  readonly train?: string
  readonly opset: Opset
  readonly json?: boolean
}

export function addExport(program: Command): void {
  withCheckpoint(
    withData(
      program
        .command("export")
        .description(
          "write what was learned for other programs: tensors under PyTorch's names, prediction as an ONNX model, or a folder for the Hugging Face Hub; or the program itself in PyTorch",
        )
        .argument("<program>", "program or bundle folder"),
    ),
  )
    .requiredOption(
      "-o, --out <file>",
      "where to write it: .safetensors or .onnx, or a folder for PyTorch or Hugging Face",
    )
    .addOption(
      new Option("--to <format>", "what to write (default: what the name of the file ends in)").choices(
        FORMATS,
      ),
    )
    .option("--model <name>", "this model alone; in .safetensors its name is left out: `linear.0.weight`")
    .option("--train <name>", "of a PyTorch program: the train section, when there are several")
    .option("--opset <version>", `of ONNX: ${Object.keys(OPSETS).join(" or ")}`, opset, LATEST)
    .option("--json", "print one object")
    .action(async (path: string, { json, ...options }: Options) => {
      const format = options.to ?? formatOf(options.out)
      const given = format === "pytorch" ? options : await withSettingsOf(path, options, options)
      const { text, event } = await WRITERS[format](path, given)
      if (json) printJson({ event: "end", out: options.out, ...event })
      else note(`${options.out}: ${text}`)
    })
}

const versions = Object.keys(OPSETS).map(Number) as Opset[]
const LATEST = versions.at(-1)

function opset(text: string): Opset {
  const found = versions.find((version) => String(version) === text)
  if (found === undefined) throw new InvalidArgumentError(`It must be ${versions.join(" or ")}.`)
  return found
}

function formatOf(name: string): Format {
  const found = (["safetensors", "onnx"] as const).find((format) => name.endsWith(`.${format}`))
  if (found !== undefined) return found
  throw new Failure(
    "usage",
    `${name} does not end in .safetensors or .onnx`,
    "end the name so, or say what to write with --to; `--to pytorch` and `--to huggingface` write folders",
    EXIT.usage,
  )
}

/** The remarks about a file when it is written. */
interface Written {
  readonly text: string
  readonly event: Readonly<Record<string, unknown>>
}

async function writeOnnx(path: string, options: Options): Promise<Written> {
  const { model, checkpoint, nodes, bytes } = await exportOnnx(path, options)
  return {
    text: `${model} in ${nodes} nodes, ${bytes} bytes, from ${checkpoint}`,
    event: { checkpoint, model, opset: options.opset, nodes, bytes },
  }
}

async function writePytorch(path: string, options: Options): Promise<Written> {
  const { train, files, rows } = await exportPytorch(path, options)
  const parts = Object.entries(rows).map(([part, count]) => `${count} for ${part}`)
  return {
    text: `section ${train} in ${files.length} files${parts.length > 0 ? `, rows: ${parts.join(", ")}` : ""}`,
    event: { train, files, rows },
  }
}

const WRITERS: Readonly<Record<Format, (path: string, options: Options) => Promise<Written>>> = {
  onnx: writeOnnx,
  safetensors: writeTensors,
  pytorch: writePytorch,
  huggingface: writeHuggingFace,
}

async function writeHuggingFace(path: string, options: Options): Promise<Written> {
  const { model, checkpoint, files, values, evaluation } = await exportHuggingFace(path, options)
  const measured = evaluation ? `, measured on ${evaluation.rows} rows` : ""
  return {
    text: `${model} in ${files.length} files, ${values} values, from ${checkpoint}${measured}`,
    event: { checkpoint, model, files, values, ...(evaluation && { evaluation }) },
  }
}

async function writeTensors(path: string, options: Options): Promise<Written> {
  const { out, model } = options
  const manifest = await manifestOf(path, options)
  const file = await checkpointFor(manifest, options)
  const { slots } = await loadCheckpoint(file, manifest)
  const learned = learnedValues(manifest, slots)
  const { specs, values } = model === undefined ? learned : ofModel(manifest, learned, model)
  await saveWhole(out, encodeWeights({ ...withBuild(manifest), slots: specs }, values, model))
  const count = specs.reduce((sum, { shape }) => sum + product(shape), 0)
  return {
    text: `${specs.length} tensors, ${count} values, from ${file}`,
    event: { checkpoint: file, tensors: specs.map(({ name }) => name), values: count },
  }
}

async function manifestOf(path: string, options: DataOptions): Promise<Bundle["manifest"]> {
  if (isBundleFolder(path)) {
    refuseSettings(path, options)
    return (await readBundleFolder(path)).manifest
  }
  const asked = { data: options.data, devices: ["wasm"] as const, ...compiling(options) }
  return (await whenConverted(() => bundleOf(path, asked))).manifest
}
