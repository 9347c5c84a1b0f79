/** cli: trains a program and its export to PyTorch from the same values for a few steps, and compares the losses of every step, the gradients
 *  of the first, the values after the last, an evaluation and predictions.
 *  Not here:   printing the comparison (commands/verify.ts). */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { decodeTensors, encodeTensors } from "../../../runtime/checkpoint/safetensors.js"
import { makeFolders } from "../../../runtime/folders.js"
import { openBundle, type Bundle, type Trainer } from "../../../runtime/node.js"
import type { Numbers } from "../../../runtime/exec/values.js"
import type { Metric } from "../../../runtime/train/evaluate.js"
import type { Model, ParameterUpdate, TrainSection } from "../../ir/model/types.js"
import { keptBy } from "../../pytorch/translate.js"
import { bug } from "../../source/bug.js"
import { compileFile } from "../compile-file.js"
import { whenConverted } from "../convert/index.js"
import { sectionOf, writeFolder } from "../export-pytorch.js"
import { Failure } from "../failure.js"
import { compiling, type DataOptions } from "../usage.js"
import { agrees, type Computed, type Difference, differences } from "./differences.js"
import { asFile, type Feeds, feedsFor, numbers, stored } from "./feeds.js"

export interface VerifyOptions extends DataOptions {
  readonly steps: number
  readonly train?: string
  readonly python: string
  /** Keeps the exported folder here. */
  readonly keep?: string
  /** Slots that start from these, and not from their first values. */
  readonly values?: Readonly<Record<string, Numbers>>
}
export interface Verified {
  readonly train: string
  readonly steps: number
  readonly losses: { readonly nnc: readonly number[]; readonly pytorch: readonly number[] }
  readonly differences: readonly Difference[]
}

export async function verifyPytorch(path: string, options: VerifyOptions): Promise<Verified> {
  const folder = options.keep ?? mkdtempSync(join(tmpdir(), "nnc-pytorch-"))
  try {
    return await compare(path, folder, options)
  } finally {
    if (options.keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(path: string, folder: string, options: VerifyOptions): Promise<Verified> {
  const prepared = await prepare(path, folder, options)
  runPython(folder, "start", options)
  const first = compared(prepared)
  if (first.differences.every(agrees)) return first
  runPython(folder, "nudged", options)
  return compared(prepared, true)
}

/** An exported program that is ready to run, with the results of the same program here. */
export interface Prepared {
  readonly folder: string
  readonly train: TrainSection
  readonly steps: number
  readonly nnc: Computed
}

/** Writes the folder, with first values and the inputs of predictions. */
export async function prepare(path: string, folder: string, options: VerifyOptions): Promise<Prepared> {
  const plain = await compiled(path, options, (train) => train)
  const train = sectionOf(plain.model, options.train)
  writeFolder(path, plain.model, plain.bundle.manifest, { out: folder, train: train.name })
  const feeds = feedsFor(plain.model, plain.bundle, folder, train)
  const start = join(folder, "start.safetensors")
  const kept = new Set(keptBy(plain.model, train))
  const nnc = await computedHere(path, options, train, { feeds, start, kept })
  nudge(folder, train)
  for (const trace of STARTS) {
    makeFolders(join(folder, trace))
    writeFileSync(join(folder, trace, "feeds.safetensors"), encodeTensors(asFile(feeds)))
  }
  return { folder, train, steps: options.steps, nnc }
}

/** Files with first values, and folders with their results. Optimizers make much of gradients that are nothing but rounding: from values
 *  that are off by their last bit, the same program shows how much. */
const STARTS = ["start", "nudged"] as const
type Start = (typeof STARTS)[number]

/** `nudged`: that was run, too. */
export function compared({ folder, train, steps, nnc }: Prepared, nudged = false): Verified {
  const there = tracedIn(join(folder, "start"), train)
  return {
    train: train.name,
    steps,
    losses: { nnc: nnc.losses, pytorch: there.losses },
    differences: differences(nnc, there, nudged ? tracedIn(join(folder, "nudged"), train) : undefined),
  }
}

/** The command line of an exported program, in its folder. */
export const argumentsFor = (start: Start, steps: number): readonly string[] => [
  "train.py",
  "--steps",
  String(steps),
  "--init",
  `${start}.safetensors`,
  "--trace",
  start,
  "--device",
  "cpu",
]

async function computedHere(
  path: string,
  options: VerifyOptions,
  train: TrainSection,
  {
    feeds,
    start,
    kept,
  }: {
    readonly feeds: ReadonlyMap<string, Feeds>
    readonly start: string
    readonly kept: ReadonlySet<string>
  },
): Promise<Computed> {
  const quiet = await compiled(path, options, (each) => (each.name === train.name ? steadied(each) : each))
  const gradients = await gradientsOf(path, options, train)
  return opened(quiet.bundle, path, async (trainer) => {
    await begin(trainer, train, options)
    await trainer.save(start)
    const losses: number[] = []
    await trainer.train({
      steps: options.steps,
      train: train.name,
      keepParameters: true,
      reportEvery: { unit: "steps", count: 1 },
      onEvent: (event) => {
        if (event.event === "report") losses.push(event.metrics.loss)
      },
    })
    const predictions = new Map<string, ArrayLike<number>>()
    for (const [model, { inputs }] of feeds) {
      const given = Object.fromEntries([...inputs].map(([name, tensor]) => [name, numbers(tensor)]))
      for (const [name, { values }] of Object.entries(await trainer.predict(model, given)))
        predictions.set(`${model}/${name}`, values)
    }
    const part = heldBack(quiet.bundle, train)
    const evaluation: Readonly<Record<string, Metric>> =
      part === null ? {} : (await trainer.evaluation({ train: train.name, part })).metrics
    const values = [...(await trainer.parameters(true))].filter(([name]) => kept.has(name))
    return {
      losses: losses.slice(0, options.steps),
      gradients,
      values: new Map(values.map(([name, tensor]) => [name, tensor.values])),
      evaluation: new Map(Object.entries(evaluation).map(([name, value]) => [name, flat(value)])),
      predictions,
    }
  })
}

function runPython(folder: string, start: Start, { python, steps }: VerifyOptions): void {
  const { status, error, stderr } = spawnSync(python, argumentsFor(start, steps), {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  })
  if (error)
    throw new Failure(
      "verify-python",
      `${python} cannot be run: ${error.message}`,
      "`--python PATH` names another, one that has PyTorch",
    )
  if (status !== 0)
    throw new Failure(
      "verify-python",
      `the exported program failed in ${python}:\n${stderr.trim().split("\n").slice(-12).join("\n")}`,
      /No module named/.test(stderr) ? "`--python PATH` names one that has torch and numpy" : undefined,
    )
}

/** A number that JSON cannot write is a text. */
const special = (_: string, value: unknown): unknown =>
  value === "nan" ? NaN : value === "inf" ? Infinity : value === "-inf" ? -Infinity : value

function tracedIn(trace: string, train: TrainSection): Computed {
  const read = (name: string): ReadonlyMap<string, ArrayLike<number>> =>
    new Map([...stored(join(trace, name))].map(([key, tensor]) => [key, numbers(tensor)]))
  const traced = JSON.parse(readFileSync(join(trace, "losses.json"), "utf8"), special) as {
    readonly steps: readonly Readonly<Record<string, number>>[]
    readonly evaluation: Readonly<Record<string, Metric>>
  }
  return {
    losses: traced.steps.map((each) =>
      train.objectives.reduce((sum, { loss }) => sum + (each[loss] ?? NaN), 0),
    ),
    gradients: read("gradients.safetensors"),
    values: read("final.safetensors"),
    evaluation: new Map(Object.entries(traced.evaluation).map(([name, value]) => [name, flat(value)])),
    predictions: read("predictions.safetensors"),
  }
}

/** The first values of the parameters, each off by its last bit or two, up or down. */
function nudge(folder: string, train: TrainSection): void {
  const moved = new Set(train.objectives.flatMap(({ updates }) => updates.map(({ param }) => param)))
  const { tensors, metadata } = decodeTensors("start", readFileSync(join(folder, "start.safetensors")))
  let draw = 1
  const nudged = new Map(
    [...tensors].map(([name, tensor]) => {
      if (!moved.has(name) || tensor.dtype !== "F32") return [name, tensor] as const
      const values = Float32Array.from(numbers(tensor), (v) => {
        draw = (Math.imul(draw, 1664525) + 1013904223) >>> 0
        return v * (1 + (draw >>> 31 ? 1 : -1) * 2 ** -22)
      })
      return [name, { ...tensor, bytes: new Uint8Array(values.buffer) }] as const
    }),
  )
  writeFileSync(join(folder, "nudged.safetensors"), encodeTensors({ tensors: nudged, metadata }))
}

async function compiled(
  path: string,
  options: VerifyOptions,
  change: (train: TrainSection) => TrainSection,
): Promise<{ readonly model: Model; readonly bundle: Bundle }> {
  const asked = {
    data: options.data,
    devices: ["wasm"] as const,
    ...compiling(options),
    change: (model: Model): Model => ({ ...model, trains: model.trains.map(change) }),
  }
  const { model, bundle } = await whenConverted(() => compileFile(path, asked))
  return {
    model: model ?? bug("the program has no model"),
    bundle: bundle ?? bug("the program has no bundle"),
  }
}

/** Steps and nothing that steers them. */
const steadied = (train: TrainSection): TrainSection => ({
  ...train,
  observed: [],
  settings: { ...train.settings, keepBest: null, patience: null, checkpointEvery: null },
})

/** A parameter becomes its gradient. */
const asGradient = ({ param, section }: ParameterUpdate): ParameterUpdate => {
  const inputs = section.inputs.filter(
    ({ name, source }) => source.kind === "feed" && (name === "p" || name === "g"),
  )
  const g = inputs.find(({ name }) => name === "g") ?? bug("an optimizer has no gradient")
  return { param, section: { inputs, body: [], results: [{ name: "p", value: g.id }] } }
}

async function gradientsOf(
  path: string,
  options: VerifyOptions,
  train: TrainSection,
): Promise<ReadonlyMap<string, ArrayLike<number>>> {
  const { bundle } = await compiled(path, options, (each) =>
    each.name !== train.name
      ? each
      : {
          ...steadied(each),
          averages: [],
          follows: [],
          settings: { ...steadied(each).settings, clipNorm: null, clipValue: null, accumulate: 1 },
          objectives: each.objectives.map((o) => ({ ...o, updates: o.updates.map(asGradient) })),
        },
  )
  const moved = new Set(train.objectives.flatMap(({ updates }) => updates.map(({ param }) => param)))
  return opened(bundle, path, async (trainer) => {
    await begin(trainer, train, options)
    await trainer.train({ steps: 1, train: train.name, keepParameters: true })
    const all = [...(await trainer.parameters(true))]
    return new Map(all.flatMap(([name, { values }]) => (moved.has(name) ? [[name, values] as const] : [])))
  })
}

async function begin(trainer: Trainer, train: TrainSection, { values }: VerifyOptions): Promise<void> {
  trainer.initialise(train.settings.seed)
  // Only an asynchronous call reads files of weights.
  await trainer.parameters()
  if (values) trainer.setParameters(values)
}

async function opened<T>(bundle: Bundle, path: string, use: (trainer: Trainer) => Promise<T>): Promise<T> {
  const trainer = await openBundle(bundle, dirname(path), { device: "wasm" })
  try {
    return await use(trainer)
  } finally {
    trainer.close()
  }
}

function heldBack({ manifest }: Bundle, { data }: TrainSection): "val" | "test" | null {
  const spec = manifest.data.find(({ name }) => name === data)
  if (spec === undefined) return null
  const isThere = (part: "val" | "test"): boolean =>
    Boolean(spec[part]) ||
    (spec.split?.[part] ?? 0) > 0 ||
    (part === "val" && spec.split?.folds !== undefined)
  return isThere("val") ? "val" : isThere("test") ? "test" : null
}

const flat = (value: Metric): readonly number[] => (typeof value === "number" ? [value] : value.flatMap(flat))
