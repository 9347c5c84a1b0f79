/** cli/logs: the events of a run as a file that TensorBoard reads: records of TFRecord, each an `Event` of tensorboard's event.proto.
 *  A run that is resumed writes a file of its own, whose first step takes the place of later ones before, as TensorBoard has it. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import crc32c from "crc-32/crc32c.js"
import { appendFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import type { ReportEvent, TrainEvent } from "../../../runtime/node.js"

export class TensorboardLog {
  private path: string | undefined

  /** `seconds`: since 1970, when the event was. */
  see(event: TrainEvent, seconds: number): void {
    if (event.event === "start" && event.folder !== undefined) {
      const name = `events.out.tfevents.${Math.floor(seconds)}.${hostname()}.${process.pid}`
      this.path = join(event.folder, name)
      this.append(versionRecord(seconds))
      if (event.step > 0) this.append(resumedRecord(seconds, event.step))
    } else if (event.event === "report") this.append(scalarsRecord(seconds, event))
  }

  private append(event: Uint8Array): void {
    if (this.path !== undefined) appendFileSync(this.path, tfRecord(event))
  }
}

/** Fields of `Event`, `Summary`, `Summary.Value` and `SessionLog`. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 }
const SUMMARY = { value: 1 }
const VALUE = { tag: 1, simpleValue: 2 }
const SESSION_LOG = { status: 1 }
const START = 1

function eventAt(seconds: number, step: number): BinaryWriter {
  const event = new BinaryWriter().tag(EVENT.wallTime, WireType.Bit64).double(seconds)
  // A field that is not there stands for 0.
  return step === 0 ? event : event.tag(EVENT.step, WireType.Varint).int64(step)
}

export const versionRecord = (seconds: number): Uint8Array =>
  eventAt(seconds, 0).tag(EVENT.fileVersion, WireType.LengthDelimited).string("brain.Event:2").finish()

/** The record after which the events of earlier files from `step` on no longer count. */
export const resumedRecord = (seconds: number, step: number): Uint8Array =>
  eventAt(seconds, step)
    .tag(EVENT.sessionLog, WireType.LengthDelimited)
    .fork()
    .tag(SESSION_LOG.status, WireType.Varint)
    .int32(START)
    .join()
    .finish()

/** `test_loss` is `loss/test`, so that it shares a chart with `loss`. Tables are no scalars. */
export function scalarsRecord(seconds: number, { step, metrics }: ReportEvent): Uint8Array {
  const event = eventAt(seconds, step).tag(EVENT.summary, WireType.LengthDelimited).fork()
  for (const [name, value] of Object.entries(metrics))
    if (typeof value === "number")
      event
        .tag(SUMMARY.value, WireType.LengthDelimited)
        .fork()
        .tag(VALUE.tag, WireType.LengthDelimited)
        .string(tagOf(name))
        .tag(VALUE.simpleValue, WireType.Bit32)
        .float(value)
        .join()
  return event.join().finish()
}

function tagOf(name: string): string {
  const [, part, metric] = /^(val|test)_(.*)$/.exec(name) ?? []
  return metric === undefined ? `${name}/train` : `${metric}/${part}`
}

/** Length and data, each with its checksum. */
export function tfRecord(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true)
  return Buffer.concat([length, masked(length), data, masked(data)])
}

/** CRC-32C, turned and shifted so that checksums of checksums are none. */
function masked(bytes: Uint8Array): Uint8Array {
  const crc = crc32c.buf(bytes) >>> 0
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0, true)
  return out
}
