/** Every operation, because it is in the registry: shapes, values, gradients, text, constraints. */
import { describe, expect, it } from "vitest"
import { OP_NAMES } from "../compiler/ir/op-name.js"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import { parseGraph, printGraph } from "../compiler/ir/graph/text.js"
import { assertGraph } from "../compiler/ir/graph/verify.js"
import { evalShape, sameType } from "../compiler/ir/tensor.js"
import type { DimValues, TensorType } from "../compiler/ir/tensor.js"
import { allOps, completeAttrs, inferType } from "../compiler/ops/index.js"
import { ConstraintError } from "../compiler/ops/op.js"
import type { OpDef, Sample } from "../compiler/ops/op.js"
import { brokenCalls } from "../compiler/ops/broken-calls.js"
import { gradcheck, randomArgs } from "./support/gradcheck.js"
import { computed, graphOf, NOT_COMPUTED, NO_SECOND_GRADIENT } from "./support/registry.js"

const DIMS: DimValues = { B: 2, R: 3 }
const isFloat = (t: TensorType): boolean => t.dtype === "f32" || t.dtype === "f16"

const resultType = (def: OpDef, sample: Sample): TensorType =>
  inferType(def, sample.args, completeAttrs(def, sample.attrs ?? {}))

/** A sample that does not infer is reported by its first test. */
function isDifferentiable(def: OpDef, sample: Sample): boolean {
  try {
    return !("none" in def.grad) && isFloat(resultType(def, sample)) && sample.args.some(isFloat)
  } catch {
    return false
  }
}

it("every name has its definition", () => {
  expect(allOps().map(({ name }) => name)).toEqual(OP_NAMES)
})

describe.each(computed)("$name", ({ def }) => {
  it("has a doc line, constraints and samples", () => {
    expect(def.doc).not.toBe("")
    expect(def.samples.length).toBeGreaterThan(0)
  })
  describe.each(def.samples.map((sample, i) => ({ sample, i })))("sample $i", ({ sample }) => {
    const args = randomArgs(sample.args, DIMS, sample.ranges)
    it("is a well-formed graph that reads back", () => {
      const graph = graphOf(def, sample)
      assertGraph(graph)
      const text = printGraph(graph)
      expect(printGraph(parseGraph(text))).toBe(text)
    })
    it("evaluates to its inferred shape", () => {
      const type = resultType(def, sample)
      const inputs = Object.fromEntries(args.map((a, i) => [`a${i}`, a]))
      const { y } = evalGraph(graphOf(def, sample), { inputs, dims: DIMS }).outputs
      expect(y!.shape).toEqual(evalShape(type.shape, DIMS))
      for (const v of y!.data) {
        expect(Number.isNaN(v)).toBe(false)
        if (!isFloat(type)) expect(Number.isInteger(v)).toBe(true)
      }
    })
    if (!isDifferentiable(def, sample)) return
    it.each([1, 2] as const)("has the gradient that differences say, order %i", (order) => {
      const squared = order === 2 && def.name in NO_SECOND_GRADIENT
      const missing = gradcheck({
        types: sample.args,
        build: (g, values) => {
          const y = g.apply(def.name, values, sample.attrs)
          return squared ? g.apply("mul", [y, y]) : y
        },
        values: args,
        dims: DIMS,
        order,
        what: def.name,
      })
      expect(missing.map((d) => d.message)).toEqual([])
    })
  })
})

it("leaves out what computes nothing by itself, and nothing else", () => {
  const nothing = allOps().filter((def) => def.lower.kind === "none")
  expect(nothing.map((def) => def.name).sort()).toEqual(Object.keys(NOT_COMPUTED).sort())
})

describe("constraints", () => {
  it.each(allOps().flatMap((def) => Object.keys(def.constraints).map((label) => [def, label] as const)))(
    "%# of each operation can fail",
    (def, label) => {
      const code = `${def.name}-${label}`
      const bad = brokenCalls[code]
      if (bad === undefined) return expect.fail(`${code} has no case in compiler/ops/broken-calls.ts`)
      expect(() => inferType(def, bad.args, completeAttrs(def, bad.attrs ?? {}))).toThrow(ConstraintError)
      expect(() => inferType(def, bad.args, completeAttrs(def, bad.attrs ?? {}))).toThrow(`${code}:`)
    },
  )
  it("has no case for a constraint that is not there", () => {
    const known = new Set(allOps().flatMap((d) => Object.keys(d.constraints).map((l) => `${d.name}-${l}`)))
    expect(Object.keys(brokenCalls).filter((code) => !known.has(code))).toEqual([])
  })
})

describe("commutative operations", () => {
  it.each(computed.filter(({ def }) => def.traits.commutative))("$name", ({ def }) => {
    for (const sample of def.samples) {
      const [a, b] = randomArgs(sample.args, DIMS, sample.ranges)
      const run = (swap: boolean): Float64Array => {
        const types = swap ? [...sample.args].reverse() : sample.args
        const graph = graphOf(def, { ...sample, args: types })
        const inputs = swap ? { a0: b!, a1: a! } : { a0: a!, a1: b! }
        return evalGraph(graph, { inputs, dims: DIMS }).outputs.y!.data
      }
      expect(run(true)).toEqual(run(false))
      expect(
        sameType(resultType(def, sample), resultType(def, { ...sample, args: [...sample.args].reverse() })),
      ).toBe(true)
    }
  })
})
