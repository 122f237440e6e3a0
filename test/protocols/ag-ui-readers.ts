import {
  HttpAgent,
  runHttpRequest,
  transformHttpEventStream,
  type BaseEvent,
  type Interrupt,
  type Message,
  type RunAgentInput,
} from '@ag-ui/client'
import { expect, vi } from 'vitest'

/** An agent of the real package, with what it received. */
export interface TestAgent {
  readonly agent: HttpAgent
  readonly events: BaseEvent[]
  readonly messages: () => readonly Message[]
  readonly interrupts: () => readonly Interrupt[]
  /** What `dagstream` activities hold. */
  readonly activity: () => Record<string, unknown> | undefined
}

/** An agent that can also follow a run again. */
class FollowingAgent extends HttpAgent {
  followUrl = ''

  protected override connect(_: RunAgentInput): ReturnType<HttpAgent['run']> {
    return transformHttpEventStream(
      runHttpRequest(() => this.fetch(this.followUrl, { signal: this.abortController.signal })),
    )
  }
}

export function createAgent(url: string, fetch: typeof globalThis.fetch, followUrl?: string): TestAgent {
  const agent = new FollowingAgent({ url, fetch: (target, init) => fetch(target, init), threadId: 't1' })
  if (followUrl !== undefined) agent.followUrl = followUrl
  const events: BaseEvent[] = []
  agent.subscribe({ onEvent: ({ event }) => void events.push(event) })
  return {
    agent,
    events,
    messages: () => agent.messages,
    interrupts: () => agent.pendingInterrupts,
    activity: () =>
      agent.messages.find(({ role }) => role === 'activity')?.content as Record<string, unknown> | undefined,
  }
}

/** The agent after a run whose body are these frames. Rejects where the client refuses an event. */
export async function readFrames(frames: string, messages: readonly Message[] = []): Promise<TestAgent> {
  const fetch = async (): Promise<Response> =>
    new Response(frames, { headers: { 'content-type': 'text/event-stream' } })
  const made = createAgent('http://localhost/', fetch)
  made.agent.messages = [...messages]
  await made.agent.runAgent({ runId: 'r1' })
  return made
}

/** The messages of a role, as text. */
export function contentsOf(messages: readonly Message[], role: string): unknown[] {
  return messages.filter(each => each.role === role).map(({ content }) => content)
}

/** For `beforeEach`: the client warns of events that it does not expect, and a test fails with the warning. */
export function refuseWarnings(): () => void {
  const warn = vi.spyOn(console, 'warn')
  return () => {
    const said = warn.mock.calls.map(call => String(call[0]))
    warn.mockRestore()
    expect(said).toEqual([])
  }
}
