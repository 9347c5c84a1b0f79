/** `nnc reduce`: the smallest program that still fails in the same way. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { compile } from "../compiler/driver/compile.js"
import { parse } from "../compiler/parse/parse.js"
import { reduce } from "../compiler/reduce/reduce.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import { renderDiagnostics } from "../compiler/source/render.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { nnc, temporaryFolder } from "./support/nnc.js"

const PROGRAM = `let width = 64

data rows = array(x: [[1.0, 2.0], [3.0, 4.0]], y: [[1.0], [0.0]]) {
  x: f32[2] = column("x") |> standardize
  y: f32[1] = column("y")
}

model Net(x: f32[B, 2]) -> f32[B, 1] {
  let h = x |> Linear(width) |> tanh
  let bad = h @ h
  bad |> Linear(1)
}

train on rows {
  minimize mse(Net(x), y) with Adam(lr: 0.1)
  batch 2
  epochs 4
}
`

const said = (text: string): string => {
  const { diagnostics } = compile({ path: "m.nn", text }, fileHost("m.nn"), { target: DEFAULT_TARGET })
  return renderDiagnostics(diagnostics)
}

describe("a program that fails", () => {
  it.each([
    ["matmul-c", PROGRAM],
    ["name-unknown", PROGRAM.replace("|> tanh", "|> tanhh")],
  ])("with %s is reduced to a few lines that fail so, and parse", async (code, text) => {
    const module = parse({ path: "m.nn", text }, new Diagnostics())
    const reduced = await reduce(module, (each) => Promise.resolve(said(each).includes(code)))
    expect(said(reduced)).toContain(code)
    expect(reduced.trim().split("\n").length).toBeLessThanOrEqual(5)
    expect(reduced).not.toMatch(/train|data|64/)
  })
})

describe("nnc reduce", () => {
  it("writes the smallest program beside the program, and leaves nothing else", () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, "m.nn"), "model M(x: f32[B, 2]) -> f32[B, 3] {\n  let y = tanh(x)\n  x\n}\n")
    const { exit, err } = nnc(["reduce", "m.nn", "--run", "check", "--keep", "error["], { cwd: folder })
    expect({ exit, err }).toMatchObject({ exit: 0, err: expect.stringContaining("m.reduced.nn: ") })
    expect(readdirSync(folder).sort()).toEqual(["m.nn", "m.reduced.nn"])
    expect(readFileSync(join(folder, "m.reduced.nn"), "utf8")).not.toContain("tanh")
  })

  it("says what the program prints when that is not the failure", () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, "m.nn"), "model M(x: f32[B, 2]) -> f32[B, 2] {\n  x\n}\n")
    const { exit, err } = nnc(["reduce", "m.nn", "--run", "check", "--keep", "bug in nnc"], { cwd: folder })
    expect(exit).toBe(1)
    expect(err).toContain("error[reduce-nothing]")
    expect(err).toContain("no mistakes found")
    expect(existsSync(join(folder, "m.reduced.nn"))).toBe(false)
  })
})
