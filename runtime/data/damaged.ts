/** runtime/data: the errors of several formats about a file that is not whole. */
import { RunError } from "../error.js"

export function emptyFile(place: string): never {
  throw new RunError("data-empty", `${place} is empty`, { help: "fetch the file again" })
}

export function truncated(place: string, expected: number, found: number): never {
  throw new RunError("data-truncated", `${place} is cut off: ${expected} bytes expected, ${found} found`, {
    help: "fetch the file again",
  })
}

/** `announced`: the contents according to the header. */
export function afterTheData(place: string, bytes: number, announced: string): never {
  const count = bytes === 1 ? "1 byte follows" : `${bytes} bytes follow`
  throw new RunError(
    "data-format",
    `${place} is damaged: ${count} after the ${announced} that its header announces`,
    {
      help: "fetch the file again, or write it again",
    },
  )
}
