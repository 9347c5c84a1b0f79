// Data that is wrong, as files: the messages of `nnc check` and `nnc train` before anything runs, and their lines of the program.

import { programsOf } from "../runtime/bundle/builds.js"
import { gzipSync } from "fflate"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { compile, type Compiled } from "../compiler/driver/compile.js"
import { positionAt } from "../compiler/source/source.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { temporaryFolder } from "./support/nnc.js"
import { npy } from "./support/npy.js"

type Content = string | Uint8Array

function compiled(program: string, files: Readonly<Record<string, Content>>, stopAfter = "graph"): Compiled {
  const folder = temporaryFolder()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const path = join(folder, "m.nn")
  return compile({ path, text: program }, fileHost(path), { target: DEFAULT_TARGET, stopAfter })
}

/** `code at LINE: message | help` of the only diagnostic. */
function said(program: string, files: Readonly<Record<string, Content>>): string {
  const { diagnostics } = compiled(program, files)
  expect(diagnostics).toHaveLength(1)
  const [{ code, message, primary, help }] = diagnostics as [(typeof diagnostics)[0]]
  const line = primary ? positionAt(primary.span.file, primary.span.start).line : 0
  return `${code} at ${line}: ${message}${help === undefined ? "" : ` | ${help.replace(/\/\S*\//g, "")}`}`
}

const csvProgram = `data rows = csv("rows.csv") {
  x: f32[2] = columns("a", "b") |> standardize
  y: i32 = column("y") |> classes(2)
}
train on rows {
  minimize cross_entropy(Linear(2)(x), y) with SGD(lr: 1.0)
  steps 4, batch 2
}
`
const filesProgram = (kind: string): string => `data rows = ${kind}(images: "images", labels: "labels") {
  x: f32[4] = column("images")
  y: i32 = column("labels")
}
train on rows {
  minimize cross_entropy(Linear(3)(x), y) with SGD(lr: 1.0)
  steps 4
}
`

const idx = (sizes: readonly number[], values: readonly number[]): Uint8Array =>
  Uint8Array.from([0, 0, 8, sizes.length, ...sizes.flatMap((n) => [0, 0, 0, n]), ...values])
const images = idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])
const labels = idx([2], [0, 2])

describe("csv", () => {
  it.each([
    ["a,c,y\n0,1,0\n", 'data-missing-column at 2: rows.csv has no column "b"'],
    ["a;b;y\n0;1;0\n", 'no column "a" | is ";" the delimiter of this file?'],
    ["1,2,0\n4,5,1\n", "the first row names the columns, and here it holds numbers"],
    ["a,b,y\n0,1,0\n1,red,1\n", 'data-not-a-number at 2: rows.csv: row 2 (line 3), column "b" is "red"'],
    ["a,b,y\n0,1,0\n1,nan,1\n", 'data-not-a-number at 2: rows.csv: row 2 (line 3), column "b" is "nan"'],
    ["a,b,y\n0,1,0\n1,,1\n", 'row 2 (line 3), column "b" is empty'],
    ["a,b,y\n0,1,0\n1,0\n", "data-ragged at 1: rows.csv: line 3 has 2 cells, the header has 3 columns"],
    [
      "a,b,y\n0,1,0\n1,1,2\n",
      'data-class at 3: rows.csv: row 2 (line 3), column "y": the label 2 is not one of',
    ],
    [
      "a,b,y\n0,1,1\n1,1,2\n",
      "here they go from 1 to 2: `categories(2)` in place of `classes(2)` numbers them from 0",
    ],
    ["a,b,y\n0,1,0\n1,1,3\n", "here they go from 0 to 3: write `classes(4)`, and give the model 4 outputs"],
    ["a,b,y\n0,1,0\n1,1,0.5\n", "here they go from 0 to 0.5: `|> categories(...)` as the first stage"],
    ["", "data-empty at 1: rows.csv is empty"],
    ["a,b,y\n", "data-empty at 1: rows.csv has a header and no rows"],
    ["PK\0\0", "data-format at 1: rows.csv is not a text file"],
    ["a,b,y\n0,1,0\n", "batch-rows at 7: a batch of 2 is never full, for `rows` has 1 row to train on"],
  ])("%j", (text, expected) => expect(said(csvProgram, { "rows.csv": text })).toContain(expected))

  it("a file that is not there", () =>
    expect(said(csvProgram, {})).toBe(
      'data-file at 1: data set "rows": rows.csv cannot be read: there is no such file | `--data rows=PATH` names another file',
    ))
  it("a batch that is never full, with `drop_last`", () => {
    const program = csvProgram.replace("batch 2", "batch 2, drop_last")
    const { diagnostics } = compiled(program, { "rows.csv": "a,b,y\n0,1,0\n" })
    expect(diagnostics.map(({ code, severity }) => [code, severity])).toEqual([["batch-rows", "error"]])
  })
  it("a row left over for a batch norm, unless `drop_last` leaves it out", () => {
    const program = csvProgram.replace("Linear(2)(x)", "x |> Linear(2) |> BatchNorm1d")
    const rows = { "rows.csv": "a,b,y\n0,1,0\n1,1,1\n1,0,1\n" }
    expect(said(program, rows)).toContain("the last batch of an epoch has 1 row: `rows` has 3 to train on")
    expect(compiled(program.replace("batch 2", "batch 2, drop_last"), rows).diagnostics).toEqual([])
  })
})

describe("windows over time", () => {
  const program = (length: number, windows: string): string => `data rows = csv("rows.csv") {
  past: f32[${length}] = column("x") |> window
  next: f32[1] = column("x") |> window(shift: ${length})
  ${windows}
}
train on rows {
  minimize mse(Linear(1)(past), next) with SGD(lr: 1.0)
  steps 4
}
`
  const rows = { "rows.csv": "t,s,x\n1,a,1\n2,a,2\n3,a,3\n1,b,4\n2,b,5\n3,b,6\n4,b,7\n" }
  it.each([
    [1, 'windows order: "time"', 'data-missing-column at 4: rows.csv has no column "time"'],
    [1, 'windows group: "shop"', 'data-missing-column at 4: rows.csv has no column "shop"'],
    [
      1,
      'windows order: "t"',
      'data-order at 4: rows.csv: row 4 (line 5), column "t" is the same as in row 1',
    ],
    [1, 'windows order: "s"', 'data-order at 4: rows.csv: row 1 (line 2), column "s" is "a"'],
    [4, 'windows order: "t", group: "s"', 'data-empty at 4: rows.csv: a window takes 5 rows of one "s"'],
    [7, "", "data-empty at 1: rows.csv: a window takes 8 rows"],
    [
      1,
      'windows order: "t", group: "s"\n  split train: 0.9, test: 0.1',
      "data-split at 5: a split of 5 rows into train 0.9, test 0.1 leaves no test rows (train: 5, test: 0) | " +
        "give that part a larger share, or leave it out; a part leaves out what overlaps the part before",
    ],
  ])("of %d with %s", (length, windows, expected) =>
    expect(said(program(length, windows), rows)).toContain(expected),
  )
})

describe("idx", () => {
  const say = (files: Readonly<Record<string, Content>>): string =>
    said(filesProgram("idx"), { images, labels, ...files })
  const damaged = gzipSync(images)
  damaged.set([1 ^ damaged.at(-12)!], damaged.length - 12)
  it.each([
    [
      { images: images.subarray(0, 20) },
      "data-truncated at 1: images is cut off: 24 bytes expected, 20 found",
    ],
    [{ images: gzipSync(images).subarray(0, 24) }, "data-truncated at 1: images cannot be unpacked"],
    [{ images: damaged }, "data-truncated at 1: images"],
    [{ images: "PNG" }, "data-format at 1: images is not an IDX file: it starts with 50 4e 47"],
    [{ images: "" }, "data-empty at 1: images is empty"],
    [
      { images: idx([2, 3], [1, 2, 3, 4, 5, 6]) },
      'data-shape at 2: data set "rows": field "x" is [4], 4 values',
    ],
    [{ labels: idx([3], [0, 1, 2]) }, 'data-rows-differ at 1: data set "rows": column "labels" has 3 rows'],
    [
      { labels: idx([2], [0, 3]) },
      'data-index at 3: labels: row 2, column "labels": 3 is not one of 0 to 2 | m.nn:6:12 uses it to pick one of 3',
    ],
  ])("%#", (files, expected) => expect(say(files)).toContain(expected))
})

describe("npy", () => {
  const y = npy("<i4", "(2,)", Int32Array.of(0, 1))
  const say = (x: Content): string => said(filesProgram("npy"), { images: x, labels: y })
  it.each([
    [npy("<f4", "(2, 3)", new Float32Array(6)), 'data-shape at 2: data set "rows": field "x" is [4]'],
    [npy("<c8", "(2, 4)", new Float32Array(16)), "data-format at 1: images holds elements of type <c8"],
    [npy("<f4", "(2, 4)", new Float32Array(7)), "data-truncated at 1: images is cut off"],
    [
      npy("<f4", "(2, 4)", new Float32Array(8).fill(NaN, 5, 6)),
      'data-not-a-number at 2: images: row 2, column "images": NaN',
    ],
    [Buffer.from("PK\u0003\u0004"), "data-format at 1: images is not an NPY file"],
  ])("%#", (x, expected) => expect(say(x)).toContain(expected))
})

describe("what indexes is in the bundle", () => {
  it("for fields and for what is fed", () => {
    const program = `data d = array(ids: [[0, 4], [1, 3]], y: [0, 1]) {
  ids: i32[2] = column("ids")
  y: i32 = column("y")
}
model Net(ids: i32[B, 2]) -> f32[B, 2] { ids |> Embedding(5, 4) |> mean(1) |> Linear(2) }
train on d {
  minimize cross_entropy(Net(ids), y) with SGD(lr: 1.0)
  steps 4
}
`
    const { bundle, diagnostics } = compiled(program, {}, "bundle")
    expect(diagnostics).toEqual([])
    const { data } = bundle!.manifest
    const programs = programsOf(bundle!.manifest)
    expect(data[0]!.fields.map(({ bounds }) => bounds?.map((b) => b?.below))).toEqual([[5], [2]])
    const fed = programs.find(({ name }) => name === "predict.Net")!.inputs[0]!
    expect(fed.bounds?.map((b) => b?.below)).toEqual([5])
  })
  it("and rows written in the program are checked while compiling", () =>
    expect(
      said(
        `data d = array(x: [[0, 4], [1, 3]], y: [0, 2]) {
  x: f32[2] = column("x")
  y: i32 = column("y")
}
train on d {
  minimize cross_entropy(Linear(2)(x), y) with SGD(lr: 1.0)
  steps 4
}`,
        {},
      ),
    ).toContain('data-index at 3: data set "d": row 2, column "y": 2 is not one of 0 to 1'))
})
