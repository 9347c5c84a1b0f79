/** play: times a step of the program as it is now, and shows where the time goes: at the lines of the program and at the kernels. */
import type { StepProfile } from "nnc/runtime/browser"
import { byId, numberText } from "./dom.js"
import type { Built, DeviceName, TrainOrder } from "./protocol.js"
import { type Shares, sharesOf, shareText } from "./shares.js"
import { deviceText, newWorker } from "./training.js"

/** The path of the program, as the compiler's worker has it. */
const PATH = "program.nn"

export interface ProfilingServices {
  text(): string
  build(device: DeviceName): Promise<Built>
  /** Undefined: not known of this program. */
  show(shares: Shares | undefined): void
}

export class ProfilePanel {
  private readonly button = byId("profile", HTMLButtonElement)
  private readonly about = byId("profiled", HTMLElement)
  /** The shares of the present program; undefined: not known. */
  private shares: Shares | undefined
  private summary = ""

  constructor(private readonly services: ProfilingServices) {
    this.button.addEventListener("click", () => void this.profile())
  }

  /** The program is another one. */
  changed(): void {
    if (this.shares) this.services.show(undefined)
    this.shares = undefined
    this.about.hidden = true
  }

  /** The pointer is over a line of the program, or has left. */
  pointed(line: number | undefined): void {
    if (!this.shares) return
    const share = line === undefined ? undefined : this.shares.lines.get(line)
    this.about.textContent = share
      ? `Line ${line}: ${shareText(share)} of a step, ${numberText(share.ms)} ms`
      : this.summary
  }

  private async profile(): Promise<void> {
    const text = this.services.text()
    this.button.disabled = true
    this.say("Timing a step, kernel by kernel …")
    try {
      const { bundle, files, device } = await this.services.build(
        byId("device", HTMLSelectElement).value as DeviceName,
      )
      if (!bundle) return this.say("The program has mistakes.")
      const found = await profileOf({ bundle, files, device })
      if (text !== this.services.text()) return
      this.shares = sharesOf(found, PATH)
      this.summary = `A step of ${found.batch.toLocaleString("en-US")} rows takes ${numberText(found.ms)} ms, measured on ${deviceText(found.device)}.`
      this.say(this.summary)
      this.services.show(this.shares)
    } catch (caught) {
      this.say(caught instanceof Error ? caught.message : String(caught))
    } finally {
      this.button.disabled = false
    }
  }

  private say(text: string): void {
    this.about.hidden = false
    this.about.textContent = text
  }
}

/** Times a step in a worker of its own, so that a run is not disturbed. */
function profileOf(order: TrainOrder): Promise<StepProfile> {
  return new Promise((resolve, reject) => {
    const worker = newWorker((message) => {
      if (message.kind === "profile") resolve(message.profile)
      else if (message.kind === "failed") reject(new Error(message.message))
      else return
      worker.terminate()
    })
    worker.postMessage({ kind: "profile", order })
  })
}
