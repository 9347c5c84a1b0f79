/** runtime/device/wasm: threads of Node. */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { type StartThread, THREAD_BODY } from "./thread-pool.js"

const BODY = `${THREAD_BODY}
const { parentPort, workerData } = require("node:worker_threads")
begin(workerData, (message) => parentPort.postMessage(message))`

export const startNodeThread: StartThread = (task, onDeath) => {
  const worker = new Worker(BODY, { eval: true, workerData: task, name: `nnc ${task.thread}` })
  let ending = false
  const ready = new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve())
    worker.once("error", reject)
    worker.once("exit", () => reject(new Error("it ended at once")))
  })
  worker.on("error", (error) => onDeath(error.message))
  worker.on("exit", () => {
    if (!ending) onDeath("it ended")
  })
  return {
    ready,
    end: () => {
      ending = true
      void worker.terminate()
    },
  }
}

export const nodeThreads = (): number => availableParallelism()
