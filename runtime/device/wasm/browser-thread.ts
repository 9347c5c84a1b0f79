/** runtime/device/wasm: threads of a page: workers, where the page is cross-origin isolated. */
import { type StartThread, THREAD_BODY } from "./thread-pool.js"

const BODY = `${THREAD_BODY}
onmessage = ({ data }) => begin(data, (message) => postMessage(message))`

/** A worker that may not start says nothing. */
const REFUSED = "the page's content security policy has to allow `worker-src blob:`"

export const startBrowserThread: StartThread = (task, onDeath) => {
  const url = URL.createObjectURL(new Blob([BODY], { type: "text/javascript" }))
  const worker = new Worker(url, { name: `nnc ${task.thread}` })
  const ready = new Promise<void>((resolve, reject) => {
    worker.addEventListener("message", () => resolve(), { once: true })
    worker.addEventListener("error", ({ message }) => reject(new Error(message || REFUSED)), { once: true })
  })
  worker.addEventListener("error", (event) => onDeath(event.message))
  worker.postMessage(task)
  return {
    ready: ready.finally(() => URL.revokeObjectURL(url)),
    end: () => worker.terminate(),
  }
}

export const browserThreads = (): number =>
  globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1
