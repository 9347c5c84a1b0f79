/** play: a run in the page: started, shown, ended, gone on with. */
import type { DeviceInfo, ReportEvent, StartEvent, TrainEvent } from "nnc/runtime/browser"
import { Curves } from "./curves.js"
import { byId, download, h, numberText } from "./dom.js"
import { keepCheckpoint, keptCheckpoint } from "./kept.js"
import type { Built, DeviceName, FromTrainer, Problem, ToTrainer, TrainOrder } from "./protocol.js"
import { ViewPanel } from "./views.js"

export interface TrainingServices {
  text(): string
  build(device: DeviceName): Promise<Built>
  problems(problems: readonly Problem[]): void
}

/** Milliseconds between two checkpoints that outlive the page, while it trains. */
const KEPT_EVERY = 2000

export class TrainingPanel {
  private readonly curves = new Curves(byId("curves", HTMLElement))
  private readonly view = new ViewPanel(byId("view", HTMLElement))
  private readonly button = byId("train", HTMLButtonElement)
  private readonly status = byId("status", HTMLElement)
  private worker = newWorker((message) => this.hear(message))
  private isRunning = false
  private began = 0
  private start: StartEvent | undefined
  private last: ReportEvent | undefined
  private first: { readonly step: number; readonly at: number } | undefined
  private checkpoint: Uint8Array<ArrayBuffer> | undefined
  private order: TrainOrder | undefined
  /** The text of the program that trains. */
  private text = ""
  private keptAt = 0
  /** It was said that the browser keeps nothing. */
  private isWarned = false

  constructor(private readonly services: TrainingServices) {
    this.button.addEventListener("click", () => this.toggle())
    byId("resume", HTMLElement).addEventListener("click", () => void this.train(true))
    byId("checkpoint", HTMLElement).addEventListener("click", () => {
      if (this.checkpoint)
        download(new Blob([this.checkpoint]), `${this.order?.bundle.manifest.name ?? "program"}.safetensors`)
    })
  }

  toggle(): void {
    if (this.isRunning) this.tell({ kind: "stop" })
    else void this.train(false)
  }

  /** Another program. */
  reset(): void {
    if (this.isRunning) {
      this.worker.terminate()
      this.worker = newWorker((message) => this.hear(message))
    }
    this.setRunning(false)
    this.clear()
    this.checkpoint = undefined
    this.order = undefined
    this.offer(false)
    this.say("Ready.")
    void this.offerKept()
  }

  /** Offers the checkpoint of this program that the last visit kept. */
  private async offerKept(): Promise<void> {
    const text = this.services.text()
    const kept = await keptCheckpoint(text)
    if (!kept || this.isRunning || text !== this.services.text()) return
    this.checkpoint = kept
    this.offer(true)
    this.say("Ready. What this program had learned is still here: go on with it, or train anew.")
  }

  redraw(): void {
    this.curves.redraw()
    this.view.redraw()
  }
  resized(): void {
    this.view.redraw()
  }

  private clear(): void {
    this.curves.clear()
    this.view.clear()
    this.start = this.last = this.first = undefined
    byId("facts", HTMLElement).replaceChildren()
    byId("notes", HTMLElement).replaceChildren()
    this.isWarned = false
    byId("progress", HTMLProgressElement).value = 0
  }

  private async train(isResumed: boolean): Promise<void> {
    this.setRunning(true)
    this.began = performance.now()
    this.text = this.services.text()
    this.say("Compiling …")
    const asked = byId("device", HTMLSelectElement).value as DeviceName
    try {
      const { bundle, files, problems, ms, device, why } = await this.services.build(asked)
      if (!bundle) {
        this.services.problems(problems)
        this.fail("The program has mistakes: see below it.")
        return
      }
      this.say(`Compiled in ${Math.round(ms)} ms. Starting …`)
      this.clear()
      const checkpoint = isResumed ? this.checkpoint : undefined
      this.order = {
        bundle,
        files,
        device,
        ...(why !== undefined && { why }),
        ...(checkpoint && { checkpoint }),
      }
      this.tell({ kind: "train", order: this.order })
    } catch (caught) {
      this.fail(caught instanceof Error ? caught.message : String(caught))
    }
  }

  private hear(message: FromTrainer): void {
    if (message.kind === "view") this.view.show(message.view)
    if (message.kind === "event") this.event(message.event)
    if (message.kind === "checkpoint") {
      this.checkpoint = message.bytes
      if (!this.isRunning || performance.now() - this.keptAt > KEPT_EVERY) {
        this.keptAt = performance.now()
        void this.keep(message.bytes)
      }
      this.offer(!this.isRunning)
    }
    if (message.kind === "failed") this.fail(`${message.message}${message.help ? `\n${message.help}` : ""}`)
  }

  private async keep(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const why = await keepCheckpoint(this.text, bytes)
    if (why === undefined || this.isWarned) return
    this.isWarned = true
    this.note(
      `This browser does not keep what is learned (${why}): it is lost when the page is closed. “Save checkpoint” makes a file of it.`,
    )
  }

  private note(text: string): void {
    byId("notes", HTMLElement).append(h("p", {}, text))
  }

  private event(event: TrainEvent): void {
    if (event.event === "start") this.start = event
    if (event.event === "report") this.report(event)
    if (event.event === "note") this.note(event.message)
    if (event.event === "end") {
      const why = {
        finished: "Finished",
        stopped: "Stopped early: nothing became better",
        interrupted: "Stopped",
      }[event.why]
      const best = event.best
        ? ` Best ${event.best.metric} ${numberText(event.best.value)} at step ${event.best.step}.`
        : ""
      this.setRunning(false)
      this.say(
        `${why} after ${event.step.toLocaleString("en-US")} steps in ${numberText(event.seconds)} s.${best}`,
      )
    }
  }

  private report(event: ReportEvent): void {
    if (this.last === undefined)
      document.documentElement.dataset["firstLoss"] = (performance.now() - this.began).toFixed(0)
    this.first ??= { step: event.step, at: performance.now() }
    const { step, at } = this.first
    const rate = event.step > step ? (1000 * (event.step - step)) / (performance.now() - at) : undefined
    this.curves.add(event)
    const { start } = this
    if (start === undefined) return
    byId("progress", HTMLProgressElement).value = event.step / Math.max(1, start.steps)
    if (this.isRunning)
      this.say(
        `Step ${event.step.toLocaleString("en-US")} of ${start.steps.toLocaleString("en-US")}, epoch ${event.epoch}`,
      )
    const metrics = Object.entries(event.metrics).filter(
      (each): each is [string, number] => typeof each[1] === "number",
    )
    const facts: [string, string, string?][] = [
      ...metrics
        .slice(0, 4)
        .map(([name, value]): [string, string] => [name.replaceAll("_", " "), numberText(value)]),
      ["parameters", start.parameters.toLocaleString("en-US")],
      ...(rate === undefined
        ? []
        : [["steps a second", Math.round(rate).toLocaleString("en-US")] as [string, string]]),
      ["device", deviceText(start), "wide"],
    ]
    byId("facts", HTMLElement).replaceChildren(
      ...facts.map(([name, value, kind = ""]) =>
        h("div", { className: kind }, h("dt", {}, name), h("dd", {}, value)),
      ),
    )
    this.last = event
  }

  private fail(text: string): void {
    this.setRunning(false)
    this.say(text, true)
    this.offer(this.checkpoint !== undefined)
  }

  private setRunning(isRunning: boolean): void {
    this.isRunning = isRunning
    this.button.textContent = isRunning ? "Stop" : "Train"
    this.button.classList.toggle("stop", isRunning)
    byId("device", HTMLSelectElement).disabled = isRunning
    if (isRunning) this.offer(false)
  }

  private offer(isThere: boolean): void {
    byId("resume", HTMLElement).hidden = !isThere
    byId("checkpoint", HTMLElement).hidden = !isThere
  }

  private say(text: string, isFailure = false): void {
    this.status.textContent = text
    this.status.classList.toggle("failed", isFailure)
  }

  private readonly tell = (message: ToTrainer): void => this.worker.postMessage(message)
}

/** Beside the page. It trains, or times a step, as it is told. */
export function newWorker(hear: (message: FromTrainer) => void): Worker {
  const worker = new Worker(new URL("./trainer.worker.ts", import.meta.url), { type: "module" })
  worker.addEventListener("message", ({ data }: MessageEvent<FromTrainer>) => hear(data))
  return worker
}

export const deviceText = ({ device, adapter, why }: DeviceInfo): string =>
  `${device === "wasm" ? "WebAssembly" : "WebGPU"}: ${adapter}${why ? ` (${why})` : ""}`
