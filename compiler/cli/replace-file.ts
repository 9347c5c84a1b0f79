/** cli: a file's text, changed in one step: the new text is written beside it and renamed, so that a crash leaves one of the two whole.
 *  Guarantees: permissions stay; a link stays a link, and the file that it names changes. */
import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs"

export function replaceFile(path: string, text: string): void {
  const file = realpathSync(path)
  const aside = `${file}.${process.pid}.tmp`
  try {
    const handle = openSync(aside, "wx", statSync(file).mode & 0o777)
    try {
      writeSync(handle, text)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(aside, file)
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  }
}
