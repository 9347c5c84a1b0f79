/** cli: the folder in which things are kept that would otherwise be made again. */
import { randomUUID } from "node:crypto"
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
} from "node:fs"
import { homedir } from "node:os"
import { dirname, isAbsolute, join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeFolders } from "../../runtime/folders.js"

/** The cache folder of this user. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, "nnc")
  if (process.platform === "win32" && local) return join(local, "nnc", "cache")
  return join(homedir(), process.platform === "darwin" ? "Library/Caches" : ".cache", "nnc")
}

/** The hash of the build; undefined where the compiler runs from its sources, which change under it. */
export function compilerBuild(): string | undefined {
  const build = join(dirname(fileURLToPath(import.meta.url)), "build.sha256")
  return existsSync(build) ? readFileSync(build, "utf8") : undefined
}

/** Whether nobody but this user may have put the file there, since cached files are run, or trained on. Windows has no such modes; its cache
 *  lies in a folder that is the user's alone. */
export function isOwn(path: string): boolean {
  const user = process.getuid?.()
  return user === undefined || [path, dirname(path)].every((each) => belongsTo(user, statSync(each)))
}
const belongsTo = (user: number, { uid, mode }: Stats): boolean => uid === user && (mode & 0o022) === 0

/** Writes a file beside its place and renames it, so that it is there whole or not at all. False when it cannot be written, or others
 *  may write to the folder. */
export function writeWhole(path: string, write: (aside: string) => void): boolean {
  const aside = `${path}.${randomUUID()}`
  const written = succeeds(() => {
    const folder = dirname(path)
    if (!existsSync(folder)) {
      makeFolders(folder)
      chmodSync(folder, 0o700)
    }
    write(aside)
    chmodSync(aside, 0o600)
    if (!isOwn(aside)) throw new Error("others may write to it")
    renameSync(aside, path)
  })
  if (!written) succeeds(() => rmSync(aside, { force: true }))
  return written
}

/** Deletes the files of a folder that were not used for longest, until the rest takes at most so many bytes. */
export function shrink(folder: string, mostBytes: number): void {
  const files = readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    const about = statSync(path)
    return about.isFile() ? [{ path, size: about.size, mtimeMs: about.mtimeMs }] : []
  })
  let bytes = files.reduce((sum, { size }) => sum + size, 0)
  for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (bytes <= mostBytes) return
    rmSync(path, { force: true })
    bytes -= size
  }
}

export function succeeds(act: () => void): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}
