/** check: warnings about the arguments of a loss: dropout right before it, prediction and target in the wrong order,
 *  and about a loss that is minimised though more of it is better. */
import type { MinimizeStmt } from "../../ir/ast/types.js"
import type { ModelValue } from "../../ir/model/types.js"
import type { Fix } from "../../source/diagnostic.js"
import { spanText } from "../../source/source.js"
import type { Given } from "../args.js"
import type { Env } from "../env.js"
import { complain, withoutStage } from "../report.js"
import type { Done } from "./done.js"
import type { Flow } from "./flow.js"

/** Losses and metrics that are another number when their two arguments change places, with the argument that comes first. */
const FIRST: Readonly<Record<string, string>> = {
  bce: "probability",
  bce_with_logits: "logits",
  cross_entropy: "logits",
  nll: "logp",
  kl_div: "logp",
  poisson_nll: "prediction",
  hinge: "scores",
  r2: "prediction",
  accuracy: "scores",
  precision: "scores",
  recall: "scores",
  f1: "scores",
  confusion_matrix: "scores",
}
const LOSSES = new Set(["mse", "l1", "smooth_l1", "huber", "bce", "bce_with_logits", "cross_entropy", "nll"])

export function warnOfArguments(env: Env, flow: Flow): void {
  for (const done of flow.done) {
    const [first] = done.args.values()
    if (LOSSES.has(done.name)) warnOfDropout(env, flow.maker(first), done)
    if (FIRST[done.name] !== undefined) warnOfField(env, flow, done)
  }
}

/** `Linear(10) |> Dropout(0.5)`, then the loss: a score that is dropped is a certain 0. */
function warnOfDropout(env: Env, maker: Done | undefined, loss: Done): void {
  if (maker === undefined || !/^[Dd]ropout$/.test(maker.name)) return
  const p = maker.args.get("p")
  const share = p?.kind === "float" ? `${Math.round(100 * p.value)} % of` : "some of"
  complain(env, {
    severity: "warning",
    code: "dropout-last",
    message: `the dropout before \`${loss.name}\` sets ${share} the predictions themselves to 0`,
    span: maker.span,
    label: "drops what is compared with the target",
    related: [{ span: loss.span, text: "compared here" }],
    help: "put it before the last layer",
    ...withoutStage(maker.span),
  })
}

function warnOfField(env: Env, flow: Flow, { name, args, given }: Done): void {
  const first = FIRST[name]!
  const [a, b] = [given.get(first), given.get("target")]
  const target = args.get("target")
  if (!a || !b || target?.kind !== "tensor") return
  const field = flow.field(a.value)
  const isTarget = field !== undefined || flow.maker(a.value)?.name === "one_hot"
  if (isTarget && flow.field(target) === undefined && flow.isSmooth(target))
    complain(env, {
      severity: "warning",
      code: "scores-from-data",
      message: `\`${name}\` takes ${first} first and the target second, and here the target comes first`,
      span: a.span,
      label: field === undefined ? "these are labels" : `the field \`${field}\``,
      related: [{ span: b.span, text: "this is what the model computes" }],
      help: `\`${name}(${spanText(b.span)}, ${spanText(a.span)})\` is the right order`,
      ...exchanged(a, b),
    })
  else if (field !== undefined && first === "scores" && name !== "hinge")
    complain(env, {
      severity: "warning",
      code: "scores-from-data",
      message: `\`${name}\` takes scores that a model computes, and this is the field \`${field}\``,
      span: a.span,
      label: "as it is read from the data",
      help: "give it what the model makes of it",
    })
}

/** Where both stand in one list of arguments, without names. */
function exchanged({ span: a }: Given, { span: b }: Given): { readonly fix?: Fix } {
  const between = a.file.text.slice(a.end, b.start)
  if (a.file !== b.file || !/^\s*,\s*$/.test(between)) return {}
  return { fix: { span: { ...a, end: b.end }, replacement: `${spanText(b)}${between}${spanText(a)}` } }
}

/** `minimize r2(p, y)`, `minimize -mse(p, y)`: the worst is looked for. A network that plays against another says which parameters it moves. */
export function warnOfDirection(
  env: Env,
  flow: Flow,
  { loss, groups }: MinimizeStmt,
  value: ModelValue,
): void {
  const { directions } = flow.section
  const producer = flow.producer(value)
  const negated = producer?.kind === "op" && producer.op === "neg" ? producer.args[0] : undefined
  const inner = negated === undefined ? undefined : directions.get(negated)
  const higher = directions.get(value) === "higher"
  if (!higher && (inner !== "lower" || groups.some(({ over }) => over))) return
  const text = spanText(loss.span)
  complain(env, {
    severity: "warning",
    code: "loss-direction",
    message: higher
      ? "more of this is better, and `minimize` makes it smaller"
      : "less of this loss is better, and the minus in front makes it larger",
    span: loss.span,
    label: higher ? "training makes it worse" : "training goes uphill",
    help: higher
      ? `minimize \`-${text}\`, or a loss such as \`mse\`, and \`report\` this`
      : "leave the minus out",
    ...(higher
      ? { fix: { span: loss.span, replacement: `-${text}` } }
      : text.startsWith("-") && { fix: { span: loss.span, replacement: text.slice(1).trimStart() } }),
  })
}
