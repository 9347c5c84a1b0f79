/** runtime: every code a run can stop with, once. The same shape as the compiler's pages, so that `nnc explain` shows both. */

export interface CodePage {
  readonly title: string
  readonly explanation: string
  readonly bad?: string
  readonly good?: string
}

export const RUN_CODES = {
  "bundle-missing": {
    title: "this is not a compiled bundle",
    explanation:
      "A bundle is the folder that `nnc compile` writes. It holds manifest.json, kernels/*.wgsl and copies of the data files.",
  },
  "bundle-corrupt": {
    title: "a file or value of the bundle is not the one that was compiled",
    explanation:
      "The manifest lists a SHA-256 for every file. A file that is missing or differs is named, and so is a value in the manifest that it cannot have or that does not fit the rest; nothing runs. Compile again.",
  },
  "bundle-outside": {
    title: "the bundle names a file outside of its folder",
    explanation:
      "A bundle may come from a stranger, so it reads nothing outside of its folder: no absolute path, no `..`, no link that leads out. `--allow-data PATH` lets its data sets be read from that file or folder; `--data NAME=PATH` names another file for one data set.",
  },
  "bundle-version": {
    title: "the bundle was written by another version",
    explanation: "A bundle carries its format version. Compile the source again with the nnc that runs it.",
  },
  "unknown-name": {
    title: "the bundle has nothing of that name",
    explanation: "A model, train section, parameter or program was asked for that the bundle does not hold.",
  },
  "device-differs": {
    title: "the device computes something else than the compiler",
    explanation: `A bundle holds the first losses of its training as the compiler computed them in double precision, on rows drawn alike here and
there. With \`verify\` they are compared before anything else. A device that gives others would train something else: its driver is wrong.`,
  },
  "no-adapter": {
    title: "no WebGPU adapter was found",
    explanation:
      "`--device webgpu` needs an adapter. Without a GPU, a software Vulkan driver is enough (Mesa's llvmpipe, or the SwiftShader of any Chromium). `nnc doctor` says what this machine lacks; `--device wasm` needs no adapter.",
  },
  "device-limits": {
    title: "the device is too small for this program",
    explanation:
      "A buffer, a binding or a kernel needs more than the adapter offers, or a feature it does not have. The message names both sizes.",
  },
  "device-lost": {
    title: "the device stopped working",
    explanation:
      "The driver reset or removed the device. The last checkpoint is kept; `--resume` goes on from it.",
  },
  "device-error": {
    title: "the device reported an error",
    explanation:
      "The driver refused something that was asked of it. Results after that cannot be trusted, so the run stops.",
  },
  "kernel-refused": {
    title: "the device does not accept a kernel",
    explanation:
      "The WGSL text of a kernel did not compile on this device. The message names the kernel and its source lines.",
  },
  "device-target": {
    title: "the bundle was not compiled for this device",
    explanation:
      "A bundle holds kernels for WebGPU, for WebAssembly, or for both, which is the default. `nnc compile --for` chooses.",
  },
  "no-wasm-simd": {
    title: "this engine has no WebAssembly SIMD",
    explanation:
      "The module of a bundle computes on four numbers at once, which every browser since 2021 and Node since 16.4 can do. Use a newer one, or a WebGPU device.",
  },
  "data-file": {
    title: "a data file cannot be read",
    explanation: "Paths are relative to the bundle (or source file). `--data NAME=PATH` names another file.",
  },
  "data-format": {
    title: "a data file is not of the format it is declared to be",
    explanation: "CSV, JSON lines, IDX (raw or gz), NPY and NPZ files are checked from their first bytes on.",
  },
  "data-image": {
    title: "an image cannot be read",
    explanation:
      'It is damaged, cut off, or not of the format that its ending says. Repair or delete it; `images("photos", skip: "damaged")` leaves such images out, counts and names them.',
  },
  "data-decoder": {
    title: "the package that decodes images is not installed",
    explanation:
      "Images are decoded by `sharp`, which is an optional package because it brings a library of some megabytes. `npm install sharp` beside nnc installs it; a compiled program does without.",
  },
  "data-unconverted": {
    title: "a source that has to be converted first",
    explanation:
      "Images and parquet files are converted to a table when a program is compiled, and a bundle holds that table. Another folder or file in their place needs `nnc compile --data NAME=PATH`.",
  },
  "data-parts-differ": {
    title: "files that are read together have different columns",
    explanation:
      "Files of one pattern are parts of one table: each has the same columns, with rows of the same shape.",
  },
  "data-encoding": {
    title: "a text file is not in UTF-8",
    explanation:
      "CSV, JSON lines and texts are read as UTF-8, with or without a byte order mark. What is not UTF-8 is refused where it is read, with the line and the byte, so that no character is replaced by another. `iconv -f latin1 -t utf-8` converts a file.",
  },
  "data-too-large": {
    title: "a packed file holds more than is unpacked",
    explanation:
      "gzip and Zstandard files and the deflated arrays of an .npz are unpacked in memory, up to 2 GiB each, so that a small file cannot fill it. Unpack the file once, with gunzip or by numpy.savez, and name that: files that are not packed may be of any size.",
  },
  "data-truncated": {
    title: "a data file is cut off or damaged",
    explanation:
      "It ends before what its header announces, or its content has not the checksum that stands beside it: the download or copy was cut off. Fetch it again.",
  },
  "data-empty": {
    title: "a data file holds no rows",
    explanation:
      "A data set needs at least one row: below the header of a CSV file, a whole window of a text.",
  },
  "data-ragged": {
    title: "a row has another number of cells than the header",
    explanation: "Every row of a CSV file has as many cells as its header row.",
    bad: "a,b\n1,2\n3",
    good: "a,b\n1,2\n3,4",
  },
  "data-not-a-number": {
    title: "a cell is not a number",
    explanation:
      "Columns that a field reads hold finite numbers, in texts written as 12, -0.5, .5 or 1.5e-3: no 0x1F, 1_000, 1,5, Infinity or nan. Drop the row, fill the cell, or leave the column out of the field.",
  },
  "data-range": {
    title: "a number is beyond what its field can hold",
    explanation:
      "f32 ends at 3.4e38 and f16 at 65504: larger numbers would become infinite. Bring the column nearer to 0 with `scale`, `standardize` or `minmax`. Integers of 64 bits that f64 does not hold exactly are refused as well.",
  },
  "data-missing-column": {
    title: "the data has no such column",
    explanation: "A field reads columns by the names in the file's header row.",
  },
  "data-rows-differ": {
    title: "the columns have different numbers of rows",
    explanation: "Columns read from several files belong together row by row.",
  },
  "data-shape": {
    title: "a field and its columns do not fit",
    explanation:
      "The selected columns give another number of values per row than the type of the field says.",
  },
  "data-class": {
    title: "a label is not one of the declared classes",
    explanation: "classes(n) and one_hot(n) take whole numbers from 0 to n - 1.",
  },
  "data-category": {
    title: "a value is not one of the categories, or there are too many of them",
    explanation:
      "categories(n) numbers the different values that a column holds in the training rows, at most n of them. They are kept in the bundle: rows that are evaluated or predicted from later have no others.",
  },
  "data-date": {
    title: "a text is no date, or a format is none",
    explanation:
      "`date(format, ...)` reads dates of one format, in Unicode's letters: yyyy, MM, dd, HH, mm, ss, XXX for an offset from UTC, other letters between single quotes. A cell that is not wholly of that format, or is no day of the calendar, is refused by file, row and column; an empty one is filled by `|> fill(median)`.",
    bad: 'signup: f32[2] = column("signup") |> date("dd.MM.yyyy", "year", "month")  // the file has 2024-05-31',
    good: 'signup: f32[2] = column("signup") |> date("yyyy-MM-dd", "year", "month")',
  },
  "data-tokenizer": {
    title: "a tokenizer cannot be read, or does not number a text",
    explanation:
      '`tokens("tokenizer.json")` takes the one file that Hugging Face\'s tokenizers are saved in, with a model of the kind BPE, WordPiece or Unigram. The type of the field says how many tokens a row has, the special ones of the tokenizer (`[CLS]`, `[SEP]`) among them.',
    bad: 'ids: i32[128] = column("text") |> tokens("vocab.txt")',
    good: 'ids: i32[128] = column("text") |> tokens("tokenizer.json")',
  },
  "data-weight": {
    title: "rows cannot be drawn by these weights",
    explanation:
      '`shuffle weight: "w"` draws the rows that train as often as the numbers in a column say: from 0 on, and at least one above. An epoch takes as many rows as there are.',
  },
  "data-missing": {
    title: "a column has no value in any training row",
    explanation:
      "`fill(mean)`, `fill(median)`, `fill(most_frequent)` and `bins(n)` look at the values of the training rows, and all cells of this column are empty there. Leave the column out, or fill it with a number.",
    bad: 'x: f32 = column("notes") |> fill(median)  // every cell is empty',
    good: 'x: f32 = column("notes") |> fill(0)',
  },
  "data-vocabulary": {
    title: "a character is not in the vocabulary, or there are too many characters",
    explanation:
      "vocabulary(n) numbers the characters of the training part of a text, at most n of them. It is kept in the bundle: a text that is evaluated or predicted from later has no other characters.",
  },
  "data-index": {
    title: "a value is outside of what it indexes",
    explanation:
      "The program uses this value as an index: a row of an embedding, a class of cross_entropy. The message names the row, the value, how many places there are, and the line that indexes. Correct the data, or make the table larger.",
  },
  "data-not-integer": {
    title: "a value is not a whole number",
    explanation: "Fields of type i32, u32 or bool take whole numbers that fit the type.",
  },
  "data-stored": {
    title: "a data file holds other numbers than the program was compiled for",
    explanation:
      "A field of small integers, such as the bytes of images, lies on the device in that type. A file that `--data` gives to a compiled bundle may be of another type, as long as its numbers are such integers. A field of more than 128 MiB lies in several buffers, and was compiled for as many rows as these hold. `nnc train program.nn --data NAME=PATH` compiles the program with the new file.",
  },
  "data-split": {
    title: "rows cannot be split as the program says",
    explanation: `Rows are permuted by the seed (windows of a text stay in order); the first round(train * rows) are for training, the next ones for
validation, the rest for the test. Every part, and every fold, has to get a row. With \`group: "column"\` rows of a group stay together, so
there are at least as many groups as parts; with \`stratify: "column"\` every class has at least two rows, for each is shared out by itself.`,
  },
  "data-order": {
    title: "rows that cannot be put in order",
    explanation: `Windows follow the column of \`order\`, which holds numbers, or dates such as 2026-01-31, each once in a series. Where a file
has several series, \`group\` names the column that tells them apart.`,
  },
  "data-fold": {
    title: "--fold names no fold of the program",
    explanation: `\`split folds: 5, seed: 7\` cuts the rows in five parts. \`--fold 2\` of \`train\`, \`evaluate\` and \`predict\` says which of them is for
validation; the others train. Folds count from 1, and without the option it is the first.`,
  },
  "checkpoint-fold": {
    title: "the checkpoint was trained on another fold",
    explanation: `Rows that validate one fold have trained the others, and what is fitted to the training rows differs. A checkpoint is
resumed, evaluated and predicted with on its own fold: give the command the \`--fold\` that the message names.`,
  },
  "data-override": {
    title: "--data names nothing in this program",
    explanation:
      "`--data NAME=PATH` replaces a csv or text source, `NAME.COLUMN=PATH` a file of an idx or npy source, `NAME.val...` and `NAME.test...` the sources of rows that are held back.",
  },
  "input-shape": {
    title: "an input has the wrong size",
    explanation:
      "Inputs are given row after row; their length must be a whole number of rows, the same number for all inputs.",
  },
  "input-value": {
    title: "an input or a parameter is no array of numbers that its type holds",
    explanation:
      "Values are given in one flat array, row after row: finite numbers, whole ones where the type is i32 or u32, 0 or 1 where it is bool.",
  },
  "session-busy": {
    title: "a trainer was asked for two things at once",
    explanation:
      "A trainer has one state and one device memory: `await` every call before the next, also within `onEvent` and `store`. Two trainers of the same bundle do not know of each other.",
  },
  "session-closed": {
    title: "a trainer was used after it was closed",
    explanation: "`close` frees the device. Load the bundle again.",
  },
  "too-many-rows": {
    title: "more rows than the program's memory is laid out for",
    explanation:
      "A program without `batch` runs all rows at once, and its memory was planned for the rows it was compiled with.",
  },
  "non-finite": {
    title: "the loss, or something that is learned, is not a finite number",
    explanation:
      "At every report and before every checkpoint the losses, the parameters and the states of layers and optimizers are looked at; what is not finite is never saved, and the last good checkpoint stays. The first step and the first kernel that produced NaN or infinity are found by running again from the last good state. A state whose first value is made with an infinite constant may be infinite. The help says the most likely cause first, by what is known then: the ranges of the fields over the training rows (which are counted from 0), how the loss and the last update grew, what the kernel computes, the loss scale of `precision mixed`.",
  },
  "checkpoint-missing": {
    title: "there is no checkpoint there",
    explanation: "`--resume` takes a .safetensors file or a run folder.",
  },
  "checkpoint-corrupt": {
    title: "a checkpoint is damaged",
    explanation:
      "Its header and its length do not agree, or a checksum of the header or of a tensor, which stand in its metadata (`crc32`, `tensor_crc32`), is not that of what is there. Checkpoints are written aside and renamed, so an older one beside it may be whole. A tool that changes tensors has to leave the checksums out.",
  },
  "checkpoint-section": {
    title: "the checkpoint belongs to another train section",
    explanation:
      "`--resume` goes on with the run of one section: its step, its rows and the state of its optimizers. Another section starts from what was learned with `--init RUN`.",
  },
  "checkpoint-mismatch": {
    title: "the checkpoint belongs to another program",
    explanation: "A parameter is missing, extra, or has another type. The message names each.",
  },
  "weights-missing": {
    title: "a file of weights cannot be read",
    explanation:
      "The path after `from` in a program is relative to the program, that of `--init` to the working folder. `--init FILE` takes the place of the file that the program names.",
  },
  "weights-format": {
    title: "a file of weights is of another kind",
    explanation:
      "Weights are read from .safetensors, one file or several with their .index.json, and a single parameter from .npy. A .pt file is a pickle, which runs code when it is read: the message has the lines of Python that write it as safetensors.",
  },
  "weights-mismatch": {
    title: "the weights in a file are not those of the program",
    explanation:
      "A tensor has another shape than the parameter of its name, or no name of the file is one of the program. `prefix` takes off what all names begin with, `rename` makes other names of them, `transpose` turns tensors around. What the file has beyond the program is no mistake, nor what it lacks: both are listed when a run begins.",
  },
  "run-in-use": {
    title: "another run writes to this folder",
    explanation:
      "A run folder has one writer, which its file `lock` names: process, machine, start. The lock of a process that has died, or of a system that was started anew, is taken over. Whether a process of another machine or container lives cannot be seen from here: remove the file if it does not.",
  },
  "run-exists": {
    title: "the folder holds a run",
    explanation:
      "A new run does not write over an old one. `--resume FOLDER` goes on with it, `--overwrite` replaces it, and without `--out` every run has a new folder below runs/. A run that starts from another checkpoint than the last one (best.safetensors, step-N.safetensors) is a new one.",
  },
  "run-missing": {
    title: "the folder is no run",
    explanation:
      "`nnc runs` reads folders that `nnc train` wrote: they hold log.jsonl and checkpoints/. `nnc runs` alone lists those below runs/.",
  },
  "checkpoint-write": {
    title: "a checkpoint or log cannot be written",
    explanation: "The disk is full or the folder is not writable. The previous checkpoint is untouched.",
  },
  "bad-option": {
    title: "an option has a value that makes no sense",
    explanation: "The message names the option and what it takes.",
  },
} as const satisfies Readonly<Record<string, CodePage>>

export type RunCode = keyof typeof RUN_CODES
