/** cli: `nnc summary`: the layers of every model as a table: output shape, parameters, multiply-adds, bytes kept for gradients. */
import type { Command } from "commander"
import { PROGRAM_PASSES } from "../../driver/passes.js"
import { MODEL } from "../../driver/stages.js"
import type { Graph } from "../../ir/graph/types.js"
import type { Model } from "../../ir/model/types.js"
import { graphName } from "../../lower/train.js"
import { bug } from "../../source/bug.js"
import { visible } from "../../source/visible.js"
import { type LayerSummary, type ModelSummary, summarize } from "../../summary/summary.js"
import { inColumns } from "../columns.js"
import { compileFile } from "../compile-file.js"
import { note, print, printJson } from "../console.js"
import { whenConverted } from "../convert/index.js"
import { Failure } from "../failure.js"
import { bytesText } from "../quantities.js"
import { compiling, type DataOptions, withData } from "../usage.js"

interface Options extends DataOptions {
  readonly json?: boolean
  readonly train?: string
}

/** The last pass over graphs. */
const GRAPHS = PROGRAM_PASSES.filter(({ to }) => to === "graphs").at(-1) ?? bug("no pass makes graphs")

export function addSummary(program: Command): void {
  withData(program.command("summary"))
    .description("the layers of every model: shapes, parameters, multiply-adds, bytes kept for gradients")
    .argument("<file>", "program")
    .option("--train <name>", "the train section whose gradients are meant (default: the first)")
    .option("--json", "print one object per model")
    .action(async (file: string, { data, train: named, json, ...options }: Options) => {
      const { stages } = await whenConverted(() =>
        compileFile(file, { data, stopAfter: GRAPHS.name, ...compiling(options) }),
      )
      const model = stages.get(MODEL.name)?.json() as Model
      const section = model.trains.find(({ name }) => named === undefined || name === named)
      if (named !== undefined && section === undefined)
        throw new Failure("unknown-name", `the program has no train section "${visible(named)}"`)
      const graphs = (stages.get(GRAPHS.name)?.json() ?? []) as readonly Graph[]
      const step = section && graphs.find(({ name }) => name === graphName(section, "step"))
      const models = summarize(model, step)
      if (models.length === 0) note(`${file} has no model`)
      if (json) for (const each of models) printJson({ event: "model", ...each })
      else if (models.length > 0) print(models.map(tableOf).join("\n\n"))
    })
}

const COLUMNS = ["", "layer", "output", "parameters", "multiply-adds", "kept", "line"]
const NUMBERS = ["parameters", "multiply-adds", "kept", "line"]

function tableOf({
  model,
  inputs,
  output,
  layers,
  parameters,
  multiplyAdds,
  kept,
  at,
}: ModelSummary): string {
  const total = ["", "all", "", count(parameters), count(multiplyAdds), bytesText(kept), ""]
  const rows = layers.map((layer, i) => cells(model, layers.slice(0, i), layer))
  const lines = inColumns(COLUMNS, [...rows, total], NUMBERS)
  const head = `${model}(${inputs.join(", ")}) -> ${output.join(", ")}  (${at})`
  return `${head}\n${lines.join("\n")}\nof one row; \`kept\` is what a step holds for its gradient`
}

/** Names begin after that of the layer around it, which is the last before it that is less deep. */
function cells(model: string, before: readonly LayerSummary[], layer: LayerSummary): readonly string[] {
  const { name, declaration, depth, output, at } = layer
  const around = before.findLast((each) => each.depth < depth)?.name ?? model
  const own = name.startsWith(`${around}.`) ? name.slice(around.length + 1) : name
  return [
    "  ".repeat(depth) + own,
    declaration === name ? "" : declaration,
    output.join(", "),
    layer.parameters === 0 ? "" : count(layer.parameters),
    layer.multiplyAdds === 0 ? "" : count(layer.multiplyAdds),
    layer.kept === 0 ? "" : bytesText(layer.kept),
    at.replace(/:\d+$/, "").replace(/^.*:/, ""),
  ]
}

const count = (n: number): string => n.toLocaleString("en-US")
