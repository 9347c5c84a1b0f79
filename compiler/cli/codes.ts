/** cli: the pages of all codes: those of the compiler, of a run, and of the command line itself. */
import { RUN_CODES } from "../../runtime/codes.js"
import { codes } from "../driver/codes.js"
import type { CodePages } from "../source/codes.js"

const cliCodes: CodePages = {
  usage: {
    title: "the command line is wrong",
    explanation: `A command, option or argument is not one that nnc knows, or one that it needs is not there. The message names
the nearest known one; \`nnc COMMAND --help\` lists them all. The exit code is 2.`,
  },
  "io-program": {
    title: "the program cannot be read",
    explanation: `The path names no file, or a folder, or a file of another kind. Programs end in .nn; a folder is taken as a
compiled bundle, which \`nnc run\` trains.`,
  },
  "io-system": {
    title: "the file system refused something",
    explanation: `A file could not be opened, read or written: the message has the path and the reason that the system gave. The
exit code is 3, because nothing is wrong with the program.`,
  },
  "io-folder": {
    title: "nnc does not write over what it did not make",
    explanation: `\`nnc compile -o DIR\` replaces DIR only when it is empty or a bundle, and \`nnc init DIR\` writes no file that is
already there. Choose another folder, or empty this one.`,
  },
  "inspect-stage": {
    title: "there is no stage of that name",
    explanation:
      "`nnc inspect` without a program lists the stages and passes in order, with what each of them makes.",
  },
  "inspect-text": {
    title: "this text of an intermediate form cannot be read",
    explanation: `What \`nnc inspect --after=STAGE\` prints can be edited and fed back. The message has the line and column at which
the text stops making sense.`,
  },
  "translation-differs": {
    title: "a stage of the compiler, or the device, computes something else",
    explanation: `\`nnc check --validate\` runs every stage on the same random values, the last of them on the device. Where one computes
something else than the one before it, that is a mistake of nnc, or of the device's driver where the device is named, and not of
the program. \`nnc reduce\` makes the program small for a report; \`--device\` takes another device.`,
  },
  "reduce-nothing": {
    title: "the program does not fail as `nnc reduce` was told",
    explanation: `\`nnc reduce m.nn --run "train --device webgpu" --keep "text of the failure"\` runs the command, and keeps what still prints the
text. Here the program itself does not: take the text from what the command prints, without paths and line numbers, which change.`,
  },
  "plan-file": {
    title: "a file of plans that cannot be read",
    explanation: `\`--plan FILE\` takes a file that \`nnc tune m.nn\` writes: for each target and graph a list of kernels, each with its plan, as
\`nnc inspect m.nn --after=choose\` prints them.`,
  },
  "explain-code": {
    title: "there is no message with that code",
    explanation:
      "The code stands in square brackets in the first line of a message: `error[matmul-c2]: ...`.",
  },
  "sweep-folder": {
    title: "the folder is not a sweep of this program",
    explanation: `\`nnc sweep m.nn --resume FOLDER\` goes on with what an earlier \`nnc sweep m.nn\` wrote below sweeps/. Runs of one sweep are compared
with each other, so the program has to be what it was; for another one, start a new sweep.`,
  },
  "sweep-exists": {
    title: "the folder of a new sweep holds something already",
    explanation: `\`nnc sweep m.nn --out FOLDER\` begins a sweep in an empty folder or a new one: logs and checkpoints that are there would be taken
for those of its own runs. \`--resume FOLDER\` goes on with the sweep that a folder holds.`,
  },
  "checkpoint-none": {
    title: "there is no run to take parameters from",
    explanation: `\`nnc predict\`, \`nnc evaluate\`, \`nnc export\` and \`nnc train --resume\` use the newest checkpoint of the newest run below runs/ when
none is named. Train first, or name one: \`--checkpoint runs/cancer-1\`.`,
  },
  "export-operation": {
    title: "the program computes something that cannot be said where it is exported to",
    explanation: `\`nnc export -o m.onnx\` writes every operation of a model's prediction as operators of ONNX. A few have none: random draws,
gradients, and what belongs to a training run. The message names the line; a model that does it in training only, as \`Dropout\` does, can
be exported: \`if training { ... }\`. \`--to pytorch\` knows all operations; it refuses \`precision mixed\`, for which PyTorch has its own, and a
layer that reaches into another instance.`,
  },
  "verify-python": {
    title: "the exported program cannot be run by Python",
    explanation: `\`nnc verify --against pytorch\` runs the program that \`nnc export --to pytorch\` writes, and needs a Python that has torch and numpy:
\`--python PATH\`, or the variable \`NNC_PYTHON\`. Where the program itself fails, the end of what Python said is shown: that is a mistake of nnc.`,
  },
  "export-bundle": {
    title: "an exported model or program is made of a program, not of a bundle",
    explanation:
      "A bundle holds the kernels of a compiled program, from which its operations cannot be told any more. Name the .nn file.",
  },
  "export-size": {
    title: "the model is too large for one ONNX file",
    explanation: `ONNX files are messages of protobuf, which hold 2 GiB at most. \`nnc export -o weights.safetensors\` has no such limit.`,
  },
}

/** The pages of `nnc explain`. A code that the compiler and a run share has the compiler's page, which speaks of both. */
export const allCodes: CodePages = { ...RUN_CODES, ...codes, ...cliCodes }
