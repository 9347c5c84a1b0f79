/** runtime/bundle: the folder of a bundle, which may come from a stranger.
 *  Guarantees: paths lead to files in that folder and to files allowed by name; a link that leads out leads nowhere. */
import { realpath, stat } from "node:fs/promises"
import { isAbsolute, relative, resolve, sep } from "node:path"
import { RunError } from "../error.js"

/** The file that a path leads to. */
export type Places = (path: string) => Promise<string>

/** `allowed`: files and folders outside of it. */
export const placesWithin =
  (folder: string, allowed: readonly string[] = []): Places =>
  async (path) => {
    const file = await realpath(resolve(folder, path))
    const real = [folder, ...allowed].map((place) => realpath(place).catch(() => undefined))
    if (!(await Promise.all(real)).some((place) => place !== undefined && isWithin(place, file)))
      throw new RunError("bundle-outside", `${folder}: ${path} lies outside of the bundle`, {
        help: `a data file may be read with \`--allow-data ${path}\`, if you trust the bundle with it`,
      })
    if (!(await stat(file)).isFile()) throw new Error("it is not a file")
    return file
  }

function isWithin(folder: string, file: string): boolean {
  const path = relative(folder, file)
  return path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path)
}
