/** check: a page for each constraint of every operation, such as `matmul-c2`. Its program is made from the call that breaks the
 *  constraint and a sample of the operation; the programs of the most common mistakes are written by hand. */
import { brokenCalls } from "../ops/broken-calls.js"
import { allOps } from "../ops/index.js"
import type { OpDef } from "../ops/op.js"
import { bug } from "../source/bug.js"
import type { CodePage, CodePages, ProgramPage, ProgramPages } from "../source/codes.js"
import { opProgram } from "./op-program.js"
import { torchNames } from "./torch-names.js"
import { unseenConstraints } from "./unseen-constraints.js"

const asMet: Readonly<Record<string, Pick<ProgramPage, "bad" | "good">>> = {
  "matmul-c4": {
    bad: `model M(x: f32[B, 30]) {
  param w: f32[16, 30] = zeros
  x @ w
}`,
    good: `model M(x: f32[B, 30]) {
  param w: f32[16, 30] = zeros
  x @ transpose(w)
}`,
  },
  "reshape-c1": {
    bad: "model M(x: f32[B, 28, 28]) { reshape(x, [x.shape[0], 728]) }",
    good: "model M(x: f32[B, 28, 28]) { reshape(x, [x.shape[0], 784]) }",
  },
  "concat-c3": {
    bad: "model M(x: f32[B, 3], y: f32[B, 2]) { cat([x, y], axis: 0) }",
    good: "model M(x: f32[B, 3], y: f32[B, 2]) { cat([x, y], axis: 1) }",
  },
  "size-c1": {
    bad: 'model M() { op.size(dim: 3, dtype: "bool") }',
    good: 'model M() { op.size(dim: 3, dtype: "i32") }',
  },
  "exp-c1": {
    bad: "model M(x: i32[B, 3]) { exp(x) }",
    good: "model M(x: i32[B, 3]) { exp(f32(x)) }",
  },
  "sqrt-c1": {
    bad: "model M(x: i32[B, 3]) { sqrt(x) }",
    good: "model M(x: i32[B, 3]) { sqrt(f32(x)) }",
  },
}

/** The pages of constraints that a program can break. */
export function constraintCodes(): ProgramPages {
  return Object.fromEntries(
    constraints()
      .filter(({ code }) => !(code in unseenConstraints))
      .map(({ code, op, page }): [string, ProgramPage] => {
        const pytorch = torchNames[op.name] ?? bug(`${op.name} has no sentence in torch-names.ts`)
        return [code, { ...page, pytorch, ...(asMet[code] ?? { bad: broken(code, op), good: right(op) }) }]
      }),
  )
}

/** The pages of constraints that guard the graphs built by passes. */
export const unseenCodes = (): CodePages =>
  Object.fromEntries(
    constraints().flatMap(({ code, page }): [string, CodePage][] => {
      const unseen = unseenConstraints[code]
      if (!unseen) return []
      const explanation = `${page.explanation}\n\nNo program breaks this rule: ${unseen.why}. It guards what the compiler builds.`
      return [[code, { ...page, explanation }]]
    }),
  )

const constraints = (): { code: string; op: OpDef; page: CodePage }[] =>
  allOps().flatMap((op) =>
    Object.entries(op.constraints).map(([label, rule]) => ({
      code: `${op.name}-${label}`,
      op,
      page: { title: `a rule of the operation \`${op.name}\`: ${rule}`, explanation: op.doc },
    })),
  )

const broken = (code: string, op: OpDef): string =>
  opProgram(op, brokenCalls[code] ?? bug(`${code} has no call in broken-calls.ts`))

/** The gradient has no sample, for it is no operation that a graph computes with. */
const right = (op: OpDef): string =>
  op.name === "grad"
    ? "model M(x: f32[3]) { op.grad(op.sum(x, axes: [0]), x) }"
    : opProgram(op, op.samples[0] ?? bug(`${op.name} has no sample`))
