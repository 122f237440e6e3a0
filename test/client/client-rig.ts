import { type Client, type ClientEvent, type ClientOptions, createClient } from '../../src/client/index.ts'
import type { DAGStructure } from '../../src/workflow/document.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { type Answer, FakeServer } from './fake-server.ts'

export interface ClientRig {
  readonly client: Client
  readonly server: FakeServer
  readonly clock: FakeClock
}

/** A client without jitter whose server and clock the test holds in its hand. */
export function clientRig(answers: readonly Answer[], options: Partial<ClientOptions> = {}): ClientRig {
  const clock = new FakeClock()
  const server = new FakeServer(...answers)
  const client = createClient({ url: 'http://server', fetch: server.fetch, clock, random: () => 0.5, ...options })
  return { client, server, clock }
}

export const ONE_TASK: DAGStructure = { tasks: [{ id: 'a', tool: 'work' }] }

/** Everything that can be read. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

/** What is read, and what the reading fails with. */
export async function collectUntilFailure<T>(source: AsyncIterable<T>): Promise<{ items: T[]; error: unknown }> {
  const items: T[] = []
  try {
    for await (const item of source) items.push(item)
  } catch (error) {
    return { items, error }
  }
  return { items, error: undefined }
}

export function idsOf(events: readonly ClientEvent[]): (string | undefined)[] {
  return events.map(({ id }) => id)
}
