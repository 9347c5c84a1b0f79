/** test: many programs against PyTorch, all in one process: it takes seconds to start. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { RunError } from "../../runtime/error.js"
import { Failure, Refused } from "../../compiler/cli/failure.js"
import { agrees } from "../../compiler/cli/verify/differences.js"
import {
  argumentsFor,
  compared,
  type Prepared,
  prepare,
  type VerifyOptions,
} from "../../compiler/cli/verify/pytorch.js"
import { python, runPython } from "./python.js"

/** A program, in a folder that may hold its data. */
export interface Subject {
  readonly text: string
  /** The train section, the first of several by default. */
  readonly train?: string
  /** Slots that start from these. */
  readonly values?: VerifyOptions["values"]
}
export interface Compared {
  /** Those that agree, each with its largest difference as a part of the largest number beside it. */
  readonly same: ReadonlyMap<string, number>
  /** Programs that nnc does not train, or that have no word in PyTorch: why. */
  readonly left: ReadonlyMap<string, string>
  /** What differs, or how it failed. */
  readonly wrong: ReadonlyMap<string, string>
}

const STEPS = 3

/** `programs` by name, each in the folder of that name. */
export async function againstPytorch(
  folder: string,
  programs: ReadonlyMap<string, Subject>,
): Promise<Compared> {
  const [ready, left] = [new Map<string, Prepared>(), new Map<string, string>()]
  for (const [name, subject] of programs) {
    const own = join(folder, name)
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, "p.nn"), subject.text)
    try {
      ready.set(name, await prepare(join(own, "p.nn"), own, optionsFor(subject)))
    } catch (error) {
      if (!(error instanceof RunError || error instanceof Failure || error instanceof Refused)) throw error
      left.set(
        name,
        error instanceof Refused
          ? error.diagnostics.map((d) => `${d.code}: ${d.message}`).join("; ")
          : error.message,
      )
    }
  }
  writeFileSync(join(folder, "programs.json"), JSON.stringify([...ready.keys()]))
  writeFileSync(
    join(folder, "arguments.json"),
    JSON.stringify([argumentsFor("start", STEPS), argumentsFor("nudged", STEPS)]),
  )
  const failed = new Map(
    Object.entries(JSON.parse(runPython(DRIVER, folder).split("\n").at(-2)!) as Record<string, string>),
  )
  const wrong = new Map<string, string>()
  const same = new Map<string, number>()
  for (const [name, prepared] of ready) {
    const why = failed.get(name)
    if (why !== undefined) {
      wrong.set(name, why)
      continue
    }
    const { differences } = compared(prepared, true)
    const off = differences.filter((d) => !agrees(d))
    if (off.length === 0)
      same.set(name, Math.max(0, ...differences.map((d) => (d.scale > 0 ? d.difference / d.scale : 0))))
    else
      wrong.set(
        name,
        off
          .map((d) => `${d.what} ${d.of}: ${d.difference} of ${d.scale}, ${d.rounding} by rounding`)
          .join("; "),
      )
  }
  return { same, left, wrong }
}

function optionsFor({
  text,
  values,
  train = /^train (?!on\b)(\w+)/m.exec(text)?.[1],
}: Subject): VerifyOptions {
  return {
    steps: STEPS,
    python: python!,
    data: new Map(),
    ...(train !== undefined && { train }),
    ...(values && { values }),
  }
}

const DRIVER = `
import contextlib, io, json, os, runpy, sys, traceback
here, failed = os.getcwd(), {}
runs = json.load(open("arguments.json"))
for name in json.load(open("programs.json")):
    folder = os.path.join(here, name)
    for args in runs:
        for module in [m for m in sys.modules if m == "model" or m.split(".")[0] == "nnc_torch"]:
            del sys.modules[module]
        os.chdir(folder)
        sys.path[0], sys.argv = folder, args
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                runpy.run_path("train.py", run_name="__main__")
        except BaseException:
            failed[name] = traceback.format_exc()[-1500:]
            break
print(json.dumps(failed))
`
