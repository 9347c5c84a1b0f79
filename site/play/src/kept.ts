/** play: the things that a page keeps between two visits: the program, and the last checkpoint of each program that was trained. Where the browser
 *  keeps nothing, the page works all the same. */

import { sha256 } from "nnc/runtime/browser"

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

/** By the text of the program, so that a checkpoint is never taken for another's. */
async function fileOf(text: string, create: boolean): Promise<FileSystemFileHandle> {
  const folder = await navigator.storage.getDirectory()
  const name = `${await sha256(new TextEncoder().encode(text))}.safetensors`
  return folder.getFileHandle(name, { create })
}

/** Gives why it could not be kept; undefined: it is. */
export async function keepCheckpoint(
  text: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  try {
    // The writes replace the file when it is closed, so a page that goes away before leaves the old one.
    const writer = await (await fileOf(text, true)).createWritable()
    await writer.write(bytes)
    await writer.close()
    return undefined
  } catch (caught) {
    if (caught instanceof DOMException && caught.name === "QuotaExceededError") return "it has no room left"
    return caught instanceof Error ? caught.message : String(caught)
  }
}

export async function keptCheckpoint(text: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const file = await (await fileOf(text, false)).getFile()
    const bytes = new Uint8Array(await file.arrayBuffer())
    return bytes.length > 0 ? bytes : undefined
  } catch {
    return undefined
  }
}
