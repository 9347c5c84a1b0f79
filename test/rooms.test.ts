// The map of ARCHITECTURE.md holds: which room may import from which, and nothing that has to be looked after is without
// the test that looks after it.

import { computed } from "./support/registry.js"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { describe, expect, it } from "vitest"
import { allCodes } from "../compiler/cli/codes.js"

/** What a file in a room may import from, its own room aside. `root`: files directly in compiler/, which join the stages. */
const FOUNDATION = ["source", "ir-types"]
const STAGE = [...FOUNDATION, "ir", "ops", "pass", "grammar"]
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  source: [],
  "ir-types": ["source"],
  ops: FOUNDATION,
  ir: [...FOUNDATION, "ops", "pass"],
  pass: FOUNDATION,
  grammar: ["source"],
  parse: STAGE,
  check: STAGE,
  lower: STAGE,
  autodiff: STAGE,
  precision: STAGE,
  optimize: STAGE,
  reduce: STAGE,
  schedule: STAGE,
  summary: STAGE,
  memory: STAGE,
  codegen: [...STAGE, "bundle-format"],
  bundle: [...STAGE, "bundle-format"],
  "bundle-format": [],
  runtime: ["bundle-format"],
}
/** The command line joins compiler and runtime; the driver joins the stages, checks of translation look at it, and neither does
 *  I/O; the root gives it to others. */
const SEES_ALL = "cli"
const JOINS = ["driver", "validate", "root"]
const JOINS_NEVER = ["cli", "runtime"]

const files = ["compiler", "runtime", "grammar"].flatMap(typescriptFiles)

describe("imports point one way", () => {
  it.each(files)("%s", (file) => {
    const from = roomOf(file)
    for (const target of importsOf(file)) {
      const to = roomOf(target)
      if (to === from) continue
      if (JOINS.includes(from)) expect(JOINS_NEVER, `${file} imports ${target}`).not.toContain(to)
      else if (from !== SEES_ALL) expect(MAY_IMPORT[from], `${file} imports ${target}`).toContain(to)
    }
  })

  it("ts-morph is used in one file", () => {
    expect(files.filter((file) => /from "ts-morph"/.test(readFileSync(file, "utf8")))).toEqual([
      "compiler/bundle/host-module.ts",
    ])
  })
})

describe("everything is looked after", () => {
  const tests = testTexts()

  it.each(Object.keys(allCodes))("the code %s has a test that shows its message", (code) => {
    expect(tests.some((text) => text.includes(code))).toBe(true)
  })

  it.each(computed)("the op $name has samples", ({ def }) => {
    expect(def.samples.length).toBeGreaterThan(0)
  })
})

function roomOf(file: string): string {
  const parts = file.split("/")
  const [top, room = "", ...rest] = parts
  if (
    file === "runtime/bundle/format.ts" ||
    file === "runtime/bundle/wasm.ts" ||
    file === "runtime/bundle/golden.ts"
  )
    return "bundle-format"
  if (top !== "compiler") return top ?? ""
  if (["compiler/pass.ts", "compiler/target.ts"].includes(file)) return "pass"
  if (rest.length === 0) return room === "" ? "" : room === "ir" || !room.endsWith(".ts") ? room : "root"
  if (room === "ir") return isIrType(rest.join("/")) ? "ir-types" : "ir"
  return room
}

const isIrType = (path: string): boolean =>
  path.endsWith("/types.ts") || !path.includes("/") || /^kernels\/(scalar|philox)\.ts$/.test(path)

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8")
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]*)\.js"/g)].map(
    ([, path]) => `${normalize(join(dirname(file), path ?? ""))}.ts`,
  )
}

function typescriptFiles(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`
    if (statSync(path).isDirectory()) return typescriptFiles(path)
    return name.endsWith(".ts") ? [path] : []
  })
}

function testTexts(): string[] {
  const under = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name)
      return statSync(path).isDirectory() ? under(path) : [path]
    })
  return under("test")
    .filter((path) => /\.(ts|nn|txt|md|snap)$/.test(path) && !path.endsWith("rooms.test.ts"))
    .map((path) => readFileSync(path, "utf8"))
}
