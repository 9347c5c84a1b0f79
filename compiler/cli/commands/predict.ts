/** cli: `nnc predict`: the outputs of a model for raw rows, as CSV or JSON lines. The fitted transforms of the training data are
 *  applied to the rows first. */
import type { Command } from "commander"
import { reasonOf } from "../../../runtime/error.js"
import {
  type DataFile,
  fileOnDisk,
  parseSource,
  type Table,
  type Tensor,
  type Trainer,
  type Uses,
} from "../../../runtime/node.js"
import { note, print, printJson } from "../console.js"
import { Failure } from "../failure.js"
import {
  checkpointFor,
  deviceText,
  type DeviceName,
  openProgram,
  withDevice,
  withSettingsOf,
} from "../open-program.js"
import { type CompilingOptions, withCompiling } from "../usage.js"

interface Options extends CompilingOptions {
  readonly device: DeviceName
  readonly threads?: number
  readonly delimiter: string
  readonly json?: boolean
  readonly checkpoint?: string
  readonly model?: string
}

export function addPredict(program: Command): void {
  withCompiling(
    withDevice(
      program
        .command("predict")
        .description("the outputs of a model for rows of a file")
        .argument("<program>", "program or bundle folder"),
    ),
  )
    .requiredOption(
      "--data <file>",
      "rows with the columns that the model's inputs are made of: CSV, .jsonl or .npz",
    )
    .option("--delimiter <character>", "between the cells of a CSV file", ",")
    .option("--checkpoint <file>", "checkpoint or run folder (default: the newest run)")
    .option("--model <name>", "the model to use, when there are several")
    .option("--json", "print one object per row")
    .action(async (path: string, { data, ...options }: Options & { data: string }) => {
      const given = await withSettingsOf(path, options.checkpoint, options)
      const trainer = await openProgram(path, { ...given, data: new Map() })
      try {
        await predict(trainer, options, data)
      } finally {
        trainer.close()
      }
    })
}

async function predict(trainer: Trainer, options: Options, data: string): Promise<void> {
  const model = modelOf(trainer, options.model)
  const checkpoint = checkpointFor(trainer.bundle.manifest, options.checkpoint)
  await trainer.load(checkpoint)
  const rows = readRows(data, options.delimiter, trainer.predictUses(model))
  const outputs = await trainer.predictTable(model, rows)
  const columns = Object.entries(outputs).flatMap(([name, tensor]) => columnsOf(name, tensor))
  const count = Math.max(...Object.values(outputs).map(({ shape }) => shape[0] ?? 1))
  if (options.json)
    for (let row = 0; row < count; row++)
      printJson({
        row,
        ...Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, rowOf(tensor, row)])),
      })
  else {
    note(`${model} with parameters from ${checkpoint}; on ${deviceText(trainer.device)}`)
    print(columns.map(({ name }) => name).join(","))
    for (let row = 0; row < count; row++) print(columns.map(({ at }) => String(at(row))).join(","))
  }
}

/** A file is what its name says it is. */
function readRows(path: string, delimiter: string, uses: Uses): Table {
  const kind = /\.(jsonl|npz)$/.exec(path)?.[1] as "jsonl" | "npz" | undefined
  const source = kind ? { kind, path } : { kind: "csv" as const, path, delimiter }
  const open = (): DataFile => {
    try {
      return fileOnDisk(path)
    } catch (error) {
      throw new Failure("io-program", `the rows to predict, ${path}, cannot be read: ${reasonOf(error)}`)
    }
  }
  return parseSource("rows", source, open, uses)
}

function modelOf(trainer: Trainer, named: string | undefined): string {
  const models = trainer.bundle.manifest.predicts.map(({ model }) => model)
  const [only] = models
  if (named !== undefined) return named
  if (only === undefined) throw new Failure("io-program", "the program has no model to predict with")
  if (models.length === 1) return only
  throw new Failure(
    "usage",
    `the program has several models: ${models.join(", ")}`,
    "choose one with --model",
    2,
  )
}

const widthOf = ({ shape }: Tensor): number => shape.slice(1).reduce((a, b) => a * b, 1)

function columnsOf(name: string, tensor: Tensor): { readonly name: string; at(row: number): number }[] {
  const width = widthOf(tensor)
  return Array.from({ length: width }, (_, i) => ({
    name: width === 1 ? name : `${name}.${i}`,
    at: (row) => tensor.values[row * width + i] ?? NaN,
  }))
}

function rowOf(tensor: Tensor, row: number): number | number[] {
  const width = widthOf(tensor)
  const values = [...tensor.values.subarray(row * width, (row + 1) * width)]
  return width === 1 ? (values[0] ?? NaN) : values
}
