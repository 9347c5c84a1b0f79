/** runtime: finds the item of a list that a caller names, or throws `unknown-name` with the nearest names. */
import { RunError } from "./error.js"
import { nearest } from "./suggest.js"

/** `missing`: the start of the message. */
export function named<T>(list: readonly T[], name: string, nameOf: (each: T) => string, missing: string): T {
  const found = list.find((each) => nameOf(each) === name)
  if (found !== undefined) return found
  const help = nearest(name, list.map(nameOf))
  throw new RunError("unknown-name", missing, help === undefined ? {} : { help })
}
