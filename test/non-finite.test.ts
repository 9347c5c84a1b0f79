// The state between steps is finite, or the run stops: it names the value that is not, the step and the line, and saves
// none of it.
import { afterEach, describe, expect, it } from "vitest"
import { RunError } from "../runtime/error.js"
import { openBundle, type TrainEvent, type Trainer } from "../runtime/node.js"
import { compileText } from "./reference/compile-text.js"
import { temporaryFolder } from "./support/nnc.js"

const opened: Trainer[] = []
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.close()
})

interface Run {
  readonly events: readonly TrainEvent[]
  /** `best 10`, `last 20`: kinds and steps of saved checkpoints. */
  readonly saved: readonly string[]
  readonly error: RunError | undefined
}
async function run(text: string, device: "webgpu" | "wasm"): Promise<Run> {
  const trainer = await openBundle(compileText({ path: "run.nn", text }).bundle, ".", { device })
  opened.push(trainer)
  const events: TrainEvent[] = []
  try {
    await trainer.train({ runFolder: temporaryFolder(), onEvent: (event) => events.push(event) })
    return { events, saved: savedIn(events), error: undefined }
  } catch (error) {
    if (!(error instanceof RunError)) throw error
    return { events, saved: savedIn(events), error }
  }
}
const savedIn = (events: readonly TrainEvent[]): string[] =>
  events.flatMap((e) => (e.event === "checkpoint" ? [`${e.kind} ${e.step}`] : []))

const data = `data d = array(x: [[0, 0], [1, 2], [3, 4]], y: [1, 2, 3]) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
}
`
const SETTINGS = "steps 12, report every 4 steps, checkpoint every 4 steps"

describe.each(["wasm", "webgpu"] as const)("on %s", (device) => {
  it("parameters that a finite loss hides", async () => {
    const { error, saved } = await run(
      `${data}model M(x: f32[B, 2]) -> f32[B, 1] {
  let h = x |> Linear(4, bias: false)
  let n = sqrt(sum(h ^ 2, axis: 1, keepdim: true))
  where(h / (n + 1) > 0, h / (n + 1), 0) |> Linear(1)
}
train on d {
  minimize mse(M(x), y) with SGD(lr: 0.01)
  ${SETTINGS}, keep best loss
}
`,
      device,
    )
    expect(error).toMatchObject({ code: "non-finite", exit: 1 })
    expect(error?.message).toMatch(
      /^"M\.linear\.0\.weight" is not finite after step 0 \(epoch 0\); the first value .* at .*run\.nn:7:11/,
    )
    expect(saved).toEqual([])
  })

  // The gradient grows until its square is infinite, and an update divided by the root of that moves nothing any more.
  it("the state of an optimizer beside finite parameters, some steps after the last good checkpoint", async () => {
    const { error, saved } = await run(
      `${data}model M(x: f32[B, 2]) -> f32[B, 1] { param w: f32[2, 1] = ones  x @ w }
train on d {
  minimize sum(M(x)) * 10 ^ (4 * f32(step)) with Adam()
  ${SETTINGS}, keep best loss
}
`,
      device,
    )
    expect(error?.message).toMatch(/^"M\.w\/v" is not finite after step 5 \(epoch 5\); the first value/)
    expect(saved).toEqual(["last 4", "best 4"])
  })

  const tracked = (next: string): string => `${data}layer Track()(v: f32) {
  state best: f32 = 1 / 0
  best <- ${next}
  best
}
model M(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(1) }
train on d {
  let loss = mse(M(x), y)
  report best = Track()(loss)
  minimize loss with SGD(lr: 0.01)
  ${SETTINGS}
}
`
  it("a state that starts infinite may be so, until it is NaN", async () => {
    const fine = await run(tracked("where(step > 6, minimum(best, v), best)"), device)
    expect(fine.error).toBeUndefined()
    expect(fine.saved).toEqual(["last 4", "last 8", "last 12"])
    const { error, saved } = await run(tracked("where(step > 4, log(-1 - v), best)"), device)
    expect(error?.message).toMatch(/^"[^"]*best" is not finite after step 5/)
    expect(saved).toEqual(["last 4"])
  })

  it("first values", async () => {
    const { error } = await run(
      `${data}model M(x: f32[B, 2]) -> f32[B, 1] {
  param w: f32[2, 1] = full(-1 / 0)
  where(w > 0, 1, 0)[0] * (x |> Linear(1))
}
train on d { minimize mse(M(x), y) with SGD(lr: 0.01)  ${SETTINGS} }
`,
      device,
    )
    expect(error?.message).toBe('"M.w" is not finite before step 0')
  })

  const rows = (x: string): string => `data d = array(x: ${x}, y: [1, 2, 3]) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
}
`
  const net = (lr: number): string => `train on d {
  minimize mse(x |> Linear(8) |> relu |> Linear(1), y) with SGD(lr: ${lr})
  steps 200, report every 4 steps
}
`
  const small = "[[0, 0], [1, 2], [3, 4]]"
  it.each([
    ["a logarithm of 0", `${rows(small)}${net(0.01).replace("relu", "log")}`, /^`log` at run\.nn:6:\d+/],
    [
      "features that are not scaled",
      rows("[[0, 0], [100, 2000], [300, 4000]]") + net(10),
      /^field `x` goes from 0 to 4000/,
    ],
    [
      "a learning rate that is too large",
      rows(small) + net(3),
      /^the learning rate is too large .*: the loss grew from .* the last update changed "/,
    ],
    [
      "one extreme row",
      rows("[[0, 0], [1, 3e30], [3, 4]]") + net(0.01),
      /^training row 1 has 3e\+30 in field `x`/,
    ],
  ])("names as the most likely cause %s", async (_, text, cause) => {
    const { error, events } = await run(text, device)
    expect(error?.code).toBe("non-finite")
    expect(error?.help?.replace(/^most likely /, "")).toMatch(cause)
    expect(events.at(-1)).toMatchObject({ event: "error", help: error?.help })
  })

  it("a metric that is NaN is said once, and is never the best", async () => {
    const { error, events, saved } = await run(
      `${data}model M(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(1) }
train on d {
  minimize mse(M(x), y) with SGD(lr: 0.01)
  report odd = higher_is_better(log(mean(M(x)) - 1000))
  ${SETTINGS}, keep best odd
}
`,
      device,
    )
    expect(error).toBeUndefined()
    expect(events.flatMap((e) => (e.event === "note" ? [e.message] : []))).toEqual([
      "warning: odd is NaN at step 0: no checkpoint is kept as the best by it",
    ])
    expect(saved).toEqual(["last 4", "last 8", "last 12"])
  })
})
