/** check: the names that are built in: everything else a program uses is written in the standard library.
 *  Not here:   the names inside a `data` declaration (data.ts). */

import { DIRECTION_MARKS } from "./direction.js"
import { TARGET_MARKS } from "./targets.js"

/** Conversions. */
export const CONVERSIONS = ["f32", "f16", "i32", "u32", "bool"] as const

/** Functions of constants, `grad`, and the names a section provides. */
export const BUILTINS: readonly string[] = [
  "op",
  ...CONVERSIONS,
  "int",
  "string",
  "len",
  "floor_div",
  "divides",
  "is_list",
  "is_number",
  "assert",
  "error",
  "grad",
  "observed",
  ...DIRECTION_MARKS,
  ...TARGET_MARKS,
  "training",
  "step",
  "epoch",
  "seed",
]
