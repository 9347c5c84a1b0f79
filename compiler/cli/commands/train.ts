/** cli: `nnc train`: compile and run in one. */
import type { Command } from "commander"
import { trains } from "../training.js"

export function addTrain(program: Command): void {
  trains(
    program
      .command("train")
      .description("train a program")
      .argument("<file>", "program")
      .option("--watch", "train again from the start whenever a program in the folder changes"),
  )
}
