// Commands, their exit codes and their output, above all when something is wrong. Processes of their own, as a user runs them.

import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { once } from "node:events"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { beforeAll, describe, expect, it } from "vitest"
import { TEMPLATES } from "../compiler/cli/init/index.js"
import { STAGES } from "../compiler/driver/stages.js"
import { jsonLines, nnc, startNnc, temporaryFolder } from "./support/nnc.js"

const PROGRAM = `data rows = csv("rows.csv") {
  x: f32[2] = columns("a", "b")
  y: i32 = column("y") |> classes(2)
}

model Net(x: f32[B, 2]) -> f32[B, 2] { x |> Linear(2) }

train on rows {
  minimize cross_entropy(Net(x), y) with SGD(lr: 1.0)
  steps 20, seed 1
  report every 10 steps
}
`
const ROWS = "a,b,y\n0,1,0\n1,0,1\n1,1,1\n0,0,0\n"

/** A folder with a program that trains, and changes to it. */
function project(files: Readonly<Record<string, string>> = {}): string {
  const folder = temporaryFolder()
  const all = { "net.nn": PROGRAM, "rows.csv": ROWS, ...files }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text)
  return folder
}

describe("a wrong command line ends with 2 and names the nearest", () => {
  it.each([
    [["trian"], "`train`"],
    [["train", "net.nn", "--sead", "1"], "`--seed`"],
    [["inspect", "net.nn", "--aftr=graph"], "`--after`"],
    [["train"], "missing required argument `file`"],
    [["train", "net.nn", "--steps", "many"], "whole number"],
    [["train", "net.nn", "--data", "rows"], "name=path"],
    [["train", "net.nn", "--device", "gpu"], "auto, webgpu"],
    [["train", "net.nn", "--steps", "1", "--epochs", "1"], "cannot be used with"],
    [["compile", "net.nn"], "--out"],
  ])("%j", (args, said) => {
    const { exit, err, out } = nnc(args)
    expect(err).toContain("error[usage]")
    expect(err).toContain(said)
    expect({ exit, out }).toEqual({ exit: 2, out: "" })
  })

  it("with --json as an object too", () => {
    const result = nnc(["train", "net.nn", "--json", "--sead", "1"])
    expect(jsonLines(result)).toEqual([
      { event: "error", code: "usage", message: "unknown option `--sead`", help: "did you mean `--seed`?" },
    ])
  })

  it("no command at all shows the commands", () => {
    expect(nnc([])).toMatchObject({ exit: 2, err: expect.stringContaining("Commands:") })
  })
})

describe("commands that need no device", () => {
  it("help and version end with 0", () => {
    expect(nnc(["--help"]).out).toContain("Commands:")
    expect(nnc(["train", "--help"]).out).toContain("--resume")
    expect(nnc(["--version"]).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it("init writes a program that has no mistakes, and writes over nothing", () => {
    const folder = temporaryFolder()
    expect(nnc(["init", "first"], { cwd: folder }).exit).toBe(0)
    expect(nnc(["check", "first/program.nn"], { cwd: folder })).toMatchObject({ exit: 0 })
    expect(nnc(["fmt", "--check", "first/program.nn"], { cwd: folder })).toMatchObject({ exit: 0 })
    const again = nnc(["init", "first"], { cwd: folder })
    expect(again).toMatchObject({ exit: 1 })
    expect(again.err).toContain("error[io-folder]")
  })

  it.each(Object.entries(TEMPLATES))("init --template %s has no mistakes", (name, template) => {
    const cwd = temporaryFolder()
    expect(nnc(["init", "p", "--template", name], { cwd }).exit).toBe(0)
    const programs = Object.keys(template.files()).filter((path) => path.endsWith(".nn"))
    expect(programs).toContain(template.program)
    for (const path of programs) {
      expect(nnc(["check", join("p", path)], { cwd })).toMatchObject({
        exit: 0,
        err: expect.not.stringMatching(/warning/),
      })
      expect(nnc(["fmt", "--check", join("p", path)], { cwd })).toMatchObject({ exit: 0 })
    }
  })

  it("train --watch trains again when the program changes, until it is asked to end", async () => {
    const cwd = temporaryFolder()
    nnc(["init", "."], { cwd })
    const child = startNnc(["train", "program.nn", "--watch", "--device", "wasm"], cwd)
    let said = ""
    child.stderr?.on("data", (text) => (said += String(text)))
    const waits = async (times: number): Promise<void> => {
      while (said.split("waiting for program.nn").length <= times) await setTimeout(20)
    }
    await waits(1)
    const path = join(cwd, "program.nn")
    writeFileSync(path, readFileSync(path, "utf8").replace("Linear(1)", "Liner(1)"))
    await waits(2)
    expect(said).toMatch(/program.nn changed: again from the start[^]*there is no `Liner`/)
    child.kill("SIGINT")
    expect(await once(child, "close")).toEqual([130, null])
  })

  it("check --fix makes the repairs that messages suggest, and leaves the rest", () => {
    const text = PROGRAM.replace("Linear(2)", "Liner(2)").replace("cross_entropy", "cross_entrpy")
    const cwd = project({ "wrong.nn": text, "worse.nn": text.replace("steps 20", "steps -20") })
    expect(nnc(["check", "--fix", "wrong.nn"], { cwd })).toMatchObject({
      exit: 0,
      err: expect.stringContaining("wrong.nn: no mistakes found"),
    })
    expect(readFileSync(join(cwd, "wrong.nn"), "utf8")).toBe(PROGRAM)
    expect(nnc(["check", "--fix", "worse.nn"], { cwd }).exit).toBe(1)
    expect(readFileSync(join(cwd, "worse.nn"), "utf8")).toBe(PROGRAM.replace("steps 20", "steps -20"))
  })

  it("check prints for other programs", () => {
    const cwd = project({ "wrong.nn": PROGRAM.replace("Linear(2)", "Liner(2)") })
    expect(nnc(["check", "net.nn", "--format", "github"], { cwd })).toMatchObject({ exit: 0, out: "" })
    const github = nnc(["check", "wrong.nn", "net.nn", "--format", "github"], { cwd })
    expect(github).toMatchObject({ exit: 1, err: "" })
    expect(github.out).toMatch(/^::error file=wrong.nn,line=6,.*title=name-unknown::there is no `Liner` here/)
    const [log] = jsonLines(nnc(["check", "wrong.nn", "net.nn", "--format", "sarif"], { cwd }))
    expect(log).toMatchObject({ version: "2.1.0", runs: [{ results: [{ ruleId: "name-unknown" }] }] })
  })

  it("check shows the line of a mistake and ends with 1", () => {
    const cwd = project({ "wrong.nn": PROGRAM.replace("Linear(2)", "Liner(2)") })
    const { exit, err } = nnc(["check", "wrong.nn"], { cwd })
    expect(exit).toBe(1)
    expect(err).toContain("--> wrong.nn:6:")
    expect(err).toContain("Linear")
  })

  it("check --json prints diagnostics as objects", () => {
    const cwd = project({ "wrong.nn": PROGRAM.replace("Linear(2)", "Liner(2)") })
    const result = nnc(["check", "--json", "wrong.nn"], { cwd })
    const [diagnostic, end] = jsonLines(result)
    expect(diagnostic).toMatchObject({ event: "diagnostic", severity: "error" })
    expect(end).toMatchObject({ event: "end", errors: 1 })
    expect(result.exit).toBe(1)
  })

  it("check and inspect take data from elsewhere, as train does", () => {
    const cwd = project({ "wrong.csv": ROWS.replace("0,1,0", "0,1,x") })
    const other = (name: string): string[] => ["--data", `rows=${name}`]
    expect(nnc(["check", "net.nn", ...other("rows.csv")], { cwd }).exit).toBe(0)
    expect(nnc(["check", "net.nn", ...other("wrong.csv")], { cwd }).err).toContain("wrong.csv: row 1")
    expect(nnc(["inspect", "net.nn", ...other("gone.csv")], { cwd }).err).toContain("gone.csv")
    expect(nnc(["inspect", "net.nn", "--data", "row=rows.csv"], { cwd }).exit).toBe(1)
  })

  it("a missing file, and a folder, are named", () => {
    const cwd = project()
    expect(nnc(["train", "nett.nn"], { cwd }).err).toContain("error[io-program]: there is no file nett.nn")
    expect(nnc(["check", "."], { cwd })).toMatchObject({ exit: 1 })
    expect(nnc(["run", "out"], { cwd }).err).toContain("a folder that `nnc compile` wrote")
  })

  it("a program with nothing in it cannot be trained", () => {
    const { exit, err } = nnc(["train", "empty.nn"], { cwd: project({ "empty.nn": "" }) })
    expect({ exit, err }).toMatchObject({ exit: 1, err: expect.stringContaining("holds nothing to train") })
  })

  it("paths in any script work, also as a bundle", () => {
    const cwd = project({ "сеть 学习.nn": PROGRAM })
    expect(nnc(["train", "сеть 学习.nn", "--steps", "2"], { cwd }).err).toContain("in runs/сеть 学习-1/")
    expect(nnc(["compile", "сеть 学习.nn", "-o", "вы ход"], { cwd }).exit).toBe(0)
    expect(nnc(["run", "вы ход", "--steps", "2"], { cwd }).exit).toBe(0)
    const { name } = JSON.parse(readFileSync(join(cwd, "вы ход/package.json"), "utf8")) as { name: string }
    expect(name).toBe("trainer")
  })

  it("explain prints the page of a code, or the nearest code", () => {
    expect(nnc(["explain", "data-ragged"]).out).toContain("another number of cells")
    const { exit, err } = nnc(["explain", "data-raged"])
    expect(exit).toBe(1)
    expect(err).toContain("error[explain-code]")
    expect(err).toContain("data-ragged")
  })

  it("fmt lays a program out, once", () => {
    const cwd = project({ "wide.nn": PROGRAM.replaceAll("  ", "      ") })
    expect(nnc(["fmt", "--check", "wide.nn"], { cwd }).exit).toBe(1)
    expect(nnc(["fmt", "wide.nn"], { cwd }).exit).toBe(0)
    expect(nnc(["fmt", "--check", "wide.nn"], { cwd }).exit).toBe(0)
  })

  it.each([
    [["fmt", "-"], "let  a=1", { exit: 0, out: "let a = 1\n", err: "" }],
    [["fmt", "-"], "let a = 1  // \u200e\n", { exit: 0, out: "let a = 1  // \u200e\n", err: "" }],
    [["fmt", "--check", "-"], "let  a=1", { exit: 1, out: "", err: "<stdin> is not formatted\n" }],
    [["fmt", "-"], "let a = (1", { exit: 1, out: "", err: expect.stringContaining("<stdin>:1:9") }],
  ])("%j formats %j to standard output", (args, input, result) => {
    expect(nnc(args, { input })).toEqual(result)
  })
})

describe("inspect", () => {
  it("--for shows what is made for one device", () => {
    const kernels = (device: string): string =>
      nnc(["inspect", "net.nn", "--for", device, "--after=kernels"], { cwd: project() }).out
    expect(kernels("wasm")).toContain("on lane in 16")
    expect(kernels("webgpu")).toContain("on lane in 64")
    expect(kernels("webgpu-subgroups")).toContain("in subgroups")
    expect(kernels("webgpu-software")).toContain("on lane in 32")
  })

  it("lists the stages, and knows the nearest name", () => {
    expect(nnc(["inspect"]).out.trim().split("\n")).toHaveLength(STAGES.length)
    const { exit, err } = nnc(["inspect", "net.nn", "--after=grph"], { cwd: project() })
    expect({ exit, err }).toMatchObject({ exit: 1, err: expect.stringContaining("`graph`") })
    expect(err).toContain("error[inspect-stage]")
  })

  it.each(STAGES.map(({ name }) => name))("prints the stage %s, as text and as JSON", (stage) => {
    // Only a program with a budget comes to all of them.
    const cwd = project({ "net.nn": PROGRAM.replace("seed 1", "seed 1, budget memory 64 MiB") })
    const text = nnc(["inspect", "net.nn", `--after=${stage}`], { cwd })
    expect(text).toMatchObject({ exit: 0 })
    expect(text.out.length).toBeGreaterThan(50)
    const json = nnc(["inspect", "net.nn", `--after=${stage}`, "--json"], { cwd })
    expect(() => void JSON.parse(json.out)).not.toThrow()
  })

  it("graph text fed back gives the same kernels", () => {
    const cwd = project()
    const graph = nnc(["inspect", "net.nn", "--after=graph"], { cwd })
    writeFileSync(join(cwd, "net.graph"), graph.out)
    const direct = nnc(["inspect", "net.nn", "--after=dce"], { cwd })
    expect(nnc(["inspect", "net.graph", "--after=dce"], { cwd }).out).toBe(direct.out)
    expect(nnc(["inspect", "net.graph", "--after=wgsl"], { cwd }).exit).toBe(0)
    writeFileSync(join(cwd, "net.graph"), graph.out.replace("graph ", "grap "))
    expect(nnc(["inspect", "net.graph"], { cwd }).err).toContain("error[inspect-text]: net.graph:")
  })
})

describe("data that does not fit is refused by name", () => {
  it.each([
    ["a missing column", "a,c,y\n0,1,0\n", "data-missing-column", '"b"'],
    ["a text cell", "a,b,y\n0,1,0\n1,red,1\n", "data-not-a-number", "red"],
    [
      "a cell of a million letters",
      `a,b,y\n0,${"x".repeat(1e6)},0\n`,
      "data-not-a-number",
      `is "${"x".repeat(40)}…"`,
    ],
    ["a ragged row", "a,b,y\n0,1,0\n1,1\n", "data-ragged", "line 3"],
    ["a label out of range", "a,b,y\n0,1,0\n1,1,2\n", "data-class", "2"],
    ["no rows", "a,b,y\n", "data-empty", "rows.csv"],
    ["an empty file", "", "data-empty", "rows.csv"],
  ])("%s", (_, rows, code, said) => {
    const { exit, err } = nnc(["train", "net.nn"], { cwd: project({ "rows.csv": rows }) })
    expect(err).toContain(`error[${code}]`)
    expect(err).toContain(said)
    expect(exit).toBe(1)
  })

  it("a missing file, and a --data that names nothing", () => {
    const cwd = project()
    expect(nnc(["train", "net.nn", "--data", "rows=other.csv"], { cwd }).err).toContain("error[data-file]")
    const { exit, err } = nnc(["train", "net.nn", "--data", "row=rows.csv"], { cwd })
    expect({ exit, err }).toMatchObject({ exit: 1, err: expect.stringContaining("error[data-override]") })
    expect(err).toContain('"rows"')
  })
})

describe("training, and what follows it", () => {
  let cwd = ""
  beforeAll(() => {
    cwd = project()
    expect(nnc(["train", "net.nn"], { cwd })).toMatchObject({ exit: 0 })
  })

  it("--json prints start with the device, reports, checkpoint, end; log.jsonl holds the same", () => {
    const result = nnc(["train", "net.nn", "--json", "--out", "runs/json"], { cwd })
    const lines = jsonLines(result)
    expect(lines.map(({ event }) => event)).toEqual([
      "start",
      "report",
      "report",
      "report",
      "checkpoint",
      "end",
    ])
    expect(lines[0]).toMatchObject({
      device: expect.stringMatching(/^(webgpu|wasm)$/) as string,
      adapter: expect.any(String) as string,
      why: expect.any(String) as string,
      step: 0,
      steps: 20,
    })
    expect(lines.filter(({ event }) => event === "report").map(({ step }) => step)).toEqual([0, 10, 20])
    const log = readFileSync(join(cwd, "runs/json/log.jsonl"), "utf8")
    expect(log).toBe(result.out)
  })

  it("options replace what the program says", () => {
    const lines = jsonLines(nnc(["train", "net.nn", "--json", "--steps", "5", "--seed", "9"], { cwd }))
    expect(lines[0]).toMatchObject({ steps: 5, seed: 9 })
  })

  it("predict and evaluate use the newest run", () => {
    writeFileSync(join(cwd, "new.csv"), "b,a\n1,0\n0,1\n")
    const csv = nnc(["predict", "net.nn", "--data", "new.csv"], { cwd })
    expect(csv.out).toMatch(/^output,output\.0,output\.1\n([01],[\d.e-]+,[\d.e-]+\n){2}$/)
    const json = jsonLines(nnc(["predict", "net.nn", "--data", "new.csv", "--json"], { cwd }))
    expect(json).toEqual([
      { row: 0, output: expect.any(Number), "output.0": expect.any(Number), "output.1": expect.any(Number) },
      { row: 1, output: expect.any(Number), "output.0": expect.any(Number), "output.1": expect.any(Number) },
    ])
    writeFileSync(join(cwd, "new.jsonl"), '{"b": 1, "a": 0}\n{"b": 0, "a": 1}\n')
    expect(nnc(["predict", "net.nn", "--data", "new.jsonl"], { cwd }).out).toBe(csv.out)
    expect(nnc(["evaluate", "net.nn"], { cwd }).out).toMatch(/^loss \d/)
  })

  it("predict says which column is missing", () => {
    writeFileSync(join(cwd, "bad.csv"), "a\n1\n")
    expect(nnc(["predict", "net.nn", "--data", "bad.csv"], { cwd }).err).toContain(
      "error[data-missing-column]",
    )
  })

  it("a checkpoint of another program, a damaged one, and none at all are refused", () => {
    writeFileSync(join(cwd, "other.nn"), PROGRAM.replace("Linear(2)", "Linear(3) |> Linear(2)"))
    const last = "runs/net-1/checkpoints/last.safetensors"
    const other = nnc(["train", "other.nn", "--resume", last], { cwd })
    expect(other.err).toContain("error[checkpoint-mismatch]")
    expect(other.exit).toBe(1)
    writeFileSync(join(cwd, "cut.safetensors"), readFileSync(join(cwd, last)).subarray(0, 100))
    expect(nnc(["evaluate", "net.nn", "--checkpoint", "cut.safetensors"], { cwd }).err).toContain(
      "error[checkpoint-corrupt]",
    )
    expect(nnc(["evaluate", "other.nn"], { cwd }).err).toContain("error[checkpoint-none]")
    expect(nnc(["train", "net.nn", "--resume", "nowhere"], { cwd }).err).toContain(
      "error[checkpoint-missing]",
    )
  })

  it("a run folder that cannot be written ends with 3", () => {
    writeFileSync(join(cwd, "blocked"), "a file")
    const { exit, err } = nnc(["train", "net.nn", "--out", "blocked"], { cwd })
    expect({ exit, err }).toMatchObject({ exit: 3, err: expect.stringContaining("error[checkpoint-write]") })
  })

  it("a folder that cannot be made ends with 3", () => {
    writeFileSync(join(cwd, "blocked"), "a file")
    const { exit, err } = nnc(["init", "blocked/inside"], { cwd })
    expect({ exit, err }).toMatchObject({ exit: 3, err: expect.stringContaining("error[io-system]") })
    expect(err).toContain("blocked")
    expect(nnc(["init", "blocked"], { cwd }).err).toContain("blocked is a file where a folder is needed")
    expect(nnc(["train", "net.nn", "--out", "blocked"], { cwd }).err).toContain(
      "cannot be written: a file is where a folder is needed",
    )
  })

  it.skipIf(process.platform !== "linux")("a folder where the system takes none is refused at once", () => {
    for (const command of [["init"], ["compile", "net.nn", "-o"], ["train", "net.nn", "--out"]]) {
      const { exit, err } = nnc([...command, "/proc/nowhere/inside"], { cwd })
      expect({ exit, err }).toMatchObject({
        exit: 3,
        err: expect.stringContaining("no folder can be made there"),
      })
    }
  })

  it("a run that never began leaves no folder", () => {
    const fresh = project()
    expect(nnc(["train", "net.nn", "--train", "other"], { cwd: fresh }).exit).toBe(1)
    expect(readdirSync(join(fresh, "runs"))).toEqual([])
  })

  it("a loss that overflows is reported with its step", () => {
    writeFileSync(
      join(cwd, "far.nn"),
      PROGRAM.replace("cross_entropy(Net(x), y)", "mse(Net(x), one_hot(y, 2))").replace("lr: 1.0", "lr: 1e9"),
    )
    const { exit, err } = nnc(["train", "far.nn"], { cwd })
    expect({ exit, err }).toMatchObject({ exit: 1, err: expect.stringContaining("error[non-finite]") })
  })
})

describe("devices", () => {
  it("a bundle runs the kernels for the adapter that doctor names", () => {
    const cwd = project()
    expect(nnc(["compile", "net.nn", "-o", "bundle"], { cwd }).exit).toBe(0)
    const [start] = jsonLines(nnc(["run", "bundle", "--device", "webgpu", "--json", "--steps", "1"], { cwd }))
    const { webgpu } = JSON.parse(nnc(["doctor", "--json"]).out) as { webgpu: { kernels: string } }
    expect(start).toMatchObject({ event: "start", device: "webgpu", kernels: webgpu.kernels })
  })

  it("doctor names each device, and the one that train takes with its reason", () => {
    const { exit, out } = nnc(["doctor"])
    expect(out).toMatch(/^wasm: {3}works, with SIMD and up to \d+ threads?$/m)
    expect(out).toMatch(/^webgpu: .*, kernels for webgpu-\w+$/m)
    expect(exit).toBe(0)
    const { auto } = JSON.parse(nnc(["doctor", "--json"]).out) as { auto: { device: string; why: string } }
    expect(out).toContain(`takes ${auto.device}: ${auto.why}`)
    const { err } = nnc(["train", "net.nn", "--steps", "1"], { cwd: project() })
    expect(err).toContain(`; on ${auto.device}: `)
    expect(err.split(`(${auto.why})`)).toHaveLength(2)
  })

  it("without an adapter, --device webgpu says what to do and ends with 3; all else goes on", () => {
    const env = { VK_DRIVER_FILES: "/nowhere.json", VK_ICD_FILENAMES: "/nowhere.json" }
    const cwd = project()
    const train = nnc(["train", "net.nn", "--device", "webgpu"], { cwd, env })
    expect(train).toMatchObject({ exit: 3, err: expect.stringContaining("error[no-adapter]") })
    expect(train.err).toContain("help: ")
    const auto = nnc(["train", "net.nn", "--json"], { cwd, env })
    expect(auto).toMatchObject({ exit: 0, out: expect.stringContaining('"device":"wasm"') })
    const doctor = nnc(["doctor"], { env })
    expect(doctor).toMatchObject({ exit: 0, out: expect.stringContaining("apt-get install") })
    expect(doctor.out).toContain("the environment names the Vulkan driver /nowhere.json")
  })
})

describe("bundles", () => {
  it("compile --timings says how long each stage took", () => {
    const cwd = project()
    const { err } = nnc(["compile", "net.nn", "-o", "out", "--timings"], { cwd })
    for (const stage of ["parse", "check", "kernels", "plan", "wgsl", "wasm", "bundle"])
      expect(err).toMatch(new RegExp(`^ +\\d+\\.\\d ms  ${stage}$`, "m"))
    const { out } = nnc(["compile", "net.nn", "-o", "out", "--timings", "--json"], { cwd })
    expect(JSON.parse(out)).toMatchObject({ stages_ms: { kernels: expect.any(Number) } })
  })

  it("compile replaces bundles and nothing else; a changed file is refused", () => {
    const cwd = project()
    expect(nnc(["compile", "net.nn", "-o", "out"], { cwd })).toMatchObject({ exit: 0 })
    expect(nnc(["compile", "net.nn", "-o", "out"], { cwd })).toMatchObject({ exit: 0 })
    expect(nnc(["compile", "net.nn", "-o", "."], { cwd }).err).toContain("error[io-folder]")
    expect(nnc(["run", "out", "--json"], { cwd })).toMatchObject({ exit: 0 })
    cpSync(join(cwd, "out"), join(cwd, "changed"), { recursive: true })
    writeFileSync(join(cwd, "changed/data/rows.csv"), `${ROWS}1,1,0\n`)
    const { exit, err } = nnc(["run", "changed"], { cwd })
    expect({ exit, err }).toMatchObject({ exit: 1, err: expect.stringContaining("error[bundle-corrupt]") })
    expect(err).toContain("data/rows.csv")
    expect(nnc(["run", "nowhere"], { cwd })).toMatchObject({ exit: 1 })
  })
})
