/** test: rules for what a train section says: losses, metrics, optimizers, schedules, averages. */
import type { Builder, Rules } from "./build.js"
import type { Dim, Piece, Shape } from "./shapes.js"

/** A loss of a prediction: a scalar, or one number per element that is averaged. `prediction` makes it, in the shape asked for. */
export type LossRule = (b: Builder, prediction: (shape: Shape) => string) => string | undefined

const reduction = (b: Builder): string => b.pick(["", ', reduction: "sum"', ', reduction: "mean"'])
/** Of values: any target; of probabilities: one between 0 and 1; of signs: -1 or 1. */
type Target = (b: Builder, shape: Shape) => string
const value: Target = (b, shape) => b.expr(shape)
const share: Target = (b, shape) => b.share(shape)
const bit: Target = (b, shape) => `f32(${b.cond(shape)})`
const sign: Target = (b, shape) => `(2 * ${bit(b, shape)} - 1)`

const elementwise =
  (
    name: string,
    target: Target,
    wrap: (text: string) => string = (t) => t,
    ...settings: readonly string[]
  ): LossRule =>
  (b, prediction) => {
    const shape = b.valueShape()
    const more = settings.length > 0 ? b.pick(["", ...settings]) : ""
    if (b.flip(4))
      return `mean(${name}(${wrap(prediction(shape))}, ${target(b, shape)}${more}, reduction: "none"))`
    return `${name}(${wrap(prediction(shape))}, ${target(b, shape)}${more}${reduction(b)})`
  }
/** [N, classes] or with axes behind them, and classes for each place. */
const classified = (b: Builder): { shape: Shape; axis: number; classes: number; target: Shape } => {
  const shape = b.valueShape(b.pick([2, 3, 4]))
  const axes = shape.flatMap((d, i) => (i > 0 && d !== "B" ? [i] : []))
  const axis = shape.length === 2 ? 1 : b.pick(axes.filter((i) => i === 1 || i === shape.length - 1))
  return { shape, axis, classes: shape[axis] as number, target: shape.filter((_, i) => i !== axis) }
}
const rows = (b: Builder, want?: number): readonly [Dim, number] => {
  const [n, e] = b.valueShape(2) as readonly [Dim, number]
  return [n, want ?? e]
}
const pairwise =
  (name: string, count: number, target: Target | null, ...settings: readonly string[]): LossRule =>
  (b, prediction) => {
    const shape = rows(b)
    const others = Array.from({ length: count - 1 }, () => b.expr(shape))
    const last = target === null ? [] : [target(b, [shape[0]])]
    return `${name}(${[prediction(shape), ...others, ...last].join(", ")}${b.pick(["", ...settings])}${reduction(b)})`
  }

export const LOSSES: Readonly<Record<string, LossRule>> = {
  mse: elementwise("mse", value),
  l1: elementwise("l1", value),
  smooth_l1: elementwise("smooth_l1", value, undefined, ", beta: 0.5"),
  huber: elementwise("huber", value, undefined, ", delta: 0.5"),
  bce: elementwise("bce", share, (text) => `sigmoid(${text})`),
  bce_with_logits: elementwise("bce_with_logits", bit, undefined, ", pos_weight: 2"),
  kl_div: (b, prediction) => {
    const { shape, axis } = classified(b)
    return `kl_div(log_softmax(${prediction(shape)}, ${axis}), softmax(${b.expr(shape)}, ${axis})${b.pick(["", ', reduction: "batchmean"', ', reduction: "sum"'])})`
  },
  poisson_nll: elementwise("poisson_nll", share, (text) => `tanh(${text})`),
  hinge: elementwise("hinge", sign),
  focal_loss: elementwise("focal_loss", bit, undefined, ", gamma: 1"),
  quantile_loss: elementwise("quantile_loss", value, undefined, ", q: 0.1"),
  gaussian_nll: elementwise("gaussian_nll", (b, shape) => `${b.expr(shape)}, ${b.positive(shape)}`),
  margin_ranking: elementwise(
    "margin_ranking",
    (b, shape) => `${b.expr(shape)}, ${sign(b, shape)}`,
    undefined,
    ", margin: 0.5",
  ),
  cross_entropy: (b, prediction) => {
    const { shape, axis, classes, target } = classified(b)
    // Of one class the probability is always 1, and that is refused.
    if (classes === 1) return undefined
    if (b.flip(4))
      return `cross_entropy(${prediction(shape)}, softmax(${b.expr(shape)}, ${axis}), axis: ${axis}${b.pick(["", ", label_smoothing: 0.1"])}${reduction(b)})`
    const weight = b.pick([
      "",
      `, weight: ${b.flip() ? `(square(${b.expr([classes])}) + 0.5)` : `ones([${classes}])`}`,
    ])
    const settings = `${weight}${b.pick(["", ", ignore_index: 0"])}${b.pick(["", ", label_smoothing: 0.1"])}`
    return `cross_entropy(${prediction(shape)}, ${b.index(target, classes)}, axis: ${axis}${settings}${reduction(b)})`
  },
  nll: (b, prediction) => {
    const shape = rows(b)
    const settings = b.pick(["", `, weight: (square(${b.expr([shape[1]])}) + 0.5)`, ", ignore_index: 0"])
    return `nll(log_softmax(${prediction(shape)}, 1), ${b.index([shape[0]], shape[1])}${settings}${reduction(b)})`
  },
  pairwise_distance: (b, prediction) => {
    const shape = rows(b)
    return `mean(pairwise_distance(${prediction(shape)}, ${b.expr(shape)}))`
  },
  contrastive: pairwise("contrastive", 2, bit, ", margin: 2"),
  triplet: pairwise("triplet", 3, null, ", margin: 0.5"),
  cosine_embedding: pairwise("cosine_embedding", 2, sign, ", margin: 0.1"),
  // Without a function of the library.
  mean: (b, prediction) => `mean(${prediction(b.valueShape())})`,
  square: (b, prediction) => `sum(square(${prediction(b.valueShape())} - ${b.expr([])}))`,
  scalar: (_, prediction) => `square(${prediction([])})`,
}

/** Metrics of scores and targets; undefined where they do not apply. */
export const METRICS: Readonly<
  Record<string, (b: Builder, scores: (shape: Shape) => string) => string | undefined>
> = {
  accuracy: classes("accuracy"),
  confusion_matrix: classes("confusion_matrix"),
  mcc: classes("mcc"),
  precision: classes("precision", ', average: "micro"', ', average: "none"'),
  recall: classes("recall", ', average: "micro"'),
  f1: classes("f1", ', average: "micro"'),
  top_k: (b, scores) => {
    const shape = rows(b)
    return `top_k(${scores(shape)}, ${b.index([shape[0]], shape[1])}, ${Math.min(shape[1], b.pick([1, 2, 3]))})`
  },
  mae: values("mae"),
  rmse: values("rmse"),
  r2: values("r2"),
  perplexity: (b, scores) => `perplexity(mean(square(${scores(b.valueShape())})))`,
  higher_is_better: (b, scores) => `higher_is_better(mean(square(${scores(b.valueShape())})))`,
  lower_is_better: (b, scores) => `lower_is_better(sum(square(${scores(b.valueShape())})))`,
}
function classes(name: string, ...settings: readonly string[]) {
  return (b: Builder, scores: (shape: Shape) => string): string => {
    const shape = rows(b)
    const more = b.pick(["", ...settings])
    if (b.flip(3)) return `${name}(${scores([shape[0]])}, ${bit(b, [shape[0]])}${more})`
    return `${name}(${scores(shape)}, ${b.index([shape[0]], shape[1])}${more})`
  }
}
function values(name: string) {
  return (b: Builder, scores: (shape: Shape) => string): string => {
    const shape = b.valueShape()
    return `${name}(${scores(shape)}, ${b.expr(shape)})`
  }
}

export const SCHEDULES: Readonly<Record<string, (b: Builder) => string>> = {
  constant: (b) => `constant(0.1${b.pick(["", ", warmup: 2"])})`,
  step_lr: (b) => `step_lr(0.1, 2, gamma: 0.5${b.pick(["", ", warmup: 1"])})`,
  multistep: (b) => `multistep(0.1, [1, 3]${b.pick(["", ", gamma: 0.5, warmup: 2"])})`,
  exponential: (b) => `exponential(0.1, 0.9${b.pick(["", ", warmup: 2"])})`,
  polynomial: (b) => `polynomial(0.1, 10, power: 2${b.pick(["", ", end: 0.01, warmup: 2"])})`,
  cosine: (b) => `cosine(0.1, 10${b.pick(["", ", warmup: 2, min_lr: 0.01"])})`,
  cosine_restarts: (b) =>
    `cosine_restarts(0.1, 2${b.pick(["", ", growth: 2", ", growth: 3, min_lr: 0.01, warmup: 1"])})`,
  one_cycle: () => "one_cycle(0.1, 10)",
}
/** Rates that follow a metric: layers, with states. */
export const FOLLOWING = {
  ReduceOnPlateau: (b: Builder) =>
    `ReduceOnPlateau(0.1, patience: 0${b.pick(["", ", factor: 0.5, cooldown: 1"])})()`,
} as const
/** The rate of an optimizer: a number, a schedule, or one that follows the loss. */
function rate(b: Builder): string {
  const kind = b.below(8)
  if (kind < 4) return b.pick(["0.1", "0.01", "0.5"])
  if (kind < 7) return b.pick(Object.values(SCHEDULES))(b)
  const name = b.name("rate")
  b.frame.body.push(`let ${name} = ${FOLLOWING.ReduceOnPlateau(b)}`)
  return name
}
const decay = (b: Builder): string => b.pick(["", ", weight_decay: 0.01"])

export const OPTIMIZERS: Readonly<Record<string, (b: Builder) => string>> = {
  SGD: (b) =>
    `SGD(lr: ${rate(b)}${decay(b)}${b.pick(["", ", momentum: 0.9", ", momentum: 0.9, nesterov: true", ", momentum: 0.5, dampening: 0.1"])})`,
  RMSProp: (b) =>
    `RMSProp(lr: ${rate(b)}${decay(b)}${b.pick(["", ", momentum: 0.9", ", centered: true"])}, eps: 0.01)`,
  Adam: (b) => `Adam(lr: ${rate(b)}${decay(b)}${b.pick(["", ", amsgrad: true", ", beta1: 0"])}, eps: 0.01)`,
  AdamW: (b) => `AdamW(lr: ${rate(b)}${decay(b)}, eps: 0.01)`,
  Adagrad: (b) =>
    `Adagrad(lr: ${rate(b)}${decay(b)}${b.pick(["", ", lr_decay: 0.1", ", initial_accumulator_value: 0.1"])}, eps: 0.01)`,
  Adadelta: (b) => `Adadelta(lr: ${rate(b)}${decay(b)}, eps: 0.01)`,
  Lion: (b) => `Lion(lr: ${rate(b)}${decay(b)})`,
  LAMB: (b) => `LAMB(lr: ${rate(b)}${decay(b)}${b.pick(["", ", decay_rank: 2"])}, eps: 0.01)`,
  Adafactor: (b) => `Adafactor(lr: ${rate(b)}${decay(b)})`,
}
export const AVERAGES: Readonly<Record<string, (b: Builder) => string>> = {
  ema: (b) => `ema(decay: ${b.pick(["0.9", "0.5"])})`,
  swa: (b) => `swa(${b.pick(["", "start: 1, every: 2"])})`,
}
/** How a model goes after another one. */
export const AFTER: Readonly<Record<string, (b: Builder) => string>> = {
  copy: (b) => b.pick(["copy(every: 2)", "copy()"]),
  ema: AVERAGES.ema!,
}
/** What only some settings can say. */
export const SETTINGS: Readonly<Record<string, (b: Builder) => readonly string[]>> = {
  GradScaler: () => ["precision mixed with GradScaler(init_scale: 1024, growth_interval: 2)"],
  mixed: () => ["precision mixed"],
  clip_norm: (b) => [`clip_norm ${b.pick(["1.0", "0.1"])}`],
  clip_value: (b) => [`clip_value ${b.pick(["0.5", "0.05"])}`],
  accumulate: (b) => [`accumulate ${b.pick([2, 3])}`],
  budget: () => ["budget memory 64 MiB"],
  average: (b) => [`keep average ${b.pick(Object.values(AVERAGES))(b)}`],
}

/** Losses as values too: without a reduction, one number per element. */
export const LOSS_VALUES: Rules[string] = Object.fromEntries(
  Object.entries(LOSSES).map(([name, rule]) => [
    name,
    (b: Builder): Piece | undefined => {
      const text = rule(b, (shape) => b.expr(shape))
      return text === undefined ? undefined : { text, shape: [] }
    },
  ]),
)
