import { type Client, createClient } from '../client/create-client.ts'
import { describeCause } from '../client/describe-cause.ts'
import type { Fetch } from '../client/transport.ts'
import { DagstreamError } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'
import { type CliProcess, type CommandContext, UsageError } from './console.ts'
import { quoteWord } from './shell.ts'
import { formatMs, toPlainLine } from './text.ts'
import type { Viewer } from './viewer.ts'

/** Which server a command talks to. */
export interface ServerFlags {
  /** Where its routes begin. */
  readonly server: string
  readonly token?: string
}

/**
 * A client of a server that tells people of every connection that is lost.
 *
 * A server that was never reached is told at once, as an error: it is more likely a wrong address than a short fault.
 * @throws UsageError for a token that no request can carry
 */
export function connect(flags: ServerFlags, process: CliProcess, viewer: Viewer): Client {
  return createClient({
    ...describeServer(flags, process),
    reconnection: {
      async onReconnect({ error, delayMs }) {
        await viewer.say(`${toPlainLine(describeCause(error))}; trying again in ${formatMs(delayMs)}`)
      },
    },
  })
}

/**
 * How a server is reached: a connection that fails before any was ever made says so.
 * @throws UsageError for a token that no request can carry
 */
export function describeServer(
  { server, token }: ServerFlags,
  process: CliProcess,
): { readonly url: string; readonly fetch: Fetch; readonly headers: Record<string, string> } {
  const found = findToken(token, process)
  let isReached = false
  return {
    url: server,
    async fetch(request) {
      try {
        const response = await globalThis.fetch(request)
        isReached = true
        return response
      } catch (error) {
        if (isReached || request.signal.aborted) throw error
        throw new UnreachableError(`Cannot reach a server at ${server}: ${describeCause(error)}`, { cause: error })
      }
    },
    headers: found === undefined ? {} : { Authorization: `Bearer ${found}` },
  }
}

/** No connection was ever made. */
class UnreachableError extends Error {
  override readonly name: string = 'UnreachableError'
  /** Read by the client. */
  readonly retryable = false
}

/** The token of the flag, else of `DAGSTREAM_TOKEN`. @throws UsageError, which does not show it, for one that cannot be sent */
export function findToken(flag: string | undefined, { env }: CliProcess): string | undefined {
  const token = flag ?? env['DAGSTREAM_TOKEN']
  // An empty one would be taken for protection that is not there.
  if (token === undefined || /^[!-~]+$/.test(token)) return token
  const [name, help] = flag === undefined ? ['DAGSTREAM_TOKEN', '; unset it to go without a token'] : ['--token', '']
  throw new UsageError(`Expected ${name} to be one or more visible ASCII characters${help}`)
}

/** Where a command has come to in an execution on a server. */
export class RemotePlace {
  readonly #flags: ServerFlags
  #executionId: string | undefined
  #lastEventId: string | undefined

  constructor(flags: ServerFlags, executionId?: string, after?: string) {
    this.#flags = flags
    this.#executionId = executionId
    this.#lastEventId = after
  }

  /** Passes events on; each counts as seen once the next is asked for, so that none is missed that was not shown. */
  async *note(events: AsyncIterable<SSEEvent>): AsyncGenerator<SSEEvent, void, undefined> {
    for await (const event of events) {
      this.#executionId = event.data.executionId
      yield event
      this.#lastEventId = event.id ?? this.#lastEventId
    }
  }

  /** The command that goes on from here; `undefined` before the server has told of an execution. */
  describeResume({ command }: CliProcess): string | undefined {
    if (this.#executionId === undefined) return undefined
    const after = this.#lastEventId === undefined ? '' : ` --after ${this.#lastEventId}`
    return `${command} watch ${this.#executionId} --server ${quoteWord(this.#flags.server)}${after}`
  }

  /** Tells how to go on after a connection that was lost for good. */
  async sayAfter(error: unknown, { stderr, process }: CommandContext): Promise<void> {
    const isLost = error instanceof DagstreamError && error.code === 'CONNECTION_LOST'
    const resume = isLost ? this.describeResume(process) : undefined
    if (resume !== undefined) await stderr.write(`The execution may still run. To follow it again:\n  ${resume}\n`)
  }
}
