#!/usr/bin/env node
/** cli: arguments -> a command -> an exit code.
 *  Guarantees: whatever a command throws is caught here, and only here; exit codes are those of `failure.ts`.
 *  Not here:   the commands (`commands/`, a file each). */
import { nnc } from "./commands/index.js"
import { lostOutput, noteMessage, printJson } from "./console.js"
import { EXIT, outcomeOf, outputFailure } from "./failure.js"
import { usageFailure } from "./usage.js"

/** Runs one command; the result is the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const program = nnc()
  try {
    await program.parseAsync([...args], { from: "user" })
    return typeof process.exitCode === "number" ? process.exitCode : EXIT.done
  } catch (error) {
    const failure = usageFailure(program, error, args)
    if (typeof failure === "number") return failure
    const outcome = outcomeOf(failure)
    if (args.includes("--json")) printJson(outcome.json)
    noteMessage(outcome.text)
    return outcome.exit
  }
}

process.exitCode = await main(process.argv.slice(2))
// A stream reports its error after the call that wrote to it.
process.on("exit", () => {
  const lost = lostOutput()
  if (lost === undefined) return
  noteMessage(outcomeOf(outputFailure(lost)).text)
  process.exitCode = Math.max(Number(process.exitCode), EXIT.device)
})
