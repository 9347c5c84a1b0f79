/** runtime/checkpoint: the calls into the file system that saving makes, as a value, so that tests can make each fail. */
import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises"

export interface FileCalls {
  readonly mkdir: (folder: string) => Promise<unknown>
  readonly open: (path: string, flags: string) => Promise<Pick<FileHandle, "writeFile" | "sync" | "close">>
  readonly rename: (from: string, to: string) => Promise<void>
  readonly remove: (path: string) => Promise<void>
}

export const nodeFiles: FileCalls = {
  mkdir: (folder) => mkdir(folder, { recursive: true }),
  open,
  rename,
  remove: (path) => rm(path, { force: true }),
}
