/** runtime: options that a caller gives, who may write JavaScript: each is known, and of a kind that makes sense. */
import { RunError } from "./error.js"
import { nearest } from "./suggest.js"

export interface Kind {
  /** The values that it takes, in words. */
  readonly takes: string
  accepts(value: unknown): boolean
}

const whole = (most: number): Kind => ({
  takes: `a whole number from 0 to ${most}`,
  accepts: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most,
})
/** Whether a value is an AbortSignal, of this page or of another realm. */
export const isSignal = (value: unknown): value is AbortSignal =>
  typeof value === "object" &&
  value !== null &&
  typeof Reflect.get(value, "aborted") === "boolean" &&
  typeof Reflect.get(value, "addEventListener") === "function"

const instance = (takes: string, has: string, type: string): Kind => ({
  takes,
  accepts: (value) => typeof value === "object" && value !== null && typeof Reflect.get(value, has) === type,
})

export function oneOf(values: readonly string[]): Kind {
  const quoted = values.map((value) => JSON.stringify(value))
  return {
    takes: `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`,
    accepts: (value) => typeof value === "string" && values.includes(value),
  }
}

export const KINDS = {
  text: { takes: "a text", accepts: (value) => typeof value === "string" },
  truth: { takes: "true or false", accepts: (value) => typeof value === "boolean" },
  action: { takes: "a function", accepts: (value) => typeof value === "function" },
  /** A 32-bit word on the device. */
  seed: whole(2 ** 32 - 1),
  count: whole(2 ** 31 - 1),
  positive: {
    takes: "a whole number from 1 on",
    accepts: (value) => Number.isInteger(value) && Number(value) > 0,
  },
  every: {
    takes: '{ unit: "steps" or "epochs", count }, or null',
    accepts: (value) =>
      value === null ||
      (typeof value === "object" && ["steps", "epochs"].includes(String(Reflect.get(value, "unit")))),
  },
  part: oneOf(["train", "val", "test"]),
  device: oneOf(["auto", "webgpu", "wasm"]),
  paths: { takes: "a Map of texts", accepts: (value) => value instanceof Map },
  list: { takes: "a list", accepts: (value) => Array.isArray(value) },
  store: instance("an object with a function `save`", "save", "function"),
  signal: { takes: "an AbortSignal", accepts: isSignal },
  checkpoint: instance("a checkpoint that was loaded", "slots", "object"),
  tensors: instance("tensors that were read", "tensors", "object"),
  rows: instance("{ name, part }", "name", "string"),
} as const satisfies Readonly<Record<string, Kind>>

/** One for every option. */
export type KindsOf<Options> = { readonly [Name in keyof Options]-?: Kind }

/** Throws `bad-option` for unknown options and for values that make no sense; undefined counts as not given. */
export function checkOptions(call: string, options: object, known: Readonly<Record<string, Kind>>): void {
  if (typeof options !== "object" || options === null)
    throw new RunError("bad-option", `\`${call}\` takes its options as an object`)
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const kind = Object.hasOwn(known, name) ? known[name] : undefined
    if (kind === undefined) {
      const help = nearest(name, Object.keys(known))
      throw new RunError(
        "bad-option",
        `\`${call}\` has no option "${name}"`,
        help === undefined ? {} : { help },
      )
    }
    if (!kind.accepts(value))
      throw new RunError(
        "bad-option",
        `the option "${name}" of \`${call}\` is ${shown(value)}; it takes ${kind.takes}`,
      )
  }
}

const shown = (value: unknown): string =>
  typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "object" && value
      ? "an object"
      : String(value)
