/** ir/ast: how tightly operators bind. parse/ builds the tree with this table, text.ts leaves out parentheses by it. */

/** From loosest to tightest. `|>` binds more loosely than all of them, prefix `-` and `!` tighter than all but `^`. */
export const levels: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["==", "!="],
  ["<", "<=", ">", ">="],
  [".."],
  ["+", "-"],
  ["*", "/", "%", "@"],
]
const byOperator = new Map(levels.flatMap((ops, level) => ops.map((op) => [op, level + 1] as const)))

/** Binding strength of `|>` and of the operators; greater binds tighter. */
export const PIPE = 0
export const PREFIX = levels.length + 1
export const POWER = levels.length + 2
/** Names, literals, calls, indices, fields. */
export const POSTFIX = levels.length + 3
export const precedenceOf = (op: string): number => byOperator.get(op) ?? POWER
/** `2 ^ 3 ^ 2` is `2 ^ (3 ^ 2)`; every other operator associates to the left. */
export const isRightAssociative = (op: string): boolean => op === "^"
