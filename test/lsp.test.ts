// `nnc lsp` as an editor meets it: a process that speaks the protocol over its streams.

import { afterEach, describe, expect, it } from "vitest"
import {
  CancellationTokenSource,
  ExitNotification,
  HoverRequest,
  PublishDiagnosticsNotification,
  ShutdownRequest,
} from "vscode-languageserver-protocol/node"
import { LspClient } from "./support/lsp-client.js"

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
let client: LspClient
afterEach(() => client.process.kill())

describe("nnc lsp", { timeout: 30_000 }, () => {
  it("follows a program that is being typed, and answers about it", async () => {
    client = new LspClient()
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
    const { document } = client
    expect(await client.ask("textDocument/hover", client.at("Lin¦ear(4)"))).toMatchObject({
      contents: { value: expect.stringContaining("// gives f32[B, 4]") },
    })
    const range = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } }
    expect(await client.ask("textDocument/inlayHint", { ...document, range })).toMatchObject([
      { label: " f32[B, 4]" },
      { label: " f32[B, 4]" },
      { label: " f32[B, 1]" },
    ])
    expect(await client.ask("textDocument/definition", client.at("mse(N¦et"))).toMatchObject({
      uri: client.uri,
      range: { start: { line: 4, character: 6 } },
    })
    expect(await client.ask("textDocument/definition", client.at("Lin¦ear(4)"))).toMatchObject({
      uri: expect.stringMatching(/stdlib\/linear\.nn$/),
    })
    const edits = await client.ask("textDocument/rename", {
      ...client.at("model N¦et"),
      newName: "Mlp",
    })
    expect(edits).toMatchObject({ changes: { [client.uri]: [{ newText: "Mlp" }, { newText: "Mlp" }] } })
    const items = (await client.ask("textDocument/completion", client.at("Linear(4) |> ¦relu"))) as {
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
    client = new LspClient()
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
    client = new LspClient()
    await client.start()
    expect(await client.shows(PROGRAM)).toEqual([])
    const rename = (newName: string): Promise<unknown> =>
      client.ask("textDocument/rename", { ...client.at("model N¦et"), newName })
    await expect(rename("relu")).rejects.toThrow("`relu` already stands for something here")
    await expect(rename("let")).rejects.toThrow("`let` is a word of the language")
    expect(await rename("Mlp")).not.toBeNull()
  })

  it("refuses a request without a file, a place or a name, and goes on", async () => {
    client = new LspClient()
    await client.start()
    expect(await client.shows(PROGRAM)).toEqual([])
    const { document } = client
    const inside = client.at("mse(N¦et")
    for (const [method, params, lacks] of [
      ["hover", {}, "textDocument.uri"],
      ["hover", document, "position"],
      ["completion", { ...document, position: { line: "1" } }, "position"],
      ["inlayHint", document, "range"],
      ["codeAction", { ...document, range: {} }, "range"],
      ["rename", inside, "newName"],
      ["semanticTokens/full", {}, "textDocument.uri"],
      ["foldingRange", {}, "textDocument.uri"],
    ] as const)
      await expect(client.ask(`textDocument/${method}`, params), method).rejects.toThrow(
        `the request has no \`${lacks}\``,
      )
    await client.connection.sendNotification("textDocument/didOpen", {})
    await client.connection.sendNotification("textDocument/didChange", { textDocument: {} })
    const nowhere = { uri: "file://%zz/p.nn", languageId: "nn", version: 1, text: "let a = " }
    await client.connection.sendNotification("textDocument/didOpen", { textDocument: nowhere })
    expect(await client.ask("textDocument/hover", inside)).not.toBeNull()
  })

  it("takes what is no message for nothing, and ends when its client is gone", async () => {
    client = new LspClient()
    await client.start()
    client.process.stdin!.write("Content-Length: 9\r\n\r\n{garbage}")
    client.process.stdin!.write('Content-Length: 17\r\n\r\n{"jsonrpc":"2.0"}')
    expect(await client.shows(PROGRAM)).toEqual([])
    const ended = new Promise((resolve) => client.process.on("exit", resolve))
    client.process.stdin!.end()
    // As the protocol has it where nobody asked for `shutdown`.
    expect(await ended).toBe(1)
  })

  it("says what it cannot read, and works on nothing that was cancelled or is out of date", async () => {
    client = new LspClient()
    await client.start()
    expect(await client.shows("let a = 1\n".repeat(210_000))).toEqual(["syntax-too-large"])
    expect(await client.shows(PROGRAM.replace("d.csv", "nowhere.csv"))).toEqual([])
    expect(await client.saved()).toEqual(["data-file"])
    const published: number[] = []
    client.connection.onNotification(PublishDiagnosticsNotification.type, ({ version }) => {
      published.push(version!)
    })
    const cancelled = new CancellationTokenSource()
    const answers = Array.from({ length: 20 }, () =>
      client.connection.sendRequest(HoverRequest.type, client.at("mse(N¦et"), cancelled.token),
    )
    cancelled.cancel()
    const settled = await Promise.allSettled(answers)
    expect(settled.filter(({ status }) => status === "rejected").length).toBeGreaterThan(0)
    for (let version = 100; version < 200; version++)
      void client.connection.sendNotification("textDocument/didChange", {
        textDocument: { uri: client.uri, version },
        contentChanges: [{ text: PROGRAM }],
      })
    await expect.poll(() => published.at(-1)).toBe(199)
    expect(published.length).toBeLessThan(100)
  })

  it("ends when it is asked to", async () => {
    client = new LspClient()
    await client.start()
    const ended = new Promise((resolve) => client.process.on("exit", resolve))
    await client.connection.sendRequest(ShutdownRequest.type)
    await client.connection.sendNotification(ExitNotification.type)
    expect(await ended).toBe(0)
  })

  it("answers nothing about a file that is not open, and goes on", async () => {
    client = new LspClient()
    await client.start()
    const nowhere = { textDocument: { uri: "file:///nowhere.nn" }, position: { line: 9, character: 9 } }
    expect(await client.ask("textDocument/hover", nowhere)).toBeNull()
    await expect(client.ask("textDocument/nonsense", {})).rejects.toThrow()
    expect(await client.shows(PROGRAM)).toEqual([])
  })

  it("has this dialogue about a program that is typed with its mistakes", async () => {
    client = new LspClient()
    await client.start()
    const { document } = client
    const range = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } }
    /** The first completions at the end of the text. */
    const completed = async (typed: string): Promise<void> => {
      await client.diagnosticsOf(client.text + typed)
      client.dialogue.push(`# typed ${JSON.stringify(typed)}`)
      const items = (await client.connection.sendRequest(
        "textDocument/completion",
        client.at(`${client.text.slice(-20)}¦`),
      )) as { label: string }[]
      const word = /\w*$/.exec(typed)![0]
      const begun = items.filter(({ label }) => label.startsWith(word)).slice(0, 8)
      client.dialogue.push(`<- textDocument/completion ${JSON.stringify(begun)}`)
    }
    await completed('data d = csv("d.csv") {\n  x: f32[2] = columns(except: "')
    await completed('y") |> standard')
    await completed('ize\n  y: f32[1] = column("')
    await client.diagnosticsOf(`${client.text}y")\n}\n`)
    await completed("model Net(x: f32[B, 2]) -> f32[B, 1] {\n  x |> Lin")
    await client.diagnosticsOf(`${client.text}ear(`)
    await client.ask("textDocument/signatureHelp", client.at("Linear(¦"))
    // A slip of the keyboard, and its repair.
    await client.diagnosticsOf(`${client.text}4) |> rellu |> Linear(3)\n}\n`)
    await client.ask("textDocument/codeAction", { ...document, range, context: { diagnostics: [] } })
    await client.diagnosticsOf(client.text.replace("rellu", "relu"))
    await client.ask("textDocument/inlayHint", { ...document, range })
    await client.diagnosticsOf(client.text.replace("Linear(3)", "Linear(1)"))
    await client.ask("textDocument/hover", client.at("rel¦u"))
    await completed("train on d {\n  mini")
    await completed("mize mse(Net(x), y) with Ada")
    // The comma that is missing between two arguments.
    await client.diagnosticsOf(`${client.text}m(lr: 0.1 decay: 0.9)\n  batch 2, epochs 2\n}\n`)
    await client.diagnosticsOf(client.text.replace(" decay: 0.9", ""))
    await client.saved()
    await client.ask("textDocument/codeLens", document)
    await client.ask("textDocument/definition", client.at("mse(N¦et"))
    await client.ask("textDocument/references", { ...client.at("model N¦et"), context: {} })
    await client.ask("textDocument/rename", { ...client.at("model N¦et"), newName: "Mlp" })
    await client.ask("textDocument/documentSymbol", document)
    await expect(`${client.dialogue.slice(2).join("\n")}\n`).toMatchFileSnapshot("data/lsp-dialogue.txt")
  })
})
