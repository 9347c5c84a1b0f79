// explain: the page of every code about the text of a program shows one that has exactly that mistake, and one that has none.
import { describe, expect, test } from "vitest"
import { constraintCodes } from "../compiler/check/codes-constraints.js"
import { checkCodes } from "../compiler/check/codes.js"
import { allCodes } from "../compiler/cli/codes.js"
import { wasmCodes } from "../compiler/codegen/wasm/codes.js"
import { codes, programCodes } from "../compiler/driver/codes.js"
import { type CompileHost, compile } from "../compiler/driver/compile.js"
import { memoryCodes } from "../compiler/memory/codes.js"
import { syntaxCodes } from "../compiler/parse/codes.js"
import { parseLibrary } from "../compiler/parse/library.js"
import { bug } from "../compiler/source/bug.js"
import { printPage, type ProgramPages } from "../compiler/source/codes.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { checkText } from "./support/checked.js"
import { programs } from "./support/programs.js"

const host: CompileHost = {
  stdlib: parseLibrary(programs().filter(({ path }) => path.startsWith("stdlib/"))),
  load: () => undefined,
  data: ({ name }) => bug(`data ${name} in a program that should have none`),
}
const compiled = (text: string): string[] => [
  ...new Set(
    compile({ path: "page.nn", text }, host, { target: DEFAULT_TARGET }).diagnostics.map((d) => d.code),
  ),
]

const rowsOf = (pages: ProgramPages) => Object.entries(pages).map(([code, page]) => ({ code, ...page }))

describe.each(rowsOf({ ...syntaxCodes, ...checkCodes, ...constraintCodes() }))("$code", (page) => {
  const codesOf = (text: string): string[] => [
    ...new Set(checkText(text, "page.nn", page.files).diagnostics.all.map((d) => d.code)),
  ]
  test("wrong", () => expect(codesOf(page.bad)).toEqual([page.code]))
  test("right", () => expect(codesOf(page.good)).toEqual([]))
})

describe.each(rowsOf(memoryCodes))("$code", ({ code, bad, good }) => {
  test("wrong", () => expect(compiled(bad)).toEqual([code]))
  test("right", () => expect(compiled(good)).toEqual([]))
})

test("the pages about programs are those of these rooms", () =>
  expect(Object.keys(programCodes).sort()).toEqual(
    Object.keys({ ...syntaxCodes, ...checkCodes, ...constraintCodes(), ...memoryCodes, ...wasmCodes }).sort(),
  ))

test("no page of a program is hidden by another of the same name", () =>
  expect(Object.keys(programCodes).filter((code) => allCodes[code] !== codes[code])).toEqual([]))

test("a page has the two programs, their imports and a sentence about PyTorch", () =>
  expect(
    printPage("a-code", {
      title: "a title",
      explanation: "Why.",
      bad: 'import "b.nn"',
      good: 'import "a.nn"',
      files: { "a.nn": "let a = 1" },
      pytorch: "It is an ImportError.",
    }),
  ).toBe(
    `a-code: a title

Why.

wrong:
    import "b.nn"

right:
    import "a.nn"

a.nn:
    let a = 1

in PyTorch: It is an ImportError.
`,
  ))
