import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import type { Clock } from '../../clock.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { Inbox } from './inbox.ts'
import { LineSplitter } from './line-splitter.ts'
import { NO_ANSWER } from './read-message.ts'
import { signalGroup, startProcess } from './process-group.ts'
import type { Reach } from './server-config.ts'
import { cutText } from '../../text.ts'

/** The longest message of a server, bytes: an output of 10 MiB fits, sent as text and structured. */
export const MAX_MESSAGE_BYTES: number = 32 * 1024 * 1024
/** How much may wait for a server that does not read its stdin, bytes. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024
/** So much is written before the turn ends, characters: the server begins, rather than waits for all that is sent in it. */
const MAX_UNWRITTEN = 1024
/** How much of a line on stderr is read, bytes. */
const MAX_STDERR_BYTES = 4096
/** How long a server has to end once its stdin has, and again once it was asked by a signal, ms. */
const CLOSE_GRACE_MS = 1000
/** How long what a server wrote may take to arrive once it has ended, ms: somebody else may hold its stdout open. */
const EXIT_GRACE_MS = 200

const SENT = Promise.resolve()

/** The end of a transport that was closed from here. */
export const CLOSED = 'was closed'

/** What a transport tells beside messages. */
export interface ProcessHooks {
  /** A line on stderr, cut at its bound. */
  onStderr(line: string): void
  /** It cannot be used any more; answers that are under way may still arrive before `onclose`. */
  onEnded(reason: string): void
}

/**
 * A server as a process, one message per line.
 *
 * The SDK's own transport would do, but it keeps neither the exit code nor what the server wrote last, ends the process that
 * it started but not what that has started, adds a listener for every write that waits, and lets an answer overtake the
 * progress notified just before it, which then is lost.
 */
export class ProcessTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: Transport['onmessage']
  readonly #reach: Reach & { kind: 'process' }
  readonly #clock: Clock
  readonly #hooks: ProcessHooks
  readonly #stdout = new LineSplitter(MAX_MESSAGE_BYTES)
  readonly #stderr = new LineSplitter(MAX_STDERR_BYTES)
  /** Lines that were sent in this turn. */
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
    // Nothing more can come: of no use, even if it lives on.
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
    child.on('error', error => this.onerror?.(error))
  }

  /** @returns rejects once it cannot be written any more; settles before it has been read */
  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin
    if (!stdin || this.#endReason !== undefined) return Promise.reject(new Error('Not connected'))
    const line = `${stringifyJson(message)}\n`
    this.#inbox.sent(message)
    if (!this.#isWriting) process.nextTick(() => this.#endTurn(stdin))
    this.#isWriting = true
    this.#unwritten += line
    // A write for each message would cost more than all else here.
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
    // An error is told by the stream, and by its end.
    if (text !== '' && stdin.writable) stdin.write(text)
    if (stdin.writableLength > MAX_UNREAD_BYTES) this.#fail('does not read its stdin')
  }

  /** Ends the server: by the end of its stdin, else by SIGTERM, else by SIGKILL. */
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
        // One that the kernel cannot end is not waited for.
        this.#after(CLOSE_GRACE_MS, () => this.#end())
      })
    })
    await ended
  }

  /** Ends the server, and what it has started, at once. */
  kill(): void {
    if (this.#child !== undefined && !this.#hasEnded) signalGroup(this.#child, 'SIGKILL')
  }

  /** One timer at a time: each of them is about how this ends. */
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
        // The SDK handles notifications a microtask later but answers at once, and forgets who waits for progress then.
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
  return `wrote a line on stdout that is no message: ${cutText(line, 200)}`
}
