/** driver: plans of kernels that are given from outside (`--plan`).
 *  Guarantees: every plan given for the target is used, or there is an error at its line. */
import { type PlanEntry, parsePlanFile } from "../ir/groups/plan-file.js"
import { printHead } from "../ir/groups/text.js"
import type { Group, GroupedGraph, GroupedProgram } from "../ir/groups/types.js"
import type { Locations } from "../ir/text/scanner.js"
import type { PassContext } from "../pass.js"
import { planProblems } from "../schedule/index.js"
import { type SourceFile, type Span, spanFrom } from "../source/source.js"

export interface GivenPlan extends PlanEntry {
  readonly span?: Span
}

/** The plans of a file. Throws `IrTextError`. */
export function plansIn(file: SourceFile): GivenPlan[] {
  const locations: Locations = new Map()
  return parsePlanFile(file.text, locations).map((entry): GivenPlan => {
    const at = locations.get(entry)
    const span = at && spanFrom(file, at)
    return span ? { ...entry, span } : entry
  })
}

/** The groups with the plans given for them. */
export function withPlans(
  programs: readonly GroupedProgram[],
  all: readonly GivenPlan[],
  { target, diagnostics }: Pick<PassContext, "target" | "diagnostics">,
): readonly GroupedProgram[] {
  const plans = all.filter((p) => p.target === target.name)
  if (plans.length === 0) return programs
  const used = new Set<GivenPlan>()
  const planned = (grouped: GroupedGraph, group: Group): Group => {
    const given = plans.find((p) => p.graph === grouped.graph.name && p.group.id === group.id)
    if (given === undefined || printHead(given.group) !== printHead(group)) return group
    used.add(given)
    const made = { ...group, plan: given.plan }
    const problem = planProblems(grouped, target)(made)
    if (problem === undefined) return made
    say(given, "plan-unfit", `this kernel cannot run so on ${target.name}: ${problem}`)
    return group
  }
  const say = ({ span }: GivenPlan, code: string, message: string): void =>
    diagnostics.add({
      code,
      severity: "error",
      message,
      ...(span && { primary: { span, text: "planned here" } }),
      help: "`nnc tune` makes a file of plans anew; `nnc inspect --after=choose` shows those without it",
    })
  const made = programs.map((p) => ({
    ...p,
    groups: p.groups.map((x) => ({ ...x, groups: x.groups.map((group) => planned(x, group)) })),
  }))
  for (const given of plans)
    if (!used.has(given))
      say(
        given,
        "plan-unknown",
        `\`${given.graph}\` has no kernel \`${printHead(given.group)}\` on ${target.name}`,
      )
  return made
}
