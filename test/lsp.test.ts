// `nnc lsp` as an editor meets it: a process that speaks the protocol over its streams.

import { spawn, type ChildProcess } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, describe, expect, it } from "vitest"
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node"
import { commandLine } from "./support/command-line.js"
import { temporaryFolder } from "./support/nnc.js"

const PROGRAM = `data d = csv("d.csv") {
  x: f32[2] = columns("a", "b")
  y: f32[1] = column("y")
}
model Net(x: f32[B, 2]) -> f32[B, 1] {
  x |> Linear(4) |> relu |> Linear(1)
}
train on d {
  minimize mse(Net(x), y) with SGD(lr: 0.1)
  batch 2, epochs 2
}
`
interface Published {
  readonly uri: string
  readonly diagnostics: readonly { readonly code: string; readonly message: string; readonly range: object }[]
}

class Client {
  readonly cwd = temporaryFolder()
  readonly uri = pathToFileURL(join(this.cwd, "p.nn")).href
  readonly process: ChildProcess = spawn(process.execPath, [commandLine(), "lsp"], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  readonly connection: MessageConnection = createMessageConnection(
    new StreamMessageReader(this.process.stdout!),
    new StreamMessageWriter(this.process.stdin!),
  )
  private version = 0
  private readonly waiting: ((published: Published) => void)[] = []

  async start(): Promise<unknown> {
    writeFileSync(join(this.cwd, "d.csv"), "a,b,y\n1,2,3\n4,5,6\n7,8,9\n0,1,2\n")
    this.connection.onNotification("textDocument/publishDiagnostics", (published: Published) =>
      this.waiting.shift()?.(published),
    )
    this.connection.listen()
    const about = await this.ask("initialize", { processId: process.pid, rootUri: null, capabilities: {} })
    await this.connection.sendNotification("initialized", {})
    return about
  }
  ask(method: string, params: object): Promise<unknown> {
    return this.connection.sendRequest(method, params)
  }
  /** What is said of the text. */
  async shows(text: string): Promise<readonly string[]> {
    const answered = new Promise<Published>((resolve) => this.waiting.push(resolve))
    const { uri } = this
    if (this.version++ === 0)
      await this.connection.sendNotification("textDocument/didOpen", {
        textDocument: { uri, languageId: "nn", version: this.version, text },
      })
    else
      await this.connection.sendNotification("textDocument/didChange", {
        textDocument: { uri, version: this.version },
        contentChanges: [{ text }],
      })
    return (await answered).diagnostics.map(({ code }) => code)
  }
  at(text: string, piece: string): object {
    const lines = text.slice(0, text.indexOf(piece.replace("¦", "")) + piece.indexOf("¦")).split("\n")
    return {
      textDocument: { uri: this.uri },
      position: { line: lines.length - 1, character: lines.at(-1)!.length },
    }
  }
}

let client: Client
afterEach(() => client.process.kill())

describe("nnc lsp", { timeout: 30_000 }, () => {
  it("follows a program that is being typed, and answers about it", async () => {
    client = new Client()
    expect(await client.start()).toMatchObject({
      serverInfo: { name: "nnc" },
      capabilities: {
        hoverProvider: true,
        inlayHintProvider: true,
        renameProvider: { prepareProvider: true },
      },
    })
    expect(await client.shows(PROGRAM)).toEqual([])
    const wrong = PROGRAM.replace("Linear(1)", "Linear(3)")
    expect(await client.shows(wrong)).toEqual(["shape-mismatch"])
    expect(await client.shows(PROGRAM.slice(0, 150))).not.toEqual([])
    expect(await client.shows(PROGRAM)).toEqual([])
    const document = { textDocument: { uri: client.uri } }
    expect(await client.ask("textDocument/hover", client.at(PROGRAM, "Lin¦ear(4)"))).toMatchObject({
      contents: { value: expect.stringContaining("// gives f32[B, 4]") },
    })
    const range = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } }
    expect(await client.ask("textDocument/inlayHint", { ...document, range })).toMatchObject([
      { label: " f32[B, 4]" },
      { label: " f32[B, 4]" },
      { label: " f32[B, 1]" },
    ])
    expect(await client.ask("textDocument/definition", client.at(PROGRAM, "mse(N¦et"))).toMatchObject({
      uri: client.uri,
      range: { start: { line: 4, character: 6 } },
    })
    expect(await client.ask("textDocument/definition", client.at(PROGRAM, "Lin¦ear(4)"))).toMatchObject({
      uri: expect.stringMatching(/stdlib\/linear\.nn$/),
    })
    const edits = await client.ask("textDocument/rename", {
      ...client.at(PROGRAM, "model N¦et"),
      newName: "Mlp",
    })
    expect(edits).toMatchObject({ changes: { [client.uri]: [{ newText: "Mlp" }, { newText: "Mlp" }] } })
    const items = (await client.ask("textDocument/completion", client.at(PROGRAM, "Linear(4) |> ¦relu"))) as {
      label: string
    }[]
    expect(items.map(({ label }) => label)).toEqual(expect.arrayContaining(["relu", "Linear", "x"]))
    for (const method of ["documentSymbol", "foldingRange", "codeLens", "semanticTokens/full"])
      expect(await client.ask(`textDocument/${method}`, document), method).not.toBeNull()
    const options = { tabSize: 2, insertSpaces: true }
    expect(await client.ask("textDocument/formatting", { ...document, options })).toMatchObject([
      { newText: expect.stringContaining("model Net") },
    ])
  })

  it("says what is wrong with the data that a file names, and offers repairs", async () => {
    client = new Client()
    await client.start()
    const absent = PROGRAM.replace('column("y")', 'column("z")')
    expect(await client.shows(absent)).toEqual(["data-missing-column"])
    const habit = PROGRAM.replace("batch 2", "batch_size 4")
    expect(await client.shows(habit)).not.toEqual([])
    const line = habit.split("\n").findIndex((each) => each.includes("batch_size"))
    const range = { start: { line, character: 0 }, end: { line, character: 20 } }
    const context = { diagnostics: [] }
    const actions = await client.ask("textDocument/codeAction", {
      textDocument: { uri: client.uri },
      range,
      context,
    })
    expect(actions).toMatchObject([
      { kind: "quickfix", edit: { changes: { [client.uri]: [{ newText: "batch" }] } } },
    ])
  })

  it("says why a name cannot be another, and goes on", async () => {
    client = new Client()
    await client.start()
    expect(await client.shows(PROGRAM)).toEqual([])
    const rename = (newName: string): Promise<unknown> =>
      client.ask("textDocument/rename", { ...client.at(PROGRAM, "model N¦et"), newName })
    await expect(rename("relu")).rejects.toThrow("`relu` already stands for something here")
    await expect(rename("let")).rejects.toThrow("`let` is a word of the language")
    expect(await rename("Mlp")).not.toBeNull()
  })

  it("answers nothing about a file that is not open, and goes on", async () => {
    client = new Client()
    await client.start()
    const nowhere = { textDocument: { uri: "file:///nowhere.nn" }, position: { line: 9, character: 9 } }
    expect(await client.ask("textDocument/hover", nowhere)).toBeNull()
    await expect(client.ask("textDocument/nonsense", {})).rejects.toThrow()
    expect(await client.shows(PROGRAM)).toEqual([])
  })
})
