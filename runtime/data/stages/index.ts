/** runtime/data: all stages: how each is fitted, by its name in the program, and its fitted form, by its name in the bundle. */
import type { FittedStage } from "../../bundle/format.js"
import { affine } from "./affine.js"
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
import type { Fitting, StageRule, TrainingRows, UnfittedStage, Where } from "./stage.js"
import { standardize } from "./standardize.js"
import { tokens } from "./tokens.js"
import { vocabulary } from "./vocabulary.js"

type Of<S extends { readonly kind: string }, K> = Extract<S, { readonly kind: K }>
type Fittings = { readonly [K in UnfittedStage["kind"]]: Fitting<Of<UnfittedStage, K>> }
type Rules = { readonly [K in FittedStage["kind"]]: StageRule<Of<FittedStage, K>> }

/** Those that are called the same in program and bundle. */
const ALIKE = {
  one_hot: oneHot,
  classes,
  categories,
  slice,
  vocabulary,
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
const FITTINGS: Fittings = { standardize, minmax, scale, ...ALIKE }
const RULES: Rules = { affine, ...ALIKE }

const fittingOf = ({ kind }: UnfittedStage): Fitting<UnfittedStage> => FITTINGS[kind]
export const ruleOf = ({ kind }: FittedStage): StageRule<FittedStage> => RULES[kind]

export const fitStage = (stage: UnfittedStage, training: TrainingRows): FittedStage =>
  fittingOf(stage).fit(stage, training)

/** It may work in place. */
export const applyStage = (
  stage: FittedStage,
  values: Float64Array,
  width: number,
  where: Where,
): Float64Array => ruleOf(stage).apply(stage, values, width, where)

/** Values per row. */
export const widthAfter = (stage: FittedStage, width: number): number =>
  ruleOf(stage).widthAfter?.(stage, width) ?? width

/** Whether a stage numbers texts; such a one is among those that are alike. */
export const readsTexts = ({ kind }: { readonly kind: string }): boolean =>
  isRule(kind) && RULES[kind].readTexts !== undefined

/** Whether a stage replaces empty cells; such a one is among them, too. */
export const takesMissing = ({ kind }: { readonly kind: string }): boolean =>
  isRule(kind) && RULES[kind].takesMissing === true

const isRule = (kind: string): kind is keyof Rules => Object.hasOwn(RULES, kind)
