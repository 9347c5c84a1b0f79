/** cli: files of plans, read and written. */
import { readFileSync, writeFileSync } from "node:fs"
import { type GivenPlan, plansIn } from "../driver/plans.js"
import { type PlanEntry, printPlanFile } from "../ir/groups/plan-file.js"
import { IrTextError } from "../ir/text/scanner.js"
import { Failure } from "./failure.js"

export function readPlans(path: string): readonly GivenPlan[] {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch {
    throw new Failure("plan-file", `${path} cannot be read`, "`nnc tune m.nn` writes a file of plans")
  }
  try {
    return plansIn({ path, text })
  } catch (error) {
    if (!(error instanceof IrTextError)) throw error
    throw new Failure("plan-file", `${path}:${error.message}`, "`nnc tune m.nn` writes a file of plans")
  }
}

export const writePlans = (path: string, entries: readonly PlanEntry[]): void =>
  writeFileSync(path, printPlanFile(entries))
