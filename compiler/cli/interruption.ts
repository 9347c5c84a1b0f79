/** cli: being asked to end: once to save and end, twice to end at once. */

/** How a process is asked to end: from the keyboard, by a system or scheduler, by the end of its terminal or of
 *  the process that started it and keeps a channel to it. */
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const

export interface Interruption {
  readonly signal: AbortSignal
  readonly by: NodeJS.Signals | undefined
  dispose(): void
}

/** Signals this close together are one: npx hands on the signal that the terminal has sent already. */
const ONE_REQUEST_MS = 1000

/** Aborts when the process is asked to end. When it is asked again it ends at once, as without this. */
export function interruption(): Interruption {
  const controller = new AbortController()
  let by: NodeJS.Signals | undefined
  const dispose = (): void => {
    for (const name of ENDING) process.off(name, stop)
    process.off("disconnect", hangUp)
  }
  const stop = (name: NodeJS.Signals): void => {
    if (by !== undefined) return
    by = name
    controller.abort()
    setTimeout(dispose, ONE_REQUEST_MS).unref()
  }
  const hangUp = (): void => stop("SIGHUP")
  for (const name of ENDING) process.on(name, stop)
  process.on("disconnect", hangUp)
  if (process.send !== undefined && !process.connected) hangUp()
  return {
    signal: controller.signal,
    get by() {
      return by
    },
    dispose,
  }
}
