// A case -> the text of a .nn program: its graph as straight-line code in one model `Net`, which owns the parameters;
// one train section that only records the gradients of step 0, and one that trains.

import type { Case, CaseSpec, GraphNode, Json } from "./case.js"
import { Names } from "./names.js"
import { constant, DECLARED, required, spell, type Spelling } from "./operations.js"

export interface Program {
  readonly text: string
  /** The case's parameters and buffers: where the program keeps them. */
  readonly slots: ReadonlyMap<string, string>
  /** Inputs that are no rows: frozen parameters that are set before training. */
  readonly constants: ReadonlyMap<string, string>
  /** Inputs of the model, in order. */
  readonly inputs: readonly { readonly of: string; readonly name: string }[]
}

/** `batched`: whether rows come from a data set. Otherwise all inputs stand in the program as constants, which a graph
 *  whose parameters fix the number of rows needs.  `known`: what the standard library declares. */
export function programOf({ spec }: Case, known: ReadonlySet<string>, batched: boolean): Program {
  const names = new Names(known)
  const rows = batched ? Object.entries(spec.inputs).filter(([, { batched }]) => batched) : []
  const constants = Object.entries(spec.inputs).filter(([name]) => !rows.some(([other]) => other === name))
  const inputs = rows.map(([of]) => ({ of, name: names.of(of) }))
  const model = new ModelText(spec, names, {
    known,
    ...(inputs[0] && spec.batching.size !== null
      ? { batch: { rows: spec.batching.size, text: `${inputs[0].name}.shape[0]` } }
      : {}),
  })
  const text = [
    ...new Set(
      spec.graph.flatMap(({ op }) => (known.has(op) && op !== "batch_norm" ? [] : (DECLARED[op] ?? []))),
    ),
    rows.length === 0 ? "" : dataText(spec, names, rows),
    `model Net(${rows.map(([name, { dtype, shape }]) => `${names.of(name)}: ${type(dtype, ["B", ...shape.slice(1)])}`).join(", ")}) {`,
    ...Object.entries(spec.params).map(
      ([name, { shape, trainable }]) =>
        `  ${trainable ? "" : "frozen "}param ${names.of(name)}: ${type("float32", shape)} = zeros`,
    ),
    ...constants.map(
      ([name, { dtype, shape }]) => `  frozen param ${names.of(name)}: ${type(dtype, shape)} = zeros`,
    ),
    ...Object.entries(spec.buffers).map(
      ([name, { shape }]) => `  state ${names.of(name)}: ${type("float32", shape)} = zeros`,
    ),
    ...spec.graph.flatMap((node) => model.statements(node)),
    `  (${names.of(spec.output)}, ${names.of(spec.loss)})`,
    "}",
    "",
    PROBE,
    trainText("probe", spec, names, rows, { optimizer: "Probe()", steps: 1, clip: "" }),
    trainText("main", spec, names, rows, {
      optimizer: optimizerText(spec),
      steps: spec.steps,
      clip: spec.clip === null ? "" : `  clip_norm ${constant(spec.clip.max_norm)}\n`,
    }),
  ].join("\n")
  const slot = (name: string): readonly [string, string] => [name, `Net.${names.of(name)}`]
  return {
    text: text.replace(/\n{3,}/g, "\n\n").trimStart(),
    slots: new Map([...Object.keys(spec.params), ...Object.keys(spec.buffers)].map(slot)),
    constants: new Map(constants.map(([name]) => slot(name))),
    inputs,
  }
}

/** Where the gradient of a slot stands after one step of the section `probe`. */
export const gradientSlot = (slot: string): string => `${slot}/gradient`

const PROBE = `/// Moves nothing, and keeps the gradient where it can be read.
optimizer Probe()(p, g) {
  state gradient = zeros_like(p)
  gradient <- g
  p <- p
}
`

const type = (dtype: string, sizes: readonly (number | string)[]): string =>
  `${dtype === "float32" ? "f32" : "i32"}${sizes.length === 0 ? "" : `[${sizes.join(", ")}]`}`

type Rows = readonly (readonly [string, CaseSpec["inputs"][string]])[]

function dataText(_spec: CaseSpec, names: Names, rows: Rows): string {
  const files = rows.map(([name]) => `${names.of(name)}: ${JSON.stringify(`${name}.npy`)}`)
  const fields = rows.map(
    ([name, { dtype, shape }]) =>
      `  ${names.of(name)}: ${type(dtype, shape.slice(1))} = column("${names.of(name)}")`,
  )
  return `data rows = npy(${files.join(", ")}) {\n${fields.join("\n")}\n}\n`
}

function trainText(
  name: string,
  { batching }: CaseSpec,
  names: Names,
  rows: Rows,
  { optimizer, steps, clip }: { optimizer: string; steps: number; clip: string },
): string {
  const args = rows.map(([input]) => names.of(input)).join(", ")
  const batch =
    rows.length === 0 || batching.size === batching.rows
      ? ""
      : `  batch ${batching.size}${batching.last_partial === "dropped" ? ", drop_last" : ""}\n`
  return `train ${name}${rows.length === 0 ? "" : " on rows"} {
  let (output_, loss_) = Net(${args})
  minimize loss_ with ${optimizer}
${batch}${clip}  steps ${steps}, seed 1
  report every 1 steps
}
`
}

const OPTIMIZERS: Readonly<Record<string, string>> = {
  sgd: "SGD",
  rmsprop: "RMSProp",
  adam: "Adam",
  adamw: "AdamW",
  adagrad: "Adagrad",
}

function optimizerText(spec: CaseSpec): string {
  const { kind, lr: _, ...rest } = spec.optimizer
  const name = OPTIMIZERS[kind]
  if (name === undefined) throw new Error(`no such optimizer: ${kind}`)
  const args = Object.entries(rest).map(([key, value]) => `${key}: ${constant(value)}`)
  return `${name}(${[`lr: ${rateText(spec)}`, ...args].join(", ")})`
}

function rateText({ optimizer: { lr }, schedule, steps }: CaseSpec): string {
  if (schedule === null) return constant(lr)
  const { kind } = schedule
  const warmup = `warmup: ${constant(schedule["warmup"] ?? 0)}`
  const gamma = `gamma: ${constant(required(schedule, "gamma"))}`
  if (kind === "step")
    return `step_lr(lr: ${lr}, every: ${constant(required(schedule, "every"))}, ${gamma}, ${warmup})`
  if (kind === "exponential") return `exponential(lr: ${lr}, ${gamma}, ${warmup})`
  if (kind === "cosine")
    return `cosine(peak: ${lr}, total: ${steps}, min_lr: ${constant(schedule["min_lr"] ?? 0)}, ${warmup})`
  throw new Error(`no such schedule: ${kind}`)
}

const moved = (running: string | undefined, value: string, momentum: Json): string =>
  `(1 - ${constant(momentum)}) * ${running} + ${constant(momentum)} * stop_gradient(${value})`

class ModelText {
  constructor(
    private readonly spec: CaseSpec,
    private readonly names: Names,
    private readonly spelling: Spelling,
  ) {}

  statements({ out, op, in: args, attrs = {} }: GraphNode): string[] {
    const [name, ...values] = [out, ...args].map((each) => this.names.of(each))
    if (op === "batch_norm")
      return this.batchNorm(name ?? "", values, required(attrs, "momentum"), required(attrs, "eps"))
    return [`  let ${name} = ${spell(op, values, attrs, this.spelling)}`]
  }

  /** The case owns the running values, so the layers of the standard library, which own theirs, do not serve. */
  private batchNorm(out: string, args: readonly string[], momentum: Json, eps: Json): string[] {
    const [x, weight, bias, mean, variance] = args
    const tail = `${weight}, ${bias}, eps: ${constant(eps)})`
    if (this.spec.mode === "eval") return [`  let ${out} = batch_norm(${x}, ${mean}, ${variance}, ${tail}`]
    return [
      `  var ${out}_mean = ${mean}`,
      `  var ${out}_var = ${variance}`,
      "  if training {",
      `    ${out}_mean = mean(${x}, other_axes(${x}.rank))`,
      `    ${out}_var = variance(${x}, other_axes(${x}.rank), correction: 0)`,
      `    ${mean} <- ${moved(mean, `${out}_mean`, momentum)}`,
      `    ${variance} <- ${moved(variance, `variance(${x}, other_axes(${x}.rank))`, momentum)}`,
      "  }",
      `  let ${out} = batch_norm(${x}, ${out}_mean, ${out}_var, ${tail}`,
    ]
  }
}
