// Sections that follow one another: each starts at step 0 from what the one before has learned, and killing a run in any of them changes
// no bit of what comes out.
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { checkText } from "./support/checked.js"
import { jsonLines, nnc, startNnc, temporaryFolder } from "./support/nnc.js"

const DATA = `data d = array(x: [[0, 0], [0, 1], [1, 0], [1, 1], [2, 1]], y: [0, 1, 1, 0, 1]) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
}
model Body(x: f32[B, 2]) -> f32[B, 8] { x |> Linear(8) |> BatchNorm1d |> tanh |> Dropout(0.1) }
model Auto(x: f32[B, 2]) -> f32[B, 2] { Body(x) |> Linear(2) }
model Net(x: f32[B, 2]) -> f32[B, 1] { Body(x) |> Linear(1) }
`
const PROGRAM = `${DATA}
train pretrain on d {
  minimize mse(Auto(x), x) with Adam(lr: 0.01)
  batch 3, shuffle, steps 6000, seed 1
  checkpoint every 300 steps, report every 300 steps
}
train finetune on d {
  minimize bce_with_logits(Net(x), y) with SGD(lr: 0.05, momentum: 0.9)
  batch 3, shuffle, steps 6000, seed 2
  checkpoint every 300 steps, report every 300 steps
}
`
const DEVICE = ["--device", "wasm", "--threads", "1"]
const LAST = "checkpoints/last.safetensors"

function project(text = PROGRAM): string {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, "m.nn"), text)
  return cwd
}
const tensorsOf = (path: string): Buffer => {
  const file = readFileSync(path)
  return file.subarray(8 + Number(file.readBigUInt64LE(0)))
}

/** Kills the run once `section` has saved a checkpoint. */
async function killedIn(section: string, cwd: string, args: readonly string[]): Promise<void> {
  const child = startNnc(["train", "m.nn", "--json", ...DEVICE, ...args], cwd)
  const exit = once(child, "exit")
  let said = ""
  child.stdout?.on("data", (text) => {
    said += String(text)
    const lines = said.split("\n")
    const from = lines.findIndex((line) => line.includes('"event":"start"') && line.includes(`"${section}"`))
    if (from >= 0 && lines.slice(from).some((line) => line.includes('"event":"checkpoint"')))
      child.kill("SIGKILL")
  })
  const [, signal] = (await exit) as [number | null, string | null]
  expect(signal).toBe("SIGKILL")
}

describe("two sections", () => {
  const cwd = project()

  test("run in order, the second from step 0 with what the first learned", () => {
    const run = nnc(["train", "m.nn", "--json", "--out", "whole", ...DEVICE], { cwd })
    const starts = jsonLines(run).filter(({ event }) => event === "start")
    expect(starts.map(({ train, step }) => [train, step])).toEqual([
      ["pretrain", 0],
      ["finetune", 0],
    ])
    const alone = ["--init", "whole/pretrain", "--train", "finetune", "--out", "alone"]
    expect(nnc(["train", "m.nn", ...alone, ...DEVICE], { cwd })).toMatchObject({ exit: 0 })
    expect(tensorsOf(join(cwd, "alone", LAST))).toEqual(tensorsOf(join(cwd, "whole/finetune", LAST)))
  })

  test.each(["pretrain", "finetune"])("killed in %s and resumed come to the same bits", async (section) => {
    await killedIn(section, cwd, ["--out", `killed in ${section}`])
    const resume = ["--resume", `killed in ${section}/${section}`]
    expect(nnc(["train", "m.nn", ...resume, ...DEVICE], { cwd })).toMatchObject({ exit: 0 })
    for (const each of ["pretrain", "finetune"])
      expect(tensorsOf(join(cwd, `killed in ${section}`, each, LAST)), each).toEqual(
        tensorsOf(join(cwd, "whole", each, LAST)),
      )
  })
})

describe("what a state starts from", () => {
  const stateful = (second: string): string => `${DATA}
optimizer Pulled(lr: f32)(p, g) {
  state anchor = p
  state m = ones
  m <- m
  p <- p - lr * (g + 0.1 * (p - anchor))
}
optimizer Other(lr: f32)(p, g) {
  state m = zeros_like(p)
  m <- m + g
  p <- p - lr * m
}
train first on d { minimize mse(Auto(x), x) with Other(lr: 0.01)  steps 3 }
train second on d { minimize mse(Auto(x), x) with ${second}  steps 1 }
`
  test("the parameters that were learned, not those that were drawn", () => {
    const cwd = project(stateful("Pulled(lr: 0)"))
    expect(nnc(["train", "m.nn", "--out", "out", ...DEVICE], { cwd })).toMatchObject({ exit: 0 })
    const file = readFileSync(join(cwd, "out/second", LAST))
    const length = Number(file.readBigUInt64LE(0))
    const header = JSON.parse(file.toString("utf8", 8, 8 + length)) as Record<
      string,
      { data_offsets: [number, number] }
    >
    const bytes = (name: string): Buffer =>
      file.subarray(...(header[name]!.data_offsets.map((at) => 8 + length + at) as [number, number]))
    expect(bytes("Body.linear.0.weight/anchor")).toEqual(bytes("Body.linear.0.weight"))
    // Two optimizers have an `m` that starts differently: each keeps its own.
    expect(bytes("Body.linear.0.weight/m.2").readFloatLE()).toBe(1)
    expect(bytes("Body.linear.0.weight/m").readFloatLE()).toBe(0)
  })
})

test("a parameter or a field that another section uses is not warned of", () => {
  const { diagnostics } = checkText(PROGRAM)
  expect(diagnostics.all).toEqual([])
  const { diagnostics: alone } = checkText(`${DATA}
train finetune on d { minimize mean(stop_gradient(Body(x))) + bce_with_logits(Net(x), y) over Net with SGD(lr: 0.1)  steps 1 }`)
  expect(alone.all.map(({ code }) => code)).toEqual(["param-no-gradient", "param-no-gradient"])
})
