/** driver: `budget memory`: rematerializes values that a step keeps for its gradients, as many as it takes until the plan fits.
 *  How:        a choice is made by an estimate (schedule/rematerialize/choices.ts), carried out, scheduled and laid out; where that does
 *              not fit, the next choice. The plan decides: the arena of the slots, those of intermediate results, which
 *              all programs share, and the rows of a batch; more rows lie on the device as far as the budget goes. The
 *              copies by which the runtime explains a loss that is no number are not counted.
 *  Not here:   loops over time: a program with one is planned as it is. */
import { programName } from "../bundle/encode.js"
import { isScan } from "../ir/graph/scan.js"
import type { Graph } from "../ir/graph/types.js"
import type { Budget, Model } from "../ir/model/types.js"
import type { Plan } from "../ir/plan/types.js"
import type { DimValues } from "../ir/tensor.js"
import type { PassContext } from "../pass.js"
import type { GroupedGraph } from "../ir/groups/types.js"
import { type Choice, choices, lateGroups, rematerialize } from "../schedule/index.js"

/** By the name of the program that trains. */
export type Budgets = ReadonlyMap<string, Budget>

export const budgetsOf = ({ trains }: Model): Budgets =>
  new Map(
    trains.flatMap(({ name, settings: { budget } }): [string, Budget][] =>
      budget === null ? [] : [[programName(name, "step"), budget]],
    ),
  )

/** Bytes that a program has on the device at the least. */
export const planBytes = (plan: Plan): number =>
  plan.arenas.reduce((n, a) => n + a.bytes, 0) + rowsBytes(plan)

/** The bytes of a batch of rows. */
function rowsBytes({ programs }: Plan): number {
  const fields = new Map<string, number>()
  for (const { arena, bytes, role } of programs.flatMap(({ buffers }) => buffers))
    if (role === "data") fields.set(arena, Math.max(fields.get(arena) ?? 0, bytes))
  return [...fields.values()].reduce((n, bytes) => n + bytes, 0)
}

interface Means extends PassContext {
  readonly sizes: (program: string) => DimValues
  readonly budgets: Budgets
  /** Schedules and lays out, and says nothing of it. */
  readonly plan: (graphs: readonly Graph[]) => Plan
  /** The groups of a graph without loops, in order. */
  readonly group: (graph: Graph) => GroupedGraph
}

export const rematerialization = {
  name: "rematerialize",
  summary: "compute again what would take too much memory to keep",
  run: (graphs: readonly Graph[], means: Means): readonly Graph[] =>
    means.budgets.size === 0 ? graphs : withinBudgets(graphs, means),
}

/** The graphs, rematerialized as far as their budgets ask; an error where no choice fits. */
function withinBudgets(graphs: readonly Graph[], means: Means): readonly Graph[] {
  const { budgets } = means
  const tightest = [...budgets.values()].reduce((a, b) => (b.bytes < a.bytes ? b : a))
  const steps = new Map(graphs.filter((g) => budgets.has(g.name)).map((g) => [g.name, new Step(g, means)]))
  let least: Plan | undefined
  for (;;) {
    const tried = graphs.map((g) => steps.get(g.name)?.graph ?? g)
    const plan = means.plan(tried)
    if (planBytes(plan) <= tightest.bytes) {
      for (const step of steps.values()) step.tell()
      return tried
    }
    if (least === undefined || planBytes(plan) < planBytes(least)) least = plan
    const work = tightest.bytes - stateBytes(plan) - rowsBytes(plan)
    const over = plan.programs.filter((p) => p.workBytes > work)
    const moved = over.map((p) => steps.get(p.name)?.next(p.workBytes, work) ?? false)
    if (moved.includes(true)) continue
    tooMuch(least, tightest, means)
    return graphs
  }
}

const stateBytes = (plan: Plan): number => plan.arenas.find((a) => a.name === "state")?.bytes ?? 0

/** A step and the choices for it, from the first on. */
class Step {
  graph: Graph
  private at = 0
  private known: { readonly grouped: GroupedGraph; readonly choices: readonly Choice[] } | undefined

  constructor(
    private readonly original: Graph,
    private readonly means: Means,
  ) {
    this.graph = original
  }

  /** Goes on to the first choice that should fit, or else to the last; false at the last. `took`: the bytes of the present one. */
  next(took: number, budget: number): boolean {
    if (this.original.nodes.some(isScan)) return false
    const { grouped, choices: all } = (this.known ??= this.prepared())
    if (this.at >= all.length - 1) return false
    // Without rematerialization, a step may run in another order.
    const beyond = this.at === 0 ? 0 : Math.max(0, took - all[this.at]!.bytes)
    const fitting = all.findIndex((c, n) => n > this.at && c.bytes + beyond <= budget)
    this.at = fitting < 0 ? all.length - 1 : fitting
    this.graph = rematerialize(grouped, all[this.at]!.again, lateGroups(grouped))
    return true
  }
  private prepared(): NonNullable<Step["known"]> {
    const grouped = this.means.group(this.original)
    return { grouped, choices: choices(grouped, this.means.sizes(this.original.name)) }
  }

  tell(): void {
    const { grouped, choices: all } = this.known ?? {}
    if (all === undefined || grouped === undefined || this.at === 0) return
    const { again, operations } = all[this.at]!
    const nodes = new Map(grouped.graph.nodes.map((n) => [n.id, n]))
    const places = [...again.keys()].map((v) => `%${v} ${nodes.get(v)!.op} of ${nodes.get(v)!.origin.at}`)
    this.means.remark(
      `${this.original.name} computes ${again.size} values again, ${operations} operations: ${places.join(", ")}`,
    )
  }
}

function tooMuch(plan: Plan, { bytes, origin }: Budget, { target, diagnostics, locate }: Means): void {
  const state = stateBytes(plan)
  const total = planBytes(plan)
  const rows = rowsBytes(plan)
  const data = rows > 0 ? `, ${sizeText(rows)} of the rows of a batch` : ""
  const [largest] = [...plan.programs].sort((a, b) => b.workBytes - a.workBytes)
  const span = locate(origin)
  diagnostics.add({
    code: "memory-budget",
    severity: "error",
    message: `training takes ${sizeText(total)} on ${target.name} at the least: ${sizeText(state)} of parameters and optimizer state${data}, and ${sizeText(total - state - rows)} of what \`${largest?.name}\` computes`,
    ...(span && { primary: { span, text: `${sizeText(bytes)}` } }),
    help:
      state > bytes
        ? "use fewer or smaller layers, or an optimizer with less state"
        : "use a smaller `batch` or smaller layers, or allow more",
  })
}

/** A size in the largest unit that leaves a number of at least 1, rounded up, so that it is enough as a budget. */
export function sizeText(bytes: number): string {
  const [unit, name] =
    bytes >= 2 ** 30 ? [2 ** 30, "GiB"] : bytes >= 2 ** 20 ? [2 ** 20, "MiB"] : [2 ** 10, "KiB"]
  return `${(Math.ceil((bytes / unit) * 100) / 100).toFixed(2).replace(/\.?0+$/, "")} ${name}`
}
