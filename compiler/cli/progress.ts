/** cli: the events of a run -> output for a person: one live line on a terminal, plain lines elsewhere; or JSON lines.
 *  Not here: log.jsonl (the runtime writes it). */
import { SingleBar } from "cli-progress"
import type { EndEvent, ReportEvent, StartEvent, TrainEvent } from "../../runtime/node.js"
import { note, print, printJson } from "./console.js"
import { visible } from "../source/visible.js"
import { deviceText } from "./open-program.js"
import { bytesText, numberText, rateText, rowsText, timeText } from "./quantities.js"

/** Shows each event as it comes. */
export function showEvents(json: boolean): (event: TrainEvent) => void {
  if (json) return printJson
  const lines = process.stderr.isTTY ? new LiveLine() : new PlainLines()
  return (event) => {
    if (event.event === "start") {
      note(startText(event))
      lines.start(event)
    } else if (event.event === "report") lines.report(event)
    else if (event.event === "note") lines.message(event.message)
    else if (event.event === "end") {
      lines.stop()
      print(endText(event, lines.last))
    }
  }
}

interface Lines {
  readonly last: ReportEvent | undefined
  start(event: StartEvent): void
  report(event: ReportEvent): void
  message(text: string): void
  stop(): void
}

class LiveLine implements Lines {
  last: ReportEvent | undefined
  private readonly pace = new Pace()
  private perEpoch = 1
  private readonly bar = new SingleBar({
    format: "epoch {epoch}  [{bar}]  {value}/{total}  {rate} steps/s  {values}  {left} left",
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 20,
  })

  start({ steps, step, steps_per_epoch }: StartEvent): void {
    this.perEpoch = steps_per_epoch
    this.pace.start(step, steps)
    this.bar.start(steps, step, {
      epoch: Math.floor(step / steps_per_epoch),
      rate: "-",
      values: "",
      left: "-",
    })
  }
  report(event: ReportEvent): void {
    this.last = event
    const { rate, left } = this.pace.at(event.step)
    this.bar.update(event.step, {
      epoch: Math.floor(event.step / this.perEpoch),
      rate,
      values: visible(valuesText(event)),
      left,
    })
  }
  message(text: string): void {
    note(`\n${text}`)
  }
  stop(): void {
    this.bar.stop()
  }
}

class PlainLines implements Lines {
  last: ReportEvent | undefined
  private readonly pace = new Pace()

  start({ step, steps }: StartEvent): void {
    this.pace.start(step, steps)
  }
  report(event: ReportEvent): void {
    this.last = event
    const { rate, left } = this.pace.at(event.step)
    const speed = rate === "-" ? "" : `  ${rate} steps/s, ${left} left`
    note(`step ${event.step}  epoch ${event.epoch}  ${valuesText(event)}${speed}`)
  }
  message(text: string): void {
    note(text)
  }
  stop(): void {}
}

/** Steps per second since the start, and the time that is left at that rate. */
class Pace {
  private began = 0
  private first = 0
  private total = 0

  start(first: number, total: number): void {
    this.began = performance.now()
    this.first = first
    this.total = total
  }
  at(step: number): { readonly rate: string; readonly left: string } {
    const seconds = (performance.now() - this.began) / 1000
    if (step <= this.first || seconds <= 0) return { rate: "-", left: "-" }
    const rate = (step - this.first) / seconds
    return { rate: rateText(rate), left: timeText((this.total - step) / rate) }
  }
}

function startText(event: StartEvent): string {
  const { program, train, parameters, data_bytes, placement, batch, steps, step } = event
  const lies = placement === "pieces" ? "in pieces" : placement
  const data =
    event.rows === 0 ? "" : `, ${rowsText(event)}, data ${bytesText(data_bytes)} ${lies}, batch ${batch}`
  const from = step === 0 ? "" : `, going on from step ${step}`
  const section = train === "train" ? "" : ` (${train})`
  return `${program}${section}: ${parameters} parameters${data}, ${steps} steps${from}; on ${deviceText(event)}`
}

const STOPPED = { finished: "", stopped: "stopped early at ", interrupted: "interrupted at " }

function endText(
  { step, seconds, steps_per_second, why, best }: EndEvent,
  last: ReportEvent | undefined,
): string {
  const from = last === undefined || last.step === step ? "" : `last report, at step ${last.step}: `
  const values = last === undefined ? "" : `  ${from}${valuesText(last)}`
  const kept =
    best === undefined ? "" : `; best ${best.metric} ${numberText(best.value)} at step ${best.step}`
  return `${STOPPED[why]}step ${step}${values}  (${timeText(seconds)}, ${rateText(steps_per_second)} steps/s)${kept}`
}

/** `loss 0.019852  accuracy 1`. Tables have no place in a line: log and report hold them, and `evaluate` prints them. */
function valuesText({ metrics }: ReportEvent): string {
  return Object.entries(metrics)
    .filter(([, value]) => !Array.isArray(value))
    .map(([name, value]) => `${name} ${typeof value === "number" ? numberText(value) : String(value)}`)
    .join("  ")
}
