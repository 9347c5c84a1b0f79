/** check: warnings that depend on the values of a field. They are questions here, answered once the data are read.
 *  Not here:   reading the data (the host), asking the questions (driver/). */
import type { Field } from "../../ir/model/types.js"
import { isAllowed } from "../../source/allowed.js"
import type { Diagnostic, Diagnostics, Fix, Label } from "../../source/diagnostic.js"
import { type Span, spanText } from "../../source/source.js"
import { withoutStage } from "../report.js"
import type { Value } from "../values.js"
import type { Done } from "./done.js"
import type { Flow } from "./flow.js"

/** The range of a field in its rows, as the device gets them. */
export interface ValueRange {
  readonly min: number
  readonly max: number
  /** No value has a fraction. */
  readonly whole: boolean
}

/** A question to the values of a field. */
export interface RangeQuestion {
  readonly field: string
  readonly judge: (range: ValueRange) => Diagnostic | undefined
}

export function warnOfRanges(
  questions: readonly RangeQuestion[],
  rangeOf: (field: string) => ValueRange | undefined,
  out: Diagnostics,
): void {
  for (const { field, judge } of questions) {
    const range = rangeOf(field)
    const diagnostic = range && judge(range)
    if (diagnostic && !isAllowed(diagnostic)) out.add(diagnostic)
  }
}

const PROBABLE = new Set(["bce", "bce_with_logits"])
const SIGNED = new Set(["hinge", "cosine_embedding"])
const OF_NUMBERS = new Set(["mse", "l1", "smooth_l1", "huber"])
const WEIGHTED = /^(Linear|Conv\dd|RNN|GRU|LSTM)$/

/** The ends between which the result of a function lies, whatever its argument. */
const ENDS: Readonly<Record<string, readonly [number, number]>> = {
  sigmoid: [0, 1],
  softmax: [0, 1],
  tanh: [-1, 1],
  hardtanh: [-1, 1],
  relu: [0, Infinity],
  relu6: [0, 6],
  softplus: [0, Infinity],
}
/** Functions that leave values unchanged. */
const ARRANGES = new Set(["squeeze", "unsqueeze", "reshape", "flatten", "Flatten"])

/** `placeOf`: the line of a field. */
export function rangeQuestions(
  flow: Flow,
  fields: readonly Field[],
  placeOf: (field: string) => Label | undefined,
): RangeQuestion[] {
  const about = (value: Value | undefined): Field | undefined => {
    let maker = flow.maker(value)
    let at = value
    for (; maker && ARRANGES.has(maker.name); maker = flow.maker(at)) at = maker.args.get("x")
    const name = flow.field(at)
    return fields.find((field) => field.name === name)
  }
  return flow.done.flatMap((done): RangeQuestion[] => {
    const name = flow.field(done.args.get("target"))
    const target = fields.find((field) => field.name === name)
    const at = done.given.get("target")?.span
    if (target && at && target.type.dtype === "f32") {
      const facts: Facts = { done, field: target, at, declared: placeOf(target.name) }
      // Another warning covers a standardized target, without its values.
      const known = target.stages.at(-1)?.kind === "standardize"
      if (PROBABLE.has(done.name) && !known) return [ask(facts, ofProbabilities)]
      if (SIGNED.has(done.name)) return [ask(facts, ofSigns)]
      if (done.name === "poisson_nll") return [ask(facts, ofCounts)]
      if (OF_NUMBERS.has(done.name)) return reach(flow, facts)
    }
    const input = about(done.args.get("x"))
    const from = input && placeOf(input.name)
    return input && from && WEIGHTED.test(done.name)
      ? [{ field: input.name, judge: (range) => ofFeatures(done, input, from, range) }]
      : []
  })
}

interface Facts {
  readonly done: Done
  readonly field: Field
  /** Where the loss gets it. */
  readonly at: Span
  readonly declared: Label | undefined
}

const ask = (
  facts: Facts,
  judge: (facts: Facts, range: ValueRange) => Diagnostic | undefined,
): RangeQuestion => ({ field: facts.field.name, judge: (range) => judge(facts, range) })

const short = (value: number): string => String(Number(value.toPrecision(4)))
const spread = ({ min, max }: ValueRange): string =>
  min === max ? `is ${short(min)} in every row` : `goes from ${short(min)} to ${short(max)}`
function warning(
  { at, declared, code = "target-range" }: Pick<Facts, "at" | "declared"> & { readonly code?: string },
  message: string,
  about: { readonly label: string; readonly help: string; readonly fix?: Fix | undefined },
): Diagnostic {
  return {
    code,
    severity: "warning",
    message,
    primary: { span: at, text: about.label },
    ...(declared && { related: [declared] }),
    help: about.help,
    ...(about.fix && { fix: about.fix }),
  }
}

function ofProbabilities({ done, field, at, declared }: Facts, range: ValueRange): Diagnostic | undefined {
  const { min, max, whole } = range
  if (min >= 0 && max <= 1) return undefined
  const message = `\`${done.name}\` takes targets from 0 to 1, and \`${field.name}\` ${spread(range)}`
  const label = "the loss has no lower end"
  if (whole && min === -1 && max === 1)
    return warning({ at, declared }, message, {
      label,
      help: "-1 and 1 become 0 and 1 by `(y + 1) / 2`, or stay with `hinge`",
      fix: { span: at, replacement: `(${spanText(at)} + 1) / 2` },
    })
  if (whole && min === 0 && max <= 20 && field.type.shape.every((size) => size === 1))
    return warning({ at, declared }, message, {
      label,
      help: `${max + 1} classes go with \`cross_entropy\`: \`i32 = ... |> classes(${max + 1})\`, and ${max + 1} outputs`,
    })
  if (min >= 0 && field.type.shape.some((size) => size !== 1))
    return warning({ at, declared }, message, {
      label,
      help: `bring the field to 0 to 1: \`|> scale(1 / ${short(max)})\` or \`|> minmax\``,
      fix: declared && {
        span: { ...declared.span, start: declared.span.end },
        replacement: ` |> scale(1 / ${short(max)})`,
      },
    })
  return warning({ at, declared }, message, {
    label,
    help: "a number is predicted with `mse` or `l1`",
    fix: { span: { ...done.span, end: done.span.start + done.name.length }, replacement: "mse" },
  })
}

function ofSigns({ done, field, at, declared }: Facts, range: ValueRange): Diagnostic | undefined {
  if (range.min < 0) return undefined
  const bits = range.whole && range.max <= 1
  return warning(
    { at, declared },
    `\`${done.name}\` takes targets of 1 and -1, and \`${field.name}\` ${spread(range)}`,
    {
      label: range.min === 0 ? "rows with 0 count for nothing" : "no row is of the other side",
      help: bits ? `0 and 1 become -1 and 1 by \`2 * ${spanText(at)} - 1\`` : "take another column",
      ...(bits && { fix: { span: at, replacement: `2 * ${spanText(at)} - 1` } }),
    },
  )
}

function ofCounts({ done, field, at, declared }: Facts, range: ValueRange): Diagnostic | undefined {
  if (range.min >= 0) return undefined
  return warning({ at, declared }, `\`${done.name}\` takes counts, and \`${field.name}\` ${spread(range)}`, {
    label: "no count is below 0",
    help: "take the column as it is: without `standardize`; other numbers go with `mse`",
  })
}

/** Asks whether the range of the network's outputs reaches the targets. */
function reach(flow: Flow, facts: Facts): RangeQuestion[] {
  const [prediction] = facts.done.args.values()
  let maker = flow.maker(prediction)
  while (maker && ARRANGES.has(maker.name)) maker = flow.maker(maker.args.get("x"))
  const ends = maker && ENDS[maker.name]
  if (!maker || !ends) return []
  const [low, high] = ends
  const { name, span } = maker
  return [
    ask(facts, ({ field, at, declared }, range) => {
      const slack = 0.01 * (range.max - range.min)
      if (range.min >= low - slack && range.max <= high + slack) return undefined
      const given = high === Infinity ? "0 and more" : `${low} to ${high}`
      return {
        ...warning(
          { at: span, declared },
          `after \`${name}\` the model gives ${given}, and the target \`${field.name}\` ${spread(range)}`,
          {
            label: "never gets there",
            help: `leave \`${name}\` out, or bring the target to ${given}`,
            ...withoutStage(span),
          },
        ),
        related: [{ span: at, text: "compared here" }, ...(declared ? [declared] : [])],
      }
    }),
  ]
}

/** Values so large that the gradients of a layer that reads them are thousands of times those of the rest. */
const LARGE = 1000

function ofFeatures(done: Done, field: Field, from: Label, range: ValueRange): Diagnostic | undefined {
  const size = Math.max(Math.abs(range.min), Math.abs(range.max))
  const scale = field.stages.find((stage) => stage.kind === "scale")
  const turned = scale && scale.by > 1 && size > 100
  if (!turned && size < LARGE) return undefined
  const by = turned ? scale.by : 1
  const text = spanText(from.span)
  const written = /scale\(\s*([\d.]+)\s*\)\s*$/.exec(text)
  return warning(
    { at: from.span, declared: undefined, code: "features-large" },
    `\`${done.name}\` reads \`${field.name}\`, which ${spread(range)}`,
    {
      label: turned ? `\`scale(${by})\` multiplies by ${by}` : "read as it is",
      help: turned
        ? `to divide it is \`scale(1 / ${by})\``
        : "networks learn from values near 0: `|> standardize`, or `|> minmax` for 0 to 1",
      fix:
        turned && written
          ? {
              span: {
                ...from.span,
                start: from.span.start + written.index,
                end: from.span.start + written.index + written[0].length,
              },
              replacement: `scale(1 / ${written[1]})`,
            }
          : turned
            ? undefined
            : { span: { ...from.span, start: from.span.end }, replacement: " |> standardize" },
    },
  )
}
