/** cli: writes a program as a folder that trains it in PyTorch: model.py, train.py, README.md, the package nnc_torch, and the rows of its data. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, isAbsolute, join } from "node:path"
import { applyField } from "../../runtime/data/apply.js"
import type { DataFile } from "../../runtime/data/file.js"
import type { Part } from "../../runtime/data/shares.js"
import type { TableRows } from "../../runtime/data/load.js"
import { usesOf } from "../../runtime/data/uses.js"
import { encodeTensors, STORED_TYPES, type StoredTensor } from "../../runtime/checkpoint/safetensors.js"
import { bytesOf, product } from "../../runtime/exec/size.js"
import { makeFolders } from "../../runtime/folders.js"
import { openBundle, type Bundle } from "../../runtime/node.js"
import type { Module } from "../ir/ast/types.js"
import type { Model, TrainSection } from "../ir/model/types.js"
import { parse } from "../parse/parse.js"
import type { Written } from "../pytorch/names.js"
import { translate } from "../pytorch/translate.js"
import { bug } from "../source/bug.js"
import { Diagnostics } from "../source/diagnostic.js"
import { nearest } from "../source/suggest.js"
import { readTables } from "../facts/tables.js"
import { readProgram } from "./compile-file.js"
import { programToExport } from "./export-program.js"
import { refusalDiagnostic } from "./export-refusal.js"
import { EXIT, Failure, Refused } from "./failure.js"
import { fileHost, packageFolder } from "./host.js"
import { userTables } from "./kept-tables.js"
import type { DataOptions } from "./usage.js"

export interface PytorchOptions extends DataOptions {
  /** The folder. */
  readonly out: string
  readonly train?: string
}
export interface PytorchFolder {
  readonly train: string
  readonly files: readonly string[]
  readonly rows: Readonly<Record<string, number>>
}

const SUPPORT = "nnc_torch"

export async function exportPytorch(path: string, options: PytorchOptions): Promise<PytorchFolder> {
  const { model, bundle } = await programToExport(path, options, "PyTorch program")
  const written = writeFolder(path, model, bundle.manifest, options)
  if (bundle.manifest.weights) await writeStart(path, bundle, options.out)
  return written
}

/** Writes the first values that stand in files. */
async function writeStart(path: string, bundle: Bundle, out: string): Promise<void> {
  const trainer = await openBundle(bundle, dirname(path), { device: "wasm" })
  try {
    await trainer.parameters()
    await trainer.save(join(out, "data", "start.safetensors"))
  } finally {
    trainer.close()
  }
}

export function writeFolder(
  path: string,
  model: Model,
  manifest: Bundle["manifest"],
  { out, train: wanted }: Pick<PytorchOptions, "out" | "train">,
): PytorchFolder {
  const train = sectionOf(model, wanted)
  const host = fileHost(path)
  const fold = manifest.data.find(({ name }) => name === train.data)?.split?.fold ?? null
  const { files, refusals } = translate({
    name: manifest.name,
    fingerprint: manifest.fingerprint,
    model,
    train,
    fold,
    written: writtenFrom(path),
    library: host.stdlib,
  })
  if (files === undefined)
    throw new Refused(
      refusals.map((each) => refusalDiagnostic(each, "PyTorch", `${train.name} computes it here`)),
    )
  const support =
    packageFolder("compiler/pytorch/support") ?? bug("the files of PyTorch exports are not installed")
  const own = readdirSync(support).filter((name) => name.endsWith(".py"))
  const texts = new Map([
    ...files,
    ...own.map((name) => [`${SUPPORT}/${name}`, readFileSync(join(support, name), "utf8")] as const),
    ["README.md", readme(path, manifest.name, train)] as const,
  ])
  makeFolders(out)
  for (const [name, text] of texts) {
    mkdirSync(dirname(join(out, name)), { recursive: true })
    writeFileSync(join(out, name), text)
  }
  const rows = train.data === null ? {} : writeRows(path, manifest, train.data, out)
  return { train: train.name, files: [...texts.keys()], rows }
}

export function sectionOf({ trains }: Model, wanted: string | undefined): TrainSection {
  const found = wanted === undefined ? trains[0] : trains.find(({ name }) => name === wanted)
  if (found !== undefined && (wanted !== undefined || trains.length === 1)) return found
  const names = trains.map(({ name }) => name)
  if (trains.length === 0)
    throw new Failure("io-program", "the program has no train section", "`--to onnx` exports its prediction")
  if (wanted === undefined)
    throw new Failure(
      "usage",
      `the program has several train sections: ${names.join(", ")}`,
      "choose one with --train",
      EXIT.usage,
    )
  const near = nearest(wanted, names)
  throw new Failure(
    "unknown-name",
    `there is no train section "${wanted}"`,
    near === undefined ? `there is ${names.join(", ")}` : `did you mean "${near}"?`,
  )
}

/** The program and its imports, as text and tree. */
export function writtenFrom(path: string): readonly Written[] {
  const found = new Map<string, Written>()
  const visit = (file: string): void => {
    if (found.has(file) || !existsSync(file)) return
    const source = readProgram(file)
    const module: Module = parse(source, new Diagnostics())
    found.set(file, { path: file, text: source.text, module })
    for (const each of module.imports) visit(join(dirname(file), each.path))
  }
  visit(path)
  return [...found.values()]
}

/** The rows of every part, with the stages of their fields applied. */
function writeRows(
  path: string,
  manifest: Bundle["manifest"],
  name: string,
  out: string,
): Record<string, number> {
  const spec = manifest.data.find((d) => d.name === name) ?? bug(`there is no data set ${name}`)
  const folder = dirname(path)
  const tables = userTables()
  const open = (file: string): DataFile => tables.open(isAbsolute(file) ? file : join(folder, file))
  const parts = readTables(spec, open, usesOf(spec.fields, spec))
  const tensors = new Map<string, StoredTensor>()
  const rows: Record<string, number> = {}
  const write = (part: Part, given: TableRows | null): void => {
    if (given === null) return
    rows[part] = given.rows.length
    for (const field of spec.fields) {
      const { dtype, shape } = field
      const { bytes } = applyField(field, given.table, given.rows)
      const size = given.rows.length * product(shape) * (dtype === "bool" ? 4 : bytesOf(dtype))
      const values =
        dtype === "bool"
          ? Uint8Array.from(new Uint32Array(bytes.buffer, 0, size / 4))
          : bytes.subarray(0, size)
      tensors.set(`${part}/${field.name}`, {
        dtype: STORED_TYPES[dtype],
        shape: [given.rows.length, ...shape],
        bytes: values,
      })
    }
  }
  write("train", parts.train)
  write("val", parts.val)
  write("test", parts.test)
  makeFolders(join(out, "data"))
  const fitted = JSON.stringify(
    Object.fromEntries(spec.fields.map(({ name: field, columns, stages }) => [field, { columns, stages }])),
  )
  writeFileSync(
    join(out, "data", `${name}.safetensors`),
    encodeTensors({ tensors, metadata: { data: name, fields: fitted } }),
  )
  return rows
}

const readme = (path: string, name: string, train: TrainSection): string => `# ${name} in PyTorch

Written by \`nnc export --to pytorch ${path}\` from \`${path.replace(/^.*\//, "")}\`, section \`${train.name}\`. It needs PyTorch 2 or later and NumPy.

\`\`\`sh
python train.py                              # one process
torchrun --nproc_per_node=4 train.py         # four processes share every batch
python train.py --out runs/${name}           # log.jsonl and checkpoints, which nnc reads
python train.py --resume runs/${name}        # goes on where that run stopped
nnc predict ${path.replace(/^.*\//, "")} --checkpoint runs/${name} ...
\`\`\`

| file | holds |
| --- | --- |
| \`model.py\` | layers, models and functions of the program, and the first values of all that is kept |
| \`train.py\` | what a step computes, optimizers, settings |
| \`nnc_torch/\` | what is the same for all programs: the training loop, random numbers, batches shared by processes, checkpoints |
| \`data/\` | rows of every part, with the fitted stages of their fields applied; those stand in the metadata of the file |

Names of parameters are those of nnc, so a checkpoint of either is one of the other. Rows come in the same order and random
numbers are the same, so losses agree within rounding.
`
