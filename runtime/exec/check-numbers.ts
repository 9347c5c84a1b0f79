/** runtime/exec: numbers that a caller hands in, who may write JavaScript: an array of numbers, each of which the dtype holds. */
import type { BundleDType } from "../bundle/format.js"
import { RunError } from "../error.js"

/** `what`: `input "x"`. `special`: floats may be NaN and infinite too. */
export function checkNumbers(what: string, dtype: BundleDType, given: unknown, special = false): void {
  if (!isNumbers(given))
    throw new RunError("input-value", `${what} is ${kindOf(given)}, not an array of numbers`, {
      help: "give the values row after row in one flat array, such as a Float32Array",
    })
  for (let i = 0; i < given.length; i++) {
    const value: unknown = given[i]
    if (typeof value === "number" && HOLDS[dtype](value)) continue
    if (special && isFloat(dtype) && typeof value === "number" && !Number.isFinite(value)) continue
    const found = Array.isArray(value)
      ? "an array"
      : typeof value === "string"
        ? JSON.stringify(value)
        : String(value)
    throw new RunError("input-value", `element ${i} of ${what} is ${found}, not ${TAKES[dtype]}`)
  }
}

const isFloat = (dtype: BundleDType): boolean => dtype === "f32" || dtype === "f16"

function isNumbers(given: unknown): given is ArrayLike<unknown> {
  if (Array.isArray(given)) return true
  return ArrayBuffer.isView(given) && !(given instanceof DataView)
}

const kindOf = (given: unknown): string =>
  given === null || given === undefined
    ? String(given)
    : typeof given === "object"
      ? "an object"
      : `a ${typeof given}`

const within =
  (least: number, most: number) =>
  (value: number): boolean =>
    Number.isInteger(value) && value >= least && value <= most
/** The largest that rounds to a finite half. */
const MOST_HALF = 65519

const HOLDS: Readonly<Record<BundleDType, (value: number) => boolean>> = {
  f32: (value) => Number.isFinite(Math.fround(value)),
  f16: (value) => Math.abs(value) <= MOST_HALF,
  i32: within(-(2 ** 31), 2 ** 31 - 1),
  u32: within(0, 2 ** 32 - 1),
  bool: within(0, 1),
}
const TAKES: Readonly<Record<BundleDType, string>> = {
  f32: "a finite number that f32 holds",
  f16: "a finite number that f16 holds",
  i32: "a whole number that i32 holds",
  u32: "a whole number that u32 holds",
  bool: "0 or 1",
}
