/** cli/report: keeps `report.html` of a run folder up to date while the run goes on.
 *  Guarantees: the page is the old one or the new one, whole. An error is reported once and never ends the training.
 *  Not here:   the contents of the page (page.ts). */
import { dirname, join } from "node:path"
import type { AnyManifest } from "../../../runtime/bundle/builds.js"
import { reasonOf } from "../../../runtime/error.js"
import {
  saveWhole,
  type EndEvent,
  type Samples,
  type TrainEvent,
  type Trainer,
} from "../../../runtime/node.js"
import { note } from "../console.js"
import { loggedEvents } from "../runs/log.js"
import { reportPage } from "./page.js"

/** The number of samples shown. */
const SAMPLES = 12
/** Writing takes milliseconds; more often nobody looks. */
const EVERY_MS = 10_000

export class RunReport {
  private path: string | undefined
  private events: TrainEvent[] = []
  private written = performance.now()
  private writing: Promise<void> = Promise.resolve()
  private failed = false
  private samples: Samples | undefined

  constructor(private readonly manifest: AnyManifest) {}

  /** After the event was logged. */
  see(event: TrainEvent): void {
    if (event.event === "start" && event.folder !== undefined) {
      this.path = join(event.folder, "report.html")
      // The folder of a resumed run holds the earlier events, and this one too.
      this.events = loggedEvents(event.folder) ?? [event]
    } else this.events.push(event)
    if (event.event === "report" && performance.now() - this.written > EVERY_MS) this.write()
  }

  /** Once the run is over, shows rows with their predictions, by its best checkpoint where one is kept. */
  async showSamples(trainer: Trainer, train: string | undefined, end: EndEvent): Promise<void> {
    const folder = this.path && dirname(this.path)
    try {
      if (end.best !== undefined && folder !== undefined) await trainer.load(folder)
      this.samples = await trainer.samples({ ...(train !== undefined && { train }), count: SAMPLES })
    } catch (caught) {
      note(`the report has no samples: ${reasonOf(caught)}`)
    }
  }

  /** Writes the page as it is now. */
  async finish(): Promise<void> {
    this.write()
    await this.writing
  }

  private write(): void {
    const { path } = this
    if (path === undefined || this.failed) return
    this.written = performance.now()
    this.writing = this.writing
      .then(() =>
        saveWhole(path, new TextEncoder().encode(reportPage(this.manifest, this.events, this.samples))),
      )
      .catch((error: unknown) => {
        if (!this.failed) note(`the report is not written: ${error instanceof Error ? error.message : ""}`)
        this.failed = true
      })
  }
}
