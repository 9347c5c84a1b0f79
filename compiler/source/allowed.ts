/** source: warnings that the program says are meant: `// allow batch-broadcast` on the line of the warning or on the one above it. */
import type { Diagnostic } from "./diagnostic.js"
import { positionAt } from "./source.js"

const COMMENT = /\/\/\s*allow\s+([\w-]+(?:\s*,\s*[\w-]+)*)/

export function isAllowed({ severity, code, primary }: Diagnostic): boolean {
  if (severity !== "warning" || primary === undefined) return false
  const { file, start } = primary.span
  const lines = file.text.split("\n")
  const at = positionAt(file, start).line - 1
  const above = (lines[at - 1] ?? "").trim()
  const comments = [lines[at] ?? "", ...(above.startsWith("//") ? [above] : [])]
  return comments.some((line) =>
    COMMENT.exec(line)?.[1]
      ?.split(/\s*,\s*/)
      .includes(code),
  )
}
