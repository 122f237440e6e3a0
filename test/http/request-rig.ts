import { createParser, type EventSourceMessage } from 'eventsource-parser'
import {
  createMemoryStore,
  type DAGStructure,
  type ExecutionStore,
  type StoredExecution,
  type WorkflowRequestOptions,
} from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A request with this `Accept`, or with none. */
export function request(accept?: string, init: RequestInit = {}): Request {
  const headers = new Headers(init.headers)
  if (accept !== undefined) headers.set('Accept', accept)
  return new Request('http://localhost/brief', { ...init, headers })
}

/** The messages of an event stream, as a parser that is not ours reads them. */
export function parseMessages(text: string): EventSourceMessage[] {
  const messages: EventSourceMessage[] = []
  const parser = createParser({
    onEvent: message => messages.push(message),
    onError(error) {
      throw error
    },
  })
  parser.feed(text)
  return messages
}

/** What the data of each message says. */
export function parseData(text: string): Record<string, unknown>[] {
  return parseMessages(text).map(({ data }) => JSON.parse(data) as Record<string, unknown>)
}

export interface RequestRig {
  readonly tool: ControlledTool
  readonly clock: FakeClock
  /** Options whose tool `work`, clock and store the test holds in its hand; the execution's id is `x`. */
  readonly options: WorkflowRequestOptions & { readonly store: ExecutionStore }
  /** How the execution stands, as its store knows it. */
  readonly stored: () => StoredExecution['status'] | undefined
  /** The data of its last event so far. */
  readonly last: () => Record<string, unknown>
}

/** A workflow's surroundings, held in the test's hand. */
export function requestRig(rest: Partial<WorkflowRequestOptions> = {}): RequestRig {
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const store = createMemoryStore({ clock })
  const options = { tools: { work: tool.execute }, clock, store, random: () => 0.5, createId: () => 'x', ...rest }
  return {
    tool,
    clock,
    options,
    stored: () => (store.get('x') as StoredExecution | undefined)?.status,
    last: () => {
      const entries = store.read('x', 0, Number.POSITIVE_INFINITY) as readonly { json: string }[]
      return JSON.parse(entries.at(-1)?.json ?? '{}') as Record<string, unknown>
    },
  }
}

/** One task of the tool `work`. */
export const ONE_TASK: DAGStructure = { tasks: [{ id: 'a', tool: 'work' }] }
