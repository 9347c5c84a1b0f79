/** cli: `nnc evaluate`: loss and metrics of a checkpoint over the test rows; where there are none, over those for validation, and else for
 *  training. */
import { Option, type Command } from "commander"
import { PART_NAMES } from "../../../runtime/data/shares.js"
import { note, print, printJson } from "../console.js"
import { axisNames, metricText } from "../metric-text.js"
import {
  deviceText,
  loadLearned,
  openProgram,
  withCheckpoint,
  withDeviceOptions,
  withPlacement,
  withSettingsOf,
  type CheckpointOptions,
  type DeviceOptions,
} from "../open-program.js"

interface Options extends DeviceOptions, CheckpointOptions {
  readonly json?: boolean
  readonly train?: string
  readonly part?: "train" | "val" | "test"
}

export function addEvaluate(program: Command): void {
  withCheckpoint(
    withPlacement(
      withDeviceOptions(
        program
          .command("evaluate")
          .description("loss and metrics of a checkpoint")
          .argument("<program>", "program or bundle folder"),
      ),
    ),
  )
    .option("--train <name>", "the train section whose loss and metrics are meant")
    .addOption(
      new Option("--part <rows>", "which rows (default: the test, else validation, else training)").choices([
        "train",
        "val",
        "test",
      ]),
    )
    .option("--json", "print one object")
    .action(async (path: string, options: Options) => {
      const trainer = await openProgram(path, await withSettingsOf(path, options, options))
      try {
        const loaded = await loadLearned(trainer, options)
        const { train, part } = options
        const { metrics, ...over } = await trainer.evaluation({
          ...(train ? { train } : {}),
          ...(part ? { part } : {}),
        })
        if (options.json) return printJson({ event: "end", checkpoint: loaded.place, ...over, metrics })
        note(
          `parameters from ${loaded.text}; ${over.rows} ${PART_NAMES[over.part]} rows; on ${deviceText(trainer.device)}`,
        )
        const names = axisNames(trainer.bundle.manifest, train)
        print(
          Object.entries(metrics)
            .map(([name, value]) => metricText(name, value, names(name)))
            .join("\n"),
        )
      } finally {
        trainer.close()
      }
    })
}
