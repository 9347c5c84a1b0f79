// A step in one workgroup, many in one dispatch: the same as the same kernels dispatched one by one.
import { describe, expect, it } from "vitest"
import { compile } from "../compiler/driver/compile.js"
import { fileHost } from "../compiler/cli/host.js"
import { DEFAULT_TARGET, SOFTWARE_TARGET, type TargetProfile } from "../compiler/targets/index.js"
import { programsOf } from "../runtime/bundle/builds.js"
import type { Bundle } from "../runtime/bundle/format.js"
import { openBundle, type ReportEvent } from "../runtime/node.js"

const rows = Array.from({ length: 50 }, (_, i) => [Math.sin(i), Math.cos(1.7 * i), Math.sin(0.3 * i * i)])
const targets = rows.map(([a, b, c]) => a! * b! - c!)

const program = (
  model: string,
  train: string,
): string => `data rows = array(x: ${JSON.stringify(rows)}, y: ${JSON.stringify(targets)}) {
  x: f32[3] = column("x")
  y: f32[1] = column("y")
}
model Net(x: f32[B, 3]) -> f32[B, 1] { ${model} }
train on rows {
  ${train}
  steps 60
}
`

/** Shuffled, and with a last batch of two rows. */
const BATCHES = "batch 16, shuffle, seed 3"
const MANY: Readonly<Record<string, string>> = {
  "one layer": program("x |> Linear(1)", "minimize mse(Net(x), y) with SGD(lr: 0.1)"),
  "batches, the last one smaller": program(
    "x |> Linear(8) |> relu |> Linear(1)",
    `minimize mse(Net(x), y) with Adam(lr: 0.02)  ${BATCHES}`,
  ),
  "draws, running means, a schedule, more outputs": program(
    "x |> Linear(8) |> BatchNorm1d |> tanh |> Dropout(0.2) |> Linear(1)",
    `let z = Net(x)
     minimize mse(z, y) with SGD(lr: cosine(0.05, 60), momentum: 0.9)
     report close = mean(f32(abs(z - y) < 0.3))
     clip_norm 1.0
     ${BATCHES}`,
  ),
  "more than workgroup memory holds": program(
    "x |> Linear(64) |> tanh |> Linear(1)",
    "minimize mse(Net(x), y) with SGD(lr: 0.05)",
  ),
}

function compiled(text: string, target: TargetProfile): Bundle {
  const { bundle, diagnostics } = compile({ path: "many.nn", text }, fileHost("many.nn"), {
    target,
    devices: ["webgpu"],
  })
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([])
  return bundle!
}
const isMany = ({ name }: { readonly name: string }): boolean => name.endsWith(".multi")
const oneByOne = (bundle: Bundle): Bundle => {
  const builds = bundle.manifest.builds.map((build) => ({
    ...build,
    programs: build.programs.filter((p) => !isMany(p)),
  }))
  return { ...bundle, manifest: { ...bundle.manifest, builds } }
}

interface Run {
  readonly slots: Readonly<Record<string, readonly number[]>>
  readonly reports: readonly ReportEvent[]
}
async function trained(bundle: Bundle, steps: number, every: number): Promise<Run> {
  const trainer = await openBundle(bundle, ".", { device: "webgpu" })
  const reports: ReportEvent[] = []
  await trainer.train({
    steps,
    reportEvery: { unit: "steps", count: every },
    onEvent: (event) => void (event.event === "report" && reports.push(event)),
  })
  const slots = await trainer.parameters(true)
  trainer.close()
  return { slots: Object.fromEntries([...slots].map(([name, { values }]) => [name, [...values]])), reports }
}

function expectClose(found: Run, wanted: Run): void {
  const near = (a: number, b: number): void => expect(Math.abs(a - b)).toBeLessThan(2e-4 * (1 + Math.abs(b)))
  for (const [name, values] of Object.entries(wanted.slots))
    values.forEach((value, i) => near(found.slots[name]![i]!, value))
  expect(found.reports.map((r) => r.step)).toEqual(wanted.reports.map((r) => r.step))
  wanted.reports.forEach((report, i) => {
    for (const [name, value] of Object.entries(report.metrics))
      if (typeof value === "number") near(Number(found.reports[i]!.metrics[name]), value)
  })
}

describe.each(Object.entries(MANY))("a step of %s", (_, text) => {
  it.each([SOFTWARE_TARGET, DEFAULT_TARGET])("in one dispatch on $name is the same step", async (target) => {
    const bundle = compiled(text, target)
    const many = programsOf(bundle.manifest).filter(isMany)
    expect(many.map(({ name, dispatches }) => [name, dispatches.length])).toEqual([["step.multi", 1]])
    expectClose(await trained(bundle, 60, 20), await trained(oneByOne(bundle), 60, 20))
  })

  it("is the same bits however many steps a dispatch makes", async () => {
    const bundle = compiled(text, SOFTWARE_TARGET)
    const [often, rarely] = [await trained(bundle, 60, 1), await trained(bundle, 60, 60)]
    expect(often.slots).toEqual(rarely.slots)
    expect(often.reports).toHaveLength(61)
  })
})

it("an output that is a slot, written at reports", async () => {
  const text = program(
    "x |> Linear(4) |> tanh |> Linear(1)",
    `let rate = ReduceOnPlateau(0.2, factor: 0.5, patience: 0)()
     minimize mse(Net(x), y) with SGD(lr: rate)
     report rate = rate
     ${BATCHES}`,
  )
  const bundle = compiled(text, SOFTWARE_TARGET)
  expect(programsOf(bundle.manifest).filter(isMany)).toHaveLength(1)
  const found = await trained(bundle, 60, 7)
  expectClose(found, await trained(oneByOne(bundle), 60, 7))
  expect(found.reports.at(-1)!.metrics["rate"]).toBeLessThan(0.2)
})

it("reports a parameter as it was before the update, as it does all that is computed from it", async () => {
  const text = `data d = array(x: [1]) { x: f32 = column("x") }
model M(x: f32[B]) -> f32[B] { param w: f32 = ones  param v: f32[1] = ones  x * w * v[0] }
train on d {
  minimize mean(M(x)) with SGD(lr: 0.5, momentum: 0.5)
  report w = M.w
  report v = sum(M.v)
  report twice = M.w * 2
  report product = M.w * M.v[0]
  steps 60
}
`
  for (const target of [SOFTWARE_TARGET, DEFAULT_TARGET]) {
    const bundle = compiled(text, target)
    expect(programsOf(bundle.manifest).filter(isMany)).toHaveLength(1)
    for (const each of [bundle, oneByOne(bundle)])
      for (const { metrics } of (await trained(each, 5, 1)).reports) {
        const { w, v, twice, product, loss } = metrics
        expect({ twice, product, loss }).toEqual({ twice: 2 * Number(w), product, loss: product })
        expect(v).toBe(w)
      }
    expect((await trained(bundle, 5, 1)).reports.map(({ metrics }) => metrics["w"]).slice(0, 2)).toEqual([
      1, 0.5,
    ])
  }
})

it("more steps than one dispatch makes, and than are kept of losses at once", async () => {
  const bundle = compiled(MANY["one layer"]!, SOFTWARE_TARGET)
  const [{ slots, reports }, short] = [
    await trained(bundle, 20_000, 20_000),
    await trained(bundle, 20_000, 700),
  ]
  expect(slots).toEqual(short.slots)
  // Every report is the mean over the steps since the one before.
  const sum = (list: readonly ReportEvent[]): number =>
    list.reduce((all, { step, metrics }, i) => all + metrics.loss * (step - (list[i - 1]?.step ?? -1)), 0)
  expect(sum(short.reports)).toBeCloseTo(sum(reports), 6)
})

describe("steps that stay many dispatches", () => {
  it.each([
    ["large", "x |> Linear(512) |> relu |> Linear(512) |> relu |> Linear(1)"],
    ["deep", `x ${"|> Linear(2) |> relu ".repeat(20)} |> Linear(1)`],
  ])("%s ones", (_, model) => {
    const { manifest } = compiled(
      program(model, "minimize mse(Net(x), y) with SGD(lr: 0.1)"),
      SOFTWARE_TARGET,
    )
    expect(programsOf(manifest).filter(isMany)).toEqual([])
  })
})

it("a loss that is no number is found in the step that makes it first", async () => {
  const text = program("x |> Linear(1)", "minimize mse(Net(x), y) with SGD(lr: 100)")
  const bundle = compiled(text, SOFTWARE_TARGET)
  const found = (b: Bundle): Promise<unknown> =>
    trained(b, 500, 100).catch((error: Error & { code?: string }) => `${error.code}: ${error.message}`)
  expect(await found(bundle)).toMatch(/^non-finite: the loss is .* at step \d+ .*many\.nn:\d+/)
  expect(await found(bundle)).toBe(await found(oneByOne(bundle)))
})
