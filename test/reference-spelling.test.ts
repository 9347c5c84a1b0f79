/** The operations of reference cases as calls of the library, where attributes are left out: what the library fills in itself, and what
 *  an operation cannot do without. */
import { expect, it } from "vitest"
import type { Attrs } from "./reference/case.js"
import { spell } from "./reference/operations.js"

const known = new Set(["causal_mask_fill", "gelu"])
const said = (op: string, attrs: Attrs): string => spell(op, ["x"], attrs, { known })

const CALLS: readonly { readonly op: string; readonly attrs: Attrs; readonly text: string }[] = [
  { op: "causal_mask_fill", attrs: {}, text: "causal_mask_fill(x)" },
  { op: "causal_mask_fill", attrs: { value: "-inf" }, text: "causal_mask_fill(x)" },
  { op: "causal_mask_fill", attrs: { value: -5 }, text: "causal_mask_fill(x, value: -5)" },
  { op: "gelu", attrs: {}, text: "gelu(x)" },
  { op: "gelu", attrs: { approximate: "tanh" }, text: 'gelu(x, approximate: "tanh")' },
  { op: "sum", attrs: { axes: [0, 1], keepdim: true }, text: "sum(x, axis: [0, 1], keepdim: true)" },
]
it.each(CALLS)("$op with $attrs is $text", ({ op, attrs, text }) => expect(said(op, attrs)).toBe(text))

it.each([
  { op: "concat", name: "axis" },
  { op: "stack", name: "axis" },
  { op: "pow_scalar", name: "exponent" },
  { op: "transpose", name: "axes" },
  { op: "reshape", name: "shape" },
  { op: "split_take", name: "sizes" },
])("$op without $name says so", ({ op, name }) =>
  expect(() => said(op, {})).toThrow(`the attribute \`${name}\` is missing`),
)
