/** check: Ast -> Model, by elaboration: every call is carried out with the types of its arguments, like a template.
 *  Assumes:    parsed modules, without the parts that could not be parsed.
 *  Guarantees: a Model only when no error was found; every mistake has a diagnostic with its place; one mistake does not
 *              produce a second.
 *  Not here:   reading files (`load` is given), flattening of calls (lower/), gradients (autodiff/). */
import type { DataDecl, Module } from "../ir/ast/types.js"
import type { DataSet, Model } from "../ir/model/types.js"
import { isAllowed } from "../source/allowed.js"
import { Diagnostics, type Diagnostic } from "../source/diagnostic.js"
import { checkPartialAverages } from "./average.js"
import { checkData } from "./data/data.js"
import { warnOfIdleDropouts } from "./dropout.js"
import { topEnv, type Cx } from "./env.js"
import { evalName } from "./expr.js"
import { withFollowers } from "./followers.js"
import { warnOfIdleStates } from "./idle-states.js"
import { warnOfIdle } from "./objectives.js"
import { checkPredict } from "./predict.js"
import { resolveModules, type Load, type ModuleScope } from "./resolve.js"
import type { RunLength } from "./run-length.js"
import { newSection } from "./section.js"
import { warnOfUnusedFields } from "./read-sets.js"
import { checkTrain } from "./train.js"
import { checkUncalled } from "./uncalled.js"
import { carryOutUncalled } from "./uncalled-bodies.js"
import { Unread } from "./unread.js"
import type { Watch } from "./watch.js"
import { noteModelWeights } from "./weights.js"

export interface CheckInput {
  /** The standard library, parsed. Its names are visible everywhere. */
  readonly stdlib: readonly Module[]
  /** The module that `import "path"` in the file `from` means. */
  readonly load: Load
  readonly diagnostics: Diagnostics
  /** Gets sections with something that counts steps, whose steps depend on rows that are not read yet. */
  readonly lengths?: RunLength[]
  readonly watch?: Watch
}

/** Warnings that something is not used or not reached. In a program with mistakes they mostly follow from these. */
const ABSENCES = new Set([
  "field-unused",
  "param-no-gradient",
  "average-partly",
  "optimizer-idle",
  "dropout-idle",
  "state-idle",
])

/** A name that is not known. */
const UNKNOWN = new Set(["name-unknown", "data-unknown", "dim-unbound"])

export function check(main: Module, input: CheckInput): Model | undefined {
  const found = new Diagnostics()
  const modules = resolveModules(main, input.stdlib, input.load, found)
  const cx: Cx = {
    diagnostics: found,
    reported: new Set(),
    unread: new Unread(modules.all.filter(({ library }) => !library).map(({ module }) => module)),
    watch: input.watch,
    stdlib: new Set(input.stdlib.map((m) => m.span.file)),
    slots: new Map(),
    fields: new Map(),
    idle: new Map(),
    followers: modules.followers,
    making: new Set(),
    weights: new Map(),
    instances: new Map(),
    modelCalls: new Map(),
    elaborated: new Set(),
    trained: new Set(),
    dropouts: new Map(),
    counting: new Map(),
    positions: new Map(),
    splitUnknown: new Set(),
  }
  const model = checkMain(cx, modules.main, input.lengths ?? [])
  input.watch?.model(model)
  const wrong = found.hasErrors || input.diagnostics.hasErrors
  for (const diagnostic of found.all)
    if (!isAllowed(diagnostic) && !follows(cx, wrong, diagnostic)) input.diagnostics.add(diagnostic)
  input.diagnostics.sortBy(main.span.file)
  return wrong ? undefined : model
}

/** From another mistake, or from text that was not read. */
function follows({ unread }: Cx, wrong: boolean, { severity, code, primary, help }: Diagnostic): boolean {
  if (severity !== "error" && wrong && ABSENCES.has(code)) return true
  if (primary === undefined) return false
  const isName = UNKNOWN.has(code) && help === undefined
  return unread.explains(primary.span) || (isName && unread.explainsName(primary.span))
}

function checkMain(cx: Cx, scope: ModuleScope, lengths: RunLength[]): Model {
  const { declarations } = scope.module
  checkConstants(cx, scope)
  const dataSets = new Map<DataDecl, DataSet>()
  for (const decl of visibleData(scope))
    dataSets.set(decl, checkData(topEnv(cx, scope, newSection(false)), decl))
  const trains = declarations.flatMap((d) =>
    d.kind === "train" ? [checkTrain(cx, scope, d, dataSets, lengths)] : [],
  )
  const models = [...scope.names.values()].flatMap((g) =>
    g.kind === "value" && g.value.kind === "model" && !g.library ? [g.value] : [],
  )
  const own = models.filter(
    (m) => m.module === scope || m.decl.follows !== undefined || cx.modelCalls.has(m.decl),
  )
  for (const { module, decl } of own) noteModelWeights(topEnv(cx, module, newSection(false)), decl)
  const predicts = own.map((m) => checkPredict(cx, m.module, m.decl))
  const sections = withFollowers(
    cx,
    trains.filter((t) => t !== undefined),
  )
  checkPartialAverages(cx, sections)
  warnOfIdle(cx, sections)
  warnOfUnusedFields(cx)
  warnOfIdleDropouts(cx)
  warnOfIdleStates(topEnv(cx, scope, newSection(false)), declarations)
  checkUncalled(topEnv(cx, scope, newSection(false)), declarations)
  carryOutUncalled(cx, scope)
  const used = new Set(sections.flatMap(({ data, beside }) => [data, ...beside]))
  return {
    data: [...dataSets].flatMap(([decl, set]) =>
      used.has(set.name) || declarations.includes(decl) ? [set] : [],
    ),
    slots: [...cx.slots.values()].map((entry) => entry.slot),
    predicts: predicts.filter((p) => p !== undefined),
    trains: sections,
    weights: [...cx.weights.values()],
  }
}

/** Constants are computed even when nothing uses them, so that their mistakes are seen. */
function checkConstants(cx: Cx, scope: ModuleScope): void {
  for (const decl of scope.module.declarations)
    if (decl.kind === "let-decl")
      evalName(topEnv(cx, scope, newSection(false)), decl.name.text, decl.name.span)
}

/** Its own and imported. */
const visibleData = (scope: ModuleScope): DataDecl[] => [
  ...new Set(
    [...scope.names.values()].flatMap((g) => (g.kind === "data" && g.decl.kind === "data" ? [g.decl] : [])),
  ),
]
