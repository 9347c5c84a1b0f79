/** bundle: Manifest -> the typed trainer module of a program: trainer.js, trainer.d.ts, the same for browsers, package.json and
 *  README.md.
 *  Guarantees: the modules import nothing but the runtime beside them; every model has types with its shapes.
 *  Not here:   writing files (`cli/write-bundle.ts`), the work of the module (runtime/). */
import { format } from "prettier"
import { Project, type SourceFile, ts } from "ts-morph"
import { programsOf, slotsOf } from "../../runtime/bundle/builds.js"
import type { Manifest, PredictSpec } from "../../runtime/bundle/format.js"
import { packageText, readmeText } from "./package-files.js"
import { batchColumns, type FieldMeaning, predictionType, rowColumns, typeText, union } from "./row-types.js"
import { NODE_TYPES, PAGE_TYPES, TRAINER_TYPES } from "./trainer-types.js"

/** Texts by path. */
export async function hostModule(
  manifest: Manifest,
  meaning: FieldMeaning,
): Promise<ReadonlyMap<string, string>> {
  const modules = await emitted(manifest, meaning, ["node", "browser"])
  return new Map([...modules, ["package.json", packageText(manifest)], ["README.md", readmeText(manifest)]])
}

/** The parts of a module of one file. */
export interface SingleParts {
  /** The text that declares `nncRuntime`, the runtime for browsers. */
  readonly runtime: string
  /** All other files of the bundle, by path. */
  readonly files: ReadonlyMap<string, string | Uint8Array | FileElsewhere>
}
/** A file that the module fetches. */
export interface FileElsewhere {
  /** JavaScript, of its address. */
  readonly address: string
}

/** The trainer for pages as one module, which imports and fetches nothing but `parts`, and its declarations. */
export async function singleModule(
  manifest: Manifest,
  meaning: FieldMeaning,
  { runtime, files }: SingleParts,
): Promise<{ readonly js: string; readonly dts: string }> {
  const modules = await emitted(manifest, meaning, ["single"])
  const contents = [...files].map(
    ([path, content]) => `  [${JSON.stringify(path)}, ${contentText(content)}],`,
  )
  return {
    js: `${runtime}
const text = (content) => new TextEncoder().encode(content)
const bytes = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))
const FILES = () => new Map([
${contents.join("\n")}
])
${modules.get("single.js") ?? ""}`,
    dts: modules.get("single.d.ts") ?? "",
  }
}

function contentText(content: string | Uint8Array | FileElsewhere): string {
  if (typeof content === "string") return `text(${JSON.stringify(content)})`
  if (content instanceof Uint8Array) return `bytes("${Buffer.from(content).toString("base64")}")`
  return `new URL(${content.address}, location.href)`
}

async function emitted(
  manifest: Manifest,
  meaning: FieldMeaning,
  platforms: readonly Platform[],
): Promise<ReadonlyMap<string, string>> {
  const project = new Project({
    useInMemoryFileSystem: true,
    // Every type is written out, so nothing has to be looked up to print the declarations.
    compilerOptions: {
      noLib: true,
      noResolve: true,
      declaration: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
    },
  })
  for (const platform of platforms)
    writeTrainer(project.createSourceFile(`${MODULES[platform]}.ts`), manifest, platform, meaning)
  const modules = await Promise.all(
    project
      .emitToMemory()
      .getFiles()
      .map(async ({ filePath, text }): Promise<[string, string]> => {
        const path = filePath.replace(/^\//, "")
        return [path, await format(text, { parser: "typescript", printWidth: 110, semi: false })]
      }),
  )
  return new Map(modules)
}

/** single: for pages, with everything in one file. */
type Platform = "node" | "browser" | "single"
const MODULES: Readonly<Record<Platform, string>> = {
  node: "trainer",
  browser: "trainer.browser",
  single: "single",
}
const IMPORTS: Readonly<Record<Platform, string>> = {
  node: `import { fileURLToPath } from "node:url"
import { loadBundle, tableOfRecords } from "./runtime.js"`,
  browser: `import { loadBundle, tableOfRecords } from "./runtime.browser.js"`,
  single: `declare const nncRuntime
declare const FILES
const { loadFiles, tableOfRecords } = nncRuntime`,
}
const LOADS: Readonly<Record<Platform, string>> = {
  node: "options: LoadOptions",
  browser: "{ base, ...options }: PageLoadOptions",
  single: "options: PageLoadOptions",
}
/** The statements that open the bundle; `base` is the folder or URL of its files. */
const OPENS: Readonly<Record<Platform, string>> = {
  node: `loadBundle(fileURLToPath(new URL(".", import.meta.url)), options)`,
  browser: `loadBundle(base ?? new URL(".", import.meta.url), options)`,
  single: `loadFiles(FILES(), options)`,
}

function writeTrainer(file: SourceFile, manifest: Manifest, platform: Platform, meaning: FieldMeaning): void {
  const { predicts, trains, name } = manifest
  const slots = slotsOf(manifest)
  file.addStatements([
    `// The trainer of ${name}, generated by nnc ${manifest.compiler}. README.md says how to use it.`,
    IMPORTS[platform],
  ])
  file.addTypeAlias({
    name: "TrainSection",
    isExported: true,
    type: union(trains.map((train) => train.name)),
    docs: ["The train sections of the program."],
  })
  file.addTypeAlias({
    name: "ParameterName",
    isExported: true,
    type: union(slots.filter(({ role }) => role === "param" || role === "state").map((slot) => slot.name)),
  })
  file.addStatements([TRAINER_TYPES, platform === "node" ? NODE_TYPES : PAGE_TYPES])
  for (const predict of predicts) writeModelTypes(file, predict, manifest, meaning)
  writeBatchTypes(file, manifest)
  writeTrainerType(file, manifest, platform)
  file.addStatements(loadText(manifest, platform))
}

/** The inputs of a model as arrays, and as raw rows where the program says how rows become inputs. */
function writeModelTypes(
  file: SourceFile,
  predict: PredictSpec,
  manifest: Manifest,
  meaning: FieldMeaning,
): void {
  const { model } = predict
  const program = programsOf(manifest).find(({ name }) => name === predict.program)
  file.addInterface({
    name: `${model}Inputs`,
    isExported: true,
    docs: [`Inputs of ${model}, values row after row.`],
    properties: (program?.inputs ?? [])
      .filter(({ source }) => source.kind === "feed")
      .map(({ name, dtype, shape }) => ({
        name: JSON.stringify(name),
        type: "Numbers",
        isReadonly: true,
        docs: [typeText(dtype, shape)],
      })),
  })
  file.addInterface({
    name: `${model}Outputs`,
    isExported: true,
    properties: (program?.outputs ?? []).map(({ name, dtype, shape }) => ({
      name: JSON.stringify(name),
      type: "Tensor",
      isReadonly: true,
      docs: [typeText(dtype, shape)],
    })),
  })
  const columns = rowColumns(predict, manifest.data)
  if (columns === undefined) return
  file.addInterface({
    name: `${model}Predictions`,
    isExported: true,
    docs: [`What ${model} says of raw rows, in terms of what it was trained to give.`],
    properties: (program?.outputs ?? []).map(({ name, dtype, shape }) => ({
      name: JSON.stringify(name),
      type: predictionType(predict, name, manifest.data, meaning),
      isReadonly: true,
      docs: [typeText(dtype, shape)],
    })),
  })
  file.addInterface({
    name: `${model}Row`,
    isExported: true,
    docs: [
      `A raw row: the columns that the inputs of ${model} are made of, before standardising and the like.`,
    ],
    properties: columns.map(({ name, type }) => ({ name: JSON.stringify(name), type, isReadonly: true })),
  })
}

/** The sections that make a step of a batch of the caller: those with one data set. */
const stepping = ({ trains }: Manifest): Manifest["trains"] =>
  trains.filter(({ data, beside }) => data !== null && beside === undefined)

/** The raw rows that a step of each such section takes. */
function writeBatchTypes(file: SourceFile, manifest: Manifest): void {
  const { data } = manifest
  file.addInterface({
    name: "TrainRows",
    isExported: true,
    docs: ["By train section: a raw row of its data, before standardising and the like."],
    properties: stepping(manifest).flatMap((train) => {
      const set = data.find(({ name }) => name === train.data)
      if (!set) return []
      const columns = [...batchColumns(set)].map(
        ([name, type]) => `readonly ${JSON.stringify(name)}: ${type}`,
      )
      return [{ name: JSON.stringify(train.name), type: `{ ${columns.join("; ")} }`, isReadonly: true }]
    }),
  })
}

/** `step` of these sections; the name of one may be left out where it is the only section. */
function stepText(manifest: Manifest): string {
  const { trains } = manifest
  const named = stepping(manifest)
  if (named.length === 0) return ""
  const doc =
    "/** One step over the rows of one batch, of a stream for instance: the next step of the run before, or the first one. */"
  const names = union(named.map(({ name }) => name))
  return trains.length === 1
    ? `${doc}\n  step(batch: Batch<TrainRows[${names}]>, options?: { readonly train?: TrainSection }): Promise<StepResult>`
    : `${doc}\n  step<Section extends ${names}>(batch: Batch<TrainRows[Section]>, options: { readonly train: Section }): Promise<StepResult>`
}

function writeTrainerType(file: SourceFile, manifest: Manifest, platform: Platform): void {
  const { predicts, data } = manifest
  const [only] = predicts.length === 1 ? predicts : []
  const predictions = predicts.flatMap((predict) => {
    const { model } = predict
    const rows = `rows: readonly ${model}Row[]`
    const takes = [
      {
        inputs: `inputs: ${model}Inputs`,
        doc: `/** The outputs of ${model} for inputs in its shape. */`,
        gives: "Outputs",
      },
      ...(rowColumns(predict, data) === undefined
        ? []
        : [
            {
              inputs: rows,
              doc: `/** What ${model} says of raw rows, which the fitted transforms are applied to. */`,
              gives: "Predictions",
            },
            {
              inputs: `${rows}, options: RawOptions`,
              doc: `/** The outputs of ${model} for raw rows, as it gives them. */`,
              gives: "Outputs",
            },
          ]),
    ]
    return takes.flatMap(({ inputs, doc, gives }) => {
      const result = `Promise<${model}${gives}>`
      return [
        `${doc}\n  predict(model: ${JSON.stringify(model)}, ${inputs}): ${result}`,
        ...(only === undefined ? [] : [`${doc}\n  predict(${inputs}): ${result}`]),
      ]
    })
  })
  const files =
    platform === "node"
      ? `
  train(options?: NodeTrainOptions): TrainRun
  /** Writes parameters, optimizer state and the place in the run to a .safetensors file. */
  save(path: string): Promise<void>
  /** Takes over the parameters of such a file. */
  restore(path: string): Promise<void>
  /** Goes on with the run that wrote the file (or run folder), exactly. */
  resume(path: string, options?: NodeTrainOptions): TrainRun`
      : `
  train(options?: PageTrainOptions): TrainRun
  /** Parameters, optimizer state and the place in the run, as a .safetensors file. */
  save(): Promise<Uint8Array>
  /** Takes over the parameters of such a file. */
  restore(file: Uint8Array): void
  /** Goes on with the run that wrote the file, exactly. */
  resume(file: Uint8Array, options?: PageTrainOptions): TrainRun`
  file.addStatements(
    `export interface Trainer extends CommonTrainer {${files}\n  ${[stepText(manifest), ...predictions].join("\n  ")}\n}`,
  )
}

/** The only code of the module: calls of the runtime, under the names of the types above. It is JavaScript: TypeScript is not given the
 *  types of the runtime, and would check nothing. */
function loadText({ predicts, data }: Manifest, platform: Platform): string {
  const columns = Object.fromEntries(
    predicts.map((predict) => [predict.model, rowColumns(predict, data)?.map(({ name }) => name) ?? []]),
  )
  const [save, restore, resume] =
    platform === "node"
      ? ["(path) => session.save(path)", "(path) => session.load(path).then(() => {})", "saved"]
      : [
          "() => session.encodeState()",
          '(file) => session.loadState(session.decodeCheckpoint("the checkpoint", file))',
          'session.decodeCheckpoint("the checkpoint", saved)',
        ]
  return `
/** The columns that make up a raw row of each model. */
const COLUMNS = ${JSON.stringify(columns)}

/** Opens the bundle that this module ${platform === "single" ? "holds" : "lies in"}, on a device. */
export async function load(${LOADS[platform]} = {}): Promise<Trainer> {
  const session = await ${OPENS[platform]}
  const trainer = {
    device: session.device,
    train: (given) => session.train(given),
    step: (batch, given) => session.step(batch, given),
    evaluate: (given) => session.evaluate(given),
    predict: (...given) => {
      const [model, inputs, options] = typeof given[0] === "string" ? given : [${JSON.stringify(predicts[0]?.model ?? "")}, ...given]
      if (!Array.isArray(inputs)) return session.predict(model, inputs)
      const rows = tableOfRecords("the rows", COLUMNS[model], inputs, session.predictUses(model))
      return options?.raw ? session.predictTableRaw(model, rows) : session.predictTable(model, rows)
    },
    parameters: () => session.parameters(),
    setParameters: (values) => session.setParameters(values),
    save: ${save},
    restore: ${restore},
    resume: (saved, given = {}) => session.train({ ...given, resume: ${resume} }),
    close: () => session.close(),
  }
  return trainer
}`
}
