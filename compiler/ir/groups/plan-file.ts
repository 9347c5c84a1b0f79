/** ir/groups: plans of kernels in a file of their own, beside a program.
 *
 *      target "wasm" {
 *        graph "step" {
 *          contract 8 over [128, 784] x [B] plan panels {wide: "column", ...}  // 1.20 ms -> 0.90 ms
 *        }
 *      }
 *
 *  A kernel is named by its group, as `nnc inspect --after=choose` prints it. */
import { Cursor, type Locations } from "../text/scanner.js"
import { jsonText } from "../../source/visible.js"
import { parsePlan, printPlan } from "./plans.js"
import { type GroupHead, parseHead, printHead } from "./text.js"
import type { KernelPlan } from "./types.js"

export interface PlanEntry {
  readonly target: string
  readonly graph: string
  readonly group: GroupHead
  readonly plan: KernelPlan
  readonly comment?: string
}

export function printPlanFile(entries: readonly PlanEntry[]): string {
  const lines: string[] = []
  for (const [target, own] of by(entries, (e) => e.target)) {
    lines.push(`target ${jsonText(target)} {`)
    for (const [graph, list] of by(own, (e) => e.graph)) {
      lines.push(`  graph ${jsonText(graph)} {`)
      for (const { group, plan, comment } of list)
        lines.push(`    ${printHead(group)} plan ${printPlan(plan)}${comment ? `  // ${comment}` : ""}`)
      lines.push("  }")
    }
    lines.push("}")
  }
  return lines.map((line) => `${line}\n`).join("")
}

/** Throws `IrTextError`. */
export function parsePlanFile(text: string, locations?: Locations): PlanEntry[] {
  const c = new Cursor(text, locations)
  const entries: PlanEntry[] = []
  while (!c.isKind("end")) {
    c.expect("target")
    const target = c.string()
    c.expect("{")
    while (!c.accept("}")) {
      c.expect("graph")
      const graph = c.string()
      c.expect("{")
      while (!c.accept("}")) {
        const read = (): PlanEntry => {
          const group = parseHead(c)
          c.expect("plan")
          const plan = parsePlan(c)
          const comment = c.comment()
          return { target, graph, group, plan, ...(comment === undefined ? {} : { comment }) }
        }
        entries.push(c.located(read))
      }
    }
  }
  return entries
}

function by<T>(all: readonly T[], keyOf: (x: T) => string): Map<string, T[]> {
  const out = new Map<string, T[]>()
  for (const x of all) out.set(keyOf(x), [...(out.get(keyOf(x)) ?? []), x])
  return out
}
