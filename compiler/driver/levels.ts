/** driver: the nouns between passes, from Model to Plan, each with its text, verifier and diagrams.
 *  Not here:   which passes lead from one to the next (`passes.ts`). */
import type { Complaint } from "../ir/complaint.js"
import type { Diagram } from "../ir/diagram.js"
import { graphDiagrams } from "../ir/graph/diagram.js"
import { printGraphs } from "../ir/graph/text.js"
import type { Graph } from "../ir/graph/types.js"
import { verifyGraph } from "../ir/graph/verify.js"
import { programDiagram } from "../ir/kernels/diagram.js"
import type { Scheduled } from "../ir/kernels/scheduled.js"
import { printKernelProgram } from "../ir/kernels/text.js"
import { verifyKernel, verifyKernels } from "../ir/kernels/verify.js"
import { printModel } from "../ir/model/text.js"
import type { Model } from "../ir/model/types.js"
import { verifyModel } from "../ir/model/verify.js"
import { printPlan } from "../ir/plan/text.js"
import type { Plan } from "../ir/plan/types.js"
import { verifyPlan } from "../ir/plan/verify.js"
import type { CutGraph, GroupedProgram } from "../ir/groups/types.js"
import { printGroups } from "../ir/groups/text.js"
import { groupDiagrams } from "../ir/groups/diagram.js"
import { verifyGroups } from "../ir/groups/verify.js"
import { verifyPlans, verifyWalks } from "../schedule/index.js"
import { bug } from "../source/bug.js"
import type { TargetProfile } from "../targets/target.js"

/** A compilation between two passes: all programs, as one of these. */
export interface Levels {
  readonly model: Model
  readonly graphs: readonly Graph[]
  readonly parts: readonly CutGraph[]
  readonly groups: readonly GroupedProgram[]
  readonly kernels: readonly Scheduled[]
  readonly plan: Plan
}
export type Level = keyof Levels

/** The value of one level. */
export interface State {
  readonly level: Level
  readonly values: Partial<Levels>
}
export const stateOf = <L extends Level>(level: L, value: Levels[L]): State => ({
  level,
  values: { [level]: value } as Partial<Levels>,
})
export const valueOf = <L extends Level>(state: State, level: L): Levels[L] =>
  state.values[level] ?? bug(`there are ${state.level} where ${level} are needed`)

interface Noun<T> {
  readonly print: (value: T) => string
  /** All that is wrong; empty when it is well formed. */
  readonly verify: (value: T, target: TargetProfile) => readonly Complaint[]
  /** Empty for levels without graphs. */
  readonly diagrams: (value: T) => readonly Diagram[]
  /** The value as plain data. */
  readonly json: (value: T) => unknown
}

const graphsOf = (parts: readonly CutGraph[]): Graph[] => parts.flatMap((p) => p.parts.map((x) => x.graph))

const NOUNS: { readonly [L in Level]: Noun<Levels[L]> } = {
  model: {
    print: printModel,
    verify: verifyModel,
    diagrams: () => [],
    json: (model) => model,
  },
  graphs: {
    print: printGraphs,
    verify: (graphs) => graphs.flatMap(verifyGraph),
    diagrams: (graphs) => graphs.flatMap((g) => graphDiagrams(g)),
    json: (graphs) => graphs,
  },
  parts: {
    print: (parts) => printGraphs(graphsOf(parts)),
    verify: (parts) => graphsOf(parts).flatMap(verifyGraph),
    diagrams: (parts) => graphsOf(parts).flatMap((g) => graphDiagrams(g)),
    json: (parts) => parts,
  },
  groups: {
    print: (programs) => programs.flatMap((p) => p.groups.map(printGroups)).join("\n"),
    verify: (programs, target) => {
      const all = programs.flatMap((p) => p.groups)
      const found = all.flatMap(verifyGroups)
      if (found.length > 0) return found
      return all.flatMap((x) => [...verifyWalks(x), ...verifyPlans(x, target)])
    },
    diagrams: (programs) => programs.flatMap((p) => p.groups.flatMap(groupDiagrams)),
    json: (programs) => programs.flatMap((p) => p.groups),
  },
  kernels: {
    print: (all) => all.map((s) => printKernelProgram(s.program, s.dims)).join("\n"),
    verify: (all, target) => all.flatMap((s) => verifyKernels(s.program, target, s.dims.B)),
    diagrams: (all) => all.map((s) => programDiagram(s.program)),
    json: (all) => all.map((s) => s.program),
  },
  plan: {
    print: printPlan,
    verify: (plan, target) => {
      const rows = mostRowsOf(plan)
      return [
        ...plan.kernels.flatMap((k) => verifyKernel(k, target, rows.get(k.name) ?? 1)),
        ...verifyPlan(plan, target.minStorageOffsetAlignment),
      ]
    },
    diagrams: () => [],
    json: (plan) => plan,
  },
}

const nounOf = <L extends Level>(level: L): Noun<Levels[L]> => NOUNS[level]

export const printState = (state: State): string => of(state, (noun, value) => noun.print(value))
export const verifyState = (state: State, target: TargetProfile): readonly Complaint[] =>
  of(state, (noun, value) => noun.verify(value, target))
export const diagramsOf = (state: State): readonly Diagram[] =>
  of(state, (noun, value) => noun.diagrams(value))
export const jsonOf = (state: State): unknown => of(state, (noun, value) => noun.json(value))

/** Whatever can be done at every level. */
function of<T>(state: State, use: <L extends Level>(noun: Noun<Levels[L]>, value: Levels[L]) => T): T {
  const at = <L extends Level>(level: L): T => use<L>(nounOf(level), valueOf(state, level))
  return at(state.level)
}

/** The largest batch of any program that dispatches a kernel, by its name. */
function mostRowsOf({ programs }: Plan): ReadonlyMap<string, number> {
  const rows = new Map<string, number>()
  for (const { dispatches, maxBatch } of programs)
    for (const { kernel } of dispatches) rows.set(kernel, Math.max(maxBatch, rows.get(kernel) ?? 1))
  return rows
}
