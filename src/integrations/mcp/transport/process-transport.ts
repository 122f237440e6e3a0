import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client'
import type { Clock } from '../../../clock.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import { Inbox } from '../protocol/inbox.ts'
import { CLOSED } from '../protocol/mcp-failure.ts'
import { LineSplitter } from './line-splitter.ts'
import { MAX_MESSAGE_BYTES } from './message-bounds.ts'
import { NO_ANSWER } from '../protocol/read-message.ts'
import { signalGroup, startProcess } from './process-group.ts'
import type { Reach } from '../config/server-config.ts'
import { cutText } from '../../../text.ts'

/** Maximum size of unread messages on stdin, bytes. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024
/** Messages of this size are written before the turn ends, so that the server starts early, characters. */
const MAX_UNWRITTEN = 1024
/** Maximum length of a line on stderr, bytes. */
const MAX_STDERR_BYTES = 4096
/** Time for a server to exit after the end of stdin, and again after each signal, ms. */
const CLOSE_GRACE_MS = 1000
/** Time for the remaining output after the exit, ms: another process may hold stdout open. */
const EXIT_GRACE_MS = 200

const SENT = Promise.resolve()

/** Callbacks of a transport beside those for messages. */
export interface ProcessHooks {
  /** A line on stderr, cut at its bound. */
  onStderr(line: string): void
  /** The transport is unusable. Answers on their way may still arrive before `onclose`. */
  onEnded(reason: string): void
}

/**
 * A server as a process, with one message per line.
 *
 * The SDK's transport drops the exit code, leaves the child processes of the server running, adds a listener for every
 * waiting write, and lets an answer overtake the progress before it, which is then lost.
 */
export class ProcessTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: NonNullable<Transport['onmessage']>
  readonly #reach: Reach & { kind: 'process' }
  readonly #clock: Clock
  readonly #hooks: ProcessHooks
  readonly #stdout = new LineSplitter(MAX_MESSAGE_BYTES)
  readonly #stderr = new LineSplitter(MAX_STDERR_BYTES)
  /** Messages of this turn that are not written yet. */
  #unwritten = ''
  #isWriting = false
  readonly #inbox = new Inbox()
  #undelivered: string[] = []
  #isDelivering = false
  #child: ChildProcess | undefined
  #endReason: string | undefined
  #hasEnded = false
  #cancelTimer: (() => void) | undefined
  readonly #whenEnded: (() => void)[] = []

  constructor(reach: Reach & { kind: 'process' }, clock: Clock, hooks: ProcessHooks) {
    this.#reach = reach
    this.#clock = clock
    this.#hooks = hooks
  }

  /** @returns rejects with the system's error when the program cannot be started */
  async start(): Promise<void> {
    const child = startProcess(this.#reach)
    this.#child = child
    child.stdin?.on('error', error => this.onerror?.(error))
    child.stdout?.on('error', error => this.onerror?.(error))
    child.stderr?.on('error', error => this.onerror?.(error))
    child.stdout?.on('data', (chunk: Buffer) => this.#receive(chunk))
    // Without stdout the server is unusable, even if it runs on.
    child.stdout?.once('end', () => this.#after(EXIT_GRACE_MS, () => this.#fail('closed its stdout')))
    child.stderr?.on('data', (chunk: Buffer) => {
      for (const { text } of this.#stderr.push(chunk)) this.#hooks.onStderr(text)
    })
    child.once('exit', (code, signal) => {
      this.#setEnded(signal === null ? `exited with code ${code}` : `was ended by ${signal}`)
      this.#after(EXIT_GRACE_MS, () => this.#end())
    })
    child.once('close', () => this.#end())
    try {
      await once(child, 'spawn')
    } catch (error) {
      this.#setEnded('could not be started')
      this.#end()
      throw error
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      // On Windows, a shell that has not found the program.
      if (error.code === 'ENOENT') this.#setEnded('was not found')
      else this.onerror?.(error)
    })
  }

  /** @returns rejects when the transport is unusable; settles before the server has read the message */
  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin
    if (!stdin || this.#endReason !== undefined) return Promise.reject(new Error('Not connected'))
    const line = `${stringifyJson(message)}\n`
    this.#inbox.sent(message)
    if (!this.#isWriting) process.nextTick(() => this.#endTurn(stdin))
    this.#isWriting = true
    this.#unwritten += line
    // One write per message would be the largest cost of a call.
    if (this.#unwritten.length > MAX_UNWRITTEN) this.#write(stdin)
    return SENT
  }

  #endTurn(stdin: Writable): void {
    this.#isWriting = false
    this.#write(stdin)
  }

  #write(stdin: Writable): void {
    const text = this.#unwritten
    this.#unwritten = ''
    // The stream reports errors by its own event.
    if (text !== '' && stdin.writable) stdin.write(text)
    if (stdin.writableLength > MAX_UNREAD_BYTES) this.#fail('does not read its stdin')
  }

  /** Ends the server: by the end of stdin, then SIGTERM, then SIGKILL. */
  async close(): Promise<void> {
    const child = this.#child
    if (child === undefined || this.#hasEnded) return
    this.#setEnded(CLOSED)
    const ended = new Promise<void>(resolve => this.#whenEnded.push(resolve))
    if (child.stdin) this.#write(child.stdin)
    child.stdin?.end()
    this.#after(CLOSE_GRACE_MS, () => {
      signalGroup(child, 'SIGTERM')
      this.#after(CLOSE_GRACE_MS, () => {
        signalGroup(child, 'SIGKILL')
        // Does not wait for a process that the kernel cannot end.
        this.#after(CLOSE_GRACE_MS, () => this.#end())
      })
    })
    await ended
  }

  /** Kills the server and its child processes. */
  kill(): void {
    if (this.#child !== undefined && !this.#hasEnded) signalGroup(this.#child, 'SIGKILL')
  }

  /** Replaces the timer: only one step of the end waits at a time. */
  #after(delayMs: number, callback: () => void): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#hasEnded ? undefined : this.#clock.after(delayMs, callback)
  }

  #receive(chunk: Buffer): void {
    for (const { text, isCut } of this.#stdout.push(chunk)) {
      if (isCut) return this.#fail(`sent a message of more than ${MAX_MESSAGE_BYTES / 1024 / 1024} MiB`)
      this.#undelivered.push(text)
    }
    if (!this.#isDelivering) void this.#deliver()
  }

  /** Never rejects. */
  async #deliver(): Promise<void> {
    this.#isDelivering = true
    for (let line = this.#undelivered.shift(); line !== undefined; line = this.#undelivered.shift()) {
      for (const { message, fault } of this.#inbox.read(line)) {
        if (fault !== undefined) this.onerror?.(new Error(describeFault(line, fault, message !== undefined)))
        if (message === undefined) continue
        this.onmessage?.(message)
        // The SDK handles a notification one microtask later, but an answer at once, which ends the progress of its request.
        if (!('id' in message)) await Promise.resolve()
      }
    }
    this.#isDelivering = false
  }

  #fail(reason: string): void {
    if (this.#endReason !== undefined) return
    this.#setEnded(reason)
    this.kill()
  }

  #setEnded(reason: string): void {
    if (this.#endReason !== undefined) return
    this.#endReason = reason
    this.#hooks.onEnded(reason)
  }

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#cancelTimer?.()
    const { stdin, stdout, stderr } = this.#child ?? {}
    for (const stream of [stdin, stdout, stderr]) stream?.destroy()
    this.onclose?.()
    for (const wake of this.#whenEnded.splice(0)) wake()
  }
}

function describeFault(line: string, fault: string, isAnswer: boolean): string {
  if (isAnswer) return `${NO_ANSWER}: ${fault}`
  return `wrote a line on stdout that is not a message: ${cutText(line, 200)}`
}
