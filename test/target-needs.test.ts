// What `nnc check --target` says a program needs of a kind of device.
import { expect, it } from "vitest"
import { compile } from "../compiler/driver/compile.js"
import { needsOf, needsText } from "../compiler/cli/target-needs.js"
import { fileHost } from "../compiler/cli/host.js"
import { bug } from "../compiler/source/bug.js"
import { DEVICE_PROFILES, targetOfProfile } from "../compiler/targets/device-profiles.js"
import { DEFAULT_TARGET, type TargetProfile, TARGETS, WASM_TARGET } from "../compiler/targets/index.js"

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

const WIDE = "model Net(x: f32[B, 8192]) -> f32[B, 8192] {\n  x |> Linear(8192)\n}\n"
it.each([
  { name: "webgpu-minimum", says: "256.0 MiB, and webgpu-minimum binds at most 128.0 MiB" },
  { name: "phone-android", says: "256.0 MiB, and phone-android binds at most 128.0 MiB" },
  { name: "phone-apple", says: "256.03 MiB together, and a buffer on phone-apple holds at most 256.0 MiB" },
  { name: "gpu-integrated", says: "256.0 MiB, and gpu-integrated binds at most 128.0 MiB" },
  { name: "gpu-apple", says: undefined },
  { name: "gpu-discrete", says: undefined },
])("a weight of 256 MiB on $name", ({ name, says }) => {
  const profile = DEVICE_PROFILES.find((p) => p.name === name) ?? bug(`no profile ${name}`)
  const { diagnostics } = compiled(WIDE, targetOfProfile(profile))
  const [only] = diagnostics.filter(({ severity }) => severity === "error")
  if (says === undefined) return expect(only).toBeUndefined()
  expect(only?.message).toContain(says)
  expect(only?.primary?.span.start).toBe(WIDE.indexOf("Linear(8192)"))
})

it("profiles offer no less than WebGPU guarantees, and have a source", () => {
  const [minimum] = DEVICE_PROFILES
  for (const { limits, source, devices } of DEVICE_PROFILES) {
    for (const key of Object.keys(limits) as (keyof typeof limits)[])
      expect(limits[key]).toBeGreaterThanOrEqual(minimum!.limits[key])
    expect(source).toMatch(/https:|github\.com/)
    expect(devices).not.toBe("")
  }
  const names = [...TARGETS, ...DEVICE_PROFILES].map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

it("a target with too little room refuses the line", () => {
  const small = { ...DEFAULT_TARGET, name: "small", maxBindingBytes: 2 ** 20 }
  const { diagnostics } = compiled(NET, small)
  expect(diagnostics.map(({ code, primary }) => [code, primary?.span.start])).toContainEqual([
    "memory-binding",
    NET.indexOf("Linear(2000)"),
  ])
})
