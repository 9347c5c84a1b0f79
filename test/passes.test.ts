/** Every pass from Graph to Graph, on its cases: graph text before and after. Both sides are also run on random inputs. */
import { readdirSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { autodiff } from "../compiler/autodiff/backward.js"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import { parseGraph, printGraph } from "../compiler/ir/graph/text.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { assertGraph } from "../compiler/ir/graph/verify.js"
import type { DimValues } from "../compiler/ir/tensor.js"
import type { NdArray } from "../compiler/ops/op.js"
import { afterLoops } from "../compiler/optimize/after-loops.js"
import { cse } from "../compiler/optimize/cse.js"
import { dce } from "../compiler/optimize/dce.js"
import { foldConstants } from "../compiler/optimize/fold-constants.js"
import { signs } from "../compiler/optimize/signs.js"
import { simplify } from "../compiler/optimize/simplify.js"
import { autocast } from "../compiler/precision/autocast.js"
import { runPass } from "../compiler/pass.js"
import type { Pass } from "../compiler/pass.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import { DEFAULT_TARGET } from "../compiler/target.js"
import { casesIn, testCases } from "./support/cases.js"
import { close } from "./support/close.js"
import { random, randomArray } from "./support/random.js"

const PASSES: readonly Pass<Graph, Graph>[] = [
  autodiff,
  simplify,
  foldConstants,
  cse,
  signs,
  dce,
  afterLoops,
  autocast,
]
const DIMS: DimValues = { B: 2, R: 3 }

function run(pass: Pass<Graph, Graph>, text: string): { before: Graph; after: Graph; messages: string[] } {
  const before = parseGraph(text)
  assertGraph(before)
  const diagnostics = new Diagnostics()
  const after = runPass(pass, before, { diagnostics, target: DEFAULT_TARGET })
  assertGraph(after)
  return { before, after, messages: diagnostics.all.map((d) => `${d.severity}[${d.code}]: ${d.message}\n`) }
}

for (const pass of PASSES) {
  testCases(
    `passes/${pass.name}`,
    (c) => {
      const { after, messages } = run(pass, c.input)
      return messages.length > 0 ? messages.join("") : printGraph(after)
    },
    ".case",
  )
}

describe("values before and after", () => {
  const computing = PASSES.filter((p) => p !== autodiff)
  const all = computing.flatMap((pass) => casesIn(`passes/${pass.name}`, ".case").map((c) => ({ pass, c })))
  it.each(all.map(({ pass, c }) => [`${pass.name}/${c.name}`, pass, c] as const))("%s", (_, pass, c) => {
    const { before, after } = run(pass, c.input)
    const next = random(1)
    const arrays = (list: readonly { name: string; type: Graph["nodes"][number]["type"] }[]) =>
      Object.fromEntries(list.map((v): [string, NdArray] => [v.name, randomArray(v.type, DIMS, next)]))
    const given = { inputs: arrays(before.inputs), state: arrays(before.state), dims: DIMS }
    const [old, now] = [evalGraph(before, given), evalGraph(after, given)]
    for (const [name, value] of Object.entries(old.outputs)) close(now.outputs[name]!, value, 1e-12, name)
    for (const [name, value] of Object.entries(old.updates)) close(now.updates[name]!, value, 1e-12, name)
  })
})

it("tests every pass that has cases", () => {
  const folders = readdirSync(new URL("cases/passes/", import.meta.url))
  expect(PASSES.map((p) => p.name).filter((name) => !folders.includes(name))).toEqual([])
})
