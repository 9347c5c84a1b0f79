/** Every pass of the driver's list, on its cases: the text of a level before it, and after it. A case starts at the
 *  pass's own level, or at an earlier one from which the list leads there. Graphs are also run on random inputs before and after. */
import { readdirSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { autodiff } from "../compiler/autodiff/backward.js"
import { budgetsOf } from "../compiler/driver/budget.js"
import { Compilation } from "../compiler/driver/compilation.js"
import { parseState } from "../compiler/driver/compile-text.js"
import { printState, type State, valueOf, verifyState } from "../compiler/driver/levels.js"
import { type DriverPass, PASSES } from "../compiler/driver/passes.js"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import type { DimValues } from "../compiler/ir/tensor.js"
import type { NdArray } from "../compiler/ops/op.js"
import {
  DEFAULT_TARGET,
  type TargetProfile,
  WASM_TARGET,
  WEBGPU_VARIANTS,
} from "../compiler/targets/index.js"
import { casesIn, testCases } from "./support/cases.js"
import { close } from "./support/close.js"
import { factsFor } from "./support/passes.js"
import { random, randomArray } from "./support/random.js"

const TARGETS = [DEFAULT_TARGET, ...WEBGPU_VARIANTS, WASM_TARGET]

interface Ran {
  readonly before: State
  readonly after: State
  readonly messages: string
}

/** `// target: NAME` and `// sizes: B = 4, R = 8` in a case say for what. */
function run(pass: DriverPass, text: string): Ran {
  const given = parseState(text)
  const target = targetOf(text)
  expect(verifyState(given, target)).toEqual([])
  const compilation = new Compilation({ target, verify: true })
  const budgets = given.level === "model" ? budgetsOf(valueOf(given, "model")) : new Map<string, never>()
  const facts = { ...factsFor(sizesOf(text)), budgets }
  const at = PASSES.indexOf(pass)
  const first = given.level === pass.from ? at : PASSES.findIndex((p) => p.from === given.level)
  let [before, after] = [given, given]
  compilation.finish(() => {
    before = after = compilation.through(PASSES.slice(first, at), given, facts)
    after = compilation.through([pass], before, facts)
    return {}
  })
  const said = compilation.diagnostics.all
  return { before, after, messages: said.map((d) => `${d.severity}[${d.code}]: ${d.message}\n`).join("") }
}

function targetOf(text: string): TargetProfile {
  const [, name = DEFAULT_TARGET.name] = /^\/\/ target: (\S+)$/m.exec(text) ?? []
  const found = TARGETS.find((t) => t.name === name)
  if (found === undefined) throw new Error(`there is no target ${name}`)
  return found
}
function sizesOf(text: string): DimValues {
  const [, B = "2", R = "3"] = /^\/\/ sizes: B = (\d+), R = (\d+)$/m.exec(text) ?? []
  return { B: Number(B), R: Number(R) }
}

for (const pass of PASSES)
  testCases(
    `passes/${pass.name}`,
    (c) => {
      const { after, messages } = run(pass, c.input)
      return messages === "" ? printState(after) : messages
    },
    ".case",
  )

describe("values before and after", () => {
  const computing = PASSES.filter((p) => p.from === "graphs" && p.to === "graphs" && p.name !== autodiff.name)
  const all = computing.flatMap((pass) => casesIn(`passes/${pass.name}`, ".case").map((c) => ({ pass, c })))
  it.each(all.map(({ pass, c }) => [`${pass.name}/${c.name}`, pass, c] as const))("%s", (_, pass, c) => {
    const ran = run(pass, c.input)
    const [before, after] = [valueOf(ran.before, "graphs"), valueOf(ran.after, "graphs")]
    before.forEach((graph, i) => same(graph, after[i]!, { B: 2, R: 3 }))
  })
})

function same(before: Graph, after: Graph, dims: DimValues): void {
  const next = random(1)
  const arrays = (list: readonly { name: string; type: Graph["nodes"][number]["type"] }[]) =>
    Object.fromEntries(list.map((v): [string, NdArray] => [v.name, randomArray(v.type, dims, next)]))
  const given = { inputs: arrays(before.inputs), state: arrays(before.state), dims }
  const [old, now] = [evalGraph(before, given), evalGraph(after, given)]
  for (const [name, value] of Object.entries(old.outputs)) close(now.outputs[name]!, value, 1e-12, name)
  for (const [name, value] of Object.entries(old.updates)) close(now.updates[name]!, value, 1e-12, name)
}

it("tests every pass of the list, and nothing else", () => {
  const folders = readdirSync(new URL("cases/passes/", import.meta.url))
  expect(folders.sort()).toEqual(PASSES.map((p) => p.name).sort())
  for (const pass of PASSES)
    expect(casesIn(`passes/${pass.name}`, ".case").length, pass.name).toBeGreaterThan(0)
})
