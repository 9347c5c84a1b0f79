/** runtime/device: waiting in Node without burning a core. Dawn polls from `setImmediate` while a promise is pending, which
 *  takes a whole core, half of what a software adapter computes on. So this thread sleeps between two polls.
 *  Measured: 3 % of a core in waits of 100 ms, 7 % at 20 ms, 17 % at 5 ms; see DECISIONS.md. */

/** Short waits are polled: a small read-back takes some 30 us on llvmpipe when it is. */
const POLLED_MS = 0.15
const SHORTEST_SLEEP_MS = 0.2
const LONGEST_SLEEP_MS = 2
/** Sleeps grow with the time waited, so that waking late costs a small fraction of it. */
const SLEEP_PER_WAITED = 1 / 16

const never = new Int32Array(new SharedArrayBuffer(4))

export async function quietWait<T>(promise: Promise<T>): Promise<T> {
  let settled = false
  const settle = (): void => {
    settled = true
  }
  promise.then(settle, settle)
  const start = performance.now()
  await nextPoll()
  while (!settled) {
    const waited = performance.now() - start
    if (waited > POLLED_MS)
      Atomics.wait(
        never,
        0,
        0,
        Math.min(LONGEST_SLEEP_MS, Math.max(SHORTEST_SLEEP_MS, waited * SLEEP_PER_WAITED)),
      )
    await nextPoll()
  }
  return promise
}

const nextPoll = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
