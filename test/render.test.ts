/** test: diagnostics as code frames and JSON, suggestions, pages of codes. */
import { describe, expect, test } from "vitest"
import { codes } from "../compiler/driver/codes.js"
import type { Diagnostic } from "../compiler/source/diagnostic.js"
import { printPage } from "../compiler/source/codes.js"
import { diagnosticJson, renderDiagnostic, renderDiagnostics } from "../compiler/source/render.js"
import type { SourceFile, Span } from "../compiler/source/source.js"
import { editDistance, nearest, suggestions } from "../compiler/source/suggest.js"

const spanOf = (file: SourceFile, part: string): Span => {
  const start = file.text.indexOf(part)
  return { file, start, end: start + part.length }
}
const mnist: SourceFile = {
  path: "mnist.nn",
  text: "model M(x: f32[B, 784]) {\n  param w2: f32[128, 10] = zeros\n  let h = x @ w2\n  h\n}\n",
}
const mismatch: Diagnostic = {
  code: "matmul-c2",
  severity: "error",
  message: "the inner sizes of this matmul differ",
  primary: { span: spanOf(mnist, "x @ w2"), text: "784 columns on the left, 128 rows on the right" },
  related: [{ span: spanOf(mnist, "param w2: f32[128, 10]"), text: "w2 is declared here" }],
  help: "w1 is f32[784, 128]; did you mean `x @ w1`?",
  fix: { span: spanOf(mnist, "x @ w2"), replacement: "x @ w1" },
}

describe("a code frame", () => {
  test("names the place, shows the lines, says what to do", () =>
    expect(renderDiagnostic(mismatch)).toBe(
      [
        "error[matmul-c2]: the inner sizes of this matmul differ",
        "  --> mnist.nn:3:11",
        "    3 |   let h = x @ w2",
        "      |           ^^^^^^ 784 columns on the left, 128 rows on the right",
        "    2 |   param w2: f32[128, 10] = zeros",
        "      |   ---------------------- w2 is declared here",
        "  help: w1 is f32[784, 128]; did you mean `x @ w1`?",
        "",
      ].join("\n"),
    ))

  test("needs no place", () =>
    expect(
      renderDiagnostic({ code: "cli-flag", severity: "error", message: "no such flag", help: "one\ntwo" }),
    ).toBe("error[cli-flag]: no such flag\n  help: one\n        two\n"))

  test("shows the first line of a span over several", () => {
    const span = { file: mnist, start: 0, end: mnist.text.length }
    const text = renderDiagnostic({ ...bare, primary: { span, text: "all of it" } })
    expect(text).toContain("    1 | model M(x: f32[B, 784]) {\n      | ^^^^^^^^^^^^^^^^^^^^^^^^^ all of it\n")
  })

  test("lines up under tabs, and under an empty span", () => {
    const file = { path: "t.nn", text: "\tlet a = \t3" }
    expect(renderDiagnostic({ ...bare, primary: { span: spanOf(file, "3"), text: "" } })).toContain(
      "    1 |     let a =     3\n      |                 ^\n",
    )
    expect(
      renderDiagnostic({ ...bare, primary: { span: { file, start: 11, end: 11 }, text: "end" } }),
    ).toContain("^ end")
  })

  test("cuts a very long line around the label", () => {
    const file = { path: "t.nn", text: `let a = [${"1, ".repeat(1000)}oops]` }
    const frame = renderDiagnostic({ ...bare, primary: { span: spanOf(file, "oops"), text: "here" } })
    const [, , source = "", marks = ""] = frame.split("\n")
    expect(source.length).toBeLessThan(140)
    expect(source.slice(marks.indexOf("^"), marks.lastIndexOf("^") + 1)).toBe("oops")
  })

  test("names the other file of a related place", () => {
    const other = { path: "blocks.nn", text: "layer Block()(x: f32) { x }" }
    const related = [{ span: spanOf(other, "Block"), text: "declared here" }]
    expect(renderDiagnostic({ ...mismatch, related })).toContain("  --> blocks.nn:1:7\n    1 | layer Block")
  })

  test("widens for large line numbers, and reads Windows line ends", () => {
    const file = { path: "t.nn", text: "\r\n".repeat(12344) + "oops\r\n" }
    expect(renderDiagnostic({ ...bare, primary: { span: spanOf(file, "oops"), text: "here" } })).toBe(
      "warning[w]: careful\n     --> t.nn:12345:1\n   12345 | oops\n         | ^^^^ here\n",
    )
  })

  test("several are apart by an empty line", () =>
    expect(renderDiagnostics([bare, bare])).toBe("warning[w]: careful\n\nwarning[w]: careful\n"))
})

const bare: Diagnostic = { code: "w", severity: "warning", message: "careful" }

test("JSON has 1-based positions", () =>
  expect(diagnosticJson(mismatch)).toEqual({
    code: "matmul-c2",
    severity: "error",
    message: "the inner sizes of this matmul differ",
    primary: {
      file: "mnist.nn",
      start: { line: 3, column: 11 },
      end: { line: 3, column: 17 },
      text: "784 columns on the left, 128 rows on the right",
    },
    related: [
      {
        file: "mnist.nn",
        start: { line: 2, column: 3 },
        end: { line: 2, column: 25 },
        text: "w2 is declared here",
      },
    ],
    help: "w1 is f32[784, 128]; did you mean `x @ w1`?",
    fix: {
      file: "mnist.nn",
      start: { line: 3, column: 11 },
      end: { line: 3, column: 17 },
      replacement: "x @ w1",
    },
  }))

describe("suggestions", () => {
  test("a slip of the finger", () => expect(nearest("sigmiod", ["softmax", "sigmoid"])).toBe("sigmoid"))
  test("case alone", () => expect(nearest("relu", ["ReLU", "gelu"])).toBe("ReLU"))
  test("nothing near", () => expect(nearest("xyz", ["sigmoid", "relu"])).toBeUndefined())
  test("nearest first", () =>
    expect(suggestions("weigth", ["height", "weight"])).toEqual(["weight", "height"]))
  test("distance", () =>
    expect([editDistance("", "abc"), editDistance("ab", "ba"), editDistance("kitten", "sitting")]).toEqual([
      3, 1, 3,
    ]))
})

describe("pages", () => {
  for (const [code, page] of Object.entries(codes))
    test(code, () => {
      expect(code).toMatch(/^[a-z0-9_]+(-[a-z0-9]+)*$/)
      expect(page.title).not.toBe("")
      expect(printPage(code, page)).toMatch(new RegExp(`^${code}: `))
    })
})
