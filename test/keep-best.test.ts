// `keep best`: whether more or less of a metric is better is said by the program or by the library, never guessed.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { decodeTensors } from "../runtime/node.js"
import { compileText } from "./reference/compile-text.js"
import { nnc, temporaryFolder } from "./support/nnc.js"

const program = (report: string, name: string): string => `data d = array(x: [1, 2, 3], y: [2, 4, 6]) {
  x: f32 = column("x")
  y: f32 = column("y")
}
fn mape(p: f32[B], y: f32[B]) { lower_is_better(mean(abs((p - y) / y))) }
model M(x: f32[B]) -> f32[B] { param w: f32 = zeros  x * w }
train on d {
  let p = M(x)
  ${report}
  minimize mse(p, y) with SGD(lr: 0.02)
  epochs 10
  keep best ${name}
}
`
const kept = (report: string, name = "m"): unknown =>
  compileText({ path: "kept.nn", text: program(report, name) }).bundle.manifest.trains[0]?.keepBest

describe("the direction of a metric", () => {
  it.each([
    ["report m = l1(p, y)", "lower"],
    ["report m = huber(p, y)", "lower"],
    ["report m = rmse(p, y)", "lower"],
    ["report m = r2(p, y)", "higher"],
    ["report m = accuracy(p, y)", "higher"],
    ["report m = mape(p, y)", "lower"],
    ["let off = mape(p, y)  report m = off", "lower"],
    ["report m = higher_is_better(mean(p))", "higher"],
    ["report m = lower_is_better(-mean(p))", "lower"],
  ])("%s", (report, better) => expect(kept(report)).toEqual({ metric: "m", better }))

  it.each([
    ["loss", "report off = mean(p)", "lower"],
    ["accuracy", "report accuracy = mean(f32(abs(p - y) < 0.1))", "higher"],
    ["mape", "report mape = mean(abs((p - y) / y))", "lower"],
    ["l1", "report l1 = mean(abs(p - y))", "lower"],
  ])("a report called %s, as the loss or a function that says it", (metric, report, better) =>
    expect(kept(report, metric)).toEqual({ metric, better }),
  )

  it.each(["MAE", "distance", "brier", "kl", "val_loss_error"])("%s is asked for", (name) =>
    expect(() => kept(`report ${name} = mean(abs(p - y))`, name)).toThrow(
      `nothing says whether a higher or a lower \`${name}\` is better`,
    ),
  )
  it("is not that of what is computed from it", () =>
    expect(() => kept("report m = 1 - accuracy(p, y)")).toThrow("nothing says whether"))
})

it("the best checkpoint is that of the lowest error", () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, "kept.nn"), program("report off = mape(p, y)", "off"))
  expect(nnc(["train", "kept.nn", "--out", "out"], { cwd })).toMatchObject({ exit: 0 })
  const w = (kind: string): readonly number[] => {
    const path = join(cwd, `out/checkpoints/${kind}.safetensors`)
    const { bytes } = decodeTensors(path, readFileSync(path)).tensors.get("M.w")!
    return [...bytes]
  }
  expect(w("best")).toEqual(w("last"))
})
