/** cli: the input of a pass that failed, kept in a file for a bug report. */
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassFailure } from "../pass.js"

/** The path; undefined where there is no input, or no place to write it. */
export function saveInput(error: unknown): string | undefined {
  if (!(error instanceof PassFailure) || error.input === undefined) return undefined
  try {
    const text = error.input()
    const hash = createHash("sha256").update(text).digest("hex").slice(0, 8)
    const path = join(tmpdir(), `nnc-${error.pass}-${hash}.txt`)
    writeFileSync(path, text)
    return path
  } catch {
    return undefined
  }
}
