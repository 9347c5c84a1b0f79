/** cli: paths with `*` and `?` in their last part, which stand for files of a folder. */
import { existsSync, readdirSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { RunError } from "../../runtime/error.js"

/** A file of that very name is no pattern. */
export const isPattern = (path: string): boolean => /[*?]/.test(basename(path)) && !existsSync(path)

/** The names of the files that match, in the order of their code units. */
export function matchingFiles(path: string): readonly string[] {
  const folder = dirname(path)
  if (!existsSync(folder)) return []
  const escaped = basename(path).replace(/[.+^${}()|[\]\\]/g, "\\$&")
  const pattern = new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s")
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && pattern.test(entry.name))
    .map(({ name }) => name)
    .sort()
}

/** The paths that `path` stands for, as the program would write them. `place`: `path`, as the file system knows it. */
export function expanded(path: string, place: string): readonly string[] {
  const names = matchingFiles(place)
  if (names.length > 0) return names.map((name) => join(dirname(path), name))
  throw new RunError("data-file", `no file matches ${path}`, {
    help: "`*` stands for any characters of a name, `?` for one",
  })
}
