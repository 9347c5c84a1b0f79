/** schedule/choose: plans of kernels as values: every plan that a target can carry out computes the values of the group, a plan written by
 *  hand has its effect, and one that the target cannot carry out is refused at its line. */
import { describe, expect, it } from "vitest"
import { emitWasm } from "../compiler/codegen/wasm/emit.js"
import { emitWgsl } from "../compiler/codegen/wgsl/emit.js"
import { compileText } from "../compiler/driver/compile-text.js"
import { parseGroups, printGroups } from "../compiler/ir/groups/text.js"
import { printPlan } from "../compiler/ir/groups/plans.js"
import { printComplaint } from "../compiler/ir/complaint.js"
import { parseGraph } from "../compiler/ir/graph/text.js"
import { evalKernels } from "../compiler/ir/kernels/eval.js"
import { verifyKernels } from "../compiler/ir/kernels/verify.js"
import { buildKernels, choose, plansOf } from "../compiler/schedule/index.js"
import { SOFTWARE_TARGET, SUBGROUP_TARGET, WASM_TARGET } from "../compiler/targets/index.js"
import { randomArgs } from "./support/gradcheck.js"
import { context, grouped } from "./support/kernels.js"
import { sourcesOf, trialOf, wrongResults } from "./support/trial.js"

const GRAPHS = {
  elements: `graph t(x: f32[B, 4]) {
    %1 = tanh x : f32[B, 4]
    return y = %1
  }`,
  rows: `graph t(x: f32[B, 12]) {
    %1 = max x {axes: [1], keepdim: true} : f32[B, 1]
    %2 = broadcast %1 {shape: [B, 12]} : f32[B, 12]
    %3 = sub x, %2 : f32[B, 12]
    %4 = exp %3 : f32[B, 12]
    %5 = sum %4 {axes: [1], keepdim: true} : f32[B, 1]
    %6 = broadcast %5 {shape: [B, 12]} : f32[B, 12]
    %7 = div %4, %6 : f32[B, 12]
    return y = %7
  }`,
  columns: `graph t(x: f32[B, 16]) {
    %1 = sum x {axes: [0], keepdim: false} : f32[16]
    return y = %1
  }`,
  lines: `graph t(x: f32[B, 3, 8, 6]) {
    %1 = sum x {axes: [2], keepdim: false} : f32[B, 3, 6]
    return y = %1
  }`,
  product: `graph t(x: f32[B, 20], w: f32[20, 24]) {
    %2 = matmul x, w : f32[B, 24]
    %3 = tanh %2 : f32[B, 24]
    return y = %3
  }`,
  odd: `graph t(x: f32[7, 9], w: f32[9, 10]) {
    %2 = matmul x, w : f32[7, 10]
    return y = %2
  }`,
  windows: `graph t(x: f32[B, 2, 8, 8], w: f32[4, 2, 3, 3]) {
    %2 = conv x, w {strides: [1, 1], padding_low: [1, 1], padding_high: [1, 1], dilation: [1, 1], groups: 1} : f32[B, 4, 8, 8]
    return y = %2
  }`,
  chain: `graph t(x: f32[B, 16], w: f32[16, 4]) {
    %2 = matmul x, w : f32[B, 4]
    %3 = max %2 {axes: [1], keepdim: true} : f32[B, 1]
    %4 = broadcast %3 {shape: [B, 4]} : f32[B, 4]
    %5 = sub %2, %4 : f32[B, 4]
    return y = %5
  }`,
}
const TARGETS = [SUBGROUP_TARGET, SOFTWARE_TARGET, WASM_TARGET]
const DIMS = { B: 5, R: 7 }
/** The most plans of each group: the first, and others evenly from all. */
const MOST_PLANS = 12

const cases = Object.entries(GRAPHS).flatMap(([name, text]) =>
  TARGETS.map((target) => [name, target.name, text, target] as const),
)

describe("every plan gives the values of the graph", () => {
  it.each(cases)("%s on %s", (_, __, text, target) => {
    const graph = parseGraph(text)
    const groups = grouped(graph, target)
    const types = sourcesOf(graph).map((s) => s.type)
    const trial = trialOf(graph, randomArgs(types, DIMS), DIMS)
    for (const group of groups.groups) {
      const plans = plansOf(groups, group, target)
      expect(plans[0]).toEqual(
        choose.run([groups], context(target))[0]!.groups.find((x) => x.id === group.id)!.plan,
      )
      const step = Math.max(1, Math.floor(plans.length / MOST_PLANS))
      for (const plan of plans.filter((_, n) => n % step === 0)) {
        const planned = { ...groups, groups: groups.groups.map((x) => (x === group ? { ...x, plan } : x)) }
        const [program] = buildKernels.run(choose.run([planned], context(target)), context(target))
        const said = printPlan(plan)
        expect(verifyKernels(program!, target).map(printComplaint), said).toEqual([])
        const run = trial.start()
        expect(wrongResults(trial, evalKernels(program!, run), run, 1e-5), said).toEqual([])
        if (target === WASM_TARGET) emitWasm(program!.kernels)
        else program!.kernels.forEach((k) => emitWgsl(k))
      }
    }
  })

  it("of each kind", () => {
    const kinds = cases.flatMap(([, , text, target]) => {
      const groups = grouped(parseGraph(text), target)
      return groups.groups.flatMap((x) => plansOf(groups, x, target).map((p) => p.kind))
    })
    expect(new Set(kinds)).toEqual(
      new Set(["map", "row", "along", "across", "lines", "tile", "block", "panels", "chain"]),
    )
  })
})

describe("a plan written by hand", () => {
  const groups = (target = SOFTWARE_TARGET): string =>
    printGroups(choose.run([grouped(parseGraph(GRAPHS.product), target)], context(target))[0]!)
  const compiled = (text: string, stage: string): string =>
    compileText(text, () => DIMS, { target: SOFTWARE_TARGET })
      .stages.get(stage)!
      .text()

  it("reads back", () => {
    const text = groups()
    expect(text).toContain("plan tile {")
    expect(printGroups(parseGroups(text))).toBe(text)
  })

  it("has its effect on the kernel and its WGSL", () => {
    const before = groups()
    const after = before.replace(
      /plan tile \{.*\}/,
      "plan tile {rows: 2, columns: 8, taps: 1, lanes: 32, vector: true, split: false, staged: false}",
    )
    expect(compiled(after, "kernels")).toContain('"contract 2x8 vec4"')
    expect(compiled(after, "wgsl")).toContain("@workgroup_size(32)")
    expect(compiled(before, "wgsl")).not.toContain("@workgroup_size(32)")
  })

  it.each([
    ["rows: 2, columns: 8, taps: 1, lanes: 512, vector: true, split: false, staged: false", "allows 256"],
    [
      "rows: 8, columns: 8, taps: 1, lanes: 256, vector: true, split: true, staged: false",
      "bytes of workgroup memory",
    ],
    [
      "rows: 2, columns: 8, taps: 3, lanes: 64, vector: true, split: false, staged: false",
      "3 taps do not divide",
    ],
    [
      "rows: 2, columns: 6, taps: 1, lanes: 64, vector: true, split: false, staged: false",
      "do not come in fours",
    ],
    ["rows: 2, columns: 8", "`taps` of a plan is an integer"],
    [
      "rows: 0, columns: 8, taps: 1, lanes: 64, vector: true, split: false, staged: false",
      "`rows` of a plan is an integer of at least 1",
    ],
  ])("tile {%s} is refused at its line", (fields, why) => {
    const text = groups().replace(/plan tile \{.*\}/, `plan tile {${fields}}`)
    const line = text.split("\n").findIndex((l) => l.includes("plan tile")) + 1
    expect(() => compiled(text, "kernels")).toThrow(
      expect.objectContaining({ line, message: expect.stringContaining(why) }),
    )
  })

  it("is refused for a group that it does not suit", () => {
    const text = groups().replace(/plan tile \{.*\}/, "plan map {width: 4, lanes: 64}")
    expect(() => compiled(text, "kernels")).toThrow(
      "a contract group has plans of the kinds tile, block and panels",
    )
  })
})
