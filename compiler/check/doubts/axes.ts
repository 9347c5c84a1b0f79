/** check: warnings about confused axes: the rows of the batch for features, time for features, channels for pixels. */
import type { Field, ModelStmt, ModelValue } from "../../ir/model/types.js"
import { BATCH, mulDim, printShape, printType, sameDim, type Dim, type Shape } from "../../ir/tensor.js"
import type { Fix } from "../../source/diagnostic.js"
import { type Span, spanText } from "../../source/source.js"
import type { Env } from "../env.js"
import { complain, isStage, stageBefore, withoutCall } from "../report.js"
import type { TensorValue, Value } from "../values.js"
import type { Done } from "./done.js"
import { sameValue, type Flow } from "./flow.js"

const isRows = (dim: Dim | undefined): boolean => dim !== undefined && sameDim(dim, BATCH)

/** Fns of the library that make one number of an axis, or of all axes. */
const REDUCES = new Set([
  "sum",
  "prod",
  "max",
  "min",
  "mean",
  "variance",
  "std",
  "logsumexp",
  "norm",
  "argmax",
  "argmin",
])

/** In evaluation, where nothing is learned from a batch, the output of a model for a row must depend on that row alone. */
export function warnOfBatchReductions(env: Env, flow: Flow, models: ReadonlySet<string>): void {
  const across = new Map<ModelValue, Done>()
  for (const done of flow.done)
    if (REDUCES.has(done.name) && done.result.kind === "tensor" && overRows(done))
      across.set(done.result.id, done)
  if (across.size === 0) return
  for (const result of resultsOf(flow.section.bodies[0]!, models)) {
    const producer = flow.producer(result)
    if (!producer || !isRows(producer.type.shape[0])) continue
    flow.comesFrom(result, (id) => {
      const done = across.get(id)
      if (done) reduceRows(env, done)
      return false
    })
  }
}

function* resultsOf(body: readonly ModelStmt[], models: ReadonlySet<string>): Generator<ModelValue> {
  for (const s of body) {
    if (s.kind !== "call") continue
    if (models.has(s.callee)) yield* s.results
    yield* resultsOf(s.body, models)
  }
}

/** Whether axis 0 is among those that go, and it holds the rows. */
function overRows({ args }: Done): boolean {
  const [x, axis] = [args.get("x"), args.get("axis")]
  if (x?.kind !== "tensor" || !isRows(x.type.shape[0])) return false
  if (axis === undefined || axis.kind === "none") return true
  const axes = axis.kind === "list" ? axis.items : [axis]
  return axes.some((each) => each.kind === "int" && (each.value === 0 || each.value === -x.type.shape.length))
}

function reduceRows(env: Env, { name, args, given, span }: Done): void {
  const x = args.get("x")
  if (x?.kind !== "tensor") return
  const axis = given.get("axis")
  complain(env, {
    severity: "warning",
    code: "batch-axis",
    message: `\`${name}\` goes over ${axis ? "axis 0" : "all axes"} of ${printType(x.type)}, and so over the rows of the batch`,
    span,
    label: "what the model says of a row depends on the rows beside it",
    help:
      x.type.shape.length === 2
        ? "columns are brought to a range by `|> standardize` in `data`; within a row it is `axis: 1, keepdim: true`"
        : "axis 0 holds the rows: name the axes of a row, such as `axis: 1`",
  })
}

/** `reshape(x, [64, B])` of f32[B, 64]: elements keep their order, so rows are mixed; to turn axes round is `transpose`. */
export function warnOfReshapes(env: Env, flow: Flow): void {
  for (const { name, args, result, span } of flow.done) {
    const x = args.get("x")
    if (name !== "reshape" || x?.kind !== "tensor" || result.kind !== "tensor") continue
    const [from, to] = [rowsAt(x.type.shape), rowsAt(result.type.shape)]
    if (!from || !to || sameDim(from.before, to.before)) continue
    complain(env, {
      severity: "warning",
      code: "batch-axis",
      message: `\`reshape\` from ${printShape(x.type.shape)} to ${printShape(result.type.shape)} mixes the rows of the batch: elements keep their order`,
      span,
      label: `axis ${from.axis} holds the rows, and axis ${to.axis} of the result does not`,
      help: `to turn axes round is \`transpose(..., ${from.axis}, ${to.axis})\` or \`permute\``,
    })
  }
}

function rowsAt(shape: Shape): { readonly axis: number; readonly before: Dim } | undefined {
  const axis = shape.findIndex(isRows)
  return axis < 0 ? undefined : { axis, before: shape.slice(0, axis).reduce<Dim>(mulDim, 1) }
}

/** Layers that give f32[N, T, E]: a sequence of vectors. */
const SEQUENCE = /^(Embedding|RNN|GRU|LSTM|MultiHeadAttention|Transformer(En|De)coderLayer)$/
/** Layers that take and give f32[N, C, ...]: channels before spatial axes. */
const CHANNELS_FIRST = /^((Conv|ConvTranspose|BatchNorm|MaxPool|AvgPool)[12]d)$/
const ELEMENTWISE =
  /^(relu6?|leaky_relu|elu|selu|gelu|silu|mish|tanh|sigmoid|[Dd]ropout|LayerNorm|GroupNorm|[-+*/])$/
const OVER_TIME = /^(RNN|GRU|LSTM|MultiHeadAttention|Transformer(En|De)coderLayer)$/

type Layout = "sequence" | "channels"

class Layouts {
  constructor(
    private readonly flow: Flow,
    private readonly fields: readonly Field[],
  ) {}

  of(
    value: Value | undefined,
  ): { readonly layout: Layout; readonly by: string; readonly span?: Span } | undefined {
    if (value?.kind !== "tensor") return undefined
    const name = this.flow.field(value)
    const field = this.fields.find((each) => each.name === name)
    if (field?.window && field.type.shape.length === 2)
      return { layout: "sequence", by: `the field \`${field.name}\`` }
    const maker = this.flow.maker(value)
    if (!maker) return undefined
    const [rank, by] = [value.type.shape.length, `\`${maker.name}\``]
    if (SEQUENCE.test(maker.name) && rank === 3) return { layout: "sequence", by, span: maker.span }
    if (CHANNELS_FIRST.test(maker.name) && rank >= 3) return { layout: "channels", by, span: maker.span }
    if (!ELEMENTWISE.test(maker.name)) return undefined
    const source = [...maker.args.values()].find(
      (arg): arg is TensorValue =>
        arg.kind === "tensor" && printShape(arg.type.shape) === printShape(value.type.shape),
    )
    return sameValue(source, value) ? undefined : this.of(source)
  }
}

export function warnOfLayouts(env: Env, flow: Flow, fields: readonly Field[]): void {
  const layouts = new Layouts(flow, fields)
  for (const done of flow.done) {
    const x = done.args.get("x") ?? done.args.get("query")
    if (x?.kind !== "tensor") continue
    if (/^(Conv|BatchNorm|MaxPool|AvgPool)1d$/.test(done.name)) warnOfTimeAsChannels(env, layouts, x, done)
    if (OVER_TIME.test(done.name)) warnOfFeaturesAsTime(env, flow, layouts, x, done)
    if (REDUCES.has(done.name)) warnOfFeaturesLost(env, layouts, x, done)
  }
  for (const done of flow.done) if (done.name === "matmul") warnOfWeights(env, flow, done)
}

/** `embed |> Conv1d(64, 3)`: f32[N, T, E] where channels come first. */
function warnOfTimeAsChannels(env: Env, layouts: Layouts, x: TensorValue, { name, span }: Done): void {
  const found = layouts.of(x)
  if (found?.layout !== "sequence") return
  const [, time, features] = x.type.shape
  const text = spanText(span)
  complain(env, {
    severity: "warning",
    code: "channels-last",
    message: `\`${name}\` takes f32[N, C, L], and ${found.by} gives ${printType(x.type)}: ${String(time)} places in time, ${String(features)} features`,
    span,
    label: `takes the ${String(time)} places for channels`,
    related: [found.span && { span: found.span, text: "made here" }],
    help: "`transpose(..., 1, 2)` before it puts the features first, and after it back",
    ...(isStage(span) && {
      fix: { span, replacement: `transpose(1, 2) |> ${text} |> transpose(1, 2)` },
    }),
  })
}

/** `transpose(past, 1, 2) |> GRU(32)`, `x |> Conv1d(8, 3) |> GRU(32)`. */
function warnOfFeaturesAsTime(
  env: Env,
  flow: Flow,
  layouts: Layouts,
  x: TensorValue,
  { name, span }: Done,
): void {
  const maker = flow.maker(x)
  const turned = maker && swapsLast(maker) ? layouts.of(maker.args.get("x")) : undefined
  const channels = layouts.of(x)
  const wrong = turned?.layout === "sequence" ? maker : channels?.layout === "channels" ? channels : undefined
  if (!wrong) return
  complain(env, {
    severity: "warning",
    code: "axis-mistaken",
    message: `\`${name}\` goes along axis 1 as time, and of ${printType(x.type)} axis 1 holds the ${String(x.type.shape[1])} ${turned ? "features" : "channels"}`,
    span,
    label: "along the features",
    related: [
      wrong.span && { span: wrong.span, text: turned ? "turned round here" : "channels come first here" },
    ],
    help: turned
      ? "leave the transposition out: time is axis 1 already"
      : "`transpose(..., 1, 2)` before it puts time on axis 1",
    ...turnedBack(maker, turned !== undefined, span),
  })
}

/** The transposition taken out, or put in. */
function turnedBack(maker: Done | undefined, isTurned: boolean, span: Span): { readonly fix?: Fix } {
  if (!isTurned) return stageBefore(span, "transpose(1, 2)")
  return maker ? withoutCall(maker.span, maker.given.get("x")?.span) : {}
}

function swapsLast({ name, args, result }: Done): boolean {
  if (name !== "transpose" && name !== "permute") return false
  const x = args.get("x")
  if (x?.kind !== "tensor" || result.kind !== "tensor" || x.type.shape.length !== 3) return false
  const [a, b] = [x.type.shape, result.type.shape]
  return sameDim(a[0]!, b[0]!) && sameDim(a[1]!, b[2]!) && sameDim(a[2]!, b[1]!) && !sameDim(a[1]!, a[2]!)
}

/** `mean(h, axis: 2)` of a recurrent layer's output: features are averaged, and places in time are left. */
function warnOfFeaturesLost(
  env: Env,
  layouts: Layouts,
  x: TensorValue,
  { name, args, given, span }: Done,
): void {
  const [axis, keepdim] = [args.get("axis"), args.get("keepdim")]
  if (axis?.kind !== "int" || (keepdim?.kind === "bool" && keepdim.value)) return
  const rank = x.type.shape.length
  const at = axis.value < 0 ? axis.value + rank : axis.value
  const found = layouts.of(x)
  const lost =
    found?.layout === "sequence" && rank === 3 && at === 2
      ? ["features", "places in time", "1"]
      : found?.layout === "channels" && rank === 4 && at === 1
        ? ["channels", "places of the image", "[2, 3]"]
        : undefined
  if (!found || !lost || name.startsWith("arg")) return
  const place = given.get("axis")?.span
  complain(env, {
    severity: "warning",
    code: "axis-mistaken",
    message: `\`${name}\` along axis ${at} of ${printType(x.type)} joins the ${lost[0]}, and the ${lost[1]} stay`,
    span: place ?? span,
    label: `axis ${at} holds the ${String(x.type.shape[at])} ${lost[0]}`,
    related: [found.span && { span: found.span, text: "made here" }],
    help: `along the ${lost[1]} it is \`axis: ${lost[2]}\``,
    ...(place && {
      fix: {
        span: place,
        replacement: spanText(place).replace(/-?\w+$/, lost[2]!),
      },
    }),
  })
}

/** `softmax(scores, axis: 1) @ v`: the weights of a sum should add up to 1. */
function warnOfWeights(env: Env, flow: Flow, { args }: Done): void {
  const [left] = args.values()
  const soft = flow.maker(left)
  const axis = soft?.args.get("axis")
  if (soft?.name !== "softmax" || left?.kind !== "tensor" || axis?.kind !== "int") return
  const rank = left.type.shape.length
  const at = axis.value < 0 ? axis.value + rank : axis.value
  if (rank < 2 || at === rank - 1 || isRows(left.type.shape[at])) return
  const place = soft.given.get("axis")?.span
  complain(env, {
    severity: "warning",
    code: "axis-mistaken",
    message: `the product adds up along axis ${rank - 1} of ${printType(left.type)}, and \`softmax\` makes axis ${at} add up to 1`,
    span: place ?? soft.span,
    label: "the weights of a sum do not add up to 1",
    help: "take the softmax along the last axis, `axis: -1`",
    ...(place && {
      fix: {
        span: place,
        replacement: spanText(place).replace(/-?\w+$/, "-1"),
      },
    }),
  })
}

/** Called where a tensor is indexed: `h[:, :, -1]` of a recurrent layer's output. */
export function warnOfFeatureTaken(env: Env, x: TensorValue, axis: number, span: Span): void {
  if (env.module.library || !OVER_TIME.test(x.madeBy ?? "") || x.type.shape.length !== 3 || axis !== 2) return
  const place = spanText(span)
  complain(env, {
    severity: "warning",
    code: "axis-mistaken",
    message: `this takes one feature of every place in time, for axis 2 of ${printType(x.type)} holds the ${String(x.type.shape[2])} features`,
    span,
    label: "along axis 2",
    related: [x.madeAt && { span: x.madeAt, text: `\`${x.madeBy}\` gives it` }],
    help: `the ${place === "-1" ? "last place" : `place ${place}`} in time is \`[:, ${place}]\``,
  })
}
