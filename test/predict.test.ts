// `nnc predict` and the typed trainer, from a program to rows that say what they mean.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { jsonLines, nnc, temporaryFolder } from "./support/nnc.js"
import { inMemory } from "../runtime/data/file.js"
import { parquetReadObjects } from "hyparquet"
import { compressors } from "hyparquet-compressors"
import { parseNpy } from "../runtime/data/npy.js"

const PROGRAM = `data fruit = csv("fruit.csv") {
  x: f32[2] = columns("a", "b") |> standardize
  kind: i32 = column("kind") |> categories(3)
  price: f32 = column("price") |> standardize
  split train: 0.75, test: 0.25, seed: 1
}
model Both(x: f32[B, 2]) {
  let h = x |> Linear(16) |> tanh
  (h |> Linear(3), squeeze(h |> Linear(1), 1))
}
model Kind(x: f32[B, 2]) -> f32[B, 3] { x |> Linear(16) |> tanh |> Linear(3) }
train on fruit {
  let (scores, price_) = Both(x)
  let more = Kind(x)
  minimize cross_entropy(scores, kind) + mse(price_, price) + cross_entropy(more, kind) with Adam(lr: 0.02)
  report confusion = confusion_matrix(scores, kind)
  epochs 60, seed 1, batch 16
}
`
const KINDS = ["apple", "fig, dried", "pear"]
const kindOf = (i: number): number => (i * 7) % 3
const rowOf = (i: number): string =>
  `${String(i).padStart(3, "0")},${kindOf(i) + (i % 5) / 20},${-kindOf(i)},"${KINDS[kindOf(i)]}",${1000 + 100 * kindOf(i)}`
const TABLE = `id,a,b,kind,price\n${Array.from({ length: 60 }, (_, i) => rowOf(i)).join("\n")}\n`

describe("a network with two kinds of targets", () => {
  const cwd = temporaryFolder()
  beforeAll(() => {
    writeFileSync(join(cwd, "fruit.nn"), PROGRAM)
    writeFileSync(join(cwd, "fruit.csv"), TABLE)
    writeFileSync(join(cwd, "new.csv"), TABLE.split("\n").slice(0, 7).join("\n"))
    expect(nnc(["train", "fruit.nn", "--out", "run"], { cwd })).toMatchObject({ exit: 0 })
  })
  const predict = (...more: string[]) =>
    nnc(["predict", "fruit.nn", "--checkpoint", "run", "--data", "new.csv", ...more], { cwd })

  it("names classes, gives probabilities, and values in the unit of the column", () => {
    const rows = jsonLines(predict("--model", "Both", "--keep", "id,kind", "--json"))
    expect(rows).toHaveLength(6)
    rows.forEach((row, i) => {
      expect(row).toMatchObject({
        row: i,
        id: `00${i}`,
        kind: KINDS[kindOf(i)],
        "output.0": KINDS[kindOf(i)],
      })
      const probabilities = KINDS.map((kind) => Number(row[`output.0.${kind}`]))
      expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
      expect(Math.abs(Number(row["output.1"]) - (1000 + 100 * kindOf(i)))).toBeLessThan(25)
    })
  })

  it("--raw gives what the model gives", () => {
    const [row] = jsonLines(predict("--model", "Both", "--raw", "--json"))
    expect(row).toMatchObject({ "output.0": [expect.any(Number), expect.any(Number), expect.any(Number)] })
    expect(Math.abs(Number(row!["output.1"]))).toBeLessThan(3)
  })

  it("--out writes what stdout shows, or an array of NumPy", async () => {
    const shown = predict("--model", "Kind", "--keep", "id").out
    for (const name of ["p.csv", "p.jsonl", "p.npy", "p.parquet"])
      expect(
        predict("--model", "Kind", ...(name === "p.npy" ? [] : ["--keep", "id"]), "--out", name),
      ).toMatchObject({
        exit: 0,
        out: "",
      })
    expect(readFileSync(join(cwd, "p.csv"), "utf8")).toBe(shown)
    expect(readFileSync(join(cwd, "p.jsonl"), "utf8").trim().split("\n")).toHaveLength(6)
    const { shape, values } = parseNpy("p.npy", "p", inMemory(readFileSync(join(cwd, "p.npy"))))
    expect([values.length, shape]).toEqual([18, [3]])
    const [, first] = shown.split("\n")
    const file = new Uint8Array(readFileSync(join(cwd, "p.parquet"))).buffer
    const table = await parquetReadObjects({ file, compressors })
    expect(table).toHaveLength(6)
    expect(Object.values(table[0]!).map(String)).toEqual(
      first!.split(",").map((cell, i) => (i < 2 ? cell : expect.stringContaining(cell.slice(0, 5)))),
    )
    expect(
      first!
        .split(",")
        .slice(-3)
        .map((cell) => Math.fround(Number(cell))),
    ).toEqual(Array.from(values.slice(0, 3)))
  })

  it.each([
    ["an ending that is no format", ["--model", "Kind", "--out", "p.txt"], ".csv, .jsonl"],
    ["two outputs as one array", ["--model", "Both", "--out", "two.npy"], "the model has 2 outputs"],
    [
      "columns beside an array",
      ["--model", "Kind", "--keep", "id", "--out", "two.npy"],
      "--keep passes columns on",
    ],
    [
      "a kept column that is not there",
      ["--model", "Kind", "--keep", "name", "--out", "two.csv"],
      'no column "name"',
    ],
    ["--json and a file", ["--model", "Kind", "--json", "--out", "two.csv"], "cannot be used with"],
  ])("refuses %s, and leaves no file", (_, args, said) => {
    const { exit, err } = predict(...args)
    expect(err).toContain(said)
    expect(exit).toBeGreaterThan(0)
    expect(readdirSync(cwd).filter((name) => /^two|\.txt|\.tmp/.test(name))).toEqual([])
  })

  it("a row that is wrong ends it after many right ones, and leaves no file", () => {
    const rows = Array.from({ length: 120_000 }, (_, i) => rowOf(i))
    rows[110_000] = "x,1,2,apple,?"
    rows[115_000] = "x,none,2,apple,3"
    writeFileSync(join(cwd, "long.csv"), `id,a,b,kind,price\n${rows.join("\n")}\n`)
    const { exit, err } = predict("--data", "long.csv", "--model", "Kind", "--out", "long-out.csv")
    expect({ exit, err }).toMatchObject({
      exit: 1,
      err: expect.stringContaining("row 115001 (line 115002)") as string,
    })
    expect(existsSync(join(cwd, "long-out.csv"))).toBe(false)
  })

  it("metrics by class have the names of classes, in `evaluate` and in the report", () => {
    const { out } = nnc(["evaluate", "fruit.nn", "--checkpoint", "run"], { cwd })
    expect(out).toMatch(/confusion\n +apple +fig, dried +pear\n +apple +\d+ +0 +0\n/)
    expect(/<th class="number">fig, dried/.test(readFileSync(join(cwd, "run/report.html"), "utf8"))).toBe(
      true,
    )
  })

  it("the typed trainer gives the same, with the names as a union", () => {
    expect(nnc(["compile", "fruit.nn", "-o", "out"], { cwd })).toMatchObject({ exit: 0 })
    mkdirSync(join(cwd, "node_modules"))
    symlinkSync(resolve("node_modules/webgpu"), join(cwd, "node_modules/webgpu"))
    const script = `import { load } from "./out/trainer.js"
const trainer = await load()
await trainer.restore("run/checkpoints/last.safetensors")
const { output } = await trainer.predict("Kind", [{ a: 0, b: 0 }, { a: 2.1, b: -2 }])
const kinds: readonly ("apple" | "fig, dried" | "pear")[] = output.classes
// @ts-expect-error there is no such class
const other: readonly "plum"[] = output.classes
const both = await trainer.predict("Both", [{ a: 0, b: 0 }])
const price: Float64Array = both["output.1"].values
const raw = await trainer.predict("Kind", [{ a: 0, b: 0 }], { raw: true })
console.log(JSON.stringify({ kinds, p: output.probabilities.shape, near: Math.round(price[0]! / 100), raw: raw.output.shape, other: other.length }))
trainer.close()
`
    writeFileSync(join(cwd, "use.mts"), script)
    const compilerOptions = {
      strict: true,
      module: "nodenext",
      target: "es2022",
      types: [],
      skipLibCheck: true,
      lib: ["es2022", "dom"],
    }
    writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.mts"] }))
    const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd, encoding: "utf8" })
    expect(run(resolve("node_modules/typescript/bin/tsc"))).toMatchObject({ status: 0, stdout: "" })
    const { stdout, stderr } = run("use.mjs")
    expect(stderr).toBe("")
    expect(JSON.parse(stdout)).toEqual({
      kinds: ["apple", "pear"],
      p: [2, 3],
      near: 10,
      raw: [1, 3],
      other: 2,
    })
  })
})
