// Repairs: after the change of the text that a message suggests, the mistake is gone.

import { describe, expect, it } from "vitest"
import { applyFixes } from "../compiler/source/fixes.js"
import type { Diagnostic } from "../compiler/source/diagnostic.js"
import { casesIn } from "./support/cases.js"
import { checkText } from "./support/checked.js"

const wrong = casesIn("errors").map(({ name, input }) => ({ name, input }))
const diagnosed = (text: string): readonly Diagnostic[] => checkText(text).diagnostics.all
const withFixes = wrong.filter(({ input }) => diagnosed(input).some(({ fix }) => fix))

/** A mistake, as it is told apart from others of the same code. */
const saidOf = ({ code, message }: Diagnostic): string => `${code}: ${message}`

it("many cases have one", () => {
  expect(withFixes.length).toBeGreaterThan(1)
})

describe("after its repair a mistake is gone, and no other has come", () => {
  it.each(withFixes)("$name", ({ input }) => {
    const before = diagnosed(input)
    const [repaired] = applyFixes(before)
    const after = diagnosed(repaired!.text)
    const mended = before.filter(({ fix }) => fix).map(saidOf)
    const left = before.filter(({ fix }) => !fix).map(saidOf)
    for (const each of after.map(saidOf)) {
      expect(mended).not.toContain(each)
      expect(left).toContain(each)
    }
  })
})

describe("repairs of one text", () => {
  const file = { path: "a.nn", text: "one two three" }
  const fix = (start: number, end: number, replacement: string): Diagnostic => ({
    code: "c",
    severity: "error",
    message: "m",
    fix: { span: { file, start, end }, replacement },
  })

  it("are made together, whatever their order", () =>
    expect(applyFixes([fix(8, 13, "3"), fix(0, 3, "1")])).toEqual([{ file, text: "1 two 3", count: 2 }]))
  it("wait where they overlap", () =>
    expect(applyFixes([fix(0, 7, "1 2"), fix(4, 13, "2 3")])).toEqual([
      { file, text: "1 2 three", count: 1 },
    ]))
})
