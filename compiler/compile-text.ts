/** compiler: IR text as input. The first words tell which noun it is; compilation goes on from there.
 *  Throws `IrTextError` for text that is none of them; lines are those of the whole text. */
import { fromGraphs, fromGroups, fromKernels, fromPlan, reachedGraphs } from "./back-end.js"
import { budgetsOf } from "./budget.js"
import { Compilation, type CompileOptions, type Outcome } from "./compilation.js"
import { parseGraphs } from "./ir/graph/text.js"
import { parseKernelProgram } from "./ir/kernels/parse.js"
import { parseModel, printModel } from "./ir/model/text.js"
import { parsePlan } from "./ir/plan/text.js"
import type { DimValues } from "./ir/tensor.js"
import { IrTextError } from "./ir/text/scanner.js"
import { lower } from "./lower/lower.js"
import { parseGroups } from "./schedule/group-text.js"

/** `dims` stands for the largest sizes of every program: the text does not say. */
export function compileText(text: string, dims: DimValues, options: CompileOptions): Outcome {
  const run = new Compilation(options)
  const sizes = (): DimValues => dims
  return run.finish(() => {
    if (/^groups \{/m.test(text)) return fromGroups(items(text, /^graph /m).map(parseGroups), sizes, run)
    switch (/^\s*(?:\/\/.*\n\s*)*(\w+)/.exec(text)?.[1]) {
      case "graph":
        return fromGraphs(parseGraphs(text), sizes, run)
      case "program":
        return { wgsl: fromKernels(items(text, /^program /m).map(parseKernelProgram), run) }
      case "plan":
        return fromPlan(parsePlan(text), run)
      case "data":
      case "param":
      case "state":
      case "predict":
      case "train": {
        const model = parseModel(text)
        run.reached("model", "the model that was given", model, () => printModel(model))
        const { graphs } = run.pass(lower, model)
        reachedGraphs(run, { name: "graph", summary: lower.summary }, graphs)
        return fromGraphs(graphs, sizes, run, budgetsOf(model))
      }
      default:
        throw new IrTextError(1, 1, "this is not the text of a model, of graphs, groups, kernels or a plan")
    }
  })
}

/** The parts that begin where `start` matches, each behind as many empty lines as stand before it, so that places stay right. */
function items(text: string, start: RegExp): string[] {
  const starts = [...text.matchAll(new RegExp(start, "gm"))].map((m) => m.index)
  return starts.map((from, i) => {
    const lines = text.slice(0, from).split("\n").length - 1
    return "\n".repeat(lines) + text.slice(from, starts[i + 1])
  })
}
