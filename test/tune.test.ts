/** `nnc tune` and `--plan`: plans of kernels measured on a device and given to a program from outside. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { kernelKey, MeasuredPlans } from "../compiler/cli/measured-plans.js"
import { compile } from "../compiler/driver/compile.js"
import { valueOf } from "../compiler/driver/levels.js"
import { type PlanEntry, parsePlanFile, printPlanFile } from "../compiler/ir/groups/plan-file.js"
import type { Kernel } from "../compiler/ir/kernels/types.js"
import type { GroupedGraph } from "../compiler/ir/groups/types.js"
import { buildKernels, choose, plansOf } from "../compiler/schedule/index.js"
import { DEFAULT_TARGET, WASM_TARGET } from "../compiler/targets/index.js"
import { jsonLines, nnc, temporaryFolder } from "./support/nnc.js"

const PROGRAM = "examples/xor/xor.nn"
const folder = temporaryFolder()

const finalLoss = (args: readonly string[]): number => {
  const run = nnc([
    "train",
    PROGRAM,
    "--device",
    "wasm",
    "--json",
    "--out",
    join(folder, `run${args.length}`),
    ...args,
  ])
  expect(run.exit, run.err).toBe(0)
  const reports = jsonLines(run).filter((line) => line["event"] === "report")
  return (reports.at(-1) as { metrics: { loss: number } }).metrics.loss
}

/** For every kernel of the training step, the plan that the cost model likes least. */
function lastPlans(): PlanEntry[] {
  let graphs: readonly GroupedGraph[] = []
  compile({ path: PROGRAM, text: readFileSync(PROGRAM, "utf8") }, fileHost(PROGRAM), {
    target: DEFAULT_TARGET,
    devices: ["wasm"],
    hooks: {
      after: (pass, _, output) => {
        if (pass.name === choose.name) graphs = valueOf(output, "groups").flatMap((p) => p.groups)
      },
    },
  })
  return graphs
    .filter(({ graph }) => graph.name === "step")
    .flatMap((grouped) =>
      grouped.groups.map((group) => {
        const plan = plansOf(grouped, group, WASM_TARGET).at(-1)!
        return { target: "wasm", graph: grouped.graph.name, group, plan }
      }),
    )
}

it("other plans for all kernels change nothing that is learned, beyond rounding", () => {
  const file = join(folder, "other.plan")
  writeFileSync(file, printPlanFile(lastPlans()))
  const [own, planned] = [finalLoss([]), finalLoss(["--plan", file])]
  expect(own).toBeGreaterThan(0)
  expect(Math.abs(planned - own)).toBeLessThan(1e-3 * own)
})

describe("times of plans measured before", () => {
  const kernels = (text: string): Kernel[] => {
    let found: Kernel[] = []
    compile({ path: "m.nn", text }, fileHost("m.nn"), {
      target: DEFAULT_TARGET,
      devices: ["wasm"],
      hooks: {
        after: (pass, _, output) => {
          if (pass.name === buildKernels.name)
            found = valueOf(output, "kernels").flatMap(({ program }) =>
              program.name.startsWith("predict") ? program.kernels : [],
            )
        },
      },
    })
    return found
  }
  const layer = (name: string, width: number): Kernel =>
    kernels(`model ${name}(x: f32[B, 8]) -> f32[B, ${width}] { x |> Linear(${width}) }`)[0]!

  it("are those of a kernel of the same body and sizes, whatever its program calls it", () => {
    const [one, other] = [layer("One", 16), layer("Other", 16)].map((k) => kernelKey(k, "B = 4"))
    expect(one).toBe(other)
    expect(kernelKey(layer("One", 24), "B = 4")).not.toBe(one)
    expect(kernelKey(layer("One", 16), "B = 8")).not.toBe(one)
  })
  it("are found again on that device, unless they are damaged or others may write them", () => {
    const plans = new MeasuredPlans(join(folder, "plans"), "compiler")
    const times = new Map([
      ["map {width: 4}", 0.5],
      ["map {width: 1}", 0.25],
    ])
    plans.keep("a device", "a kernel", times)
    expect(plans.find("a device", "a kernel")).toEqual(times)
    expect(plans.find("another", "a kernel")).toEqual(new Map())
    const [name] = readdirSync(join(folder, "plans"))
    const file = join(folder, "plans", name!)
    chmodSync(file, 0o666)
    if (process.getuid) expect(plans.find("a device", "a kernel")).toEqual(new Map())
    chmodSync(file, 0o600)
    writeFileSync(file, `{"map {width: 4}": "fast"}`)
    expect(plans.find("a device", "a kernel")).toEqual(new Map())
  })
})

it("the text of a file of plans reads back", () => {
  const text = printPlanFile(lastPlans().map((entry) => ({ ...entry, comment: "1.000 ms -> 0.500 ms" })))
  expect(printPlanFile(parsePlanFile(text))).toBe(text)
})

it("measures plans and leaves those for other targets in the file", () => {
  const file = join(folder, "xor.plan")
  const other = `target "webgpu-software" {\n  graph "step" {\n    map 0 over [B, 4] plan map {width: 4, lanes: 64}\n  }\n}\n`
  writeFileSync(file, other)
  const [end] = jsonLines(nnc(["tune", PROGRAM, "--device", "wasm", "--json", "--out", file]))
  expect(end).toMatchObject({ event: "end", target: "wasm", train: "train" })
  const { before_ms, after_ms, kernels } = end as {
    before_ms: number
    after_ms: number
    kernels: { tried: number }[]
  }
  expect(after_ms).toBeLessThanOrEqual(before_ms)
  expect(Math.max(...kernels.map((k) => k.tried))).toBeGreaterThan(5)
  expect(readFileSync(file, "utf8")).toContain(other)
  expect(nnc(["check", PROGRAM, "--plan", file]).exit).toBe(0)
})

it.each([
  [
    "plan-unknown",
    "contract 99 over [B, 4] x [2] plan tile {rows: 1, columns: 4, taps: 1, lanes: 1, vector: true, split: false, staged: false}",
    "has no kernel `contract 99 over [B, 4] x [2]`",
  ],
  [
    "plan-unfit",
    "HEAD plan tile {rows: 1, columns: 1, taps: 1, lanes: 100000, vector: false, split: false, staged: false}",
    "a workgroup of 100000 lanes, where wasm allows 256",
  ],
  [
    "plan-file",
    "HEAD plan tile {rows: 0, columns: 1, taps: 1, lanes: 16, vector: false, split: false, staged: false}",
    "`rows` of a plan is an integer of at least 1",
  ],
])("%s is said at its line", (code, line, message) => {
  const product = lastPlans().find(({ group }) => group.kind === "contract")!
  const head = printPlanFile([product])
    .split("\n")[2]!
    .replace(/ plan .*/, "")
    .trim()
  const file = join(folder, `${code}.plan`)
  writeFileSync(file, `target "wasm" {\n  graph "step" {\n    ${line.replace("HEAD", head)}\n  }\n}\n`)
  const run = nnc(["train", PROGRAM, "--device", "wasm", "--plan", file])
  expect(run.exit).toBe(1)
  expect(run.err).toContain(`error[${code}]`)
  expect(run.err).toContain(message)
  expect(run.err).toMatch(/\.plan:3:\d+/)
})
