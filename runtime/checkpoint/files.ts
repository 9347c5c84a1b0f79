/** runtime/checkpoint: the calls into the file system that saving makes, as a value, so that tests can make each fail. */
import { open, rename, rm, type FileHandle } from "node:fs/promises"
import { makeFolders } from "../folders.js"

export interface FileCalls {
  readonly mkdir: (folder: string) => Promise<unknown>
  readonly open: (path: string, flags: string) => Promise<Pick<FileHandle, "writeFile" | "sync" | "close">>
  readonly rename: (from: string, to: string) => Promise<void>
  readonly remove: (path: string) => Promise<void>
}

export const nodeFiles: FileCalls = {
  mkdir: async (folder) => makeFolders(folder),
  open,
  rename,
  remove: (path) => rm(path, { force: true }),
}
