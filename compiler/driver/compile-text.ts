/** driver: IR text as input. The first words tell which noun it is; compilation goes on from there.
 *  Throws `IrTextError` for text that is none of them; lines are those of the whole text. */
import { parseGraphs } from "../ir/graph/text.js"
import { parseKernelProgram } from "../ir/kernels/parse.js"
import { parseModel } from "../ir/model/text.js"
import { parsePlan } from "../ir/plan/text.js"
import type { DimValues } from "../ir/tensor.js"
import { IrTextError } from "../ir/text/scanner.js"
import { type GroupedProgram, parseGroups } from "../schedule/index.js"
import { budgetsOf } from "./budget.js"
import { Compilation, type CompileOptions, type Outcome } from "./compilation.js"
import { emit, forTarget } from "./emit.js"
import { type State, stateOf, valueOf } from "./levels.js"
import { MODEL } from "./stages.js"

/** `dims` stands for the largest sizes of every program: the text does not say. */
export function compileText(text: string, dims: DimValues, options: CompileOptions): Outcome {
  const run = new Compilation(options)
  return run.finish(() => {
    if (firstWord(text) === "program") {
      // Programs of kernels without the graphs they came from: their WGSL, and no plan.
      const programs = items(text, /^program /m).map(parseKernelProgram)
      emit(
        programs.flatMap((p) => p.kernels),
        run,
      )
      return {}
    }
    const given = parseState(text)
    const budgets = given.level === "model" ? budgetsOf(valueOf(given, "model")) : new Map()
    if (given.level === "model") run.reachedState(MODEL, given)
    forTarget(given, { sizes: () => dims, budgets }, run)
    return {}
  })
}

const firstWord = (text: string): string | undefined => /^\s*(?:\/\/.*\n\s*)*(\w+)/.exec(text)?.[1]

/** Reads what `printState` prints, of any level that says all there is to know. */
export function parseState(text: string): State {
  if (/^groups \{/m.test(text)) return stateOf("groups", items(text, /^graph /m).map(alone))
  switch (firstWord(text)) {
    case "graph":
      return stateOf("graphs", parseGraphs(text))
    case "plan":
      return stateOf("plan", parsePlan(text))
    case "data":
    case "param":
    case "state":
    case "predict":
    case "train":
      return stateOf("model", parseModel(text))
    default:
      throw new IrTextError(1, 1, "this is not the text of a model, of graphs, groups, kernels or a plan")
  }
}

/** Groups read from text, packed or not: each graph is a program of its own. */
function alone(text: string): GroupedProgram {
  const grouped = parseGroups(text)
  return { graph: grouped.graph, parts: [{ graph: grouped.graph, turns: null }], groups: [grouped] }
}

/** The parts that begin where `start` matches, each behind as many empty lines as stand before it, so that places stay right. */
function items(text: string, start: RegExp): string[] {
  const starts = [...text.matchAll(new RegExp(start, "gm"))].map((m) => m.index)
  return starts.map((from, i) => {
    const lines = text.slice(0, from).split("\n").length - 1
    return "\n".repeat(lines) + text.slice(from, starts[i + 1])
  })
}
