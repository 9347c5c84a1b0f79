// Raw rows become the inputs of a model as they did in the train section that its parameters come from.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { PredictFeed } from "../runtime/bundle/format.js"
import { compileText } from "./reference/compile-text.js"
import { nnc, temporaryFolder } from "./support/nnc.js"

const set = (
  name: string,
  by: number,
): string => `data ${name} = array(x: [${by}, ${2 * by}, ${3 * by}], y: [5.5, 6.5, 7.5]) {
  x: f32[1] = column("x") |> standardize
  raw: f32[1] = column("x")
  y: f32[1] = column("y")
}
`
const section = (name: string, on: string, call = "M(x)"): string => `train ${name} on ${on} {
  minimize mse(${call}, y) with SGD(lr: 0.5)
  report mean_raw = mean(raw) + mean(x)
  steps 50
}
`
const MODEL = "model M(x: f32[B, 1]) -> f32[B, 1] { x |> Linear(1) }\n"
const SETS = set("first", 100) + set("second", 1)

const feedsOf = (sections: string, model = MODEL): readonly PredictFeed[] =>
  compileText({ path: "m.nn", text: SETS + model + sections }).bundle.manifest.predicts[0]!.feeds.map(
    ({ targets: _, ...feed }) => feed,
  )
const feed = (train: string, data: string | null, field: string | null): PredictFeed => ({
  train,
  inputs: [{ name: "x", data, field }],
})

describe("an input is fed from", () => {
  it("the data of each section that calls the model", () =>
    expect(feedsOf(section("a", "first") + section("b", "second"))).toEqual([
      feed("a", "first", "x"),
      feed("b", "second", "x"),
    ]))
  it("the field that the call names, whatever the input is called", () =>
    expect(feedsOf(section("a", "second", "M(raw)"))).toEqual([feed("a", "second", "raw")]))
  it("the field of its name where the call computes something", () =>
    expect(feedsOf(section("a", "second", "M(raw + randn_like(raw))"))).toEqual([feed("a", "second", "x")]))
  it("either of the sets of a section", () => {
    const both = (call: string): string =>
      section("a", "first, second", call)
        .replace("y)", "first.y)")
        .replace("mean(raw) + mean(x)", "mean(first.x)")
    expect(feedsOf(both("M(second.raw)"))).toEqual([feed("a", "second", "raw")])
    expect(feedsOf(both("M(first.x + second.x)"))).toEqual([feed("a", "first", "x")])
  })
  it("what a prediction does, not what training alone does", () =>
    expect(feedsOf(section("a", "second", "M(if training { x * 2 } else { raw })"))).toEqual([
      feed("a", "second", "raw"),
    ]))
})

describe("nnc predict", () => {
  const project = (sections: string): string => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, "m.nn"), SETS + MODEL + sections)
    writeFileSync(join(cwd, "new.csv"), "x\n1\n2\n3\n")
    return cwd
  }
  const predicted = (cwd: string): { exit: number | null; err: string; rows: number[] } => {
    const { exit, out, err } = nnc(["predict", "m.nn", "--checkpoint", "run", "--data", "new.csv"], { cwd })
    return { exit, err, rows: out.trimEnd().split("\n").slice(1).map(Number) }
  }

  it.each([
    ["the one section there is", section("b", "second"), "b"],
    ["the second of two", section("a", "first") + section("b", "second"), "b"],
  ])("takes the transforms of the data that was trained on: %s", (_, sections, train) => {
    const cwd = project(sections)
    expect(nnc(["train", "m.nn", "--train", train, "--out", "run"], { cwd })).toMatchObject({ exit: 0 })
    predicted(cwd).rows.forEach((value, i) => expect(value).toBeCloseTo([5.5, 6.5, 7.5][i]!, 3))
  })

  it("asks, when sections disagree and the parameters are of none of them", () => {
    const other = "model N(x: f32[B, 1]) -> f32[B, 1] { x |> Linear(1) }\n"
    const cwd = project(
      `${other}${section("a", "first")}${section("b", "second")}${section("c", "second", "N(x)")}`,
    )
    expect(nnc(["train", "m.nn", "--train", "c", "--out", "run"], { cwd })).toMatchObject({ exit: 0 })
    const { exit, err } = nnc(
      ["predict", "m.nn", "--model", "M", "--checkpoint", "run", "--data", "new.csv"],
      { cwd },
    )
    expect(exit).toBe(1)
    expect(err).toContain('the train sections "a", "b" prepare the inputs of M in different ways')
  })

  it("needs no columns for an input that the model does not read", () => {
    const cwd = temporaryFolder()
    const masked = "model M(x: f32[B, 1], mask: f32[B, 1]) -> f32[B, 1] { x |> Linear(1) }\n"
    const mask = SETS.replaceAll("  y: f32[1]", '  m: f32[1] = column("y")\n  y: f32[1]')
    writeFileSync(join(cwd, "m.nn"), mask + masked + section("b", "second", "M(x, m)"))
    writeFileSync(join(cwd, "new.csv"), "x\n1\n2\n3\n")
    expect(nnc(["train", "m.nn", "--out", "run"], { cwd })).toMatchObject({ exit: 0 })
    predicted(cwd).rows.forEach((value, i) => expect(value).toBeCloseTo([5.5, 6.5, 7.5][i]!, 3))
  })

  it("gives a row for each row, of a model that reads none of them", () => {
    const cwd = temporaryFolder()
    const mean = "model M(x: f32[B, 1]) -> f32[B, 1] { param m: f32[1] = zeros\n expand(m, [B, 1]) }\n"
    writeFileSync(join(cwd, "m.nn"), SETS + mean + section("a", "first"))
    writeFileSync(join(cwd, "new.csv"), "x\n1\n2\n3\n")
    expect(nnc(["train", "m.nn", "--out", "run"], { cwd })).toMatchObject({ exit: 0 })
    const { rows } = predicted(cwd)
    expect(rows).toHaveLength(3)
    rows.forEach((value) => expect(value).toBeCloseTo(6.5, 3))
  })

  it("reads a file as the program reads its own, and as the command line says", () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, "m.csv"), "x;y\n1;2.5\n2;4.5\n")
    const data =
      'data d = csv("m.csv", delimiter: ";") { x: f32[1] = column("x") |> standardize, y: f32[1] = column("y") }\n'
    writeFileSync(join(cwd, "m.nn"), data + MODEL + section("a", "d").replace("mean(raw) + ", ""))
    expect(nnc(["train", "m.nn", "--out", "run"], { cwd })).toMatchObject({ exit: 0 })
    writeFileSync(join(cwd, "new.csv"), "y;x\n0;1\n0;2\n")
    const { rows } = predicted(cwd)
    expect(rows).toHaveLength(2)
    writeFileSync(join(cwd, "new.csv"), "y,x\n0,1\n0,2\n")
    expect(predicted(cwd)).toMatchObject({ exit: 1 })
    const asked = ["predict", "m.nn", "--checkpoint", "run", "--data", "new.csv", "--delimiter", ","]
    expect(nnc(asked, { cwd }).out.trimEnd().split("\n").slice(1).map(Number)).toEqual(rows)
  })
})
