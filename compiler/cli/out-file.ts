/** cli: a file that is written piece by piece. It is written beside its place and renamed at the end.
 *  Guarantees: at its path is the old file or the whole new one; nothing is left beside it when the command fails or is asked to end. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { makeFolders } from "../../runtime/folders.js"
import { signalExit } from "./failure.js"

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const

export class OutFile {
  private readonly aside: string
  private readonly file: number
  private bytes = 0

  constructor(private readonly path: string) {
    makeFolders(dirname(path))
    this.aside = `${path}.${process.pid}.tmp`
    this.file = openSync(this.aside, "wx")
    for (const name of ENDING) process.on(name, this.stop)
  }

  /** Writes after the earlier bytes. */
  append(bytes: Uint8Array): void {
    this.write(this.bytes, bytes)
    this.bytes += bytes.length
  }
  /** Writes over earlier bytes. */
  write(at: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;)
      done += writeSync(this.file, bytes, done, bytes.length - done, at + done)
  }
  finish(): void {
    fsyncSync(this.file)
    this.close()
    renameSync(this.aside, this.path)
  }
  discard(): void {
    this.close()
    rmSync(this.aside, { force: true })
  }

  private close(): void {
    for (const name of ENDING) process.off(name, this.stop)
    closeSync(this.file)
  }
  private readonly stop = (name: NodeJS.Signals): void => {
    this.discard()
    process.exit(signalExit(name))
  }
}
