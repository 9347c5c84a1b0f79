// What `nnc check --target` says a program needs of a kind of device.
import { expect, it } from "vitest"
import { compile } from "../compiler/driver/compile.js"
import { needsOf, needsText } from "../compiler/cli/target-needs.js"
import { fileHost } from "../compiler/cli/host.js"
import { bug } from "../compiler/source/bug.js"
import { DEFAULT_TARGET, type TargetProfile, WASM_TARGET } from "../compiler/targets/index.js"

const compiled = (text: string, target: TargetProfile) =>
  compile({ path: "net.nn", text }, fileHost("net.nn"), {
    target,
    devices: [target.code === "wasm" ? "wasm" : "webgpu"],
  })

const NET = "model Net(x: f32[B, 1000]) -> f32[B, 10] {\n  x |> Linear(2000) |> Linear(10)\n}\n"
const WEIGHTS = 4 * 1000 * 2000

it.each([DEFAULT_TARGET, WASM_TARGET])("the line with the largest tensor is named for $name", (target) => {
  const { bundle } = compiled(NET, target)
  const needs = needsOf(bundle?.manifest ?? bug("it compiles"), target)
  const [tensor, state] = needs
  expect(tensor).toMatchObject({ needs: WEIGHTS, limit: target.maxBindingBytes })
  expect(tensor?.at).toMatch(/^net\.nn:2:/)
  expect(state?.needs).toBeGreaterThanOrEqual(WEIGHTS)
  expect(needsText(needs)).toContain("largest tensor of a kernel")
})

it("a target with too little room refuses the line", () => {
  const small = { ...DEFAULT_TARGET, name: "small", maxBindingBytes: 2 ** 20 }
  const { diagnostics } = compiled(NET, small)
  expect(diagnostics.map(({ code, primary }) => [code, primary?.span.start])).toContainEqual([
    "memory-binding",
    NET.indexOf("Linear(2000)"),
  ])
})
