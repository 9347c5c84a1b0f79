// Files of one table, named by a pattern: which are read, in which order, and which are refused.

import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parquetWriteBuffer } from "hyparquet-writer"
import { describe, expect, it } from "vitest"
import { whenConverted } from "../compiler/cli/convert/index.js"
import { fileHost } from "../compiler/cli/host.js"
import { hashOfPath } from "../compiler/cli/file-hash.js"
import { compile } from "../compiler/driver/compile.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { filesOf, withPaths } from "../runtime/data/sources/index.js"
import { temporaryFolder } from "./support/nnc.js"

const row = (x: number, ending: string): string | Uint8Array =>
  ({
    csv: `x,y\n${x},1\n`,
    jsonl: `{"x": ${x}, "y": 1}`,
    json: `[{"x": ${x}, "y": 1}]`,
    parquet: new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: "x", data: [x] },
          { name: "y", data: [1] },
        ],
      }),
    ),
  })[ending]!

/** A program on files in its own folder. */
async function compiled(files: Readonly<Record<string, string | Uint8Array>>, source: string) {
  const folder = temporaryFolder()
  mkdirSync(join(folder, "data"))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, "data", name), content)
  const path = join(folder, "p.nn")
  const text = `
data d = ${source} {
  x: f32[1] = column("x") |> minmax
  y: f32[1] = column("y")
}
model Net(x: f32[B, 1]) -> f32[B, 1] { x |> Linear(1) }
train on d {
  minimize mse(Net(x), y) with SGD(lr: 0.1)
  batch 1, steps 1
}`
  const host = fileHost(path)
  const { bundle, diagnostics } = await whenConverted(() =>
    compile({ path, text }, host, { target: DEFAULT_TARGET, devices: ["wasm"] }),
  )
  return {
    spec: bundle?.manifest.data[0],
    messages: diagnostics.map(({ message }) => message),
    help: diagnostics.map(({ help }) => help),
    folder,
    host,
  }
}

describe.each(["csv", "jsonl", "json", "parquet"])("%s", (ending) => {
  it("takes the rows of all files that match", async () => {
    const files = { [`b-2.${ending}`]: 7, [`b-1.${ending}`]: 3, [`c.${ending}`]: 1000 }
    const content = Object.fromEntries(Object.entries(files).map(([name, x]) => [name, row(x, ending)]))
    const { spec, messages } = await compiled(content, `${ending}("data/b-?.${ending}")`)
    expect(messages).toEqual([])
    expect(spec!.fields[0]!.stages).toEqual([
      { kind: "affine", from: "minmax", scale: [0.25], shift: [-0.75] },
    ])
    const read = filesOf("d", spec!.source)
    expect(read.map(({ key }) => key)).toEqual(["d", "d"])
    if (ending !== "parquet")
      expect(read.map(({ path }) => path)).toEqual([
        join("data", `b-1.${ending}`),
        join("data", `b-2.${ending}`),
      ])
  })
})

it("no file that matches is refused", async () => {
  const { messages } = await compiled({}, 'csv("data/b-*.csv")')
  expect(messages).toEqual(["no file matches data/b-*.csv"])
})

it("folders have no pattern", async () => {
  const { messages, help } = await compiled({}, 'csv("data-*/b.csv")')
  expect(messages[0]).toContain("data-*/b.csv cannot be read")
  expect(help).toEqual(["`*` and `?` stand for characters of a file's name, not of a folder"])
})

it("other columns in one of them are refused", async () => {
  const { messages } = await compiled({ "a.csv": "x,y\n1,2", "b.csv": "x\n1" }, 'csv("data/*.csv")')
  expect(messages).toEqual([`${join("data", "b.csv")} has no column "y", and ${join("data", "a.csv")} has`])
})

it("another path in their place is one file; a new file that matches is a change", async () => {
  const { spec, folder, host } = await compiled({ "a.csv": "x,y\n1,2\n2,3" }, 'csv("data/*.csv")')
  const other = withPaths("d", spec!.source, () => "other.csv")
  expect(filesOf("d", other)).toEqual([{ key: "d", path: "other.csv" }])
  const pattern = join(folder, "data/*.csv")
  expect(host.reads.get(pattern)).toBe(hashOfPath(pattern))
  writeFileSync(join(folder, "data/b.csv"), "x,y\n1,2")
  expect(host.reads.get(pattern)).not.toBe(hashOfPath(pattern))
})
