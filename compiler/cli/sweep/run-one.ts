/** cli/sweep: one run of a sweep, as a process of its own, so that its memory and device are freed when it ends. */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import type { TrainEvent } from "../../../runtime/node.js"
import type { Settings } from "./grid.js"
import type { TrainOptions } from "./sweep-folder.js"

export interface RunOrder {
  readonly program: string
  readonly settings: Settings
  readonly folder: string
  /** Goes on with the checkpoint in the folder; otherwise begins anew, over the remains of a run that saved none. */
  readonly resume: boolean
  readonly options: TrainOptions
  readonly onEvent: (event: TrainEvent) => void
  /** Aborting ends the run after its next step, saved. */
  readonly signal: AbortSignal
}

/** Undefined when it ended by itself or was asked to, else the message of the mistake. `where`: options of the device. */
export async function runOne(order: RunOrder, where: readonly string[]): Promise<string | undefined> {
  const { program, settings, folder, resume, onEvent, signal } = order
  const options = Object.entries(order.options).flatMap(([name, value]) => [`--${name}`, String(value)])
  // The command line that runs here already, wherever it was built.
  const [, main = ""] = process.argv
  const set = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`])
  const place = resume ? ["--resume", folder] : ["--out", folder, "--overwrite"]
  const child = spawn(
    process.execPath,
    [main, "train", program, ...set, ...place, ...options, ...where, "--json"],
    {
      // The channel closes when this process dies, by which the run notices and ends.
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    },
  )
  const stop = (): void => void child.kill("SIGTERM")
  signal.addEventListener("abort", stop)
  let [failure, said] = ["", ""]
  child.stderr!.on("data", (text) => (said += String(text)))
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const event = eventOf(line)
    if (event?.event === "error") failure = messageOf(event)
    else if (event !== undefined) onEvent(event)
  })
  const exit = await new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)))
  signal.removeEventListener("abort", stop)
  if (exit === 0 || signal.aborted) return undefined
  return failure || said.trim().split("\n")[0] || `it ended with exit code ${exit}`
}

/** Also of a program that is refused: its diagnostics. */
interface Mistake {
  readonly event: "error"
  readonly message?: string
  readonly diagnostics?: readonly { readonly message: string }[]
}

const messageOf = ({ message, diagnostics }: Mistake): string =>
  message ?? diagnostics?.map((each) => each.message).join("; ") ?? "it failed"

function eventOf(line: string): TrainEvent | Mistake | undefined {
  try {
    return JSON.parse(line) as TrainEvent | Mistake
  } catch {
    return undefined
  }
}
