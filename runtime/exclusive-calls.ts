/** runtime: lets the calls of a session run one at a time, since they share the device's memory: two at once would mix their rows and steps.
 *  Guarantees: a call during another, or after the session is closed, is refused; an exception that a stranger's bundle causes is a
 *              RunError. */
import { reasonOf, RunError } from "./error.js"

export class ExclusiveCalls {
  private underWay: string | undefined
  private closed = false
  /** Errors thrown by functions of the caller, which are handed on as they are. */
  private readonly theirs = new WeakSet<object>()

  /** `stranger`: the folder of a bundle that may be anybody's. */
  constructor(private readonly stranger: string | undefined) {}

  async run<T>(call: string, work: () => Promise<T>): Promise<T> {
    this.check(call)
    this.underWay = call
    try {
      return await work()
    } catch (caught) {
      throw this.asRunError(caught)
    } finally {
      this.underWay = undefined
    }
  }

  /** For calls that do not wait. */
  now<T>(call: string, work: () => T): T {
    this.check(call)
    try {
      return work()
    } catch (caught) {
      throw this.asRunError(caught)
    }
  }

  /** A function of the caller, called within a call. */
  callback<A extends readonly unknown[], R>(act: (...args: A) => R): (...args: A) => R {
    const seen = (caught: unknown): never => {
      if (typeof caught === "object" && caught !== null) this.theirs.add(caught)
      throw caught
    }
    return (...args) => {
      try {
        const result = act(...args)
        if (result instanceof Promise) result.catch(seen).catch(() => {})
        return result
      } catch (caught) {
        return seen(caught)
      }
    }
  }

  /** Whether it was open. */
  close(): boolean {
    const was = !this.closed
    this.closed = true
    return was
  }

  private check(call: string): void {
    if (this.closed)
      throw new RunError("session-closed", `\`${call}\` was called after \`close\``, {
        help: "load the bundle again",
      })
    if (this.underWay !== undefined)
      throw new RunError("session-busy", `\`${call}\` was called while \`${this.underWay}\` is under way`, {
        help: `await \`${this.underWay}\` first, or load the bundle once more: each has a state of its own`,
      })
  }

  private asRunError(caught: unknown): unknown {
    const isTheirs = typeof caught === "object" && caught !== null && this.theirs.has(caught)
    return this.stranger === undefined || isTheirs ? caught : ofBundle(this.stranger, caught)
  }
}

/** The error for an action of a bundle that the compiler would not have written. */
function ofBundle(place: string, caught: unknown): unknown {
  if (caught instanceof RunError) return caught
  return new RunError("bundle-corrupt", `${place} cannot be run: ${reasonOf(caught)}`, {
    help: "its manifest asks for something that there is not: compile the source again; if that does not help, report it",
    cause: caught,
  })
}
