/** test: what a run stops with, as [code, message, help?]. */
import { RunError } from "../../runtime/error.js"

export function failure(act: () => unknown): string[] {
  try {
    act()
  } catch (caught) {
    return facts(caught)
  }
  throw new Error("it did not fail")
}

export async function rejection(promise: Promise<unknown>): Promise<string[]> {
  return promise.then(() => {
    throw new Error("it did not fail")
  }, facts)
}

function facts(caught: unknown): string[] {
  if (!(caught instanceof RunError)) throw caught
  return caught.help === undefined
    ? [caught.code, caught.message]
    : [caught.code, caught.message, caught.help]
}
