// `nnc export` writes the values that prediction reads, under the names that other programs use.

import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { decodeTensors, type TensorFile } from "../runtime/node.js"
import { jsonLines, nnc, temporaryFolder } from "./support/nnc.js"

const PROGRAM = `data rows = csv("rows.csv") {
  x: f32[2] = columns("a", "b")
  y: i32 = column("y") |> classes(2)
}
model Net(x: f32[B, 2]) -> f32[B, 2] { x |> Linear(4) |> BatchNorm1d() |> Linear(2) }
model Other(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(1) }
train on rows {
  minimize cross_entropy(Net(x), y) + mean(square(Other(x))) with SGD(lr: 0.1, momentum: 0.9)
  steps 20
  keep average ema(decay: 0.5)
}
`
const LAST = "runs/net-1/checkpoints/last.safetensors"

describe("nnc export", () => {
  const cwd = temporaryFolder()
  const tensorsOf = (name: string): TensorFile["tensors"] =>
    decodeTensors(name, readFileSync(join(cwd, name))).tensors
  beforeAll(() => {
    writeFileSync(join(cwd, "net.nn"), PROGRAM)
    writeFileSync(join(cwd, "rows.csv"), "a,b,y\n0,1,0\n1,0,1\n1,1,1\n0,0,0\n")
    expect(nnc(["train", "net.nn"], { cwd }).exit).toBe(0)
    expect(nnc(["export", "net.nn", "-o", "all.safetensors"], { cwd })).toMatchObject({
      exit: 0,
      err: `all.safetensors: 10 tensors, 41 values, from ${LAST}\n`,
    })
  })

  it("writes averages in place of their parameters, running values, and nothing of the optimizer", () => {
    const [all, saved] = [tensorsOf("all.safetensors"), tensorsOf(LAST)]
    expect([...all.keys()].filter((name) => name.includes("/"))).toEqual([])
    expect(all.get("Net.linear.0.weight")?.bytes).toEqual(saved.get("Net.linear.0.weight/average")?.bytes)
    expect(all.get("Net.linear.0.weight")?.bytes).not.toEqual(saved.get("Net.linear.0.weight")?.bytes)
    const running = [...all.keys()].filter((name) => name.includes("running"))
    expect(running).not.toEqual([])
    for (const name of running) expect(all.get(name)).toEqual(saved.get(name))
  })

  it("gives a file that predicts the same as the checkpoint", () => {
    const predicted = (checkpoint: string): string =>
      nnc(["predict", "net.nn", "--model", "Net", "--data", "rows.csv", "--checkpoint", checkpoint], { cwd })
        .out
    expect(predicted("all.safetensors")).toBe(predicted(LAST))
    expect(predicted(LAST).split("\n")).toHaveLength(6)
  })

  it("takes one model alone, its name left out; from a bundle too", () => {
    expect(nnc(["compile", "net.nn", "-o", "out"], { cwd }).exit).toBe(0)
    for (const program of ["net.nn", "out"]) {
      const result = nnc(["export", program, "-o", "other.safetensors", "--model", "Other", "--json"], {
        cwd,
      })
      expect(jsonLines(result)).toEqual([
        {
          event: "end",
          out: "other.safetensors",
          checkpoint: LAST,
          tensors: ["linear.0.weight", "linear.0.bias"],
          values: 3,
        },
      ])
      expect([...tensorsOf("other.safetensors")].map(([name, { shape }]) => [name, shape])).toEqual([
        ["linear.0.weight", [1, 2]],
        ["linear.0.bias", [1]],
      ])
    }
  })

  it("writes a folder for the Hugging Face Hub, with metrics that it measures, whose weights nnc reads back", () => {
    const single = PROGRAM.replace(/model Other.*\n/, "").replace(" + mean(square(Other(x)))", "")
    const classes = single
      .replace("classes(2)", "categories(2)")
      .replace("steps 20", "report accuracy = accuracy(Net(x), y)\n  steps 20")
    writeFileSync(join(cwd, "one.nn"), classes.replace("rows.csv", "named.csv"))
    writeFileSync(join(cwd, "named.csv"), "a,b,y\n0,1,cat\n1,0,dog\n1,1,dog\n0,0,cat\n")
    expect(nnc(["train", "one.nn"], { cwd }).exit).toBe(0)
    expect(nnc(["export", "one.nn", "--to", "huggingface", "-o", "hub"], { cwd })).toMatchObject({
      exit: 0,
      err: expect.stringContaining("hub: Net in 4 files, 38 values"),
    })
    const read = (name: string): string => readFileSync(join(cwd, "hub", name), "utf8")
    expect(JSON.parse(read("config.json"))).toMatchObject({
      architectures: ["Net"],
      inputs: { x: ["batch", 2] },
      id2label: { 0: "cat", 1: "dog" },
    })
    expect(read("README.md")).toMatch(/- \{type: "accuracy", value: [\d.]+\}/)
    expect(read("one.nn")).toContain("model Net")
    const { tensors, metadata } = decodeTensors("hub", readFileSync(join(cwd, "hub/model.safetensors")))
    expect(metadata).toMatchObject({ format: "pt" })
    expect([...tensors.keys()]).toContain("linear.0.weight")
    const predicted = (...of: string[]): string =>
      nnc(["predict", "one.nn", "--data", "named.csv", ...of], { cwd }).out
    expect(predicted("--checkpoint", "hub/model.safetensors")).toBe(predicted())
  })

  it.each([
    [["net.nn", "-o", "weights.pt"], 2, "does not end in .safetensors or .onnx"],
    [["net.nn"], 2, "--out"],
    [["net.nn", "-o", "x.safetensors", "--model", "Nut"], 1, 'did you mean "Net"?'],
    [["net.nn", "-o", "x.safetensors", "--checkpoint", "gone"], 1, "error[checkpoint-missing]"],
    [["net.nn", "-o", "net.nn/x.safetensors"], 3, "error[checkpoint-write]"],
  ])("%j is refused", (args, exit, said) => {
    expect(nnc(["export", ...args], { cwd })).toMatchObject({ exit, err: expect.stringContaining(said) })
  })
})
