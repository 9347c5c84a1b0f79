// `nnc lsp` as a process of its own, with a client of vscode-languageserver-protocol at its streams.

import { spawn, type ChildProcess } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import {
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  DidSaveTextDocumentNotification,
  type Diagnostic,
  InitializedNotification,
  InitializeRequest,
  type Position,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  type PublishDiagnosticsParams,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver-protocol/node"
import { commandLine } from "./command-line.js"
import { temporaryFolder } from "./nnc.js"

export class LspClient {
  readonly cwd = temporaryFolder()
  readonly uri = pathToFileURL(join(this.cwd, "p.nn")).href
  readonly process: ChildProcess = spawn(process.execPath, [commandLine(), "lsp"], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  readonly connection: ProtocolConnection = createProtocolConnection(
    new StreamMessageReader(this.process.stdout!),
    new StreamMessageWriter(this.process.stdin!),
  )
  /** Every message in and out, a line each, with no place of this machine in it. */
  readonly dialogue: string[] = []
  text = ""
  private version = 0
  private readonly waiting = new Map<number, (published: PublishDiagnosticsParams) => void>()

  async start(): Promise<unknown> {
    writeFileSync(join(this.cwd, "d.csv"), "a,b,y\n1,2,3\n4,5,6\n7,8,9\n0,1,2\n")
    this.connection.onNotification(PublishDiagnosticsNotification.type, (published) => {
      this.note("<-", PublishDiagnosticsNotification.method, published)
      this.waiting.get(published.version ?? 0)?.(published)
    })
    this.connection.listen()
    const about = await this.ask(InitializeRequest.method, {
      processId: process.pid,
      rootUri: null,
      capabilities: {},
    })
    await this.connection.sendNotification(InitializedNotification.type, {})
    return about
  }

  async ask(method: string, params: object): Promise<unknown> {
    this.note("->", method, params)
    const answer: unknown = await this.connection.sendRequest(method, params)
    this.note("<-", method, answer)
    return answer
  }

  /** The codes of what is said of the text. */
  async shows(text: string): Promise<readonly unknown[]> {
    return (await this.diagnosticsOf(text)).map(({ code }) => code)
  }

  async diagnosticsOf(text: string): Promise<readonly Diagnostic[]> {
    this.text = text
    const version = ++this.version
    const answered = new Promise<PublishDiagnosticsParams>((resolve) => this.waiting.set(version, resolve))
    const { uri } = this
    if (version === 1) {
      const params = { textDocument: { uri, languageId: "nn", version, text } }
      this.note("->", DidOpenTextDocumentNotification.method, params)
      await this.connection.sendNotification(DidOpenTextDocumentNotification.type, params)
    } else {
      const params = { textDocument: { uri, version }, contentChanges: [{ text }] }
      this.note("->", DidChangeTextDocumentNotification.method, params)
      await this.connection.sendNotification(DidChangeTextDocumentNotification.type, params)
    }
    return (await answered).diagnostics
  }

  /** What is said after the file was saved as it is. */
  async saved(): Promise<readonly unknown[]> {
    const answered = new Promise<PublishDiagnosticsParams>((resolve) =>
      this.waiting.set(this.version, resolve),
    )
    const params = { textDocument: { uri: this.uri } }
    this.note("->", DidSaveTextDocumentNotification.method, params)
    await this.connection.sendNotification(DidSaveTextDocumentNotification.type, params)
    return (await answered).diagnostics.map(({ code }) => code)
  }

  get document(): { readonly textDocument: { readonly uri: string } } {
    return { textDocument: { uri: this.uri } }
  }

  /** The place of `¦` in a piece of the text. */
  at(piece: string): { readonly textDocument: { readonly uri: string }; readonly position: Position } {
    const before = this.text.slice(0, this.text.indexOf(piece.replace("¦", "")) + piece.indexOf("¦"))
    const lines = before.split("\n")
    const position = { line: lines.length - 1, character: lines.at(-1)!.length }
    return { ...this.document, position }
  }

  private note(direction: "->" | "<-", method: string, message: unknown): void {
    const text = JSON.stringify(message ?? null)
      .replaceAll(this.uri, "file:///p.nn")
      .replace(/"processId":\d+/, '"processId":1')
    this.dialogue.push(`${direction} ${method} ${text}`)
  }
}
