/** cli: `nnc evaluate`: loss and metrics of a checkpoint over the test rows, or the training rows when none are held back. */
import { Option, type Command } from "commander"
import { note, print, printJson } from "../console.js"
import { axisNames, metricText } from "../metric-text.js"
import {
  checkpointFor,
  deviceText,
  openProgram,
  withDeviceOptions,
  withPlacement,
  withSettingsOf,
  type DeviceOptions,
} from "../open-program.js"

interface Options extends DeviceOptions {
  readonly json?: boolean
  readonly checkpoint?: string
  readonly train?: string
  readonly part?: "train" | "val" | "test"
}

export function addEvaluate(program: Command): void {
  withPlacement(
    withDeviceOptions(
      program
        .command("evaluate")
        .description("loss and metrics of a checkpoint")
        .argument("<program>", "program or bundle folder"),
    ),
  )
    .option("--checkpoint <file>", "checkpoint or run folder (default: the newest run)")
    .option("--train <name>", "the train section whose loss and metrics are meant")
    .addOption(new Option("--part <rows>", "which rows").choices(["train", "val", "test"]))
    .option("--json", "print one object")
    .action(async (path: string, options: Options) => {
      const trainer = await openProgram(path, await withSettingsOf(path, options.checkpoint, options))
      try {
        const checkpoint = checkpointFor(trainer.bundle.manifest, options.checkpoint)
        await trainer.load(checkpoint)
        const { train, part } = options
        const values = await trainer.evaluate({ ...(train ? { train } : {}), ...(part ? { part } : {}) })
        if (options.json) return printJson({ event: "end", checkpoint, metrics: values })
        note(`parameters from ${checkpoint}; on ${deviceText(trainer.device)}`)
        const names = axisNames(trainer.bundle.manifest, train)
        print(
          Object.entries(values)
            .map(([name, value]) => metricText(name, value, names(name)))
            .join("\n"),
        )
      } finally {
        trainer.close()
      }
    })
}
