// Bundles and callers that nobody vouches for: what they get wrong is refused with a code, and nothing outside is touched.

import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { CompileCache } from "../compiler/cli/compile-cache.js"
import { bundleOf } from "../compiler/cli/compile-file.js"
import { writeBundle } from "../compiler/cli/write-bundle.js"
import { loadBundle, openBundle, type Trainer } from "../runtime/node.js"
import { useMutated } from "./faults/manifests.js"
import { failure, rejection } from "./support/failure.js"
import { nnc, temporaryFolder } from "./support/nnc.js"

const PROGRAM = `data d = csv("d.csv") {
  x: f32[2] = columns("a", "b")
  y: f32[1] = column("y")
  split train: 0.6, test: 0.4, seed: 1
}
model M(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(4) |> tanh |> Linear(1) }
train on d { minimize mse(M(x), y) with Adam(lr: 0.01)  batch 2, shuffle, steps 5  keep best loss }
`
const ROWS = "a,b,y\n1,2,2\n2,1,4\n3,5,6\n0,4,1\n5,5,3\n"

/** A program with its data, and its bundle in `out`. */
async function project(): Promise<string> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, "p.nn"), PROGRAM)
  writeFileSync(join(folder, "d.csv"), ROWS)
  await writeBundle(bundleOf(join(folder, "p.nn"), { devices: ["wasm"] }), join(folder, "out"), folder)
  return folder
}

describe("a stranger's bundle", () => {
  let folder = ""
  beforeEach(async () => {
    folder = await project()
  })
  const edit = (from: string | RegExp, to: string): void => {
    const file = join(folder, "out/manifest.json")
    const text = readFileSync(file, "utf8")
    expect(text).toMatch(from)
    writeFileSync(file, text.replace(from, to))
  }
  const run = (...args: string[]): ReturnType<typeof nnc> =>
    nnc(["run", "out", "--device", "wasm", ...args], { cwd: folder })

  it.each([
    ["an absolute path", () => edit("data/d.csv", join(folder, "d.csv"))],
    ["a path upwards", () => edit("data/d.csv", "../d.csv")],
    [
      "a link",
      () => (
        symlinkSync(join(folder, "d.csv"), join(folder, "out/link.csv")),
        edit("data/d.csv", "link.csv")
      ),
    ],
  ])("reads no data outside of it by %s, unless it is allowed", (_, lead) => {
    lead()
    // The hash of the data file stays listed under its own path.
    edit(/"path": "([^"]*)"/, '"path": "$1"')
    const { exit, err } = run()
    expect({ exit, err }).toEqual({ exit: 1, err: expect.stringContaining("error[bundle-outside]: out: ") })
    expect(err).toContain("--allow-data")
    expect(run("--allow-data", "d.csv").exit).toBe(0)
    expect(run("--data", "d=d.csv").exit).toBe(0)
  })

  it("runs no code from outside of it", () => {
    edit('"kernels.wasm": "', '"../kernels.wasm": "')
    writeFileSync(join(folder, "kernels.wasm"), readFileSync(join(folder, "out/kernels.wasm")))
    expect(run().err).toContain("error[bundle-outside]: out: ../kernels.wasm lies outside of the bundle")
  })

  it.each([
    ['"batch": 2', '"batch": "2"', 'trains.0.batch: expected number, found "2"'],
    ['"batch": 2', '"batch": 2.5', "trains.0.batch: expected"],
    ['"name": "p"', '"name": ["p"]', "name: expected string, found Array"],
    ['"step": "step"', '"step": "stop"', 'trains.0.step: there is no "stop"'],
    ['"role": "param"', '"role": "boss"', "slots.0.role: expected"],
    ['"files": {', '"files": { "x": "y",', "files.x: expected"],
    ['"shuffle": true', '"shuffle": true, "shuffled": true', "trains.0.shuffled: expected never"],
  ])("with %s as %s is refused by the path of the value", (from, to, said) => {
    edit(from, to)
    const { exit, err } = run()
    expect(err).toContain("error[bundle-corrupt]: out: manifest.json: ")
    expect(err).toContain(said)
    expect(exit).toBe(1)
  })

  it("whose name leads elsewhere has its runs below runs/", () => {
    edit('"name": "p"', '"name": "../../p\\u001b[2J"')
    const { exit, err } = run()
    expect({ exit, err }).toMatchObject({ exit: 0, err: expect.stringContaining("in runs/.._.._p__2J-1/") })
  })

  it("that is changed anywhere is used or refused, never a bug, and writes nowhere else", async () => {
    const { wrong } = await useMutated(join(folder, "out"), temporaryFolder(), 60, 1)
    expect(wrong).toEqual([])
  })
})

describe("a trainer", () => {
  let [folder, trainer]: [string, Trainer | undefined] = ["", undefined]
  const open = (): Trainer => trainer!
  beforeAll(async () => {
    folder = await project()
    trainer = await loadBundle(join(folder, "out"), { device: "wasm", threads: 1 })
  })
  afterAll(() => trainer?.close())

  it("refuses a second call while one is under way", async () => {
    const training = open().train()
    const others: Record<string, () => Promise<unknown>> = {
      train: () => open().train(),
      evaluate: () => open().evaluate(),
      predict: () => open().predict("M", { x: [1, 2] }),
      parameters: () => open().parameters(),
      save: () => open().save(join(folder, "s.safetensors")),
    }
    for (const [call, act] of Object.entries(others))
      expect(await rejection(act())).toEqual([
        "session-busy",
        `\`${call}\` was called while \`train\` is under way`,
        expect.stringContaining("await `train` first"),
      ])
    expect(failure(() => open().setParameters({}))[0]).toBe("session-busy")
    expect(failure(() => open().initialise(1))[0]).toBe("session-busy")
    expect((await training).step).toBe(5)
    expect((await open().train()).step, "after one that was refused").toBe(5)
  })

  it.each<[string, unknown, string]>([
    ["too few", [1], "a row has 2"],
    ["NaN", [1, NaN], 'element 1 of input "x" is NaN, not a finite number that f32 holds'],
    ["infinite", [1, Infinity], "element 1"],
    ["more than f32 holds", [1, 1e39], "is 1e+39"],
    ["texts", ["1", "2"], 'element 0 of input "x" is "1"'],
    ["rows of their own", [[1, 2]], "is an array"],
    ["big integers", new BigInt64Array(2), "element 0"],
    ["no array", { length: 2 }, "is an object, not an array of numbers"],
    ["nothing", null, "is null"],
    ["one number", 5, "is a number"],
    ["holes", Array.from({ length: 2 }), "is undefined"],
  ])("refuses inputs that are %s", async (_, x, said) => {
    const [code, message] = await rejection(open().predict("M", { x: x as number[] }))
    expect(code).toMatch(/^input-(value|shape)$/)
    expect(message).toContain(said)
  })

  it("hands on what a function of the caller throws", async () => {
    const own = new Error("enough")
    const onEvent = (): never => {
      throw own
    }
    await expect(open().train({ onEvent })).rejects.toBe(own)
  })

  it("takes all parameters that are given, or none", async () => {
    const bias = (await open().parameters()).get("M.linear.1.bias")?.values
    const given = { "M.linear.1.bias": [7], "M.linear.0.bias": [1, 2, NaN, 4] }
    expect(failure(() => open().setParameters(given)).slice(0, 2)).toEqual([
      "input-value",
      'element 2 of "M.linear.0.bias" is NaN, not a finite number that f32 holds',
    ])
    expect((await open().parameters()).get("M.linear.1.bias")?.values).toEqual(bias)
  })

  it.each<[object, string]>([
    [{ epoch: 5 }, '`train` has no option "epoch"'],
    [{ steps: 1.5 }, 'the option "steps" of `train` is 1.5; it takes a whole number'],
    [{ steps: "5" }, 'is "5"'],
    [{ epochs: -1 }, "is -1"],
    [{ seed: -1 }, "is -1"],
    [{ seed: 2 ** 32 }, "is 4294967296"],
    [{ seed: NaN }, "is NaN"],
    [{ onEvent: 5 }, "it takes a function"],
    [{ reportEvery: 10 }, "it takes { unit"],
    [{ reportEvery: { unit: "steps", count: 0 } }, "report every is 0"],
    [{ signal: {} }, "it takes an AbortSignal"],
    [{ runFolder: 5 }, "it takes a text"],
    [{ epochs: 1, steps: 1 }, "both epochs and steps"],
  ])("refuses the options %j", async (options, said) => {
    const [code, message] = await rejection(open().train(options))
    expect([code, message]).toEqual(["bad-option", expect.stringContaining(said)])
  })

  it.each<object>([{ device: "gpu" }, { threads: 0 }, { threads: 1.5 }, { data: {} }, { treads: 2 }])(
    "is not opened with the options %j",
    async (options) => {
      const bundle = bundleOf(join(folder, "p.nn"), { devices: ["wasm"] })
      expect((await rejection(openBundle(bundle, folder, options)))[0]).toBe("bad-option")
    },
  )

  it("refuses everything after it was closed, and closes once", async () => {
    const other = await loadBundle(join(folder, "out"), { device: "wasm", threads: 1 })
    other.close()
    other.close()
    for (const act of [() => other.train(), () => other.evaluate(), () => other.predict("M", { x: [1, 2] })])
      expect((await rejection(act()))[0]).toBe("session-closed")
    expect(failure(() => other.setParameters({}))).toEqual([
      "session-closed",
      "`setParameters` was called after `close`",
      "load the bundle again",
    ])
  })
})

describe.skipIf(process.platform === "win32")("the cache of compiled programs", () => {
  const [asked, entry] = [["p"], { bundle: { manifest: {} }, diagnostics: [] }] as const
  const kept = (folder: string): unknown => new CompileCache(folder, "a").find(asked)

  it.each([
    ["an entry", (_: string, file: string) => chmodSync(file, 0o666)],
    ["the folder", (folder: string) => chmodSync(folder, 0o777)],
  ])("does not use what others may write: %s", (_, open) => {
    const folder = join(temporaryFolder(), "nnc")
    new CompileCache(folder, "a").keep(asked, entry as never, new Map())
    expect(kept(folder)).toEqual(entry)
    const [file = ""] = readdirSync(folder)
    open(folder, join(folder, file))
    expect(kept(folder)).toBeUndefined()
  })

  it("is not written to a folder that others may write", () => {
    const folder = join(temporaryFolder(), "nnc")
    mkdirSync(folder)
    chmodSync(folder, 0o777)
    new CompileCache(folder, "a").keep(asked, entry as never, new Map())
    expect(readdirSync(folder)).toEqual([])
  })
})
