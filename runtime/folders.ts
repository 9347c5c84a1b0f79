/** runtime: makes folders, in Node: one level after the other from the first that is missing.
 *  Node's own recursive way tries for ever where a file system, as /proc, says that the folder to be made does not exist.
 *  Guarantees: it ends; the error names the folder that cannot be made. */
import { mkdirSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"

export function makeFolders(path: string): void {
  const missing: string[] = []
  for (let at = resolve(path); !isFolder(at) && at !== dirname(at); at = dirname(at)) missing.push(at)
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder)
    } catch (caught) {
      // Another process may have made it in between.
      if (!isFolder(folder)) throw caught
    }
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
