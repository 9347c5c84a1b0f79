/** check: all stages of fields, by the names that they are written with. */
import type { Expr } from "../../../ir/ast/types.js"
import type { FieldStage } from "../../../ir/model/types.js"
import { printType, type TensorType } from "../../../ir/tensor.js"
import { complain, didYouMean } from "../../report.js"
import { STAGE_HABITS } from "../habits.js"
import type { Env } from "../../env.js"
import { callOf, habitAt } from "../args.js"
import { bins } from "./bins.js"
import { categories } from "./categories.js"
import { classes } from "./classes.js"
import { clip } from "./clip.js"
import { date } from "./date.js"
import { fill } from "./fill.js"
import { hash } from "./hash.js"
import { log, log1p } from "./log.js"
import { minmax } from "./minmax.js"
import { missing } from "./missing.js"
import { oneHot } from "./one-hot.js"
import { scale } from "./scale.js"
import { slice } from "./slice.js"
import type { Refusal, StagePlace, StageRule } from "./stage.js"
import { standardize } from "./standardize.js"
import { tokens } from "./tokens.js"
import { vocabulary } from "./vocabulary.js"

type Kind = FieldStage["kind"]
type Rules = { readonly [K in Kind]: StageRule<Extract<FieldStage, { readonly kind: K }>> }

const STAGES: Rules = {
  standardize,
  minmax,
  scale,
  one_hot: oneHot,
  classes,
  categories,
  vocabulary,
  slice,
  hash,
  date,
  fill,
  missing,
  clip,
  log,
  log1p,
  bins,
  tokens,
}

const ruleOf = ({ kind }: FieldStage): StageRule<FieldStage> => STAGES[kind]

const isStage = (name: string): name is Kind => Object.hasOwn(STAGES, name)
export const STAGE_NAMES = Object.keys(STAGES).filter((name) => isStage(name) && STAGES[name].check)

/** Undefined after a diagnostic. `type`: of the field, if it is understood; of one row of a window. */
export function stageOf(env: Env, expr: Expr, type: TensorType | undefined): FieldStage | undefined {
  const call = callOf(expr)
  const { name = "" } = call
  const rule = isStage(name) ? STAGES[name] : undefined
  if (rule?.check) return rule.check(env, call, type)
  complain(env, {
    code: "data-stage",
    message: `there is no stage \`${name}\` for a field`,
    span: expr.span,
    label: "not a stage",
    ...(habitAt(expr, STAGE_HABITS) ?? {
      help:
        name === "reshape"
          ? "the type of the field says the shape of a row: values are laid out in it row by row"
          : (didYouMean(name, STAGE_NAMES) ?? `stages are ${STAGE_NAMES.map((s) => `\`${s}\``).join(", ")}`),
    }),
  })
  return undefined
}

/** How many whole numbers a field tells apart, by the stage that says so. */
export function countOf(stage: FieldStage): { readonly stage: string; readonly count: number } | undefined {
  const count = ruleOf(stage).count?.(stage)
  return count === undefined ? undefined : { stage: stage.kind, count }
}

/** The fault of a field's type, when its columns and stages are each understood. */
export function refusalOf(field: Omit<StagePlace, "index" | "encoded">): Refusal | undefined {
  const { name, type, columns, stages } = field
  if (type.shape.some((size) => typeof size !== "number"))
    return {
      message: "a row has a fixed shape",
      label: "known only at run time",
      help: "the batch axis is not written here",
    }
  const encoded = stages.some(({ kind }) => kind === "one_hot")
  for (const [index, stage] of stages.entries()) {
    const wrong = ruleOf(stage).refuse?.(stage, { ...field, index, encoded })
    if (wrong) return wrong
  }
  const [each] = stages.flatMap((stage) => ruleOf(stage).perValue?.(stage) ?? [])
  if (columns.kind !== "only" || encoded) return undefined
  const taken = columns.names.length
  if (each && each.count > 1) return fitsParts(type, name, taken * each.count, each.noun)
  if (taken === 1) return undefined
  if (type.shape.at(-1) === taken) return undefined
  return {
    message: `${taken} columns are taken, and \`${name}\` is ${printType(type)}`,
    label: printType(type),
    help: `write \`${type.dtype}[${taken}]\``,
  }
}

/** Refuses a type that does not hold the several values that a stage makes of each. */
function fitsParts(type: TensorType, name: string, values: number, noun: string): Refusal | undefined {
  const given = type.shape.reduce<number>((all, size) => all * (typeof size === "number" ? size : 1), 1)
  if (given === values) return undefined
  return {
    message: `a row has ${values} ${noun}, and \`${name}\` is ${printType(type)}`,
    label: printType(type),
    help: `write \`${type.dtype}[${values}]\``,
  }
}
