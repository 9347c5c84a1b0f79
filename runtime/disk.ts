/** runtime: files on disk as data files, of which only the requested parts are read. */
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs"
import { inMemory, type DataFile } from "./data/file.js"
import { RecordReader } from "./records-on-disk.js"

export function fileOnDisk(path: string): DataFile {
  const about = statSync(path)
  // Pipes and devices have no size and can be read once; reading a folder throws the right error.
  if (!about.isFile()) return inMemory(readFileSync(path))
  const reader = new RecordReader(path)
  return {
    size: about.size,
    read: (at, into) => readAt(path, at, into),
    gather: (records, memory) => reader.read(records, memory),
    close: () => reader.close(),
  }
}

/** Bytes per call of the system, which takes no more than 2 GiB. */
const MOST = 2 ** 30

function readAt(path: string, at: number, into: Uint8Array): void {
  const file = openSync(path, "r")
  try {
    for (let done = 0; done < into.length;) {
      const count = readSync(file, into, done, Math.min(MOST, into.length - done), at + done)
      if (count === 0) throw new Error(`${path} became shorter while it was read`)
      done += count
    }
  } finally {
    closeSync(file)
  }
}
