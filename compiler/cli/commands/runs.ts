/** cli: `nnc runs`: lists, compares and removes runs. */
import type { Command } from "commander"
import { existsSync, writeFileSync } from "node:fs"
import { removeRunFolder } from "../../../runtime/node.js"
import { note, print, printJson } from "../console.js"
import { Failure } from "../failure.js"
import { comparisonPage } from "../runs/comparison-page.js"
import { type RunFacts, runFacts, runsBelow } from "../runs/run-facts.js"
import { runsTable } from "../runs/table.js"

const RUNS = "runs"

export function addRuns(program: Command): void {
  const runs = program
    .command("runs")
    .description("list runs, compare them, or remove them")
    .argument("[folder]", `where the runs are (default: ${RUNS})`)
    .option("--program <name>", "only runs of this program")
    .option("--json", "print one object per run")
    .action((given: string | undefined, { program: name, json }: { program?: string; json?: boolean }) => {
      const folder = given ?? RUNS
      if (given !== undefined && !existsSync(given))
        throw new Failure(
          "run-missing",
          `there is no folder ${given}`,
          "runs go to runs/, those of sweeps to sweeps/",
        )
      const found = runsBelow(folder).filter((run) => name === undefined || run.program === name)
      if (json) for (const run of found) printJson({ event: "run", ...run })
      else if (found.length > 0) print(runsTable(found))
      else note(`there are no runs in ${folder}/`)
    })
  runs
    .command("compare")
    .description("settings, metrics and curves of some runs: a table here, and a page")
    .argument("<folders...>", "run folders")
    .option("-o, --out <file>", "where the page goes", "comparison.html")
    .action((folders: string[], { out }: { out: string }) => {
      const compared = folders.map(existing)
      writeFileSync(out, comparisonPage(compared))
      print(runsTable(compared))
      note(`curves in ${out}`)
    })
  runs
    .command("remove")
    .description("delete runs: log, report and checkpoints")
    .argument("<folders...>", "run folders")
    .action((folders: string[]) => {
      // Nothing is removed when one of them is a mistake.
      for (const folder of folders) existing(folder)
      for (const folder of folders) {
        const { left } = removeRunFolder(folder)
        note(
          left.length === 0 ? `removed ${folder}` : `removed the run in ${folder}; kept ${left.join(", ")}`,
        )
      }
    })
}

function existing(folder: string): RunFacts {
  const run = runFacts(folder)
  if (run !== undefined) return run
  throw new Failure(
    "run-missing",
    `${folder} is no run: it holds no log`,
    "`nnc runs` lists those below runs/",
  )
}
