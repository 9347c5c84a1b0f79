/** check: warnings about calls of library functions that compute something that is probably not meant, or compute it badly. */
import { BATCH, printShape, printType, sameDim, sameShape, type Dim, type Shape } from "../ir/tensor.js"
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import type { Env } from "./env.js"
import { complain, withoutStage, type Complaint } from "./report.js"
import type { FnValue, TensorValue, Value } from "./values.js"

interface Pair {
  readonly code: string
  readonly message: string
  readonly help: string
  /** The consumer is the wrong one of the two, and bears the mark. */
  readonly wrongConsumer?: true
  /** The consumer repeats the work of the producer by itself. */
  readonly leaveOut?: true
}

/** Scores may have any sign and size; after these they may not. */
const bounded = (loss: string, takes: string, made: Readonly<Record<string, string>>): Record<string, Pair> =>
  Object.fromEntries(
    Object.entries(made).map(([maker, effect]) => [
      maker,
      {
        code: "scores-bounded",
        message: `\`${loss}\` takes ${takes}; after \`${maker}\` ${effect}`,
        help: `give it the values before \`${maker}\``,
        leaveOut: true,
      },
    ]),
  )
const ANY_SIGN = "scores of any sign"
const SQUASHED = {
  relu: "none is below 0",
  relu6: "all are between 0 and 6",
  tanh: "all are between -1 and 1",
}

const linear = (message: string, help: string): Pair => ({
  code: "scores-as-probabilities",
  message,
  help,
  wrongConsumer: true,
})
const scores = (message: string, help: string): Record<string, Pair> =>
  Object.fromEntries(["Linear", "linear", "Conv2d", "relu"].map((maker) => [maker, linear(message, help)]))

/** Consumer, then the producer of its first argument. */
const pairs: Readonly<Record<string, Readonly<Record<string, Pair>>>> = {
  cross_entropy: {
    ...bounded("cross_entropy", ANY_SIGN, { ...SQUASHED, sigmoid: "all are between 0 and 1" }),
    softmax: {
      code: "softmax-twice",
      message: "`cross_entropy` takes logits and applies softmax itself; here softmax is applied twice",
      help: "give it the values before `softmax`",
      leaveOut: true,
    },
    log_softmax: {
      code: "softmax-twice",
      message: "`cross_entropy` takes logits and applies log_softmax itself",
      help: "give it the values before `log_softmax`, or use `nll`",
      leaveOut: true,
    },
  },
  nll: {
    ...scores(
      "`nll` takes log-probabilities, and these are scores",
      "use `cross_entropy` on the scores, or `log_softmax` first",
    ),
    softmax: {
      code: "scores-as-probabilities",
      message: "`nll` takes log-probabilities, and these are probabilities",
      help: "use `log_softmax` in place of `softmax`, or `cross_entropy` on the values before it",
    },
  },
  kl_div: {
    ...scores("`kl_div` takes log-probabilities, and these are scores", "use `log_softmax` first"),
    softmax: {
      code: "scores-as-probabilities",
      message: "`kl_div` takes log-probabilities, and these are probabilities",
      help: "use `log_softmax` in place of `softmax`",
    },
  },
  bce: {
    ...scores(
      "`bce` takes probabilities between 0 and 1, and these are scores",
      "use `bce_with_logits`: it takes the scores",
    ),
    sigmoid: {
      code: "sigmoid-then-bce",
      message: "`bce` after `sigmoid` loses precision where the sigmoid saturates",
      help: "use `bce_with_logits` on the values before `sigmoid`: the same loss in a stable form",
    },
  },
  bce_with_logits: {
    ...bounded("bce_with_logits", ANY_SIGN, { ...SQUASHED, softmax: "each row adds up to 1" }),
    sigmoid: {
      code: "sigmoid-twice",
      message: "`bce_with_logits` takes logits and applies sigmoid itself; here sigmoid is applied twice",
      help: "give it the values before `sigmoid`, or use `bce`",
      leaveOut: true,
    },
  },
  causal_mask_fill: {
    softmax: {
      code: "scores-as-probabilities",
      message: "`causal_mask_fill` takes scores, and these are probabilities: the masked ones become -1e30",
      help: "mask first, and take the softmax of that: `causal_mask_fill(scores) |> softmax`",
    },
  },
  log: {
    softmax: {
      code: "log-of-softmax",
      message: "`log` of `softmax` overflows where a probability underflows to 0",
      help: "use `log_softmax`: the same values in a stable form",
    },
  },
}

/** Losses whose target is a probability of each class, and stages of a field that give other numbers. */
const PROBABILITY_TARGETS = new Set(["bce", "bce_with_logits"])
const UNBOUNDED_STAGES = new Set(["standardize"])

export function warnOfPair(env: Env, fn: FnValue, given: readonly Given[], span: Span): void {
  if (!fn.module.library || env.module.library) return
  const consumer = fn.decl.name.text
  const maker = makerOf(given[0])
  const pair = maker === undefined ? undefined : pairs[consumer]?.[maker]
  if (pair) {
    const mark = markOf(given[0]!, maker!, span, pair)
    complain(env, {
      severity: "warning",
      code: pair.code,
      message: pair.message,
      ...mark,
      help: pair.help,
      ...(pair.leaveOut && mark.related && withoutStage(mark.span)),
    })
  }
  warnOfThreshold(env, fn, given, span)
  const target = makerOf(given[1])
  if (target !== undefined && UNBOUNDED_STAGES.has(target) && PROBABILITY_TARGETS.has(consumer))
    complain(env, {
      severity: "warning",
      code: "target-standardized",
      message: `\`${consumer}\` takes targets between 0 and 1, and these were standardized: its loss has no lower end`,
      span: given[1]!.span,
      label: "0 and 1 have become other numbers",
      help: "take the column as it is: remove `|> standardize` from the field",
    })
}

/** Metrics that compare scores with a threshold of 0, where there are two classes. */
const THRESHOLD_METRICS = new Set(["accuracy", "precision", "recall", "f1", "confusion_matrix"])

/** `accuracy(sigmoid(z), y)`: every probability is above 0. */
function warnOfThreshold(env: Env, fn: FnValue, given: readonly Given[], span: Span): void {
  const metric = fn.decl.name.text
  const [scores, target] = given
  const twoClasses = target?.value.kind === "tensor" && target.value.type.dtype === "f32"
  const said = given.length > 2 || given.some(({ name }) => name === "threshold")
  if (!THRESHOLD_METRICS.has(metric) || !twoClasses || said || makerOf(scores) !== "sigmoid") return
  complain(env, {
    severity: "warning",
    code: "metric-threshold",
    message: `\`${metric}\` takes scores, of which those above 0 are the class 1; every probability is above 0`,
    ...markOf(scores!, "sigmoid", span, { code: "", message: "", help: "" }),
    help: "give it the values before `sigmoid`, or say `threshold: 0.5`",
  })
}

/** The call that made the argument is to blame; where it is not known, the one that takes it. */
function markOf(
  { value }: Given,
  maker: string,
  taken: Span,
  { wrongConsumer }: Pair,
): Pick<Complaint, "span" | "label" | "related"> {
  const made = value.kind === "tensor" && !wrongConsumer ? value.madeAt : undefined
  return made === undefined
    ? { span: taken, label: `the result of \`${maker}\` comes in here` }
    : {
        span: made,
        label: `\`${maker}\` is applied here`,
        related: [{ span: taken, text: "its result comes in here" }],
      }
}

const makerOf = (given: Given | undefined): string | undefined =>
  given?.value.kind === "tensor" ? given.value.madeBy : undefined

/** Functions that go along an axis which should not be the rows of a batch: each row is an example of its own. */
const ALONG_FEATURES = new Set(["softmax", "log_softmax", "cumsum", "cumprod"])

/** `softmax(x, axis: 0)` of f32[B, 10]: the result of one row would depend on the others. */
export function warnOfBatchAxis(env: Env, fn: FnValue, args: ReadonlyMap<string, Value>, span: Span): void {
  if (!fn.module.library || env.module.library || !ALONG_FEATURES.has(fn.decl.name.text)) return
  const [x, axis] = [args.get("x"), args.get("axis")]
  if (x?.kind !== "tensor" || axis?.kind !== "int") return
  const { shape } = x.type
  const at = axis.value < 0 ? axis.value + shape.length : axis.value
  if (at !== 0 || shape.length < 2 || !isRows(shape[0]!)) return
  complain(env, {
    severity: "warning",
    code: "batch-axis",
    message: `\`${fn.decl.name.text}\` goes along axis 0 of ${printType(x.type)}, over the rows of the batch`,
    span,
    label: "rows become dependent on each other",
    help: `along the features of each row it is \`axis: ${shape.length === 2 ? "1" : "-1"}\``,
  })
}

/** `Conv2d` of f32[B, 32, 32, 3], as Keras and most image files have it: the rows of the image would be its channels. */
export function warnOfChannelsLast(env: Env, layer: string, input: Value | undefined, span: Span): void {
  if (env.module.library || input?.kind !== "tensor" || !/^(Conv|BatchNorm|\w*Pool)2d$/.test(layer)) return
  const [, height, width, channels, ...more] = input.type.shape
  if (more.length > 0 || (channels !== 1 && channels !== 3)) return
  if (typeof height !== "number" || height !== width || height < 8) return
  complain(env, {
    severity: "warning",
    code: "channels-last",
    message: `\`${layer}\` takes f32[N, C, H, W], and ${printType(input.type)} looks like images with the channels last`,
    span,
    label: `the ${height} rows of the image would be channels`,
    help: "put the channels before height and width: `permute(x, [0, 3, 1, 2])`",
  })
}

/** Layers that go along the second or later axes of their input, and have the rows in the first. */
const ROWS_FIRST = /^(MultiHeadAttention|Transformer\w+|RNN|GRU|LSTM|Conv\w*\d?d|\w*Pool\dd|BatchNorm\dd)$/

/** `x` of a layer of the library is f32[T, B, E], as PyTorch's recurrent and attention layers take it by default. */
export function warnOfRowsInside(env: Env, layer: string, input: Value | undefined, span: Span): void {
  if (env.module.library || input?.kind !== "tensor" || !ROWS_FIRST.test(layer)) return
  const { shape } = input.type
  const at = shape.findIndex(isRows)
  if (at < 1) return
  complain(env, {
    severity: "warning",
    code: "batch-axis",
    message: `\`${layer}\` takes the rows of the batch along axis 0, and ${printType(input.type)} has them along axis ${at}`,
    span,
    label: "rows become dependent on each other",
    related: [input.from],
    help: `\`transpose(..., 0, ${at})\` before it puts them first`,
  })
}

/** An elementwise operation on f32[B, 1] and f32[B]: every row meets every row. Where both have all axes, it is meant. */
export function warnOfBatchBroadcast(
  env: Env,
  tensors: readonly TensorValue[],
  shape: Shape,
  span: Span,
): void {
  if (shape.filter(isRows).length < 2) return
  const [a, b] = tensors.filter(({ type }) => type.shape.some(isRows))
  if (!a || !b || a.type.shape.length === b.type.shape.length) return
  const [longer, shorter] = a.type.shape.length > b.type.shape.length ? [a, b] : [b, a]
  if ([a, b].some(({ type }) => sameShape(type.shape, shape))) return
  const inside = env.frame && env.module.library ? ` inside \`${env.frame.decl.name.text}\`` : ""
  complain(env, {
    severity: "warning",
    code: "batch-broadcast",
    message: `${printType(a.type)} and ${printType(b.type)} make ${printShape(shape)}${inside}: every row of one meets every row of the other`,
    span,
    label: "each row should meet its own",
    related: [a.from, b.from],
    help: `give both one shape: \`squeeze(..., ${longer.type.shape.length - 1})\` makes ${printType(longer.type)} a ${printType(shorter.type)}; or declare the field \`${printType({ ...shorter.type, shape: longer.type.shape.slice(1) })}\``,
  })
}

const isRows = (dim: Dim): boolean => sameDim(dim, BATCH)
