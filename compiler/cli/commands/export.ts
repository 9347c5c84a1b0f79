/** cli: `nnc export`: what a checkpoint's model has learned, as a file for other programs.
 *  Guarantees: the values that prediction reads: parameters, or the averages kept of them, and running values; nothing of the
 *              optimizer. nnc reads the file back as a checkpoint of parameters, unless names were cut to one model's. */
import { InvalidArgumentError, type Command } from "commander"
import { encodeCheckpoint } from "../../../runtime/checkpoint/checkpoint.js"
import { product } from "../../../runtime/exec/size.js"
import { loadCheckpoint, readBundleFolder, saveWhole, type Bundle } from "../../../runtime/node.js"
import { nearest } from "../../source/suggest.js"
import { bundleOf, isBundleFolder } from "../compile-file.js"
import { note, printJson } from "../console.js"
import { whenConverted } from "../convert/index.js"
import { Failure } from "../failure.js"
import {
  checkpointFor,
  type CheckpointOptions,
  refuseSettings,
  withCheckpoint,
  withSettingsOf,
} from "../open-program.js"
import { type DataOptions, compiling, withData } from "../usage.js"

type Manifest = Bundle["manifest"]
type Slots = Awaited<ReturnType<typeof loadCheckpoint>>["slots"]

interface Options extends DataOptions, CheckpointOptions {
  readonly out: string
  readonly model?: string
  readonly json?: boolean
}

export function addExport(program: Command): void {
  withCheckpoint(
    withData(
      program
        .command("export")
        .description(
          "write what was learned to a .safetensors file, under PyTorch's names, for other programs",
        )
        .argument("<program>", "program or bundle folder"),
    ),
  )
    .requiredOption("-o, --out <file>", "where to write it, a name ending in .safetensors", safetensorsFile)
    .option("--model <name>", "this model alone, its name left out: `linear.0.weight`")
    .option("--json", "print one object")
    .action(async (path: string, { out, model, json, ...options }: Options) => {
      const manifest = await manifestOf(path, await withSettingsOf(path, options, options))
      const file = await checkpointFor(manifest, options)
      const { slots } = await loadCheckpoint(file, manifest)
      const learned = learnedValues(manifest, slots)
      const { specs, values } = model === undefined ? learned : ofModel(manifest, learned, model)
      await saveWhole(out, encodeCheckpoint({ ...manifest, slots: specs }, values, null))
      const count = specs.reduce((sum, { shape }) => sum + product(shape), 0)
      if (json)
        printJson({
          event: "end",
          out,
          checkpoint: file,
          tensors: specs.map(({ name }) => name),
          values: count,
        })
      else note(`${out}: ${specs.length} tensors, ${count} values, from ${file}`)
    })
}

function safetensorsFile(name: string): string {
  if (!name.endsWith(".safetensors")) throw new InvalidArgumentError("Its name must end in .safetensors.")
  return name
}

async function manifestOf(path: string, options: DataOptions): Promise<Manifest> {
  if (isBundleFolder(path)) {
    refuseSettings(path, options)
    return (await readBundleFolder(path)).manifest
  }
  const asked = { data: options.data, devices: ["wasm"] as const, ...compiling(options) }
  return (await whenConverted(() => bundleOf(path, asked))).manifest
}

interface Learned {
  readonly specs: Manifest["slots"]
  readonly values: Slots
}

function learnedValues({ slots }: Manifest, values: Slots): Learned {
  const specs = slots.filter(({ role }) => role === "param" || role === "state")
  const read = specs.map(({ name }): [string, Uint8Array] => [
    name,
    values.get(`${name}/average`) ?? values.get(name)!,
  ])
  return { specs, values: new Map(read) }
}

function ofModel({ predicts }: Manifest, { specs, values }: Learned, model: string): Learned {
  const models = predicts.map((each) => each.model)
  if (!models.includes(model)) {
    const near = nearest(model, models)
    throw new Failure(
      "unknown-name",
      `there is no model "${model}"`,
      near === undefined ? `there is ${models.join(", ")}` : `did you mean "${near}"?`,
    )
  }
  const own = specs.filter(({ name }) => name.startsWith(`${model}.`))
  const short = (name: string): string => name.slice(model.length + 1)
  return {
    specs: own.map((spec) => ({ ...spec, name: short(spec.name) })),
    values: new Map(own.map(({ name }) => [short(name), values.get(name)!])),
  }
}
