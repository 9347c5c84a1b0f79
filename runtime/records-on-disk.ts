/** runtime: records of a file, read by a thread of its own while this one computes.
 *  Guarantees: orders are carried out in their order; a process that waits for nothing else can end.
 *  Not here: the contents of records (data/). */
import { Worker } from "node:worker_threads"
import type { Records } from "./data/file.js"

interface Order {
  readonly done: (memory: ArrayBuffer) => void
  readonly failed: (reason: Error) => void
}
interface Answer {
  readonly memory: ArrayBuffer
  readonly failure?: { readonly message: string; readonly code?: string }
}

/** As text, so that a bundle stays one file. It holds the file open, so that training goes on with the file that was there when it began. */
const BODY = `
const { parentPort, workerData } = require("node:worker_threads")
const fs = require("node:fs")
const MOST = 2 ** 30
let file
function read(at, into, from, bytes) {
  for (let done = 0; done < bytes;) {
    const count = fs.readSync(file, into, from + done, Math.min(MOST, bytes - done), at + done)
    if (count === 0) throw new Error("it became shorter while it was read")
    done += count
  }
}
parentPort.on("message", ({ at, bytes, apart, numbers, memory }) => {
  try {
    file ??= fs.openSync(workerData, "r")
    const into = new Uint8Array(memory)
    for (let i = 0; i < numbers.length;) {
      let count = 1
      if (apart === bytes) while (numbers[i + count] === numbers[i] + count) count++
      read(at + numbers[i] * apart, into, i * bytes, count * bytes)
      i += count
    }
    parentPort.postMessage({ memory }, [memory])
  } catch (caught) {
    parentPort.postMessage({ memory, failure: { message: caught.message, code: caught.code } }, [memory])
  }
})`

/** Reads records of the file at `path`. The thread starts with the first order. */
export class RecordReader {
  private worker: Worker | undefined
  private readonly orders: Order[] = []

  constructor(private readonly path: string) {}

  /** `memory` goes to the thread and comes back, so that nothing is copied. */
  read(records: Records, memory: ArrayBuffer): Promise<ArrayBuffer> {
    const worker = (this.worker ??= this.start())
    worker.ref()
    return new Promise((done, failed) => {
      this.orders.push({ done, failed })
      worker.postMessage({ ...records, memory }, [memory])
    })
  }

  close(): void {
    void this.worker?.terminate()
    this.worker = undefined
  }

  private start(): Worker {
    const worker = new Worker(BODY, { eval: true, workerData: this.path, name: "nnc rows" })
    worker.on("message", ({ memory, failure }: Answer) => {
      const order = this.orders.shift()!
      if (this.orders.length === 0) worker.unref()
      if (failure) return order.failed(Object.assign(new Error(failure.message), failure))
      order.done(memory)
    })
    const end = (reason: Error): void => {
      for (const { failed } of this.orders.splice(0)) failed(reason)
    }
    worker.on("error", end)
    worker.on("exit", () => end(new Error("the thread that reads it ended")))
    return worker
  }
}
