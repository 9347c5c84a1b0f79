/** source: our own failures, never the user's. */

/** An invariant of the compiler does not hold. */
export class CompilerBug extends Error {
  override readonly name = "CompilerBug"
}

/** Stops because the compiler itself is wrong. */
export function bug(message: string): never {
  throw new CompilerBug(message)
}

/** Ends a switch over a union: fails to type-check when a case is missing. */
export function unreachable(value: never): never {
  return bug(`unreachable: ${JSON.stringify(value)}`)
}
