/** check: warnings about two linear layers that equal a single one, and about a softmax between layers or of a single score. */
import { isStatic } from "../../ir/tensor.js"
import type { Env } from "../env.js"
import { complain, stageBefore, withoutStage } from "../report.js"
import type { Value } from "../values.js"
import type { Done } from "./done.js"
import type { Flow } from "./flow.js"
import { spanText } from "../../source/source.js"

const WEIGHTED = /^(Linear|(Conv|ConvTranspose)\dd)$/
const SOFT = new Set(["softmax", "log_softmax"])

export function warnOfLayers(env: Env, flow: Flow): void {
  for (const done of flow.done) {
    if (SOFT.has(done.name)) warnOfSingle(env, done)
    if (!WEIGHTED.test(done.name) && !/Pool\dd$/.test(done.name)) continue
    const before = flow.maker(done.args.get("x"))
    if (before === undefined) continue
    if (SOFT.has(before.name)) warnOfSoftmaxInside(env, before, done)
    else if (before.name === done.name && WEIGHTED.test(done.name)) warnOfLinearity(env, before, done)
  }
}

/** `Linear(16) |> Linear(8)`: a product of two matrices is a matrix. A narrow middle is meant: it bounds the rank. */
function warnOfLinearity(env: Env, first: Done, second: Done): void {
  const axis = first.name === "Linear" ? -1 : 1
  const [a, b, c] = [
    sizeAt(first.args.get("x"), axis),
    sizeAt(first.result, axis),
    sizeAt(second.result, axis),
  ]
  if (a === undefined || b === undefined || c === undefined || b < Math.min(a, c)) return
  // One channel at a time, and then across channels, is a convolution taken apart.
  if ([first, second].some((each) => isApart(each))) return
  complain(env, {
    severity: "warning",
    code: "layers-linear",
    message: `two \`${first.name}\` with nothing between them are one: ${a} to ${b} to ${c} can do no more than ${a} to ${c}`,
    span: second.span,
    label: "directly after another",
    related: [{ span: first.span, text: "the one before" }],
    help: "put an activation between them: `|> relu`",
    ...stageBefore(second.span, "relu"),
  })
}

function isApart({ args }: Done): boolean {
  const groups = args.get("groups")
  const kernel = args.get("kernel")
  return (groups?.kind === "int" && groups.value > 1) || (kernel?.kind === "int" && kernel.value === 1)
}

function sizeAt(value: Value | undefined, axis: number): number | undefined {
  const size = value?.kind === "tensor" ? value.type.shape.at(axis) : undefined
  return size !== undefined && isStatic(size) ? size : undefined
}

/** Whatever the score is, its softmax is 1. */
function warnOfSingle(env: Env, { name, args, span }: Done): void {
  const [x, axis] = [args.get("x"), args.get("axis")]
  if (axis?.kind !== "int" || sizeAt(x, axis.value) !== 1) return
  complain(env, {
    severity: "warning",
    code: "softmax-one",
    message: `\`${name}\` of a single score is always ${name === "softmax" ? 1 : 0}, whatever the score is`,
    span,
    label: `axis ${axis.value} has the size 1`,
    help: "one score for yes or no goes with `sigmoid`, or as it is to `bce_with_logits`",
    ...(name === "softmax" && /\bsoftmax$/.test(spanText(span))
      ? { fix: { span, replacement: "sigmoid" } }
      : {}),
  })
}

/** Warns of softmax as an activation between layers: the inputs of a layer then add up to 1, and large values push all others to 0. */
function warnOfSoftmaxInside(env: Env, soft: Done, next: Done): void {
  const x = soft.args.get("x")
  const isImage = x?.kind === "tensor" && x.type.shape.length >= 4
  complain(env, {
    severity: "warning",
    code: "softmax-hidden",
    message: `\`${soft.name}\` stands between layers: what \`${next.name}\` reads adds up to 1${isImage ? " along the width of the image" : ""}`,
    span: soft.span,
    label: "an activation of scores, not of hidden values",
    related: [{ span: next.span, text: "read here" }],
    help: "between layers take `relu`, `gelu` or `tanh`",
    ...(/^(log_)?softmax$/.test(spanText(soft.span))
      ? { fix: { span: soft.span, replacement: "relu" } }
      : withoutStage(soft.span)),
  })
}
