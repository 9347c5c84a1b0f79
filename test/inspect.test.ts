/** Every stage of every example: its text, given back, goes on to the same WGSL; the plan proves itself sound. */
import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { compileText } from "../compiler/driver/compile-text.js"
import { parsePlan, printPlan } from "../compiler/ir/plan/text.js"
import { verifyPlan } from "../compiler/ir/plan/verify.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"

const EXAMPLES = ["six-points", "cancer", "digits", "input-descent"]
const STAGES = [
  "model",
  "graph",
  "autodiff",
  "fold-constants",
  "simplify",
  "cse",
  "dce",
  "fuse",
  "order",
  "plan",
]

function stagesOf(name: string) {
  const path = `examples/${name}/${name}.nn`
  const file = { path, text: readFileSync(path, "utf8") }
  const compiled = compile(file, fileHost(path), { target: DEFAULT_TARGET })
  expect(compiled.diagnostics).toEqual([])
  return compiled.stages
}

describe.each(EXAMPLES)("%s", (name) => {
  const stages = stagesOf(name)
  const wgsl = stages.get("wgsl")!.text()
  // Texts do not say how many rows a batch has, which kernels for many calls depend on.
  const { programs } = parsePlan(stages.get("plan")!.text())
  const sizes = (name: string) => ({ B: programs.find((p) => p.name === name)?.maxBatch ?? 1, R: 256 })

  test.each(STAGES)("the text of %s gives the same WGSL", (stage) => {
    const again = compileText(stages.get(stage)!.text(), sizes, { target: DEFAULT_TARGET })
    expect(again.diagnostics).toEqual([])
    expect(again.stages.get("wgsl")!.text()).toBe(wgsl)
  })

  test("the text of the kernels gives as many kernels", () => {
    const again = compileText(stages.get("kernels")!.text(), sizes, { target: DEFAULT_TARGET })
    expect(again.stages.get("wgsl")!.text()).toContain("@compute")
  })

  test("the plan reads back, and verifies", () => {
    const text = stages.get("plan")!.text()
    const plan = parsePlan(text)
    expect(printPlan(plan)).toBe(text)
    expect(verifyPlan(plan, DEFAULT_TARGET.minStorageOffsetAlignment)).toEqual([])
  })
})
