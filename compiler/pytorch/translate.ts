/** pytorch: a train section and the models of a program -> the files of a folder that trains them in PyTorch.   Model -> files
 *  Assumes:    the model is typed.
 *  Guarantees: model.py has a class for every layer and model, whose state dict has the names of the slots; train.py makes the same steps.
 *              Everything that PyTorch cannot express is reported at once, each with its place.
 *  Not here:   the files that are the same for every program (support/), the rows (cli). */
import type { Model, Slot, TrainSection } from "../ir/model/types.js"
import type { Module } from "../ir/ast/types.js"
import type { Refusal } from "../ir/origin.js"
import { VERSION } from "../version.js"
import { SourceNames, type Written } from "./names.js"
import { Program } from "./program.js"
import { docLines, indented, quoted, tuple } from "./python.js"
import { SectionFacts } from "./section.js"
import { wrapped } from "./wrap.js"
import { every, gradientSum, initialValues, type Moved, optimizersOf } from "./train.js"

export interface Exported {
  readonly name: string
  readonly fingerprint: string
  readonly model: Model
  readonly train: TrainSection
  readonly fold: number | null
  readonly written: readonly Written[]
  readonly library: readonly Module[]
}
export type Translation =
  | { readonly files: ReadonlyMap<string, string>; readonly refusals?: undefined }
  | { readonly files?: undefined; readonly refusals: readonly Refusal[] }

export function translate(exported: Exported): Translation {
  const { model, train, written, library } = exported
  const names = new SourceNames(written, library)
  const sections = [
    { section: train.step, training: true },
    { section: train.evaluate, training: false },
    ...model.predicts.map(({ section }) => ({ section, training: false })),
  ]
  const slots = slotsOf(model, train)
  const program = new Program(slots, names, sections, [
    ...slots.map(({ init }) => init),
    ...train.objectives.flatMap(({ updates }) => updates.map(({ section }) => section)),
    ...[...train.averages, ...train.follows].map(({ section }) => section),
  ])
  const results = (codes: ReadonlyMap<string, { text: string }>): string =>
    `{${[...codes].map(([name, { text }]) => `${quoted(name)}: ${text}`).join(", ")}}`
  // Predictions come first, so that their method of a model has no number.
  for (const { section } of model.predicts) program.prediction(section)
  program.section(train.step, true, results)
  program.section(train.evaluate, false, results)
  const optimizers = optimizersOf(program, train, (k) => optimizerName(written, train, k))
  const accumulated = accumulatedBy(train)
  const initial = initialValues(program, slots, accumulated)
  if (train.scaling !== null)
    program.refusals.push({
      origin: train.origin,
      op: "precision mixed",
      why: "the factor of the loss and what is rounded to f16 are nnc's own; `--bf16` of train.py is PyTorch's",
    })
  if (train.beside.length > 0)
    program.refusals.push({
      origin: train.origin,
      op: "train on several data sets",
      why: "rows of several data sets are not exported yet",
    })
  if (train.settings.draw !== null)
    program.refusals.push({
      origin: train.origin,
      op: "shuffle weight",
      why: "rows that are drawn by weights are not exported yet",
    })
  if (program.refusals.length > 0) return { refusals: program.refusals }
  const { classes, training } = split(program.classTexts())
  const functions = program.functionTexts()
  const header = docLines(`${exported.name}.nn in PyTorch, written by nnc ${VERSION}.`)
  const modelText = [
    ...header,
    ...imports([...functions, ...classes, initial.join("\n")].join("\n")),
    "",
    ...[...functions, ...classes, initial.join("\n")].flatMap((text) => ["", text, ""]),
  ].join("\n")
  const slotNames = [
    ...slots.map(({ name, role }) => [name, role] as const),
    ...accumulated.map((param) => [gradientSum(param), "optimizer"] as const),
  ]
  const takesGradients = sections.some(({ section }) => new SectionFacts(section).differentiated.size > 0)
  const used = [...functions, ...classes].map((text) => /^(?:def|class) (\w+)/.exec(text)![1]!)
  const body = [training, ...optimizers.functions].join("\n")
  const needed = [...used.filter((name) => new RegExp(`\\b${name}\\b`).test(body)), "initial_values"]
  const trainText = [
    ...docLines(
      `Trains ${exported.name}.nn in PyTorch, written by nnc ${VERSION}.\n\`python train.py --help\` says how; \`torchrun --nproc_per_node=4 train.py\` shares every batch among processes.`,
    ),
    ...imports(`${body}\nloop.`),
    `from model import ${needed.sort().join(", ")}`,
    "",
    ...[training, ...optimizers.functions].flatMap((text) => ["", text, ""]),
    "",
    ...programLines(exported, slotNames, optimizers, program),
    "",
    'if __name__ == "__main__":',
    `    loop.main(PROGRAM, Training, initial_values${takesGradients ? ", takes_gradients=True" : ""})`,
    "",
  ].join("\n")
  return {
    files: new Map([
      ["model.py", tidy(modelText)],
      ["train.py", tidy(trainText)],
    ]),
  }
}

/** Slots of other train sections are no part of this one. */
const slotsOf = ({ slots, trains }: Model, train: TrainSection): Slot[] =>
  slots.filter(({ name }) => !trains.some((other) => other !== train && name.startsWith(`${other.name}/`)))

/** Parameters whose gradients are added up over several steps. */
function accumulatedBy({ objectives, settings }: TrainSection): string[] {
  const moved = objectives.flatMap(({ updates }) => updates.map(({ param }) => param))
  return settings.accumulate > 1 ? [...new Set(moved)] : []
}

/** The names of all that the exported program keeps. */
export const keptBy = (model: Model, train: TrainSection): readonly string[] => [
  ...slotsOf(model, train).map(({ name }) => name),
  ...accumulatedBy(train).map(gradientSum),
]

function split(all: readonly { text: string; name: string }[]): { classes: string[]; training: string } {
  return {
    classes: all.filter(({ name }) => name !== "Training").map(({ text }) => text),
    training: all.find(({ name }) => name === "Training")!.text,
  }
}

/** The imports that a text needs. */
function imports(text: string): string[] {
  const uses = (name: string): boolean => new RegExp(`(?<![\\w.])${name}\\.`).test(text)
  const own = ["draws", "layers", "loop", "ops", "parallel"].filter(uses)
  return [
    ...(uses("math") ? ["import math", ""] : []),
    ...(uses("torch") ? ["import torch"] : []),
    ...(uses("F") ? ["import torch.nn.functional as F"] : []),
    ...(uses("nn") ? ["from torch import nn"] : []),
    ...(own.length > 0 ? ["", `from nnc_torch import ${own.join(", ")}`] : []),
  ]
}

function optimizerName(written: readonly Written[], train: TrainSection, k: number): string {
  const decl = written
    .flatMap(({ module }) => module.declarations)
    .find((d) => d.kind === "train" && (d.name?.text ?? "train") === train.name)
  if (decl?.kind !== "train") return "update"
  const found = decl.body
    .filter((s) => s.kind === "minimize")
    .flatMap((s) => s.groups.map((g) => g.optimizer))
  const one = found[Math.min(k, found.length - 1)]
  return one?.kind === "call" && one.callee.kind === "name" ? one.callee.name.toLowerCase() : "update"
}

function programLines(
  { name, fingerprint, train, fold }: Exported,
  slots: readonly (readonly [string, string])[],
  { objectives, averages, follows, settings }: ReturnType<typeof optimizersOf>,
  program: Program,
): string[] {
  const s = train.settings
  const watched = (w: { metric: string; better: string } | null): string =>
    w === null ? "None" : `{"metric": ${quoted(w.metric)}, "better": ${quoted(w.better)}}`
  const fields = train.step.inputs.flatMap((i) => (i.source.kind === "data" ? [i.source.field] : []))
  const list = (items: readonly string[]): string => `[${items.join(", ")}]`
  const updates = (all: readonly Moved[]): string[] => [
    "{",
    ...indented(all.flatMap(({ by, params }) => params.map((p) => `${quoted(p)}: ${by},`))),
    "}",
  ]
  const across = [...new Set(program.across.map(({ at }) => at))]
  const given: readonly (readonly [string, readonly string[]])[] = [
    ["name", [quoted(name)]],
    ["train", [quoted(train.name)]],
    ["fingerprint", [quoted(fingerprint)]],
    ["data", [train.data === null ? "None" : quoted(train.data)]],
    ["fields", [list(fields.map(quoted))]],
    ["batch", s.batch === null ? [] : [String(s.batch)]],
    ["shuffle", s.shuffle ? ["True"] : []],
    ["drop_last", s.dropLast ? ["True"] : []],
    ["seed", [String(s.seed)]],
    ["duration", [every(s.duration)]],
    ["report_every", [every(s.reportEvery)]],
    ["checkpoint_every", s.checkpointEvery === null ? [] : [every(s.checkpointEvery)]],
    [
      "patience",
      s.patience === null
        ? []
        : [
            `{"metric": ${quoted(s.patience.metric)}, "better": ${quoted(s.patience.better)}, "unit": ${quoted(s.patience.unit)}, "count": ${s.patience.count}}`,
          ],
    ],
    ["keep_best", s.keepBest === null ? [] : [watched(s.keepBest)]],
    ["keep_last", s.keepLast === 1 ? [] : [String(s.keepLast)]],
    ["clip_norm", s.clipNorm === null ? [] : [String(s.clipNorm)]],
    ["clip_value", s.clipValue === null ? [] : [String(s.clipValue)]],
    ["accumulate", s.accumulate === 1 ? [] : [String(s.accumulate)]],
    [
      "objectives",
      [
        "[",
        ...indented(
          objectives.flatMap(({ loss, updates: all }) => {
            const [first, ...rest] = updates(all)
            return [`loop.Objective(${quoted(loss)}, ${first}`, ...rest.slice(0, -1), "}),"]
          }),
        ),
        "]",
      ],
    ],
    ["reports", [list(train.reports.map(quoted))]],
    ["averages", averages.length === 0 ? [] : updates(averages)],
    [
      "follows",
      follows.length === 0
        ? []
        : ["{", ...indented(follows.map((f) => `${quoted(f.slot)}: (${f.by}, ${quoted(f.leader)}),`)), "}"],
    ],
    [
      "observed",
      train.observed.length === 0
        ? []
        : [list(train.observed.map((o) => tuple([o.metric, o.value, o.at].map(quoted))))],
    ],
    ["settings", settings.length === 0 ? [] : [list(settings.map(quoted))]],
    ["fold", fold === null ? [] : [String(fold)]],
    ["across_rows", across.length === 0 ? [] : [list(across.map(quoted))]],
    ["slots", ["[", ...indented(slots.map((pair) => `${tuple(pair.map(quoted))},`)), "]"]],
  ]
  return [
    "PROGRAM = loop.Program(",
    ...indented(
      given.flatMap(([key, lines]) => {
        if (lines.length === 0) return []
        const [first, ...rest] = lines
        return [`${key}=${first}`, ...rest].map((line, i, all) => (i === all.length - 1 ? `${line},` : line))
      }),
    ),
    ")",
  ]
}

/** Two empty lines at most. */
const tidy = (text: string): string =>
  `${wrapped(text)
    .replace(/\n{4,}/g, "\n\n\n")
    .trimEnd()}\n`
