/** cli: `nnc predict`: the predictions of a model for the rows of a file. The fitted transforms of the training data are applied to the rows first.
 *  Guarantees: rows are read, predicted and written some at a time. */
import { InvalidArgumentError, Option, type Command } from "commander"
import { reasonOf } from "../../../runtime/error.js"
import {
  type DataFile,
  parseParts,
  parseSource,
  type SourceSpec,
  type Table,
  type Trainer,
  type Uses,
} from "../../../runtime/node.js"
import { note } from "../console.js"
import { Failure } from "../failure.js"
import { userTables } from "../kept-tables.js"
import { oneModel } from "../learned.js"
import {
  type CheckpointOptions,
  deviceText,
  type DeviceName,
  loadLearned,
  openProgram,
  withCheckpoint,
  withDevice,
  withSettingsOf,
} from "../open-program.js"
import { keptColumns } from "../predictions/columns.js"
import { toFile, toStdout } from "../predictions/out.js"
import { rowsSource } from "../rows-source.js"
import { type CompilingOptions, withCompiling } from "../usage.js"

interface Options extends CompilingOptions, CheckpointOptions {
  readonly device: DeviceName
  readonly threads?: number
  readonly delimiter?: string
  readonly json?: boolean
  readonly raw?: boolean
  readonly keep?: readonly string[]
  readonly out?: string
  readonly model?: string
}

export function addPredict(program: Command): void {
  withCheckpoint(
    withCompiling(
      withDevice(
        program
          .command("predict")
          .description("the outputs of a model for rows of a file")
          .argument("<program>", "program or bundle folder"),
      ),
    ),
  )
    .requiredOption(
      "--data <file>",
      "rows with the columns that the model's inputs are made of: CSV, .jsonl, .json, .npz or .parquet; an image or a folder of them",
    )
    .option("--delimiter <character>", "between the cells of a CSV file; left out: as in the program's data")
    .option("--model <name>", "the model to use, when there are several")
    .option("--keep <columns>", "pass on these columns of the file: id,name", columnList)
    .option(
      "--raw",
      "what the model gives: scores, not classes; standardised values, not those of the column",
    )
    .addOption(new Option("--out <file>", "write a .csv, .jsonl, .npy or .parquet file").conflicts("json"))
    .option("--json", "print one object per row")
    .action(async (path: string, { data, ...options }: Options & { data: string }) => {
      const given = await withSettingsOf(path, options, options)
      const trainer = await openProgram(path, { ...given, data: new Map() })
      try {
        await predict(trainer, options, data)
      } finally {
        trainer.close()
      }
    })
}

function columnList(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim())
  if (names.includes("")) throw new InvalidArgumentError("It is names of columns, with commas between.")
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw new InvalidArgumentError(`"${twice}" is there twice.`)
  return names
}

async function predict(trainer: Trainer, options: Options, data: string): Promise<void> {
  const { raw = false, keep = [], json = false } = options
  const spec = oneModel(trainer.bundle.manifest.predicts, options.model)
  const { model } = spec
  const loaded = await loadLearned(trainer, options)
  const source = await rowsSource(data, spec, trainer.bundle.manifest, options.delimiter)
  const uses = trainer.predictUses(model)
  const asked: Uses = (name) => ({ ...uses(name), ...(keep.includes(name) && { texts: true }) })
  const out = options.out === undefined ? toStdout(json) : toFile(options.out)
  let rows = 0
  try {
    if (!json) note(`${model} with parameters from ${loaded.text}; on ${deviceText(trainer.device)}`)
    const windows = trainer.takesWindows(model)
    for (const table of readRows(source, asked, windows)) {
      const predicted = trainer.predictRows(model, table)
      const kept = keptColumns(table, predicted, keep)
      const outputs = raw
        ? await trainer.predictTableRaw(model, table)
        : await trainer.predictTable(model, table)
      out.add({ rows: predicted.length, kept, outputs })
      rows += predicted.length
    }
    out.end()
  } catch (error) {
    out.discard()
    throw error
  }
  if (options.out !== undefined) note(`${rows} ${rows === 1 ? "row" : "rows"} in ${options.out}`)
}

/** `whole`: all rows at once. */
function readRows(source: SourceSpec, uses: Uses, whole: boolean): Iterable<Table> {
  const open = (path: string): DataFile => {
    try {
      return userTables().open(path)
    } catch (error) {
      throw new Failure("io-program", `the rows to predict, ${path}, cannot be read: ${reasonOf(error)}`)
    }
  }
  return whole ? [parseSource("rows", source, open, uses)] : parseParts("rows", source, open, uses)
}
