/** check: warnings about metrics that compare with the wrong threshold, or that get an argument of the wrong kind. */
import type { Direction, ModelValue } from "../../ir/model/types.js"
import { spanText } from "../../source/source.js"
import type { Env } from "../env.js"
import { complain } from "../report.js"
import { isNumber } from "../values.js"
import type { Done } from "./done.js"
import { sameValue, type Flow } from "./flow.js"

const OF_CLASSES = new Set(["accuracy", "precision", "recall", "f1", "confusion_matrix"])
const OF_NUMBERS = new Set(["mse", "l1", "smooth_l1", "huber", "mae", "rmse", "r2", "poisson_nll"])

export function warnOfMetrics(env: Env, flow: Flow): void {
  const logits = new Set(flow.done.flatMap(logitsOf))
  for (const done of flow.done) {
    if (done.name === "==" || done.name === "!=") warnOfEquality(env, flow, done)
    if (/^[<>]=?$/.test(done.name)) warnOfThreshold(env, flow, logits, done)
    if (OF_CLASSES.has(done.name)) {
      warnOfGivenThreshold(env, logits, done)
      warnOfNumbers(env, flow, done)
    }
  }
}

/** `top_k(scores, y, 10)` of 10 classes. */
export function warnOfAll(env: Env, flow: Flow): void {
  for (const { name, args, given, span } of flow.done) {
    const [scores, k] = [args.get("scores"), args.get("k")]
    if (name !== "top_k" || scores?.kind !== "tensor" || k?.kind !== "int") continue
    const classes = scores.type.shape[1]
    if (typeof classes !== "number" || classes > k.value || classes < 2) continue
    const at = given.get("k")?.span
    const fewer = classes > 5 ? 5 : classes - 1
    complain(env, {
      severity: "warning",
      code: "metric-unfit",
      message: `of ${classes} classes every one is among the ${k.value} with the largest scores: this is always 1`,
      span: at ?? span,
      label: at ? `all ${classes} classes` : `5 classes where nothing is said`,
      help: `take fewer: \`k: ${fewer}\``,
      fix: at
        ? { span: at, replacement: spanText(at).replace(/\d+$/, String(fewer)) }
        : { span: { ...span, start: span.end - 1 }, replacement: `, k: ${fewer})` },
    })
  }
}

/** `perplexity(accuracy(...))`. */
export function warnOfPerplexity(env: Env, flow: Flow): void {
  for (const { name, args, given } of flow.done) {
    const [loss, at] = [args.get("loss"), given.get("loss")]
    if (name !== "perplexity" || loss?.kind !== "tensor" || !at) continue
    if (flow.section.directions.get(loss.id) !== "higher") continue
    complain(env, {
      severity: "warning",
      code: "metric-unfit",
      message: "`perplexity` takes a cross-entropy, of which less is better, and of this more is better",
      span: at.span,
      label: "no cross-entropy",
      help: "give it the loss: `perplexity(cross_entropy(scores, labels))`",
    })
  }
}

/** `ReduceOnPlateau(0.1, metric: "accuracy")`, whose mode is "min". */
export function warnOfMode(
  env: Env,
  flow: Flow,
  directionOf: (metric: string) => Direction | undefined,
): void {
  for (const { name, args, given, span } of flow.done) {
    const [metric, mode] = [args.get("metric"), args.get("mode")]
    if (name !== "ReduceOnPlateau" || metric?.kind !== "string" || mode?.kind !== "string") continue
    const better = directionOf(metric.value)
    const fitting = better === "higher" ? "max" : "min"
    if (better === undefined || mode.value === fitting) continue
    const at = given.get("mode")?.span
    const after = given.get("metric")?.span
    complain(env, {
      severity: "warning",
      code: "loss-direction",
      message: `of \`${metric.value}\` ${better === "higher" ? "more" : "less"} is better, and with the mode "${mode.value}" the rate falls while it becomes better`,
      span: at ?? after ?? span,
      label: at ? "the other way round" : 'the mode is "min" where nothing is said',
      help: `write \`mode: "${fitting}"\``,
      ...(at
        ? {
            fix: {
              span: at,
              replacement: spanText(at).replace(/"\w+"$/, `"${fitting}"`),
            },
          }
        : after && { fix: { span: { ...after, start: after.end }, replacement: `, mode: "${fitting}"` } }),
    })
  }
}

function logitsOf({ name, args }: Done): ModelValue[] {
  const logits = name === "bce_with_logits" ? args.get("logits") : undefined
  return logits?.kind === "tensor" ? [logits.id] : []
}

/** `sigmoid(z) == y`: an output of a network is never exactly a label. */
function warnOfEquality(env: Env, flow: Flow, { name, args, given, span }: Done): void {
  const [a, b] = [...given.values()].map((side) => spanText(side.span))
  // `x != x` asks for NaN.
  if (a === b) return
  const sides = [...args.values()].filter((side) => side.kind === "tensor")
  const computed = sides.find((side) => side.type.dtype === "f32" && flow.isSmooth(side))
  if (sides.length < 2 || !computed) return
  complain(env, {
    severity: "warning",
    code: "float-equality",
    message: `\`${name}\` compares numbers that a network computes: they are ${name === "==" ? "hardly ever" : "nearly always"} exactly ${name === "==" ? "equal" : "different"}`,
    span,
    label: "this says nothing of how near they are",
    help: "compare sides of a threshold, `(logits > 0) == (y > 0.5)`, or use `accuracy(logits, y)`",
  })
}

/** `logits > 0.5`, where 0 is the middle; `sigmoid(z) > 0`, which is always true. */
function warnOfThreshold(env: Env, flow: Flow, logits: ReadonlySet<ModelValue>, { args, given }: Done): void {
  const [left, right] = [args.get("left"), given.get("right")]
  if (left?.kind !== "tensor" || !right || !isNumber(right.value)) return
  const { value } = right.value
  const isLogit = logits.has(left.id) && value > 0 && value < 1
  const isProbability = flow.maker(left)?.name === "sigmoid" && value === 0
  if (!isLogit && !isProbability) return
  complain(env, {
    severity: "warning",
    code: "metric-threshold",
    message: isLogit
      ? `these are logits, and a logit of ${value} is a probability of ${(1 / (1 + Math.exp(-value))).toFixed(2)}`
      : "after `sigmoid` every value is above 0",
    span: right.span,
    label: isLogit ? "logits have their middle at 0" : "probabilities have their middle at 0.5",
    help: isLogit ? "compare with 0, or take `sigmoid(...)` first" : "compare with 0.5",
    fix: { span: right.span, replacement: isLogit ? "0" : "0.5" },
  })
}

/** `accuracy(logits, y, threshold: 0.5)`. */
function warnOfGivenThreshold(env: Env, logits: ReadonlySet<ModelValue>, { name, args, given }: Done): void {
  const [scores, threshold] = [args.get("scores"), given.get("threshold")]
  if (scores?.kind !== "tensor" || !logits.has(scores.id) || !threshold) return
  if (!isNumber(threshold.value) || threshold.value.value <= 0 || threshold.value.value >= 1) return
  complain(env, {
    severity: "warning",
    code: "metric-threshold",
    message: `\`${name}\` gets logits, and a threshold of ${threshold.value.value} as for probabilities`,
    span: threshold.span,
    label: "logits have their middle at 0",
    help: "leave the threshold out, or give it `sigmoid(...)` of the logits",
    fix: { span: threshold.span, replacement: "0" },
  })
}

/** `accuracy` of an output that is fitted as a number. */
function warnOfNumbers(env: Env, flow: Flow, { name, args, given, span }: Done): void {
  const target = args.get("target")
  if (target?.kind !== "tensor" || target.type.dtype !== "f32" || given.has("threshold")) return
  const fitted = flow.done.find(
    (other) => OF_NUMBERS.has(other.name) && sameValue(other.args.get("target"), target),
  )
  if (!fitted) return
  complain(env, {
    severity: "warning",
    code: "metric-unfit",
    message: `\`${name}\` takes targets of 0 and 1, and \`${fitted.name}\` takes the same target for a number`,
    span,
    label: "counts scores above 0 and targets above 0.5",
    related: [{ span: fitted.span, text: "a number here" }],
    help: "of numbers report `mae`, `rmse` or `r2`; of classes use `bce_with_logits` or `cross_entropy`",
    ...(name === "accuracy" && {
      fix: { span: { ...span, end: span.start + name.length }, replacement: "mae" },
    }),
  })
}
