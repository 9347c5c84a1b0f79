/** driver: IR text as input. The first words tell which noun it is; compilation goes on from there.
 *  Throws `IrTextError` for text that is none of them; lines are those of the whole text. */
import { type Complaint, printComplaint } from "../ir/complaint.js"
import { parseGraphs } from "../ir/graph/text.js"
import { parseKernelProgram } from "../ir/kernels/parse.js"
import { verifyKernels } from "../ir/kernels/verify.js"
import { parseModel } from "../ir/model/text.js"
import { parsePlan } from "../ir/plan/text.js"
import type { DimValues } from "../ir/tensor.js"
import { IrTextError, type Locations } from "../ir/text/scanner.js"
import type { GroupedProgram } from "../ir/groups/types.js"
import { parseGroups } from "../ir/groups/text.js"
import { budgetsOf } from "./budget.js"
import { Compilation, type CompileOptions, type Outcome } from "./compilation.js"
import { emit, forTarget } from "./emit.js"
import { type State, stateOf, valueOf, verifyState } from "./levels.js"
import { MODEL } from "./stages.js"

/** `sizes` gives the largest sizes of each program: the text does not say. */
export function compileText(
  text: string,
  sizes: (program: string) => DimValues,
  options: CompileOptions,
): Outcome {
  const run = new Compilation(options)
  return run.finish(() => {
    const locations: Locations = new Map()
    if (firstWord(text) === "program") {
      // Programs of kernels without the graphs they came from: their WGSL, and no plan.
      const programs = items(text, /^program /m).map((one) => parseKernelProgram(one, locations))
      refuse(
        programs.flatMap((p) => verifyKernels(p, options.target, sizes(p.name).B)),
        locations,
      )
      emit(
        programs.flatMap((p) => p.kernels),
        run,
      )
      return {}
    }
    const given = parseState(text, locations)
    refuse(verifyState(given, options.target), locations)
    const budgets = given.level === "model" ? budgetsOf(valueOf(given, "model")) : new Map()
    if (given.level === "model") run.reachedState(MODEL, given)
    forTarget(given, { sizes, budgets, plans: options.plans ?? [] }, run)
    return {}
  })
}

const firstWord = (text: string): string | undefined => /^\s*(?:\/\/.*\n\s*)*(\w+)/.exec(text)?.[1]

/** Reads the text that `printState` prints, of any level whose text is complete. */
export function parseState(text: string, locations?: Locations): State {
  if (/^groups \{/m.test(text))
    return stateOf(
      "groups",
      items(text, /^graph /m).map((one) => alone(one, locations)),
    )
  switch (firstWord(text)) {
    case "graph":
      return stateOf("graphs", parseGraphs(text, locations))
    case "plan":
      return stateOf("plan", parsePlan(text, locations))
    case "data":
    case "param":
    case "state":
    case "predict":
    case "train":
      return stateOf("model", parseModel(text, locations))
    default:
      throw new IrTextError(1, 1, "this is not the text of a model, of graphs, groups, kernels or a plan")
  }
}

/** The text may hold any graph, and the passes behind rely on the guarantees of verifiers. */
function refuse([first]: readonly Complaint[], locations: Locations): void {
  if (first === undefined) return
  const { line, column } = (first.of && locations.get(first.of)) ?? { line: 1, column: 1 }
  throw new IrTextError(line, column, printComplaint(first))
}

/** Groups read from text, packed or not: each graph is a program of its own. */
function alone(text: string, locations?: Locations): GroupedProgram {
  const grouped = parseGroups(text, locations)
  return { graph: grouped.graph, parts: [{ graph: grouped.graph, iterations: null }], groups: [grouped] }
}

/** The parts that begin where `start` matches, each behind as many empty lines as stand before it, so that places stay right. */
function items(text: string, start: RegExp): string[] {
  const starts = [...text.matchAll(new RegExp(start, "gm"))].map((m) => m.index)
  return starts.map((from, i) => {
    const lines = text.slice(0, from).split("\n").length - 1
    return "\n".repeat(lines) + text.slice(from, starts[i + 1])
  })
}
