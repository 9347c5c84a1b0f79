/** bench: arguments -> the measurements to make. A wrong one is a BadOption that names it. */
import { parseArgs } from "node:util"
import { type Workload, WORKLOADS } from "./data.js"

export const DEVICES = ["webgpu", "wasm"] as const
export type DeviceName = (typeof DEVICES)[number]

export interface BenchOptions {
  /** Left out: each that there is. */
  readonly devices: readonly DeviceName[]
  readonly peers?: string
  readonly only: readonly Workload[]
  /** The seconds of each measurement, and the number of rounds of each runner. */
  readonly seconds: number
  readonly rounds: number
}

export function optionsFrom(args: readonly string[]): BenchOptions {
  const values = parsed(args)
  const { device, peers, only } = values
  const seconds = Number(values.seconds)
  const rounds = Number(values.rounds)
  if (!(seconds > 0)) throw new BadOption(`--seconds takes a positive number, not ${values.seconds}`)
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new BadOption(`--rounds takes a whole number from 1, not ${values.rounds}`)
  return {
    devices: device === undefined ? DEVICES : [oneOf("--device", DEVICES, device)],
    ...(peers === undefined ? {} : { peers }),
    only:
      only === undefined
        ? WORKLOADS
        : only.split(",").map((name) => oneOf("--only", WORKLOADS, name.toUpperCase())),
    seconds,
    rounds,
  }
}

const text = { type: "string" } as const

function parsed(args: readonly string[]) {
  const options = {
    device: text,
    peers: text,
    only: text,
    seconds: { ...text, default: "3" },
    rounds: { ...text, default: "3" },
  }
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new BadOption(error instanceof Error ? error.message : String(error))
  }
}

export class BadOption extends Error {}

function oneOf<T extends string>(flag: string, names: readonly T[], name: string): T {
  const found = names.find((each) => each === name)
  if (found === undefined) throw new BadOption(`${flag} takes ${names.join(", ")}, not ${name}`)
  return found
}
