/** play: training, beside the page. The drawings come from a second session on the same program, which takes over the checkpoints of the
 *  run as they come: a session that trains answers nothing else. */
import { type CheckpointStore, openBundle, RunError, type Session } from "nnc/runtime/browser"
import { type Look, lookOf } from "./looks.js"
import type { FromTrainer, ToTrainer, TrainOrder } from "./protocol.js"

/** Milliseconds between two drawings. */
const APART = 120
/** Reports of a run, where the program leaves that open. */
const REPORTS = 120

let running: AbortController | undefined
let over: Promise<void> = Promise.resolve()

addEventListener("message", ({ data }: MessageEvent<ToTrainer>) => {
  running?.abort()
  if (data.kind === "train") over = over.then(() => train(data.order))
  if (data.kind === "profile") over = over.then(() => profile(data.order))
})

const say = (message: FromTrainer, moved: Transferable[] = []): void =>
  postMessage(message, { transfer: moved })

async function profile({ bundle, files, device }: TrainOrder): Promise<void> {
  try {
    const session = await openBundle(bundle, location.href, { files, device })
    const [spec] = bundle.manifest.trains
    say({ kind: "profile", profile: await session.profile(spec && { train: spec.name }) })
    session.close()
  } catch (caught) {
    fail(caught)
  }
}

function fail(caught: unknown): void {
  const { code, help } = caught instanceof RunError ? caught : { code: "bug", help: undefined }
  const message = caught instanceof Error ? caught.message : String(caught)
  say({ kind: "failed", code, message, ...(help !== undefined && { help }) })
}

async function train({ bundle, files, device, why, checkpoint }: TrainOrder): Promise<void> {
  const stop = (running = new AbortController())
  const sessions: Session[] = []
  try {
    const opened = await openBundle(bundle, location.href, {
      files,
      device,
      ...(why !== undefined && { why }),
    })
    sessions.push(opened)
    say({ kind: "device", device: opened.device })
    const isWasm = opened.device.device === "wasm"
    const viewer = await openBundle(bundle, location.href, {
      files,
      device: isWasm ? "wasm" : "webgpu",
      ...(isWasm && { threads: 1 }),
    })
    sessions.push(viewer)
    const look = await lookOf(bundle.manifest, viewer, files)
    const drawing = new Drawing(viewer, look)
    const [spec] = bundle.manifest.trains
    if (spec === undefined) throw new RunError("unknown-name", "the program has no train section")
    // Metrics that are watched are watched as often as the program says.
    const isFree = spec.patience === undefined && spec.keepBest === null && spec.observed === undefined
    const every = { ...spec.duration, count: Math.max(1, Math.round(spec.duration.count / REPORTS)) }
    const often = every.count < spec.reportEvery.count || every.unit !== spec.reportEvery.unit
    const run = opened.train({
      train: spec.name,
      signal: stop.signal,
      store: drawing,
      checkpointEvery: every,
      ...(isFree && often && { reportEvery: every }),
      ...(checkpoint && { resume: opened.decodeCheckpoint("the checkpoint", checkpoint) }),
    })
    for await (const event of run) say({ kind: "event", event })
    await drawing.drawLast()
  } catch (caught) {
    fail(caught)
  } finally {
    for (const session of sessions) session.close()
  }
}

/** Draws from saved checkpoints, when it is time, and hands them on. */
class Drawing implements CheckpointStore {
  private drawn = -Infinity
  /** Saved, and not drawn yet. */
  private waiting: Uint8Array | undefined

  constructor(
    private readonly viewer: Session,
    private readonly look: Look | undefined,
  ) {}

  async save(kind: string, bytes: Uint8Array): Promise<string> {
    if (kind === "last") {
      this.waiting = bytes
      if (performance.now() - this.drawn >= APART) await this.drawLast()
    }
    return kind
  }

  async drawLast(): Promise<void> {
    const { viewer, look, waiting } = this
    if (waiting === undefined) return
    this.waiting = undefined
    if (look) {
      viewer.loadState(viewer.decodeCheckpoint("the checkpoint", waiting))
      say({ kind: "view", view: await look(viewer) })
    }
    const bytes = waiting.slice()
    say({ kind: "checkpoint", bytes }, [bytes.buffer])
    this.drawn = performance.now()
  }
}
