/** The text of graphs: reads back, complains at the right place; the scanner and notation under it. */
import { describe, expect, it } from "vitest"
import { parseGraph, parseGraphs, printGraph } from "../compiler/ir/graph/text.js"
import { verifyGraph } from "../compiler/ir/graph/verify.js"
import { parseOrigin, printNumber, printOrigin } from "../compiler/ir/text/notation.js"
import { Cursor, IrTextError, scan } from "../compiler/ir/text/scanner.js"
import { testCases } from "./support/cases.js"

const STEP = `graph step(
  x: f32[R, 30] data,  // cancer.nn:4:3
  target: f32[R, 1] data(y),
  rows: i32[B],
  step: i32 scalar,
  now: i32 scalar(epoch),
) {
  state @Classifier.linear.0.weight: f32[16, 30] param  // cancer.nn:10:8 in Classifier.linear.0
  state @Classifier.linear.0.weight/m: f32[16, 30] optimizer
  state @"odd name!": f32 state
  %8 = take x, rows {axis: 0} : f32[B, 30]  // cancer.nn:10:3
  %9 = transpose @Classifier.linear.0.weight {perm: [1, 0]} : f32[30, 16]
  %10 = matmul %8, %9 : f32[B, 16]  // cancer.nn:10:8 in Classifier.linear.0 by lower
  %11 = reshape %10 {shape: [4*B, 4]} : f32[4*B, 4]
  %12 = constant {value: -0.5, dtype: "f32"} : f32
  %13 = constant {value: inf, dtype: "f32"} : f32
  return loss.0 = %12
  return "x y" = %11
  update @Classifier.linear.0.weight/m = @Classifier.linear.0.weight
}
`

describe("print and parse", () => {
  it("gives the same text", () => expect(printGraph(parseGraph(STEP))).toBe(STEP))
  it("reads a well-formed graph", () => expect(verifyGraph(parseGraph(STEP))).toEqual([]))
  it("reads several graphs from one text", () =>
    expect(parseGraphs(STEP + STEP).map((g) => g.name)).toEqual(["step", "step"]))
  it("reads regions", () => {
    const text = `graph outer(x: f32[4]) {
  %1 = neg x : f32[4] with {  // a.nn:1:1
    graph turn(h: f32) {
      %1 = exp h : f32
      return h = %1
    }
  }
  return y = %1
}
`
    expect(printGraph(parseGraph(text))).toBe(text)
  })
})

describe("text that cannot be read", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["graph t(x: f99) {}", "1:12: unknown dtype `f99`; there are f32, f16, i32, u32, bool"],
    ["graph t() {\n  %x = neg y : f32\n}", "2:3: %x is not numbered; nodes are %0, %1, ..."],
    ["graph t() {\n  oops\n}", "2:3: expected a node (`%3 = ...`), `state`, `return`, `update` or `}`"],
    [
      "graph t(s: i32 scalar(time)) {}",
      "1:22: `time` is no run-time scalar; there are step, epoch, seed, start",
    ],
    ["graph t(x: f32) {\n  %1 = nothing x : f32\n}", "2:8: there is no operation `nothing`"],
    ["graph t() {\n  return y = #\n}", '2:14: unexpected character "#"'],
    ["graph t() {", "1:12: expected a node (`%3 = ...`), `state`, `return`, `update` or `}`"],
  ]
  it.each(cases)("%j", (text, message) => {
    expect(() => parseGraph(text)).toThrow(IrTextError)
    expect(() => parseGraph(text)).toThrow(message)
  })
})

describe("notation", () => {
  it.each([0, -0, 1, -1.5, 1e-300, 1e300, 0.1, NaN, Infinity, -Infinity, 2 ** 53])("number %d", (x) =>
    expect(new Cursor(printNumber(x)).number()).toBe(x),
  )
  it.each([
    { at: "a.nn:1:2" },
    { at: "with space.nn:1:2", in: "x.0" },
    { at: "", by: "autodiff" },
    { at: "", in: "x", by: "dce" },
    { at: "q.nn:1:1", in: "i", by: "b" },
  ])("origin %j", (origin) => expect(parseOrigin(printOrigin(origin))).toEqual(origin))
  it("keeps a comment with the token before it, on its line", () => {
    const tokens = scan("// title\na b // one\n// two\nc")
    expect(tokens.map((t) => [t.text, t.comment])).toEqual([
      ["a", undefined],
      ["b", "one"],
      ["c", undefined],
      ["", undefined],
    ])
  })
})

/** Broken graphs: the verifier's complaints, in order. */
testCases(
  "verify/graph",
  (c) =>
    verifyGraph(parseGraph(c.input))
      .map((x) => `${x.where}: ${x.message}\n`)
      .join(""),
  ".case",
)
