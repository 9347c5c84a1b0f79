/** runtime: what a caller names, in a list: `unknown-name`, with the nearest names, where it is not there. */
import { RunError } from "./error.js"
import { nearest } from "./suggest.js"

/** `missing`: what the message says. */
export function named<T>(list: readonly T[], name: string, nameOf: (each: T) => string, missing: string): T {
  const found = list.find((each) => nameOf(each) === name)
  if (found !== undefined) return found
  const help = nearest(name, list.map(nameOf))
  throw new RunError("unknown-name", missing, help === undefined ? {} : { help })
}
