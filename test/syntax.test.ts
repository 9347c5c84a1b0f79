/** test: text -> Ast -> text, and the messages for texts that are not programs. */
import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { MAX_NESTING } from "../grammar/layout.js"
import { cstTypes } from "../grammar/generate.js"
import { NnParser, parser } from "../grammar/parser.js"
import { syntaxCodes } from "../compiler/parse/codes.js"
import { format } from "../compiler/parse/format.js"
import { parse } from "../compiler/parse/parse.js"
import { printModule } from "../compiler/ir/ast/text.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import { renderDiagnostics } from "../compiler/source/render.js"
import type { SourceFile } from "../compiler/source/source.js"
import { casesIn, testCases } from "./support/cases.js"
import { fencedPrograms, programs } from "./support/programs.js"
import { randomModule, withoutSpans } from "./support/ast.js"

const read = (text: string, path = "test.nn") => {
  const diagnostics = new Diagnostics()
  const module = parse({ path, text }, diagnostics)
  return { module, messages: renderDiagnostics(diagnostics.all), codes: diagnostics.all.map((d) => d.code) }
}

/** The canonical text, or the messages, or (for warnings) both. */
testCases("syntax", ({ input, shownPath }) => {
  const diagnostics = new Diagnostics()
  const text = format({ path: shownPath, text: input }, diagnostics)
  return [text, diagnostics.all.length > 0 ? renderDiagnostics(diagnostics.all) : undefined]
    .filter((part) => part !== undefined)
    .join("----\n")
})

describe("every program reads, formats and reads back the same", () => {
  const cases = casesIn("syntax").map((c): SourceFile => ({ path: c.shownPath, text: c.input }))
  for (const file of [...programs(), ...fencedPrograms("grammar/language.md"), ...cases])
    test(file.path, () => {
      const diagnostics = new Diagnostics()
      const once = format(file, diagnostics)
      if (!cases.includes(file)) expect(renderDiagnostics(diagnostics.all)).toBe("")
      if (once === undefined) return
      expect(format({ path: file.path, text: once }, new Diagnostics())).toBe(once)
      expect(withoutSpans(read(once).module)).toEqual(withoutSpans(read(file.text).module))
      const comments = (text: string) => (text.match(/\/\/.*/g) ?? []).map((c) => c.trimEnd()).sort()
      expect(comments(once)).toEqual(comments(file.text))
    })
})

describe("the programs in the repository are as `nnc fmt` writes them", () => {
  test.each(programs())("$path", (file) => expect(format(file, new Diagnostics())).toBe(file.text))
})

test("any Ast prints as text that reads back as it, and formats as itself", () => {
  fc.assert(
    fc.property(randomModule, (module) => {
      const text = printModule(module)
      const back = read(text)
      expect(back.messages.replace(/^warning[^]*?(?=^error|$(?![^]))/gm, "")).toBe("")
      expect(withoutSpans(back.module)).toEqual(withoutSpans(module))
      expect(format({ path: "test.nn", text }, new Diagnostics())).toBe(text)
    }),
    { seed: 1, numRuns: 400 },
  )
})

test("any text gives a module, and a message when it is no program", () => {
  const words = [
    "fn",
    "f",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "x",
    "=",
    "|>",
    "-",
    "\n",
    ",",
    ":",
    "if",
    "train",
    "1",
    "with",
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 40 }), fc.string(), (tokens, noise) => {
      read(tokens.join(" "))
      read(tokens.join(" ") + noise)
    }),
    { seed: 2, numRuns: 1000 },
  )
})

describe("texts that are no programs get one message", () => {
  const one = (text: string, code: string) => expect(read(text).codes).toEqual([code])
  test("binary", () => one("\u0000\u0001fn f() {}", "syntax-not-text"))
  test("not UTF-8", () => one("fn f() { \ufffd }", "syntax-not-text"))
  test("huge", () => one("let a = 1\n".repeat(250_000), "syntax-too-large"))
  test("nested parentheses", () => one(`let a = ${"(".repeat(100_000)}`, "syntax-nesting"))
  test("nested blocks", () => one(`fn f() ${"{ if a ".repeat(100_000)}`, "syntax-nesting"))
  test("nested lists", () => one(`let a = ${"[".repeat(5000)}${"]".repeat(5000)}`, "syntax-nesting"))
  test("a long chain of operators", () => one(`let a = 1${" + 1".repeat(100_000)}`, "syntax-nesting"))
  test("a long chain of prefixes", () => one(`let a = ${"-".repeat(100_000)}1`, "syntax-nesting"))
  test("a long pipe", () => one(`let a = x${" |> f".repeat(50_000)}`, "syntax-nesting"))
  test("a long chain of calls", () => one(`let a = f${"()".repeat(50_000)}`, "syntax-nesting"))
  test("a long chain of else if", () =>
    one(`fn f() { if a {}${" else if a {}".repeat(20_000)} }`, "syntax-nesting"))
})

test("the deepest text that is read can be read and printed", () => {
  const depth = MAX_NESTING - 1
  const text = `let a = ${"f(".repeat(depth)}1${")".repeat(depth)}\n`
  expect(read(text).codes).toEqual([])
  const printed = printModule(read(text).module)
  expect(withoutSpans(read(printed).module)).toEqual(withoutSpans(read(text).module))
})

test("a thousand layers are read in linear time", () => {
  const text = `model M(x: f32[B, 8]) {\n  x${" |> Linear(8) |> relu".repeat(950)}\n}\n`
  expect(read(text).codes).toEqual([])
})

test("the grammar is sound", () => {
  expect(() => new NnParser(true)).not.toThrow()
})

test("cst.ts is what the rules say", async () => {
  expect(readFileSync(new URL("../grammar/cst.ts", import.meta.url), "utf8")).toBe(await cstTypes())
})

test("every rule has its section in the reference", () => {
  const reference = readFileSync(new URL("../grammar/language.md", import.meta.url), "utf8")
  for (const rule of Object.keys(parser.getGAstProductions()))
    expect(reference, `rule ${rule}`).toMatch(new RegExp(`^${rule}\\s+=`, "m"))
})

test("every syntax code has a case, and every case a page", () => {
  const shown = new Set(
    casesIn("syntax").flatMap((c) =>
      [...(c.expected ?? "").matchAll(/\[(syntax-[a-z-]+)\]/g)].map((m) => m[1]),
    ),
  )
  expect([...shown, "syntax-nesting"].sort()).toEqual(Object.keys(syntaxCodes).sort())
})
