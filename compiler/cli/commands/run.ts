/** cli: `nnc run`: train a compiled bundle. */
import type { Command } from "commander"
import { trains } from "../training.js"

export function addRun(program: Command): void {
  trains(
    program
      .command("run")
      .description("train a compiled bundle")
      .argument("<folder>", "what `nnc compile` wrote"),
  )
}
