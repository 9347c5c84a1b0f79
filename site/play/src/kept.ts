/** play: what a page keeps between two visits: the program, and the last checkpoint of each program that was trained. Where the browser
 *  keeps nothing, the page works all the same. */

const PROGRAM = "nnc-play-program"

export interface Kept {
  readonly text: string
  readonly example: string
}

export function keepProgram(kept: Kept): void {
  try {
    localStorage.setItem(PROGRAM, JSON.stringify(kept))
  } catch {
    // No room, or not allowed.
  }
}

export function keptProgram(): Kept | undefined {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(PROGRAM) ?? "null")
    if (typeof found !== "object" || found === null) return undefined
    const [text, example]: unknown[] = [Reflect.get(found, "text"), Reflect.get(found, "example")]
    return typeof text === "string" && typeof example === "string" ? { text, example } : undefined
  } catch {
    return undefined
  }
}

/** By the fingerprint of the program, so that a checkpoint is never taken for another's. */
export async function keepCheckpoint(fingerprint: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    const folder = await navigator.storage.getDirectory()
    const file = await folder.getFileHandle(`${fingerprint}.safetensors`, { create: true })
    // What is written replaces the file when it is closed: a page that goes away before leaves the one that was there.
    const writer = await file.createWritable()
    await writer.write(bytes)
    await writer.close()
  } catch {
    // The same.
  }
}

export async function keptCheckpoint(fingerprint: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const folder = await navigator.storage.getDirectory()
    const file = await (await folder.getFileHandle(`${fingerprint}.safetensors`)).getFile()
    const bytes = new Uint8Array(await file.arrayBuffer())
    return bytes.length > 0 ? bytes : undefined
  } catch {
    return undefined
  }
}
