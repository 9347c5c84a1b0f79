// Prettier with the plugin lays programs out as `nnc fmt` does.

import { format as prettier } from "prettier"
import { describe, expect, it } from "vitest"
import * as plugin from "../editors/prettier/src/index.js"
import { format } from "../compiler/parse/format.js"
import { Diagnostics } from "../compiler/source/diagnostic.js"
import { programs } from "./support/programs.js"

const formatted = (text: string, parser = "nn"): Promise<string> =>
  prettier(text, { parser, plugins: [plugin] })
/** The same program, laid out badly. */
const spoilt = (text: string): string => text.replace(/^ +/gm, " ").replace(/ (=|->) /g, "$1")

describe("every program is as `nnc fmt` writes it", () => {
  it.each(programs())("$path", async ({ path, text }) => {
    expect(await formatted(text)).toBe(text)
    expect(await formatted(spoilt(text))).toBe(format({ path, text: spoilt(text) }, new Diagnostics()))
  })
})

it("formats programs in Markdown, at their indentation", async () => {
  expect(await formatted("- a list\n\n  ```nn\n  fn f(x:f32) {\n  x\n  }\n  ```\n", "markdown")).toBe(
    "- a list\n\n  ```nn\n  fn f(x: f32) {\n    x\n  }\n  ```\n",
  )
})

it("formats nothing at all, and comments alone", async () => {
  expect(await formatted("")).toBe("")
  expect(await formatted("// a comment")).toBe("// a comment\n")
})

it("says where a mistake is", async () => {
  await expect(formatted("let a = 1\nlet b = (2\n")).rejects.toMatchObject({
    message: expect.stringMatching(/never closed.*\(2:9\)/s),
    loc: { start: { line: 2, column: 9 } },
  })
})
