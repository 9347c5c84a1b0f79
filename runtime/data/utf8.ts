/** runtime/data: UTF-8 -> text. Bytes that are not UTF-8 are refused with their place, not replaced. */
import { RunError } from "../error.js"
import { bytesOf, type DataFile } from "./file.js"

/** Throws when a text file is of another encoding, as far as its first bytes say. Else gives the length of its byte order mark, 0 or 3. */
export function byteOrderMark(place: string, file: DataFile): 0 | 3 {
  const [a, b, c] = bytesOf(file, 0, 3)
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff))
    throw new RunError("data-encoding", `${place} is in UTF-16: it starts with its byte order mark`, {
      help: "save it in UTF-8",
    })
  return a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** `where`: the place of these bytes. */
export function decodeUtf8(bytes: Uint8Array, where: () => string): string {
  if (bytes.length <= 64 && bytes.every((byte) => byte < 128)) return String.fromCharCode(...bytes)
  try {
    return strict.decode(bytes)
  } catch {
    throw notUtf8(where(), bytes)
  }
}

export function notUtf8(where: string, bytes: Uint8Array): RunError {
  const at = firstWrong(bytes)
  const byte = bytes[at]!.toString(16).toUpperCase().padStart(2, "0")
  const before = new TextDecoder().decode(bytes.subarray(Math.max(0, at - 20), at))
  return new RunError(
    "data-encoding",
    `${where} is not UTF-8: there is the byte ${byte}${before === "" ? "" : ` after ${JSON.stringify(before)}`}`,
    { help: "save the file in UTF-8: `iconv -f latin1 -t utf-8`, if it is in Latin-1" },
  )
}

/** Where the first character begins that is none. */
function firstWrong(bytes: Uint8Array): number {
  let good = 0
  let end = bytes.length
  while (good < end) {
    const middle = (good + end + 1) >> 1
    if (decodes(bytes.subarray(0, middle), true)) good = middle
    else end = middle - 1
  }
  // The good part may end within the wrong character, whose first byte was still right.
  while (good > 0 && !decodes(bytes.subarray(0, good), false)) good--
  return good
}

/** `open`: the last character may go on after the bytes. */
function decodes(bytes: Uint8Array, open: boolean): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: open })
    return true
  } catch {
    return false
  }
}
