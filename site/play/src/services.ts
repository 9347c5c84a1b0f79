/** play: calls of the compiler's worker. */
import type { Answer, Call, CompilerApi } from "./protocol.js"

type Asked = {
  readonly [K in keyof CompilerApi]: (
    ...args: Parameters<CompilerApi[K]>
  ) => Promise<Awaited<ReturnType<CompilerApi[K]>>>
}

const NAMES: readonly (keyof CompilerApi)[] = [
  "check",
  "complete",
  "hover",
  "format",
  "checkData",
  "build",
  "stages",
  "stage",
  "bundleFiles",
]

export function startCompiler(): Asked {
  const worker = new Worker(new URL("./compiler.worker.ts", import.meta.url), { type: "module" })
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (reason: Error) => void }>()
  let next = 0
  worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
    const asked = waiting.get(data.id)
    waiting.delete(data.id)
    if (data.failed === undefined) asked?.resolve(data.result)
    else asked?.reject(new Error(data.failed))
  })
  const ask = (name: keyof CompilerApi, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call: Call = { id: next++, name, args }
      waiting.set(call.id, { resolve, reject })
      worker.postMessage(call)
    })
  const calls = NAMES.map((name) => [name, (...args: readonly unknown[]) => ask(name, args)] as const)
  return Object.fromEntries(calls) as Asked
}
